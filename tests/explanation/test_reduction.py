"""Summaries: numpy's numbers, and only those fields left that still mean something."""

import numpy as np
import pytest
from made import ALL, EVERY_AXES, make, numbers, same

REDUCTIONS = {
    "mean": np.mean,
    "sum": np.sum,
    "max": np.max,
    "min": np.min,
    "percentile": lambda values, axis: np.percentile(values, 30, axis=axis),
}


def reduced(explanation, name, axis):
    return explanation.percentile(30, axis) if name == "percentile" else getattr(explanation, name)(axis)


@pytest.mark.parametrize("name", REDUCTIONS)
@pytest.mark.parametrize("axes", EVERY_AXES[1:])
def test_the_values_are_numpys_and_every_field_loses_the_axis(axes, name):
    whole = make(axes)
    for axis in (*range(-len(axes), len(axes)), None):
        gone = axes if axis is None else (axes[axis],)
        part = reduced(whole, name, axis)
        np.testing.assert_array_equal(part.values, REDUCTIONS[name](whole.values, axis=axis))
        assert part.axes == tuple(kept for kept in axes if kept not in gone)
        assert part.feature_names == (None if "feature" in gone else whole.feature_names)
        assert part.output_names == (None if "output" in gone else whole.output_names)
        if {"row", "feature"} & {*gone}:
            assert part.data is part.display_data is None
        else:
            np.testing.assert_array_equal(part.data, whole.data)
        assert part.details is None
        assert part.op_history[-1].name == name
        assert part.op_history[-1].prev_shape == whole.shape
        assert part.op_history[-1].collapsed_instances == ("row" in gone)


@pytest.mark.parametrize("name", REDUCTIONS)
def test_base_values_stay_where_rows_or_outputs_are_averaged_or_summed(name):
    whole = make(ALL)
    for axis in (0, 2):
        base = reduced(whole, name, axis).base_values
        if name in {"mean", "sum"}:
            np.testing.assert_array_equal(base, REDUCTIONS[name](whole.base_values, axis=min(axis, 1)))
        else:
            assert base is None
    assert reduced(whole, name, 1).base_values is None


def test_base_plus_values_is_still_the_mean_prediction():
    whole = make(ALL)
    predictions = whole.base_values + whole.values.sum(axis=1)
    mean = whole.mean(0)
    np.testing.assert_allclose(mean.base_values + mean.values.sum(axis=0), predictions.mean(0), rtol=1e-14)
    total = whole.sum(2)
    np.testing.assert_allclose(total.base_values + total.values.sum(axis=1), predictions.sum(1), rtol=1e-14)


def test_sizes_have_no_base_value_and_leave_the_data_alone():
    whole = make(data=-numbers(("row", "feature"), ALL, 1))
    same(whole.abs, make(data=whole.data, base_values=None), but=("values",))
    np.testing.assert_array_equal(whole.abs.values, np.abs(whole.values))
    assert whole.identity is whole


@pytest.mark.parametrize("axes", EVERY_AXES[1:])
def test_argsort_gives_positions_which_have_no_names(axes):
    order = make(axes).argsort
    np.testing.assert_array_equal(order.values, np.argsort(make(axes).values, kind="stable"))
    assert order.base_values is order.data is order.display_data is None
    assert order.output_space == "positions"
    if axes[-1] == "feature":
        assert order.feature_names is None
        assert order[..., 0].feature_names is None
    if axes[-1] == "output":
        assert order.output_names is None
        assert order.feature_names == make(axes).feature_names


def test_a_chain_reads_as_in_shap():
    whole = make()
    sizes = np.abs(whole.values).mean(0)
    np.testing.assert_array_equal(whole.abs.mean(0).values, sizes)
    assert whole.feature_names[whole.abs.mean(0).argsort[-1]] == whole.feature_names[sizes.argmax()]
    np.testing.assert_array_equal(np.asarray(whole.abs.mean(0)), sizes)
    assert float(whole.abs.mean(0).max(0)) == sizes.max()


