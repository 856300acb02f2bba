"""Side by side, in groups, and the largest of each row."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from ferroshap import Explanation
from ferroshap.explanation import Cohorts
from made import ALL, make, numbers, same


@pytest.mark.parametrize("axes", [("row", "feature"), ("feature",), ("feature", "output"), ALL])
def test_parts_side_by_side_are_the_whole_again(axes):
    whole = make(axes)
    before = (slice(None),) * axes.index("feature")
    parts = whole[(*before, ["a"])], whole[(*before, ["b", "c"])]
    together = parts[0].hstack(parts[1])
    same(together, whole)
    assert together.details is None
    assert together.op_history[-1].name == "hstack"
    assert parts[1].hstack(parts[0]).feature_names == ("b", "c", "a")


def test_side_by_side_a_field_that_one_lacks_is_left_out():
    one, other = make()[:, ["a"]], make(data=None, display_data=None, feature_names=None)
    together = one.hstack(other)
    assert together.data is together.display_data is together.feature_names is None
    plain = make(display_data=None)
    assert plain.hstack(make()).display_data.tolist() == np.hstack([plain.data, make().display_data]).tolist()


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (make()[:4], "hstack: 5 rows do not match 4 rows"),
        (make(ALL), r"hstack needs the same axes in both, .* \(row, feature\) and \(row, feature, output\)"),
        (make()[:, "a"], r"explanation\[:, \['name'\]\] keeps the axis"),
        (make(output_space="probability"), "units of margin do not match units of probability"),
        (make(output_names="no"), "outputs yes do not match no"),
        (make(base_values=np.zeros(5)), "the base values are not the same"),
        (make(base_values=None), "the base values are not the same"),
        (make().values, "expected an Explanation, not ndarray"),
    ],
)
def test_what_are_no_parts_of_one_explanation_are_not_put_side_by_side(other, message):
    with pytest.raises(ValueError, match=message):
        make().hstack(other)


@pytest.mark.parametrize(
    "labels",
    [
        ["x", "y", "x", "x", "y"],
        np.array(["x", "y", "x", "x", "y"]),
        pd.Series(["x", "y", "x", "x", "y"]),
        pd.Categorical(["x", "y", "x", "x", "y"]),
        [10, 9, 10, 10, 9],
        [True, False, True, True, False],
        ["x", None, "x", "x", None],
    ],
)
def test_a_cohort_is_the_rows_of_one_label(labels):
    whole = make()
    cohorts = whole.cohorts(labels)
    first, second = np.array([0, 2, 3]), np.array([1, 4])
    names = list(map(str, labels))[:2]
    assert set(cohorts) == set(names)
    same(cohorts[names[0]], whole[first])
    same(cohorts[names[1]], whole[second])


def test_labels_that_are_numbers_stay_in_order():
    assert list(make().cohorts([1000, 9, -5, 0.5, 9])) == ["-5.0", "0.5", "9.0", "1000.0"]
    assert list(make().cohorts(["b", "a", "d", "c", "e"])) == list("abcde")


def test_what_explanations_do_cohorts_do_to_each():
    cohorts = make().cohorts(["x", "y", "x", "x", "y"])
    for changed, change in (
        (cohorts.abs, lambda e: e.abs),
        (cohorts.abs.mean(0), lambda e: e.abs.mean(0)),
        (cohorts.sum(1), lambda e: e.sum(1)),
        (cohorts.sum(1, {"a": "b"}), lambda e: e.sum(1, grouping={"a": "b"})),
        (cohorts.max(0), lambda e: e.max(0)),
        (cohorts.min(0), lambda e: e.min(0)),
        (cohorts.percentile(40, 0), lambda e: e.percentile(40, 0)),
        (cohorts.sample(1), lambda e: e.sample(1)),
        (cohorts[:, "b"], lambda e: e[:, "b"]),
        (cohorts[..., [0, 1]], lambda e: e[..., [0, 1]]),
        (cohorts[:1], lambda e: e[:1]),
    ):
        assert isinstance(changed, Cohorts)
        for name, explanation in cohorts.items():
            same(changed[name], change(explanation))
    assert repr(cohorts) == "Cohorts('x': (3, 3), 'y': (2, 3))"
    assert type(cohorts.cohorts) is dict


@pytest.mark.parametrize("holes", [False, True])
def test_cohorts_of_a_tree_are_called_by_the_conditions_that_their_rows_meet(holes):
    random = np.random.default_rng(0)
    data = random.normal(size=(200, 3))
    if holes:
        data[random.random((200, 3)) < 0.2] = np.nan
    filled = np.nan_to_num(data, nan=2.0)
    values = np.stack([filled[:, 0] > 0.3, filled[:, 1] > 0, filled[:, 2] < 0], axis=1) * [[4.0, 2.0, 0.1]]
    whole = make(data=None, display_data=None, details=None, base_values=None)
    whole = type(whole)(
        values, None, data, axes=("row", "feature"), feature_names=list("abc"), output_space="margin", algorithm="any"
    )
    cohorts = whole.cohorts(4)
    assert len(cohorts) == 4
    assert sum(map(len, cohorts.values())) == 200
    for name, cohort in cohorts.items():
        meets = np.ones(200, bool)
        for condition in name.split(" & "):
            feature, sign, threshold = condition.removesuffix(" or missing").split(" ")
            column = data[:, "abc".index(feature)]
            with np.errstate(invalid="ignore"):
                met = column <= float(threshold) if sign == "<=" else column > float(threshold)
            meets &= met | (np.isnan(column) & condition.endswith(" or missing"))
        same(cohort, whole[meets])
    assert any("or missing" in name for name in cohorts) == holes
    assert list(whole.cohorts(1)) == ["all"]


@pytest.mark.parametrize(
    ("explanation", "given", "message"),
    [
        (make(), [1, 2], r"the labels of cohorts have the shape \(2,\); expected \(5,\)"),
        (make(), "town", "cohorts is the text 'town'; expected a number, or one label for each row"),
        (make(), 0, "cohorts is 0; expected a whole number of at least 1"),
        (make(), 2.0, "cohorts is 2.0; expected a whole number"),
        (make(ALL), 2, r"choose an output first: explanation\[..., 0\].cohorts"),
        (make(("feature",)), 2, "cohorts splits rows and features of one output"),
        (make(data=None), 2, "pass one label for each row"),
    ],
)
def test_what_makes_no_cohorts_is_refused(explanation, given, message):
    with pytest.raises(ValueError, match=message):
        explanation.cohorts(given)


def test_without_scikit_learn_the_tree_is_refused_and_labels_are_not():
    script = """
