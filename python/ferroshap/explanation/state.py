"""What an explanation holds: arrays that share named axes, and what their numbers mean."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from ferroshap.errors import OptionError

from .details import Details
from .operation import Operation
from .rows import FrameRows, SparseTable

Array = npt.NDArray[Any]
Axes = tuple[str, ...]

OTHER = "other feature"  # the second axis of interaction values
AXES: Axes = ("row", "feature", OTHER, "output")
POSITIONS = "positions"  # the unit of what `argsort` gives
LATER = (FrameRows, SparseTable)  # data that are made into arrays when they are asked for


def axes_of(axes: Axes, *kept: str) -> Axes:
    """Those of `axes` that are among `kept`, in their order."""
    return tuple(axis for axis in axes if axis in kept)


def length(state: "State", axis: str) -> int:
    """How many rows, features or outputs there are; 1 where there is no such axis."""
    return state.shape[state.axes.index(axis)] if axis in state.axes else 1


def refuse_interactions(state: "State", method: str) -> None:
    """Raises `OptionError` for interaction values, where `method` knows no second axis of features."""
    if OTHER in state.axes:
        raise OptionError(
            f"{method} is for SHAP values, and these are their interactions; explanation.sum({state.axes.index(OTHER)}) makes "
            "SHAP values of them"
        )


class State:
    """The fields of an `Explanation`; every one is checked against the axes when it is set."""

    def __init__(
        self,
        values: Any,
        base_values: Any = None,
        data: Any = None,
        *,
        axes: Sequence[str],
        output_space: str,
        algorithm: str,
        display_data: Any = None,
        feature_names: "str | Sequence[str] | None" = None,
        output_names: "str | Sequence[str] | None" = None,
        other_feature_names: "str | Sequence[str] | None" = None,
        model: str | None = None,
        details: Details | None = None,
    ) -> None:
        self._axes = axes_of(AXES, *axes)
        if tuple(axes) != self._axes:
            raise OptionError(f"axes is {axes!r}; expected some of {AXES}, in this order")
        self._values = np.asarray(values)
        if self._values.ndim != len(self._axes):
            raise OptionError(
                f"values has the shape {self._values.shape}, but the axes are {self._axes}: one a dimension"
            )
        self.base_values = base_values
        self.data = data
        self.display_data = display_data
        self.feature_names = feature_names
        self.other_feature_names = other_feature_names
        self.output_names = output_names
        self.output_space = output_space
        self.algorithm = algorithm
        self.model = model
        self.details = details
        if details is not None:
            for field, array, of in details.arrays():
                self._fitting(f"details.{field}", array, of)
        self.op_history: tuple[Operation, ...] = ()

    @property
    def axes(self) -> Axes:
        """What the dimensions of `values` are: some of "row", "feature", "other feature", "output", in this order."""
        return self._axes

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of `values`."""
        return self._values.shape

    @property
    def values(self) -> Array:
        return self._values[()]  # of no dimension: a number

    @values.setter
    def values(self, values: Any) -> None:
        self._values = self._fitting("values", values, AXES)

    @property
    def base_values(self) -> Any:
        return None if self._base is None else self._base[()]

    @base_values.setter
    def base_values(self, base: Any) -> None:
        self._base = None if base is None else self._fitting("base_values", base, ("row", "output"))

    @property
    def data(self) -> Any:
        return self._data.data if isinstance(self._data, LATER) else self._data

    @data.setter
    def data(self, data: Any) -> None:
        fits = data is None or isinstance(data, LATER)
        self._data = data if fits else self._fitting("data", data, ("row", "feature"))[()]

    @property
    def display_data(self) -> Any:
        if self._display is None and isinstance(self._data, LATER):
            return self._data.display
        return self._display

    @display_data.setter
    def display_data(self, data: Any) -> None:
        self._display = None if data is None else self._fitting("display_data", data, ("row", "feature"))[()]

    @property
    def feature_names(self) -> tuple[str, ...] | str | None:
        return self._feature_names

    @feature_names.setter
    def feature_names(self, names: "str | Sequence[str] | None") -> None:
        self._feature_names = self._named("feature", names)

    @property
    def other_feature_names(self) -> tuple[str, ...] | str | None:
        return self._other_names

    @other_feature_names.setter
    def other_feature_names(self, names: "str | Sequence[str] | None") -> None:
        self._other_names = self._named(OTHER, names)

    @property
    def output_names(self) -> tuple[str, ...] | str | None:
        return self._output_names

    @output_names.setter
    def output_names(self, names: "str | Sequence[str] | None") -> None:
        self._output_names = self._named("output", names)

    def __len__(self) -> int:
        if not self._axes:
            raise TypeError("this explanation is a single number: it has no length")
        return len(self._values)

    def _length(self, axis: str) -> int:
        return length(self, axis)

    def _fitting(self, field: str, array: Any, of: Axes) -> Array:
        given: Array = np.asarray(array)
        axes = axes_of(self._axes, *of)
        expected = tuple(self._length(axis) for axis in axes)
        if given.shape != expected:
            one_an_axis = f"({', '.join(f'{axis}s' for axis in axes)})"
            raise OptionError(f"{field} has the shape {given.shape}; expected {expected}, which is {one_an_axis}")
        return given

    def _named(self, axis: str, names: "str | Sequence[str] | None") -> tuple[str, ...] | str | None:
        field = f"{axis}_names".replace(" ", "_")
        if names is None or (isinstance(names, str) and axis not in self._axes):
            return names
        if axis not in self._axes:
            raise OptionError(f"{field} is {names!r}, but there is no {axis} axis; expected the name of one {axis}")
        if isinstance(names, str):
            raise OptionError(f"{field} is the text {names!r}; expected one name for each {axis}")
        chosen = tuple(str(name) for name in names)
        if len(chosen) != self._length(axis):
            raise OptionError(f"{field} has {len(chosen)} names; expected {self._length(axis)}, one for each {axis}")
        return chosen

    def _with(self, values: Any, *operations: Operation, **changed: Any) -> Self:
        """The same with other values, and with those fields that are given; the operations join the history."""
        made = type(self)(values, **(self._fields() | changed))
        made.op_history = self.op_history + operations
        return made

    def _fields(self) -> dict[str, Any]:
        return {
            "axes": self._axes,
            "base_values": self._base,
            "data": self._data,
            "display_data": self._display,
            "feature_names": self._feature_names,
            "output_names": self._output_names,
            "other_feature_names": self._other_names,
            "output_space": self.output_space,
            "algorithm": self.algorithm,
            "model": self.model,
            "details": self.details,
        }

    def __reduce__(self) -> "tuple[Any, ...]":
        # As arrays, whatever frame library they came from; and by `type`, since `__class__` may say shap's.
        plain = {"data": self.data, "display_data": self.display_data}
        return _rebuilt, (type(self), self._values, self._fields() | plain, self.op_history)


def _rebuilt(cls: "type[State]", values: Array, fields: dict[str, Any], history: tuple[Operation, ...]) -> State:
    made = cls(values, **fields)
    made.op_history = history
    return made
