"""Which positions along each axis an index means."""

import difflib
import operator
from collections.abc import Mapping, Sequence
from types import EllipsisType
from typing import Any

import numpy as np
import numpy.typing as npt

from ferroshap.inputs.names import listed

Array = npt.NDArray[Any]
Position = int | slice | Array
Chosen = Mapping[str, Position]


def taken(array: Array, axes: Sequence[str], chosen: Chosen) -> Array:
    """The chosen part of an array with these axes, each axis by itself; a single position takes its axis away."""
    for at in reversed(range(len(axes))):
        if axes[at] in chosen:
            array = np.asarray(array[(slice(None),) * at + (chosen[axes[at]],)])
    return array


def by_axis(item: Any, axes: Sequence[str]) -> dict[str, Any]:
    """The index of each axis that is indexed at all: `item` is what stands in the brackets."""
    indices = list(item) if isinstance(item, tuple) else [item]
    dots = [at for at, index in enumerate(indices) if isinstance(index, EllipsisType)]
    if len(dots) > 1:
        raise IndexError("an index can only have a single ellipsis ('...')")
    if len(indices) - len(dots) > len(axes):
        have = f"the axes are ({', '.join(axes)})" if axes else "this is a single number, without axes"
        raise IndexError(f"{len(indices) - len(dots)} indices are too many: {have}")
    if dots:
        indices[dots[0] : dots[0] + 1] = [slice(None)] * (len(axes) - len(indices) + 1)
    return dict(zip(axes, indices, strict=False))


def positions(index: Any, axis: str, length: int, names: Sequence[str] | None) -> Position:
    """What `index` means on one axis: a position, a slice, or an array of positions.

    Names are those of the axis, None if it has none. Raises `IndexError` with what was given and what is expected.
    """
    if isinstance(index, slice):
        return _checked_slice(index, axis)
    if isinstance(index, str):
        return _position_of(index, axis, names)
    if isinstance(index, (bool, np.bool_)):
        raise IndexError(f"{index!r} does not name {axis}s; for a mask pass one truth value for each {axis}")
    try:
        return _within(operator.index(index), axis, length)
    except TypeError:
        pass
    chosen = _as_array(index, axis)
    if chosen.dtype.kind == "U":
        return np.array([_position_of(name, axis, names) for name in chosen.tolist()], dtype=np.intp)
    if chosen.dtype.kind == "b":
        if len(chosen) != length:
            raise IndexError(f"the mask has {len(chosen)} truth values, but there are {length} {axis}s")
        return np.flatnonzero(chosen)
    return np.array([_within(int(position), axis, length) for position in chosen], dtype=np.intp)


def feature_positions(features: Any, length: int, names: Sequence[str] | None) -> Array:
    """`(s,)`: the positions of the chosen features, given as an axis of an explanation is indexed; raises `IndexError`."""
    return np.atleast_1d(np.arange(length)[positions(features, "feature", length, names)])


def _as_array(index: Any, axis: str) -> Array:
    """A vector of whole numbers, truth values or texts; never of one kind that was made of another."""
    chosen = index if isinstance(index, np.ndarray) else _from_sequence(index)
    if chosen.ndim == 1 and chosen.dtype.kind == "O":
        kinds = {_kind(entry) for entry in chosen.tolist()}
        if len(kinds) <= 1:
            dtypes: dict[str, type] = {"text": np.str_, "truth": np.bool_, "whole": np.intp}
            chosen = chosen.astype(dtypes.get(kinds.pop(), np.object_) if kinds else np.intp)
    if chosen.ndim != 1 or chosen.dtype.kind not in "iubU":
        more = f", or a name or a list of {axis} names" if axis != "row" else ""
        raise IndexError(
            f"{index!r} does not name {axis}s; expected a position, a slice, a mask or an array of positions{more}"
        )
    return chosen


def _from_sequence(index: Any) -> Array:
    if not isinstance(index, (list, tuple)):
        return np.asarray(index)  # a Series, say
    entries = np.empty(len(index), dtype=object)
    entries[:] = index
    return entries


def _kind(entry: Any) -> str:
    if isinstance(entry, str):
        return "text"
    if isinstance(entry, (bool, np.bool_)):
        return "truth"
    return "whole" if isinstance(entry, (int, np.integer)) else "other"


def _checked_slice(index: slice, axis: str) -> slice:
    for bound in (index.start, index.stop, index.step):
        if bound is not None and (isinstance(bound, bool) or not hasattr(bound, "__index__")):
            raise IndexError(f"{index!r} does not name {axis}s; a slice goes from position to position")
    return index


def _within(position: int, axis: str, length: int) -> int:
    if not -length <= position < length:
        raise IndexError(f"there is no {axis} {position}: the number of {axis}s is {length}")
    return position % length


def _position_of(name: str, axis: str, names: Sequence[str] | None) -> int:
    if axis == "row":
        raise IndexError(
            f"{name!r} does not name rows, which have no names; for a feature or an output index its own axis, as in "
            f"explanation[:, {name!r}]"
        )
    if names is None:
        raise IndexError(f"{name!r}: the {axis}s have no names here; choose them by position")
    found = [at for at, known in enumerate(names) if known == name]
    if len(found) > 1:
        raise IndexError(
            f"{len(found)} {axis}s are called {name!r}, at the positions {listed(found)}; choose by position"
        )
    if not found:
        close = difflib.get_close_matches(name, names, n=1) or [n for n in names if n.casefold() == name.casefold()]
        hint = f"did you mean {close[0]!r}?" if close else f"they are {listed(names)}"
        raise IndexError(f"no {axis} is called {name!r}; {hint}")
    return found[0]
