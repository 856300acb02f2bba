"""Summaries: an axis goes, the rest keeps its meaning."""

from collections.abc import Callable, Mapping
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from ferroshap.errors import OptionError
from ferroshap.inputs.names import listed

from .operation import Operation
from .state import OTHER, POSITIONS, State, axes_of

Array = npt.NDArray[Any]

LINEAR = {"mean", "sum"}  # of additive explanations: what they give is additive too


class Reduction(State):
    """`.abs.mean(0)` and its kin, each of which gives an explanation again.

    `axis` is the number of an axis, None for all. The base values stay where the result still adds up to something: for
    mean and sum over rows or outputs. The data stay where every value still belongs to one row and one feature.
    """

    @property
    def identity(self) -> Self:
        """The explanation itself."""
        return self

    @property
    def abs(self) -> Self:
        """The sizes of the values. They add up to nothing, so there are no base values."""
        return self._with(np.abs(self._values), Operation("abs", self.shape), base_values=None, details=None)

    @property
    def argsort(self) -> Self:
        """The positions that sort the last axis, smallest value first: an index for that axis, whose names it loses."""
        last = self._axes[-1] if self._axes else None
        lost = {"feature": "feature_names", OTHER: "other_feature_names", "output": "output_names"}.get(last or "")
        if last is None:
            raise OptionError("this explanation is a single number: there is nothing to sort")
        return self._with(
            np.argsort(self._values, kind="stable"),
            Operation("argsort", self.shape),
            base_values=None,
            data=None,
            display_data=None,
            details=None,
            output_space=POSITIONS,
            **({lost: None} if lost else {}),
        )

    def mean(self, axis: int | None) -> Self:
        """The mean over the axis of number `axis`; None: over all."""
        return self._reduced("mean", np.mean, axis)

    def sum(self, axis: int | None = None, grouping: Mapping[str, str] | None = None) -> Self:
        """The sum over the axis of number `axis`, None: over all; with `grouping`, of features by group.

        `grouping` has the group of each feature, by name; the others stay alone, or join the group of their name. The
        result has the groups as features, in the order of their first ones, with the same base values and no data.
        """
        return self._reduced("sum", np.sum, axis) if grouping is None else self._grouped(axis, grouping)

    def max(self, axis: int | None) -> Self:
        """The largest value along the axis of number `axis`; None: of all."""
        return self._reduced("max", np.max, axis)

    def min(self, axis: int | None) -> Self:
        """The smallest value along the axis of number `axis`; None: of all."""
        return self._reduced("min", np.min, axis)

    def percentile(self, q: float, axis: int | None = None) -> Self:
        """The `q`-th percentile along the axis of number `axis` (None: of all), 0 ≤ q ≤ 100, between two values linearly."""
        if np.ndim(q) or not 0 <= q <= 100:
            raise OptionError(f"q is {q!r}; expected one number from 0 to 100")
        return self._reduced("percentile", lambda values, axis: np.percentile(values, q, axis=axis), axis)

    def _reduced(self, name: str, function: Callable[..., Any], axis: int | None) -> Self:
        gone = self._axes if axis is None else (self._axes[self._axis_number(axis)],)
        for axis_gone in gone:
            if self._length(axis_gone) == 0 and name != "sum":
                raise OptionError(f"there are no {axis_gone}s here to take the {name} of")
        left = tuple(kept for kept in self._axes if kept not in gone)
        shown = "row" in gone or "feature" in gone
        return self._with(
            function(self._values, axis=_numbers(self._axes, gone)),
            Operation(name, self.shape, collapsed_instances="row" in gone),
            axes=left,
            base_values=self._reduced_base(function, gone) if _adds_up(name, gone) else None,
            data=None if shown else self._data,
            display_data=None if shown else self._display,
            feature_names=None if "feature" in gone else self._feature_names,
            other_feature_names=None if OTHER in gone else self._other_names,
            output_names=None if "output" in gone else self._output_names,
            details=None,
        )

    def _grouped(self, axis: int | None, grouping: Mapping[str, str]) -> Self:
        names = self._feature_names
        if OTHER in self._axes:
            raise OptionError(
                "grouping sums SHAP values, not their interactions; explanation.sum(2) makes those of these"
            )
        if "feature" not in self._axes or not isinstance(names, tuple):
            raise OptionError("grouping needs features with names; this explanation has none")
        at = self._axes.index("feature")
        if axis is not None and self._axis_number(axis) % len(self._axes) != at:
            raise OptionError(f"axis is {axis!r}, but grouping sums features, which are axis {at}")
        unknown = [name for name in grouping if name not in names]
        if unknown:
            raise OptionError(f"grouping names {listed(unknown)}, but the features are {listed(names)}")
        members: dict[str, list[int]] = {}
        for position, name in enumerate(names):
            members.setdefault(grouping.get(name, name), []).append(position)
        sums = [self._values.take(positions, axis=at).sum(axis=at) for positions in members.values()]
        return self._with(
            np.stack(sums, axis=at),
            Operation("sum", self.shape),
            data=None,
            display_data=None,
            feature_names=tuple(members),
            details=None,
        )

    def _reduced_base(self, function: Callable[..., Any], gone: tuple[str, ...]) -> Any:
        if self._base is None:
            return None
        return function(self._base, axis=_numbers(axes_of(self._axes, "row", "output"), gone))

    def _axis_number(self, axis: Any) -> int:
        n = len(self._axes)
        if isinstance(axis, bool) or not hasattr(axis, "__index__") or not -n <= axis < n:
            numbered = ", ".join(f"{at}: {name}" for at, name in enumerate(self._axes)) or "none"
            raise OptionError(
                f"axis is {axis!r}; expected the number of an axis or None for all; the axes are {numbered}"
            )
        return int(axis)

    def hclust(self, metric: str = "sqeuclidean", axis: int = 0) -> Array:
        """The order of rows (`axis=0`) or features (`axis=1`) that puts similar ones side by side: positions, intp.

        Similar by `metric`, the name of a distance of scipy. Complete linkage and the optimal order of leaves, as in shap;
        needs scipy.
        """
        if len(self._axes) != 2:
            raise OptionError(f"hclust orders two axes, not {len(self._axes)}; choose one output first")
        try:
            from scipy.cluster.hierarchy import complete, leaves_list, optimal_leaf_ordering
            from scipy.spatial.distance import pdist
        except ImportError as error:
            raise ImportError("hclust needs scipy: pip install scipy") from error
        values = self._values if self._axis_number(axis) == 0 else self._values.T
        if len(values) < 2:
            return np.arange(len(values))
        distances = pdist(values, metric)
        order: Array = leaves_list(optimal_leaf_ordering(complete(distances), distances)).astype(np.intp)
        return order


def _numbers(axes: tuple[str, ...], gone: tuple[str, ...]) -> tuple[int, ...]:
    return tuple(at for at, name in enumerate(axes) if name in gone)


def _adds_up(name: str, gone: tuple[str, ...]) -> bool:
    """Whether a summary of additive values is additive. The interactions of a feature sum to its SHAP value."""
    return name in LINEAR and "feature" not in gone and (OTHER not in gone or name == "sum")
