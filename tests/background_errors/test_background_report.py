"""`background_report`: its numbers by definition, its table, what it refuses."""

import math

import ferroshap
import numpy as np
import pytest
from ferroshap import DataError, OptionError


@pytest.mark.parametrize(
    ("name", "space"), [("forest", "raw"), ("two classes", "log_loss"), ("forest of classes", "raw")]
)
def test_numbers_are_those_of_the_errors(sampled, name, space):
    case = sampled(name)
    explainer = ferroshap.TreeExplainer(case.model, case.background, space)
    y = case.y if space == "log_loss" else None
    report = explainer.background_report(case.rows, [48, 192, 768], y=y)
    explanation = explainer(case.rows, y, standard_errors=True)
    errors = explanation.details.background_se.reshape(12, 5, -1)
    values = explanation.values.reshape(12, 5, -1)
    pooled, mean_abs = np.sqrt((errors**2).mean(axis=0)), np.abs(values).mean(axis=0)
    feature, output = np.unravel_index(pooled.argmax(), pooled.shape)
    assert (report.feature, report.rows, report.blocks, report.background_rows) == (feature, 12, 16, 192)
    assert report.output == (explanation.output_names[output] if pooled.shape[1] > 1 else None)
    assert report.output_space == explanation.output_space
    np.testing.assert_allclose(report.errors, pooled.max() * np.array([2, 1, 0.5]), rtol=1e-12)
    np.testing.assert_allclose(report.mean_abs, mean_abs[feature, output], rtol=1e-12)
    np.testing.assert_allclose(report.relative_errors, np.array(report.errors) / report.mean_abs, rtol=1e-12)


def test_the_rows_for_an_error_give_it(sampled):
    case = sampled("forest")
    explainer = ferroshap.TreeExplainer(case.model, case.background)
    report = explainer.background_report(case.rows)
    for wanted in (0.3, 0.05, 0.01):
        rows = report.rows_for(wanted)
        just, less = explainer.background_report(case.rows, [rows, rows - 1]).relative_errors
        assert just <= wanted * (1 + 1e-12) < less
    assert report.rows_for(1e9) == 1
    for wrong in (0, -1.0, math.nan, math.inf, "5 %"):
        with pytest.raises(OptionError, match="relative_error is"):
            report.rows_for(wrong)


def test_sizes_go_up_to_the_background(sampled):
    case = sampled("forest")
    rows = np.tile(case.background, (20, 1))
    for b, sizes in (
        (16, (10, 16)),
        (100, (10, 30, 100)),
        (192, (100, 192)),
        (1000, (100, 300, 1000)),
        (3500, (100, 300, 1000, 3000, 3500)),
    ):
        report = ferroshap.TreeExplainer(case.model, rows[:b]).background_report(case.rows)
        assert report.sizes == sizes
        assert len(report.errors) == len(report.relative_errors) == len(sizes)


def test_the_table_says_what_is_what(sampled):
    case = sampled("forest of classes")
    explainer = ferroshap.TreeExplainer(case.model, case.background, feature_names=list("abcde"))
    report = explainer.background_report(case.rows)
    text = repr(report)
    assert str(report) == text
    assert report.feature in "abcde"
    assert f"feature {report.feature!r}, output {report.output!r}" in text
    assert "probability" in text
    lines = text.splitlines()
    assert f"{report.errors[0]:.4g}" in next(line for line in lines if line.split()[:1] == ["100"])
    assert next(line for line in lines if line.split()[:1] == ["192"]).endswith("(given)")
    assert f"1 %: about {float(f'{report.rows_for(0.01):.2g}'):,.0f} rows, more than the 192 given" in text
    assert "16 blocks of 192 rows.\nErrors are uncertain by about 18 %" in text


def test_nothing_that_varies_takes_one_row(sampled):
    case = sampled("forest")
    constant = ferroshap.TreeExplainer(case.model, np.ones((16, 5)))
    report = constant.background_report(np.ones((2, 5)))
    assert (report.errors, report.relative_errors, report.rows_for(0.01)) == ((0.0, 0.0), (0.0, 0.0), 1)
    assert "1 %: about 1 row\n" in repr(report)


def test_a_mean_of_zero_is_reached_by_no_number_of_rows():
    stump = ferroshap.Tree(
        left=[1, -1, -1], right=[2, -1, -1], feature=[0, 0, 0], threshold=[0.5, 0, 0], value=[0, 0, 1], cover=[2, 1, 1]
    )
    model = ferroshap.build_ensemble([stump], n_features=1)
    report = ferroshap.TreeExplainer(model, np.array([[0.0], [1.0]])).background_report([[0.0]], blocks=2)
    np.testing.assert_allclose(report.relative_errors, np.array(report.errors) / 0.5)
    flat = ferroshap.tree.background_report.report_of(
        np.zeros((1, 1, 1)), np.ones((1, 1, 1)), sizes=[4], background_rows=4, blocks=2, features=None, outputs=("y",),
        output_space="margin",
    )  # fmt: skip
    assert flat.relative_errors == (math.inf,)
    assert flat.rows_for(0.5) is None
    assert "5 %: no number of rows" in repr(flat)


def test_what_a_report_refuses(sampled):
    case = sampled("forest")
    explainer = ferroshap.TreeExplainer(case.model, case.background)
    with pytest.raises(OptionError, match=r"background_report is about the choice of background rows.*data="):
        ferroshap.TreeExplainer(case.model).background_report(case.rows)
    with pytest.raises(OptionError, match="pass blocks=9 or fewer"):
        ferroshap.TreeExplainer(case.model, case.background[:9]).background_report(case.rows)
    with pytest.raises(DataError, match="there are no rows"):
        explainer.background_report(case.rows[:0])
    for wrong in (0, [100, 0], [1.5], "many"):
        with pytest.raises(OptionError, match="a number in sizes is"):
            explainer.background_report(case.rows, wrong)
    with pytest.raises(OptionError, match="sizes is empty"):
        explainer.background_report(case.rows, [])
    with pytest.raises(OptionError, match="blocks is 1; expected a whole number of at least 2"):
        explainer.background_report(case.rows, blocks=1)
    assert explainer.background_report(case.rows, 500).sizes == (500,)
