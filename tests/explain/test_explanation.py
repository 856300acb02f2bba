"""`Explanation`: rows can be chosen, and it says in what units it is."""

import numpy as np
import pytest
from ferroshap import Explanation


def make(n=5, o=None):
    shape = (n, 3) if o is None else (n, 3, o)
    return Explanation(
        np.arange(np.prod(shape), dtype=float).reshape(shape),
        np.ones((n,) if o is None else (n, o)),
        np.arange(n * 3).reshape(n, 3),
        feature_names=("a", "b", "c"),
        output_names=("output",) if o is None else tuple(map(str, range(o))),
        output_space="margin",
        algorithm="path-dependent",
    )


def test_it_states_shape_unit_and_algorithm_in_one_line():
    assert repr(make()) == "Explanation(values (5, 3), in units of margin, path-dependent)"
    assert make(o=2).shape == (5, 3, 2)
    assert len(make()) == 5


@pytest.mark.parametrize("o", [None, 2])
@pytest.mark.parametrize("rows", [2, -1, np.int64(0), slice(1, 4), slice(None, None, -1), [0, 2], np.array([True] * 5)])
def test_rows_are_chosen_by_position(o, rows):
    whole = make(o=o)
    part = whole[rows]
    np.testing.assert_array_equal(part.values, whole.values[rows])
    np.testing.assert_array_equal(part.base_values, whole.base_values[rows])
    np.testing.assert_array_equal(part.data, whole.data[rows])
    assert (part.feature_names, part.output_names) == (whole.feature_names, whole.output_names)
    assert (part.output_space, part.algorithm) == ("margin", "path-dependent")


@pytest.mark.parametrize("rows", [(0, 1), "a", 1.0, [1.0], [[0]], (slice(None), "a")])
def test_anything_else_is_refused(rows):
    with pytest.raises(IndexError, match="does not name rows"):
        make()[rows]


@pytest.mark.parametrize("o", [None, 1, 2])
def test_one_row_has_no_rows_to_choose_from(o):
    with pytest.raises(IndexError, match="explanation of one row"):
        make(o=o)[0][0] if o != 1 else make()[0][0]


def test_iterating_gives_each_row_once():
    assert [one.values.tolist() for one in make()] == make().values.tolist()
