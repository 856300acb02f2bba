"""What `build_ensemble` is told about the inputs and outputs of a custom ensemble, beside its trees."""

import reprlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ferroshap.errors import ModelError, OptionError

from .info import numbered_outputs


@dataclass(frozen=True)
class Outputs:
    """The outputs of an ensemble: `names` (o), `base` (o) before the division, the output of each tree (t)."""

    names: tuple[str, ...]
    base: NDArray[np.float64]
    tree_outputs: NDArray[np.int32]
    divisor: int


def text_among(name: str, value: Any, allowed: Sequence[str]) -> str:
    """`value`, if it is one of `allowed`; else raises OptionError."""
    if not isinstance(value, str) or value not in allowed:
        raise OptionError(f"{name} is {value!r}; expected one of {', '.join(map(repr, allowed))}")
    return value


def columns_of(n_features: Any, names: Any) -> tuple[int, tuple[str, ...] | None]:
    """The number of columns and their names, one of which may be None."""
    known = None if names is None else _names("feature_names", names)
    if n_features is None:
        if known is None:
            raise OptionError("n_features is None; expected the number of columns of a row, or feature_names")
        return len(known), known
    if not _is_whole(n_features) or not 1 <= n_features < 2**31:
        raise OptionError(f"n_features is {n_features!r}; expected a whole number of at least 1")
    if known is not None and len(known) != n_features:
        raise OptionError(f"feature_names has {len(known)} names; expected {n_features}, as n_features says")
    return int(n_features), known


def outputs_of(trees: Sequence[Any], width: int, base: Any, names: Any, average: Any) -> Outputs:
    """The outputs that `width` (numbers a leaf), `Tree.output`, `base` and `output_names` agree on."""
    known = None if names is None else _names("output_names", names)
    start = _base(base)
    chosen = [_output_of(index, tree, width) for index, tree in enumerate(trees)]
    n_outputs = width if width > 1 else max(len(known or ()), start.size, 1 + max(chosen), 1)
    if width == 1 and n_outputs > 1 and -1 in chosen:
        raise ModelError(
            f"tree {chosen.index(-1)}: output is None, expected one of 0 to {n_outputs - 1}: there are {n_outputs} outputs"
            " and its leaves are single numbers"
        )
    if known is not None and len(known) != n_outputs:
        raise OptionError(
            f"output_names has {len(known)} names; expected {n_outputs}, the outputs of the trees and base"
        )
    if start.size not in {1, n_outputs} or (start.ndim == 1 and start.size != n_outputs):
        raise OptionError(f"base has {start.size} numbers; expected one, or {n_outputs}, the outputs of the trees")
    tree_outputs = np.array([0] * len(chosen) if n_outputs == 1 else chosen, np.int32)
    divisor = _divisor(average, chosen, n_outputs if width == 1 else 1)
    return Outputs(known or numbered_outputs(n_outputs), np.full(n_outputs, start * divisor), tree_outputs, divisor)


def _output_of(index: int, tree: Any, width: int) -> int:
    """The output of a tree; -1 where it says none."""
    if tree.output is None:
        return -1
    if not _is_whole(tree.output) or not 0 <= tree.output < 2**31:
        raise ModelError(f"tree {index}: output is {tree.output!r}, expected a whole number from 0")
    if width > 1:
        raise ModelError(f"tree {index}: output is {tree.output}, expected None: its leaves have {width} numbers")
    return int(tree.output)


def _base(base: Any) -> NDArray[np.float64]:
    try:
        start = np.asarray(base)
        number = start.astype(np.float64) if start.dtype.kind in "iuf" else np.empty(0)
    except (TypeError, ValueError):
        number = np.empty(0)
    if number.ndim > 1 or not number.size or not np.isfinite(number).all():
        raise OptionError(f"base is {reprlib.repr(base)}; expected a finite number, or one an output")
    return number


def _divisor(average: Any, chosen: list[int], n_groups: int) -> int:
    """1 for a sum; for a mean the number of trees that each output has."""
    if not isinstance(average, bool | np.bool_):
        raise OptionError(f"average is {average!r}; expected True or False")
    if not average:
        return 1
    if n_groups == 1:
        return len(chosen)
    counts = [Counter(chosen)[output] for output in range(n_groups)]
    if len(set(counts)) > 1:
        raise OptionError(f"average=True: the outputs have {counts} trees; expected the same number each")
    return counts[0]


def _is_whole(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _names(field: str, names: Any) -> tuple[str, ...]:
    try:  # a set has no order, and the keys of a mapping are rarely meant
        known = () if isinstance(names, str | bytes | set | frozenset | Mapping) else tuple(map(str, names))
    except TypeError:
        known = ()
    if not known:
        raise OptionError(f"{field} is {names!r}; expected a list of names")
    twice = next((name for name, count in Counter(known).items() if count > 1), None)
    if twice is not None:
        raise OptionError(f"{field} has {twice!r} more than once; expected different names")
    return known
