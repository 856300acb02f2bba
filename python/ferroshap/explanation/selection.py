"""Choosing rows, features and outputs: each axis by itself, by position, slice, mask or name."""

from collections.abc import Iterator, Sequence
from typing import Any, Self, TypeVar

import numpy as np

from ferroshap.errors import OptionError

from .operation import Operation
from .positions import Chosen, Position, by_axis, positions, taken
from .state import LATER, OTHER, POSITIONS, State, axes_of

Part = TypeVar("Part", bound="Selection")


class Selection(State):
    """Square brackets and what is built on them."""

    def __getitem__(self, item: Any) -> Self:
        """The chosen rows, features and outputs.

        `item` has one index an axis (matrices of interactions have two of features), `...` for those in between: a position, a slice, a mask, an array of positions, and for
        features and outputs a name or a list of names. Every axis is chosen from by itself, so lists on two axes give
        their grid. A single position or name takes its axis away. Another explanation stands for its values.

        Raises
        ------
        IndexError
            What is given does not name what is there: unknown, ambiguous or out of range.
        """
        chosen = {
            axis: positions(self._resolved(index), axis, self._length(axis), self._names_of(axis))
            for axis, index in by_axis(item, self._axes).items()
        }
        return self._take(chosen, "__getitem__")

    def __iter__(self) -> Iterator[Self]:
        return (self[at] for at in range(len(self)))

    @property
    def flip(self) -> Self:
        """Every axis in reverse order, with all that belongs to it."""
        return self._take({axis: slice(None, None, -1) for axis in self._axes}, "flip")

    def sample(self, max_samples: int, replace: bool = False, random_state: int = 0) -> Self:
        """At most `max_samples` rows, drawn at random: the same ones as shap draws with the same `random_state`.

        With `replace`, exactly `max_samples`, some of them more than once.
        """
        if self._axes[:1] != ("row",):
            raise OptionError("there are no rows to sample from: this explanation has no row axis")
        if max_samples < 0:
            raise OptionError(f"max_samples is {max_samples}; expected at least 0")
        draw = np.random.RandomState(random_state)
        size = max_samples if replace else min(max_samples, len(self))
        return self[draw.choice(len(self), size=size, replace=replace)]

    def _resolved(self, index: Any) -> Any:
        if type(index).__name__ == "OpChain" and type(index).__module__.partition(".")[0] == "shap":
            index = index.apply(self)  # shap.Explanation.abs.mean(0).argsort: steps to be taken here
        return index.values if isinstance(index, State) else index

    def _names_of(self, axis: str) -> Sequence[str] | None:
        names = {"feature": self._feature_names, OTHER: self._other_names, "output": self._output_names}.get(axis)
        return None if isinstance(names, str) else names

    def _take(self, chosen: Chosen, name: str, values: Any = None) -> Self:
        single = {axis for axis, position in chosen.items() if isinstance(position, int)}
        shown = axes_of(self._axes, "row", "feature")
        return self._with(
            taken(self._values, self._axes, chosen) if values is None else values,
            Operation(name, self.shape),
            axes=tuple(axis for axis in self._axes if axis not in single),
            base_values=None if self._base is None else taken(self._base, axes_of(self._axes, "row", "output"), chosen),
            data=self._data.take(chosen) if isinstance(self._data, LATER) else _taken(self._data, shown, chosen),
            display_data=_taken(self._display, shown, chosen),
            feature_names=self._chosen_names("feature", chosen),
            other_feature_names=self._chosen_names(OTHER, chosen),
            output_names=self._chosen_names("output", chosen),
            details=None if self.details is None else self.details.take(self._axes, chosen),
        )

    def _chosen_names(self, axis: str, chosen: Chosen) -> Any:
        names: Any = {"feature": self._feature_names, OTHER: self._other_names}.get(axis, self._output_names)
        position = chosen.get(axis)
        if position is None or axis not in self._axes:
            return names
        if names is None:
            return None if self.output_space == POSITIONS else _names_of_positions(position, self._length(axis))
        if isinstance(position, int):
            return names[position]
        return tuple(names[position]) if isinstance(position, slice) else tuple(names[at] for at in position)


def part_of(whole: Part, chosen: Chosen, values: Any) -> Part:
    """What `whole[...]` gives for what is chosen along each axis, with these values: those of `whole` are not looked at."""
    return whole._take(chosen, "__getitem__", values)  # noqa: SLF001


def _taken(array: Any, axes: Sequence[str], chosen: Chosen) -> Any:
    return None if array is None else taken(np.asarray(array), axes, chosen)


def _names_of_positions(position: Position, length: int) -> str | tuple[str, ...] | None:
    """What nameless features are called once they are no longer all there: their positions, or they would be lost."""
    if isinstance(position, int):
        return str(position)
    which = np.arange(length)[position]
    return None if np.array_equal(which, np.arange(length)) else tuple(map(str, which))
