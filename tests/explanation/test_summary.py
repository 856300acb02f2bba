"""What an explanation says of itself: sizes, names, model, unit, base."""

import re

import numpy as np
import pytest
from ferroshap.explanation import Details
from made import ALL, make


@pytest.mark.parametrize(
    ("explanation", "text"),
    [
        (make(base_values=np.full(5, -1.23456), output_names="output"),
         "Explanation(5 rows × 3 features, some model, margin, path-dependent, base −1.235)"),
        (make(output_names=None, base_values=[1, 2, 3, 4, 0.5]),
         "Explanation(5 rows × 3 features, some model, margin, path-dependent, base 0.5 to 4)"),
        (make(ALL, base_values=[[1, 2]] * 5, output_space="probability"),
         "Explanation(5 rows × 3 features × 2 outputs, some model, probability, path-dependent, base 1, 2)"),
        (make(ALL, base_values=[[1, 2]] * 5)[1:2, "a", 1],
         "Explanation(1 row, feature 'a', output 'yes', some model, margin, path-dependent, base 2)"),
        (make(ALL, base_values=[[1, 2]] * 5)[1, "a", 1],
         "Explanation(one number, feature 'a', output 'yes', some model, margin, path-dependent, base 2)"),
        (make(ALL, base_values=[[1, 2]] * 5)[..., 1].abs.mean(0),
         "Explanation(3 features, output 'yes', after abs, mean, some model, margin, path-dependent, no base value)"),
        (make(model=None, output_names=None)[:0], "Explanation(0 rows × 3 features, margin, path-dependent)"),
    ],
)  # fmt: skip
def test_one_line_says_sizes_names_steps_model_unit_algorithm_and_base(explanation, text):
    assert repr(explanation) == text


def cells(page):
    rows = re.findall(r"<tr>(.*?)</tr>", page)
    return [
        [re.sub(r"<[^>]*>", "", cell).strip() for cell in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row)] for row in rows
    ]


def test_accuracy_is_told_in_a_line():
    errors = np.array([[0.001, 0.25], [0.5, 0.125]])
    of_rows = Details(
        errors, n_evals=np.array([1024, 90]), converged=np.array([True, False]), exact=np.array([True, True])
    )
    assert repr(of_rows) == "Details(standard_errors 0.001 to 0.5, n_evals 90 to 1,024, converged 1 of 2, exact 2 of 2)"
    assert repr(of_rows.take(("row", "feature"), {"row": 0})) == (
        "Details(standard_errors 0.001 to 0.25, n_evals 1024, converged True, exact True)"
    )
    assert repr(Details(n_evals=np.array([6, 6]))) == "Details(n_evals 6)"


def test_the_page_of_many_rows_shows_mean_sizes_the_largest_first():
    whole = make(output_names="output")
    page = whole._repr_html_()
    sizes = np.abs(whole.values).mean(0)
    order = np.argsort(-sizes)
    assert cells(page) == [
        ["feature", "mean |value|, margin"],
        *([whole.feature_names[at], f"{sizes[at]:.4g}"] for at in order),
    ]
    for part in ("5 rows × 3 features", "some model", "margin", "base 98.33 to 102.3"):
        assert part in page
    assert re.findall(r"width:(\d+)px", page)[0] == "120"


def test_the_page_of_one_row_shows_its_values_with_signs_and_its_data():
    one = make()[2]
    order = np.argsort(-np.abs(one.values), kind="stable")
    assert cells(one._repr_html_()) == [
        ["feature", "data", "value, margin"],
        *([one.feature_names[at], one.display_data[at], f"{one.values[at]:+.4g}"] for at in order),
    ]
    plain = make(display_data=None)[2]
    assert cells(plain._repr_html_())[1][1] == f"{plain.data[order[0]]:.4g}"
    assert cells(make(data=None, display_data=None)[2]._repr_html_())[0] == ["feature", "value, margin"]


def test_the_page_of_several_outputs_has_a_column_for_each():
    whole = make(ALL)
    found = cells(whole._repr_html_())
    assert found[0] == ["feature", "no mean |value|, margin", "yes mean |value|, margin"]
    sizes = np.abs(whole.values).mean(0)
    assert {row[0]: row[1:] for row in found[1:]} == {
        name: [f"{size:.4g}" for size in sizes[at]] for at, name in enumerate(whole.feature_names)
    }


def test_the_page_is_short_and_names_cannot_break_it():
    names = [f"<b>{at}</b>" for at in range(40)]
    from ferroshap import Explanation

    many = Explanation(
        np.ones((2, 40, 9)), np.zeros((2, 9)), axes=ALL, feature_names=names, output_names=[f"<i>{at}" for at in range(9)],
        output_space="margin", algorithm="any",
    )  # fmt: skip
    page = many._repr_html_()
    assert "&lt;b&gt;0&lt;/b&gt;" in page
    assert "<b>0" not in page
    assert "<i>" not in page
    assert "… and 30 more features" in page
    assert len(cells(page)) == 11
    assert len(cells(page)[0]) == 6


def test_what_has_no_features_to_list_has_a_page_all_the_same():
    for explanation in (make().sum(1), make()[:0], make(())):
        page = explanation._repr_html_()
        assert "margin" in page
        assert "<table>" not in page
    assert "width:0px" in (make() * 0)._repr_html_()
