"""Which values of a column are identical: a whole number for each different one.

Identical means that the model cannot tell them apart: NaN is NaN, -0.0 is 0.0, and `None`, NaN and `pandas.NA` are three values.
Nothing is close to anything: 1e6 and 1e6 + 1 are two values.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.int32]


def codes_of(values: npt.NDArray[Any]) -> Codes:
    """`(n,)`: equal numbers for identical values of a column."""
    if values.dtype.kind == "O":
        return codes_of_objects(values.tolist())
    if values.dtype.kind in "SUTV":
        _, codes = np.unique(values, return_inverse=True)
        return codes.reshape(-1).astype(np.int32)
    if values.dtype.kind == "c":  # numpy's order of complex NaN is not one of values
        return codes_of_objects(map(repr, values.tolist()))
    if values.dtype.kind in "mM":
        values = values.view(np.int64)  # "not a time" is a number of its own
    _, codes = np.unique(values, return_inverse=True)
    return codes.reshape(-1).astype(np.int32)


def codes_of_objects(values: Iterable[Any]) -> Codes:
    """The same for objects, which are identical if they are equal and of one type."""
    known: dict[Any, int] = {}
    return np.fromiter((known.setdefault(_key(value), len(known)) for value in values), np.int32)


def _key(value: Any) -> Any:
    if isinstance(value, (float, np.floating)) and np.isnan(value):
        return float
    try:
        hash(value)
    except TypeError:
        return (type(value), repr(value))
    return (type(value), value)


def different_rows(codes: npt.NDArray[Any]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """The first of each set of identical rows of codes, in their order, and for each row which of these it is."""
    _, first, place = np.unique(np.ascontiguousarray(codes), axis=0, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")
    rank = np.empty(len(order), np.intp)
    rank[order] = np.arange(len(order))
    return first[order], rank[place.reshape(-1)]


def summed_weights(place: npt.NDArray[np.intp], weights: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The weight of each different row: of rows that are the `place`-th, together."""
    return np.asarray(np.bincount(place, weights), np.float64)
