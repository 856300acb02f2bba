"""Explanations with numbers that tell where they come from."""

import numpy as np
from ferroshap import Explanation
from ferroshap.explanation import Details

SIZES = {"row": 5, "feature": 3, "output": 2}
ALL = ("row", "feature", "output")
EVERY_AXES = [
    (),
    ("row",),
    ("feature",),
    ("output",),
    ("row", "feature"),
    ("row", "output"),
    ("feature", "output"),
    ALL,
]


def numbers(axes, of, start=0.0):
    """Numbers with those of the axes that are in `of`, all different, of both signs."""
    shape = tuple(SIZES[axis] for axis in axes if axis in of)
    count = int(np.prod(shape))
    return (np.arange(count) * 7 % max(count, 1) - count / 3 + start).reshape(shape)


def make(axes=("row", "feature"), **changed):
    names = {"feature": ("a", "b", "c"), "output": ("no", "yes")}
    fields = {
        "axes": axes,
        "base_values": numbers(axes, ("row", "output"), 100),
        "data": numbers(axes, ("row", "feature"), 200),
        "display_data": numbers(axes, ("row", "feature"), 200).astype(str).astype(object),
        "feature_names": names["feature"] if "feature" in axes else "a",
        "output_names": names["output"] if "output" in axes else "yes",
        "output_space": "margin",
        "algorithm": "path-dependent",
        "model": "some model",
        "details": Details(standard_errors=numbers(axes, ALL, 300), n_evals=numbers(axes, ("row",), 400), exact=False),
    }
    return Explanation(numbers(axes, ALL, 0.5), **(fields | changed))


def same(one, other, *, but=()):
    """Asserts that two explanations are the same, to the last bit, but for those fields and the history."""
    for field in ("values", "base_values", "data", "display_data"):
        if field not in but:
            np.testing.assert_array_equal(getattr(one, field), getattr(other, field), err_msg=field, strict=True)
    for field in ("axes", "feature_names", "output_names", "output_space", "algorithm", "model"):
        if field not in but:
            assert getattr(one, field) == getattr(other, field), field
