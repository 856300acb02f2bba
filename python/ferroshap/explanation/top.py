"""The features that matter most, row by row."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ferroshap.errors import OptionError
from ferroshap.options import whole_number

from .positions import taken
from .state import State, axes_of, length, refuse_interactions

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class TopFeatures:
    """The k features with the largest |value| of each row and output, the largest first; `(k,)`, `(n, k)`, … `(n, k, o)`.

    positions
        Their positions among the features, intp.
    feature_names
        Their names: an array of str objects; the positions as text where the features have no names.
    values
        Their SHAP values, with their signs.
    data
        Their values in the data as shown, or None if the explanation has none.
    """

    positions: Array
    feature_names: Array
    values: Array
    data: Array | None

    def __repr__(self) -> str:
        if self.values.ndim > 1:
            return f"TopFeatures(the {self.values.shape[1]} largest of {len(self.values)})"
        shown = [
            f"{name} {value:+.4g}" if self.data is None else f"{name} = {shortly(self.data[at])} {value:+.4g}"
            for at, (name, value) in enumerate(zip(self.feature_names, self.values, strict=True))
        ]
        return f"TopFeatures({', '.join(shown)})"


class Ranking(State):
    """`top`."""

    def top(self, k: int) -> TopFeatures:
        """The `k` features with the largest |value|, of each row and output; all features if there are fewer.

        Of equal sizes, the one that comes first among the features.
        """
        whole_number("k", k)
        refuse_interactions(self, "top")
        if "feature" not in self._axes:
            raise OptionError("top ranks features, but this explanation has no feature axis")
        at = self._axes.index("feature")
        order = np.argsort(-np.abs(self._values), axis=at, kind="stable")
        order = taken(order, self._axes, {"feature": slice(k)})
        data = self.data if self.display_data is None else self.display_data
        return TopFeatures(
            order,
            np.array(feature_labels(self), dtype=object)[order],
            np.take_along_axis(self._values, order, axis=at),
            None if data is None else _along(data, order, self._axes),
        )


def feature_labels(state: State) -> list[str]:
    """A name for each feature: their positions where they have no names."""
    return labels(state.feature_names, length(state, "feature"))


def shortly(value: Any) -> str:
    """A value of the data as text."""
    return f"{value:.4g}" if isinstance(value, (float, np.floating)) else str(value)


def labels(names: tuple[str, ...] | str | None, length: int) -> list[str]:
    """The names as a list; the positions as texts if there are none."""
    if isinstance(names, str):
        return [names]
    return [str(at) for at in range(length)] if names is None else list(names)


def _along(data: Array, order: Array, axes: tuple[str, ...]) -> Array:
    """The data of the features in that order; the same data for each output."""
    own = axes_of(axes, "row", "feature")
    if "output" in axes:
        data = np.broadcast_to(data[..., None], (*data.shape, order.shape[-1]))
    return np.take_along_axis(data, order, axis=own.index("feature"))
