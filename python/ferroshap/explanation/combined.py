"""Explanations side by side, and split into groups."""

from collections.abc import Iterable
from typing import Any, Self

import numpy as np

from ferroshap.errors import OptionError
from ferroshap.options import whole_number

from .cohorts import Cohorts, by_labels, by_tree
from .operation import Operation
from .state import State, axes_of, length, refuse_interactions


class Combination(State):
    """`hstack` and `cohorts`."""

    def hstack(self, other: "State") -> Self:
        """The features of both, those of `other` behind: of the same rows, outputs and base values.

        Raises `OptionError` if the two are not of one model's explanation: other axes, lengths, units or base values.
        """
        if not isinstance(other, State):
            raise OptionError(
                f"hstack puts explanations side by side; expected an Explanation, not {type(other).__name__}"
            )
        self._check_same(other)
        at = self._axes.index("feature")
        shown_axis = axes_of(self._axes, "row", "feature").index("feature")
        both: tuple[State, State] = (self, other)
        both_shown = [state.display_data for state in both]
        if any(part is not None for part in both_shown):
            both_shown = [state.data if state.display_data is None else state.display_data for state in both]
        return self._with(
            np.concatenate([self._values, other.values], axis=at),
            Operation("hstack", self.shape),
            data=_joined([self.data, other.data], shown_axis),
            display_data=_joined(both_shown, shown_axis),
            feature_names=_joined_names(self._feature_names, other.feature_names),
            details=None,
        )

    def cohorts(self, cohorts: "int | Iterable[Any]") -> Cohorts[Self]:
        """Explanations of groups of rows, by name.

        Parameters
        ----------
        cohorts
            One label for each row: a cohort for each different label. Or a number: at most so many cohorts, the leaves
            of a decision tree of scikit-learn that explains the SHAP values by the data, called by their conditions.
        """
        if self.axes != ("row", "feature"):
            raise OptionError(
                f"cohorts splits rows and features of one output, but the axes are ({', '.join(self.axes)})"
                + ("; choose an output first: explanation[..., 0].cohorts(…)" if "output" in self.axes else "")
            )
        if isinstance(cohorts, (str, bytes)):
            raise OptionError(f"cohorts is the text {cohorts!r}; expected a number, or one label for each row")
        if np.ndim(cohorts):  # type: ignore[arg-type]
            return by_labels(self, cohorts)  # type: ignore[arg-type]
        return by_tree(self, whole_number("cohorts", cohorts))

    def _check_same(self, other: State) -> None:
        refuse_interactions(self, "hstack")
        if "feature" not in self._axes or self._axes != other.axes:
            axes, others = (f"({', '.join(state.axes)})" for state in (self, other))
            raise OptionError(
                f"hstack needs the same axes in both, with features among them, but they are {axes} and {others}; "
                "explanation[:, ['name']] keeps the axis of a single feature"
            )
        for axis in ("row", "output"):
            if length(self, axis) != length(other, axis):
                raise OptionError(f"hstack: {length(self, axis)} {axis}s do not match {length(other, axis)} {axis}s")
        if self.output_space != other.output_space:
            raise OptionError(f"hstack: units of {self.output_space} do not match units of {other.output_space}")
        if self._output_names != other.output_names:
            raise OptionError(f"hstack: the outputs {self._output_names} do not match {other.output_names}")
        mine, its = self.base_values, other.base_values
        if (mine is None) != (its is None) or not np.array_equal(mine, its):
            raise OptionError("hstack: the base values are not the same, so these are not parts of one explanation")


def _joined(parts: list[Any], axis: int) -> Any:
    return (
        None if any(part is None for part in parts) else np.concatenate([np.asarray(part) for part in parts], axis=axis)
    )


def _joined_names(one: Any, other: Any) -> tuple[str, ...] | None:
    return None if one is None or other is None else (*one, *other)
