"""Plus, minus, times, divided by: with a number, an array, or another explanation."""

import operator
from collections.abc import Callable
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from ferroshap.errors import OptionError
from ferroshap.inputs.names import listed

from .operation import Operation
from .state import OTHER, Axes, State, axes_of, length

Array = npt.NDArray[Any]
Operator = Callable[[Any, Any], Any]

SIGNS = {operator.add: "+", operator.sub: "−", operator.mul: "×", operator.truediv: "/"}
SAME_UNIT = {operator.add, operator.sub}


class Arithmetic(State):
    """Operators. The rows shown (`data`) stay those of the explanation on the left; operands are never changed.

    A number acts on every value and on the base values. An array acts on the values alone, so there are no base values.
    Two explanations must have the same features, and the same unit to be added or subtracted; axes are matched by what
    they are, and one explanation may lack some: `explanation - explanation.mean(0)`. Base values of the same features are
    added and subtracted with them; a product or quotient of explanations has none.
    """

    __array_ufunc__ = None  # numpy's operators leave it to those below

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.array(self._values, dtype=dtype) if copy or copy is None else np.asarray(self._values, dtype=dtype)

    def __float__(self) -> float:
        return float(self._single())

    def __index__(self) -> int:
        value = self._single()
        if value.dtype.kind not in "iu":
            raise TypeError(
                f"a value in units of {self.output_space} is no position; an order is `….argsort` or `….argsort.flip`, and "
                "for shap's plots `shap.Explanation.abs.mean(0)` or `….to_shap()` too"
            )
        return int(value)

    def _single(self) -> Any:
        if self._axes:
            raise TypeError(f"an explanation with the axes ({', '.join(self._axes)}) is not a single number")
        return self.values

    def __add__(self, other: Any) -> Self:
        return self._operated(other, operator.add)

    def __radd__(self, other: Any) -> Self:
        return self._operated(other, operator.add, reflected=True)

    def __sub__(self, other: Any) -> Self:
        return self._operated(other, operator.sub)

    def __rsub__(self, other: Any) -> Self:
        return self._operated(other, operator.sub, reflected=True)

    def __mul__(self, other: Any) -> Self:
        return self._operated(other, operator.mul)

    def __rmul__(self, other: Any) -> Self:
        return self._operated(other, operator.mul, reflected=True)

    def __truediv__(self, other: Any) -> Self:
        return self._operated(other, operator.truediv)

    def __rtruediv__(self, other: Any) -> Self:
        return self._operated(other, operator.truediv, reflected=True)

    def __neg__(self) -> Self:
        return self._operated(-1, operator.mul)

    def _operated(self, other: Any, operate: Operator, *, reflected: bool = False) -> Self:
        if isinstance(other, State):
            return self._with_explanation(other, operate)
        if isinstance(other, (str, bytes)) or np.asarray(other).dtype.kind not in "biuf":
            return NotImplemented  # type: ignore[no-any-return]
        other = np.asarray(other)[()]
        if np.ndim(other) and _broadcast(other.shape, self.shape) != self.shape:
            raise OptionError(f"an array of shape {other.shape} does not match the values' shape {self.shape}")
        left, right = (other, self._values) if reflected else (self._values, other)
        base = None
        if self._base is not None and not np.ndim(other):
            base = operate(other, self._base) if reflected else operate(self._base, other)
        inverted = reflected and operate is operator.truediv
        return self._with(
            operate(left, right),
            self._step(operate, reflected),
            base_values=base,
            details=None,
            output_space=f"1 / {self.output_space}" if inverted else self.output_space,
        )

    def _with_explanation(self, other: State, operate: Operator) -> Self:
        axes = self._shared_axes(other)
        values = operate(_spread(self.values, self._axes, axes), _spread(other.values, other.axes, axes))
        base = None
        if operate in SAME_UNIT:
            self._check_unit(other, operate)
            base = _combined_base(self, other, axes, operate)
        whole = (self if axes == self._axes else other)._fields()
        return self._with(
            values,
            self._step(operate, reflected=False),
            axes=axes,
            base_values=base,
            data=whole["data"],
            display_data=whole["display_data"],
            feature_names=_shared_name(self, other, "feature", axes),
            other_feature_names=_shared_name(self, other, OTHER, axes),
            output_names=_shared_name(self, other, "output", axes),
            output_space=(
                self.output_space
                if operate in SAME_UNIT
                else f"{self.output_space} {SIGNS[operate]} {other.output_space}"
            ),
            algorithm=_joined(self.algorithm, other.algorithm),
            model=_joined(self.model, other.model),
            details=None,
        )

    def _step(self, operate: Operator, reflected: bool) -> Operation:
        return Operation(f"__{'r' if reflected else ''}{operate.__name__}__", self.shape)

    def _check_unit(self, other: State, operate: Operator) -> None:
        if self.output_space != other.output_space:
            raise OptionError(
                f"values in units of {self.output_space} {SIGNS[operate]} values in units of {other.output_space} is a "
                "number of no unit; explain both models in the same output space"
            )

    def _shared_axes(self, other: State) -> Axes:
        """The axes of the result: those of the operand that has more; raises `OptionError` if they do not match."""
        axes = max(self._axes, other.axes, key=len)
        fits = {*self._axes, *other.axes} == {*axes} and all(
            length(self, axis) == length(other, axis) for axis in axes if axis in self._axes and axis in other.axes
        )
        if not fits:
            raise OptionError(f"{_sizes(self)} do not match {_sizes(other)}; choose the same part of both first")
        for axis in ("feature", OTHER, "output"):
            mine, its = _names(self, axis), _names(other, axis)
            if isinstance(mine, tuple) and isinstance(its, tuple) and mine != its:
                raise OptionError(
                    f"the {axis}s of the two explanations are not the same, in the same order: {listed(mine)} and "
                    f"{listed(its)}; choose the same ones of both first, or set the names"
                )
        return axes


def _names(state: State, axis: str) -> Any:
    return {"feature": state.feature_names, OTHER: state.other_feature_names}.get(axis, state.output_names)


def _sizes(state: State) -> str:
    return ", ".join(f"{length(state, axis)} {axis}s" for axis in state.axes) or "a single number"


def _broadcast(one: tuple[int, ...], other: tuple[int, ...]) -> tuple[int, ...] | None:
    try:
        return np.broadcast_shapes(one, other)
    except ValueError:
        return None


def _spread(array: Array, axes: Axes, over: Axes) -> Array:
    """The array with an axis of length 1 in place of each that it lacks."""
    return np.expand_dims(array, tuple(at for at, axis in enumerate(over) if axis not in axes))


def _combined_base(one: State, other: State, axes: Axes, operate: Operator) -> Any:
    """Of values of the same features only: those of two different ones have one base value, not two."""
    same = ("feature" in one.axes and "feature" in other.axes) or one.feature_names == other.feature_names
    if one.base_values is None or other.base_values is None or not same:
        return None
    over = axes_of(axes, "row", "output")
    bases = [(state.base_values, axes_of(state.axes, "row", "output")) for state in (one, other)]
    return operate(*(_spread(base, own, over) for base, own in bases))


def _shared_name(one: State, other: State, axis: str, axes: Axes) -> Any:
    """The names of the operand that has any for the axis; without the axis, the name that both have."""
    mine, its = _names(one, axis), _names(other, axis)
    if axis in axes:
        return next((names for names in (mine, its) if isinstance(names, tuple)), None)
    return mine if mine == its else None


def _joined(one: str | None, other: str | None) -> str | None:
    return one if one == other else ", ".join(filter(None, (one, other)))