import sys
sys.modules["sklearn"] = None
import numpy as np
from ferroshap import Explanation
e = Explanation(np.eye(3), axes=("row", "feature"), data=np.eye(3), output_space="margin", algorithm="any")
print(e.cohorts([1, 2, 1]))
try:
    e.cohorts(2)
except ImportError as error:
    print(error)
"""
    printed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert printed.splitlines()[0] == "Cohorts('1': (2, 3), '2': (1, 3))"
    assert "pip install scikit-learn; or pass one label for each row" in printed


@pytest.mark.parametrize("axes", [("row", "feature"), ("feature",), ("feature", "output"), ALL])
@pytest.mark.parametrize("k", [1, 2, 3, 9])
def test_top_has_the_largest_of_each_row_and_output(axes, k):
    whole = make(axes)
    top = whole.top(k)
    at = axes.index("feature")
    values = np.moveaxis(whole.values, at, -1)
    order = np.argsort(-np.abs(values), axis=-1, kind="stable")[..., :k]
    np.testing.assert_array_equal(np.moveaxis(top.positions, at, -1), order)
    np.testing.assert_array_equal(np.moveaxis(top.values, at, -1), np.take_along_axis(values, order, -1))
    np.testing.assert_array_equal(
        np.moveaxis(top.feature_names, at, -1), np.array(["a", "b", "c"], dtype=object)[order]
    )
    shown = whole.display_data if "output" not in axes else whole.display_data[..., None].repeat(2, -1)
    np.testing.assert_array_equal(
        np.moveaxis(top.data, at, -1), np.take_along_axis(np.moveaxis(shown, at, -1), order, -1)
    )


def test_of_equal_sizes_the_first_feature_is_first():
    tied = Explanation(np.tile([1.0, -1.0, 2.0], 40), axes=("feature",), output_space="margin", algorithm="any")
    assert tied.top(40).positions.tolist() == list(range(2, 120, 3))
    one = make(("feature",), data=None, display_data=None)
    one.values = np.array([1.0, -2.0, 2.0])
    assert one.top(2).positions.tolist() == [1, 2]
    assert one.top(2).data is None
    assert repr(one.top(2)) == "TopFeatures(b -2, c +2)"


def test_top_says_what_it_is():
    one = make(("feature",), display_data=None)
    one.values, one.data = np.array([1.0, -2.0, 0.5]), np.array([0.123456, 4.0, 1.0])
    assert repr(one.top(2)) == "TopFeatures(b = 4 -2, a = 0.1235 +1)"
    assert repr(make().top(2)) == "TopFeatures(the 2 largest of 5)"
    assert make(feature_names=None).top(1).feature_names.tolist() == make().top(1).positions.astype(str).tolist()


@pytest.mark.parametrize("k", [0, -1, 1.5, True, None, "2"])
def test_top_takes_a_whole_number(k):
    with pytest.raises(ValueError, match=r"k is .*; expected a whole number of at least 1"):
        make().top(k)


def test_top_needs_features():
    with pytest.raises(ValueError, match="no feature axis"):
        make(("row",)).top(1)


def test_numbers_of_made_explanations_differ():
    assert len(set(numbers(ALL, ALL).ravel())) == 30