def test_what_is_no_single_number_is_not_made_one():
    with pytest.raises(TypeError, match=r"axes \(row, feature\) is not a single number"):
        float(make())
    with pytest.raises(TypeError, match="a value in units of margin is no position"):
        [1, 2, 3][make()[0, 0]]


@pytest.mark.parametrize("axis", [2, -3, True, 0.0, "row", (0, 1)])
def test_an_axis_that_is_not_there_is_refused(axis):
    with pytest.raises(
        ValueError, match=r"axis is .*; expected the number of an axis .* the axes are 0: row, 1: feature"
    ):
        make().mean(axis)


def test_no_rows_have_a_sum_but_no_mean():
    none = make()[:0]
    np.testing.assert_array_equal(none.sum(0).values, np.zeros(3))
    for name in ("mean", "max", "min", "percentile"):
        with pytest.raises(ValueError, match=f"there are no rows here to take the {name} of"):
            reduced(none, name, 0)


@pytest.mark.parametrize("q", [-1, 101, [10, 20], np.nan])
def test_a_percentile_is_one_number_from_0_to_100(q):
    with pytest.raises(ValueError, match="expected one number from 0 to 100"):
        make().percentile(q, 0)


def test_a_single_number_has_nothing_to_sort():
    with pytest.raises(ValueError, match="nothing to sort"):
        _ = make(()).argsort


@pytest.mark.parametrize("axis", [0, 1])
def test_hclust_is_shaps_order(axis):
    import scipy.cluster.hierarchy as tree
    from scipy.spatial.distance import pdist

    values = np.random.default_rng(0).normal(size=(5, 3))
    distances = pdist(values if axis == 0 else values.T, "sqeuclidean")
    expected = tree.leaves_list(tree.optimal_leaf_ordering(tree.complete(distances), distances))
    whole = make()
    whole.values = values
    np.testing.assert_array_equal(whole.hclust(axis=axis), expected)
    assert whole[:1].hclust().tolist() == [0]
    with pytest.raises(ValueError, match="hclust orders two axes, not 3"):
        make(ALL).hclust()


@pytest.mark.parametrize("axes", [("row", "feature"), ("feature",), ("feature", "output"), ALL])
def test_groups_of_features_are_summed_and_still_add_up(axes):
    whole = make(axes)
    at = axes.index("feature")
    groups = whole.sum(at, grouping={"c": "outer", "a": "outer"})
    a, b, c = np.moveaxis(whole.values, at, 0)
    np.testing.assert_array_equal(np.moveaxis(groups.values, at, 0), [a + c, b])
    assert groups.feature_names == ("outer", "b")
    assert groups.data is groups.display_data is groups.details is None
    np.testing.assert_array_equal(groups.base_values, whole.base_values)
    same(whole.sum(grouping={"c": "outer", "a": "outer"}), groups)
    same(whole.sum(at - len(axes), grouping={"c": "outer", "a": "outer"}), groups)
    joined = whole.sum(grouping={"c": "b"})
    np.testing.assert_array_equal(np.moveaxis(joined.values, at, 0), [a, b + c])
    assert joined.feature_names == ("a", "b")


@pytest.mark.parametrize(
    ("explanation", "axis", "grouping", "message"),
    [
        (make(), 0, {"a": "g"}, "axis is 0, but grouping sums features, which are axis 1"),
        (make(), None, {"x": "g"}, "grouping names 'x', but the features are 'a', 'b', 'c'"),
        (make(feature_names=None), 1, {"0": "g"}, "grouping needs features with names"),
        (make(("row",)), None, {"a": "g"}, "grouping needs features with names"),
    ],
)
def test_what_makes_no_groups_is_refused(explanation, axis, grouping, message):
    with pytest.raises(ValueError, match=message):
        explanation.sum(axis, grouping)
