"""Players: which columns of a row enter a coalition together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ferroshap.errors import OptionError
from ferroshap.inputs.names import listed

Names = tuple[str, ...] | None


@dataclass(frozen=True)
class Players:
    """The players of rows that have columns of their own.

    of_column
        `(c,)` int64: the player of each column.
    count
        How many players there are.
    names
        One a player, or None.
    shape
        The shape that the values of one row have in `shap_values`; the shape of the row where each element is a player.
    columns_are_players
        Whether each column is a player, in order.
    """

    of_column: npt.NDArray[np.int64]
    count: int
    names: Names
    shape: tuple[int, ...]
    columns_are_players: bool


def players_of(groups: Any, names: Names, shape: tuple[int, ...]) -> Players:
    """The players of rows of this `shape`, whose columns (elements, in C order) have `names` or none.

    groups
        None: each column by itself. A mapping from names to lists of columns, or a list of such lists, columns by name or
        position: columns in no group are players of their own, after the groups. A whole number: an axis of the rows,
        counted with the axis of rows as 0; each position along it is a player. An array of the shape of a row: elements with the
        same label are one player, in the order of the sorted labels.

    Raises `OptionError` for groups that overlap, are empty, or name what is not there.
    """
    columns = int(np.prod(shape, dtype=np.int64))
    if groups is None:
        own = names if names is not None or len(shape) == 1 else _element_names(shape)
        return Players(np.arange(columns, dtype=np.int64), columns, own, shape, columns_are_players=True)
    if isinstance(groups, (int, np.integer)) and not isinstance(groups, (bool, np.bool_)):
        return _along_axis(int(groups), names, shape)
    if isinstance(groups, np.ndarray):
        return _by_label(groups, shape)
    if isinstance(groups, Mapping):
        return _by_lists([str(name) for name in groups], list(groups.values()), names, columns)
    if isinstance(groups, Sequence) and not isinstance(groups, (str, bytes)):
        return _by_lists([None] * len(groups), list(groups), names, columns)
    raise OptionError(
        f"groups is {groups!r}; expected a mapping from names to lists of columns, a list of lists of columns, an axis, or an array "
        f"of labels of the shape {shape}"
    )


def _along_axis(axis: int, names: Names, shape: tuple[int, ...]) -> Players:
    if not 1 <= axis <= len(shape):
        raise OptionError(f"groups is {axis}; expected an axis from 1 to {len(shape)}: axis 0 is that of the rows")
    count = shape[axis - 1]
    place = np.arange(count, dtype=np.int64).reshape([-1 if at == axis - 1 else 1 for at in range(len(shape))])
    of_column = np.ascontiguousarray(np.broadcast_to(place, shape)).reshape(-1)
    alone = len(shape) == 1
    return Players(of_column, count, names if alone else None, (count,), columns_are_players=alone)


def _by_label(labels: npt.NDArray[Any], shape: tuple[int, ...]) -> Players:
    if labels.shape != shape:
        raise OptionError(f"groups is an array of the shape {labels.shape}; expected {shape}, a label for each element")
    different, of_column = np.unique(labels.reshape(-1), return_inverse=True)
    names = tuple(str(label) for label in different.tolist())
    of_column = np.asarray(of_column, np.int64).reshape(-1)
    return Players(of_column, len(names), names, (len(names),), columns_are_players=False)


def _by_lists(group_names: list[str | None], groups: list[Any], names: Names, columns: int) -> Players:
    of_column = np.full(columns, -1, dtype=np.int64)
    chosen: list[str] = []
    for at, (name, members) in enumerate(zip(group_names, groups, strict=True)):
        listing = [members] if isinstance(members, (str, int, np.integer)) else list(members)
        if not listing:
            raise OptionError(f"group {at if name is None else repr(name)} has no columns; expected at least one")
        for member in listing:
            column = _column(member, names, columns)
            if of_column[column] >= 0:
                raise OptionError(
                    f"the column {member!r} is in two groups, or twice in one; a column belongs to one player"
                )
            of_column[column] = at
        chosen.append(" & ".join(_label(_column(m, names, columns), names) for m in listing) if name is None else name)
    rest = np.flatnonzero(of_column < 0)
    of_column[rest] = len(groups) + np.arange(len(rest))
    chosen += [_label(int(column), names) for column in rest]
    alone = bool((of_column == np.arange(columns)).all())
    return Players(of_column, len(chosen), tuple(chosen), (len(chosen),), columns_are_players=alone)


def _column(member: Any, names: Names, columns: int) -> int:
    if isinstance(member, (int, np.integer)) and not isinstance(member, (bool, np.bool_)):
        if not -columns <= member < columns:
            raise OptionError(f"groups names column {member}, but there are {columns}")
        return int(member) % columns
    if names is None or str(member) not in names:
        raise OptionError(
            f"groups names the column {member!r}, but the columns are {listed(names) if names else 'known by position only'}"
        )
    return names.index(str(member))


def _label(column: int, names: Names) -> str:
    return str(column) if names is None else names[column]


def _element_names(shape: tuple[int, ...]) -> tuple[str, ...]:
    return tuple(",".join(map(str, position)) for position in np.ndindex(shape))
