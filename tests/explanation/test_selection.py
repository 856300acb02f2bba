"""Square brackets: each axis by itself, what belongs together stays together, and nothing is guessed."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made import ALL, EVERY_AXES, SIZES, make, same

NAMES = {"feature": ("a", "b", "c"), "output": ("no", "yes")}


def indices(axis):
    """(what stands in the brackets, the same as a position or a list of positions)."""
    n = SIZES[axis]
    position = st.integers(-n, n - 1)
    several = st.lists(position, max_size=4)
    bounds = st.none() | st.integers(-n - 1, n + 1)
    slices = st.builds(slice, bounds, bounds, st.sampled_from([None, 1, 2, -1, -2]))
    masks = st.lists(st.booleans(), min_size=n, max_size=n)
    kinds = [
        position.map(lambda at: (at, at)),
        position.map(lambda at: (np.int32(at), at)),
        several.map(lambda at: (at, at)),
        several.map(lambda at: (np.array(at, dtype=np.int64), at)),
        several.map(lambda at: (tuple(at), at)),
        slices.map(lambda cut: (cut, list(range(n))[cut])),
        masks.map(lambda mask: (mask, np.flatnonzero(mask).tolist())),
        masks.map(lambda mask: (np.array(mask), np.flatnonzero(mask).tolist())),
        masks.map(lambda mask: (pd.Series(mask, index=range(n, 0, -1)), np.flatnonzero(mask).tolist())),
        masks.map(lambda mask: (pl.Series(mask), np.flatnonzero(mask).tolist())),
    ]
    if axis in NAMES:
        at = st.integers(0, n - 1)
        kinds += [
            at.map(lambda at: (NAMES[axis][at], at)),
            st.lists(at, min_size=1, max_size=4).map(lambda at: ([NAMES[axis][i] for i in at], at)),
            st.lists(at, min_size=1, max_size=4).map(lambda at: (np.array(NAMES[axis])[at], at)),
        ]
    return st.one_of(kinds)


@st.composite
def selections(draw):
    axes = draw(st.sampled_from(EVERY_AXES[1:]))
    count = draw(st.integers(1, len(axes)))
    chosen = [draw(indices(axis)) for axis in axes[:count]]
    item = tuple(index for index, _ in chosen)
    bare = count == 1 and not isinstance(item[0], tuple) and draw(st.booleans())
    return axes, item[0] if bare else item, [where for _, where in chosen]


def plainly(array, axes, of, wheres):
    """The chosen part by numpy's grid of positions."""
    own = [(axis, wheres[at]) for at, axis in enumerate(axes) if axis in of]
    grid = np.asarray(array)[np.ix_(*(np.atleast_1d(np.array(where, dtype=int)) for _, where in own))]
    for at in reversed(range(len(own))):
        if isinstance(own[at][1], int):
            grid = np.asarray(grid.take(0, axis=at), dtype=grid.dtype)
    return grid


@given(selections())
def test_the_chosen_part_is_numpys_grid_in_every_field(selection):
    axes, item, wheres = selection
    whole = make(axes)
    part = whole[item]
    wheres += [list(range(SIZES[axis])) for axis in axes[len(wheres) :]]
    for field, of in (
        ("values", ALL),
        ("base_values", ("row", "output")),
        ("data", ("row", "feature")),
        ("display_data", ("row", "feature")),
    ):
        expected = plainly(getattr(whole, field), axes, of, wheres)
        np.testing.assert_array_equal(np.asarray(getattr(part, field), dtype=expected.dtype), expected, err_msg=field)
        assert np.shape(getattr(part, field)) == expected.shape
    np.testing.assert_array_equal(
        part.details.standard_errors, plainly(whole.details.standard_errors, axes, ALL, wheres)
    )
    np.testing.assert_array_equal(part.details.n_evals, plainly(whole.details.n_evals, axes, ("row",), wheres))
    assert part.details.exact is False
    assert part.axes == tuple(axis for axis, where in zip(axes, wheres, strict=True) if not isinstance(where, int))
    for axis, names in (("feature", part.feature_names), ("output", part.output_names)):
        if axis in axes:
            where = wheres[axes.index(axis)]
            assert names == (NAMES[axis][where] if isinstance(where, int) else tuple(NAMES[axis][at] for at in where))
    assert (part.output_space, part.algorithm, part.model) == ("margin", "path-dependent", "some model")


@pytest.mark.parametrize("axes", EVERY_AXES)
def test_dots_stand_for_the_axes_between(axes):
    whole = make(axes)
    same(whole[...], whole)
    if axes == ALL:
        same(whole[..., 1], whole[:, :, 1])
        same(whole[..., "b", 1], whole[:, "b", 1])
        same(whole[2, ...], whole[2])
        same(whole[2, ..., "yes"], whole[2, :, 1])
        same(whole[1, "a", ..., "no"], whole[1, 0, 0])


def test_a_single_position_takes_the_axis_away_and_its_name_stays():
    one = make(ALL)[1, "b", "yes"]
    assert one.axes == one.shape == ()
    assert (one.feature_names, one.output_names) == ("b", "yes")
    assert isinstance(one.values, np.float64)
    assert isinstance(one.base_values, np.float64)
    assert make(ALL)[:, ["b"], ["yes"]].shape == (5, 1, 1)
    assert make(ALL)[:, ["b"], ["yes"]].feature_names == ("b",)


def test_another_explanation_stands_for_its_values():
    whole = make()
    order = np.argsort(np.abs(whole.values).mean(0), kind="stable")
    same(whole[:, whole.abs.mean(0).argsort], whole[:, order])
    same(whole[:, whole.abs.mean(0).argsort.flip], whole[:, order[::-1]])
    same(whole[:, whole.abs.mean(0).argsort[-1]], whole[:, int(order[-1])])
    same(whole[whole.sum(1).argsort], whole[np.argsort(whole.values.sum(1), kind="stable")])


def test_features_without_names_are_called_by_their_positions_once_some_are_chosen():
    whole = make(feature_names=None)
    assert whole[1:3].feature_names is None
    assert whole[:, :].feature_names is None
    assert whole[:, [2, 0]].feature_names == ("2", "0")
    assert whole[:, [1, 2, 0]].feature_names == ("1", "2", "0")
    assert whole[:, 1].feature_names == "1"
    assert whole[:, -1].feature_names == "2"
    assert whole[:, [2, 0]][:, "0"].feature_names == "0"
    with pytest.raises(IndexError, match="'a': the features have no names here; choose them by position"):
        whole[:, "a"]


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ((slice(None), True), "True does not name features; for a mask"),
        (np.True_, "does not name rows"),
        ("a", r"'a' does not name rows, .* explanation\[:, 'a'\]"),
        (1.0, "1.0 does not name rows; expected a position, a slice, a mask"),
        ([1.0], r"\[1.0\] does not name rows"),
        (None, "None does not name rows"),
        ([[0]], r"\[\[0\]\] does not name rows"),
        (np.zeros((5, 3), bool), "does not name rows"),
        ([0, True], r"\[0, True\] does not name rows"),
        ((slice(None), ["a", 1]), "does not name features; .* or a name or a list of feature names"),
        ((slice(None), [None]), "does not name features"),
        ([True, False], "the mask has 2 truth values, but there are 5 rows"),
        (5, "there is no row 5: the number of rows is 5"),
        ([0, -6], "there is no row -6"),
        ((0, 3), "there is no feature 3: the number of features is 3"),
        ((0, 0, 0), r"3 indices are too many: the axes are \(row, feature\)"),
        ((..., 0, ...), "single ellipsis"),
        (slice("a", None), "a slice goes from position to position"),
        (slice(True, None), "a slice goes from position to position"),
        ((slice(None), "aa"), "no feature is called 'aa'; did you mean 'a'"),
        ((slice(None), "B"), "no feature is called 'B'; did you mean 'b'"),
        ((slice(None), "xyz"), "no feature is called 'xyz'; they are 'a', 'b', 'c'"),
        ((slice(None), ["a", "xyz"]), "no feature is called 'xyz'"),
    ],
)
def test_what_names_nothing_is_refused(item, message):
    with pytest.raises(IndexError, match=message):
        make()[item]


def test_a_name_that_occurs_twice_is_refused():
    twice = make(feature_names=("a", "b", "a"))
    with pytest.raises(IndexError, match="2 features are called 'a', at the positions 0, 2; choose by position"):
        twice[:, "a"]
    assert twice[:, "b"].feature_names == "b"


def test_a_single_number_has_nothing_to_choose_from():
    with pytest.raises(IndexError, match="1 indices are too many: this is a single number"):
        make(())[0]
    with pytest.raises(TypeError, match="no length"):
        len(make(()))
    with pytest.raises(TypeError, match="no length"):
        list(make(()))


@pytest.mark.parametrize("axes", EVERY_AXES[1:])
def test_iterating_goes_along_the_first_axis(axes):
    whole = make(axes)
    assert len(list(whole)) == len(whole) == SIZES[axes[0]]
    for at in range(len(whole)):
        same(list(whole)[at], whole[at])


def test_a_sample_is_the_same_rows_as_shaps():
    whole = make()
    drawn = np.random.RandomState(0).choice(5, size=3, replace=False)
    same(whole.sample(3), whole[drawn])
    same(whole.sample(3, random_state=7), whole[np.random.RandomState(7).choice(5, size=3, replace=False)])
    assert sorted(whole.sample(100).values[:, 0]) == sorted(whole.values[:, 0])
    assert len(whole.sample(100, replace=True)) == 100
    assert len(whole.sample(0)) == 0
    with pytest.raises(ValueError, match="no row axis"):
        make(("feature",)).sample(1)
    with pytest.raises(ValueError, match="max_samples is -1"):
        whole.sample(-1)


@pytest.mark.parametrize("axes", EVERY_AXES)
def test_flip_reverses_every_axis_and_all_that_belongs_to_it(axes):
    whole = make(axes)
    same(whole.flip, whole[tuple(slice(None, None, -1) for _ in axes)])
    same(whole.flip.flip, whole)
    if "feature" in axes:
        assert whole.flip.feature_names == ("c", "b", "a")


def test_steps_are_remembered_with_the_shape_before():
    steps = make(ALL)[:, :, 1].abs.mean(0).op_history
    assert [(step.name, step.prev_shape, step.collapsed_instances) for step in steps] == [
        ("__getitem__", (5, 3, 2), False),
        ("abs", (5, 3), False),
        ("mean", (5, 3), True),
    ]
