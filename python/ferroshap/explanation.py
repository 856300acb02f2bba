"""`Explanation`: SHAP values together with what they are values of."""

import operator
from typing import Any

import numpy as np
import numpy.typing as npt

from .inputs.frames import FrameData
from .inputs.sparse import SparseRows

Array = npt.NDArray[Any]


class Explanation:
    """SHAP values of some rows: `base_values + values.sum(axis=1)` is the prediction, in the unit `output_space`.

    Attributes
    ----------
    values
        `(n, f)` for one output, `(n, f, o)` otherwise; without the first axis for one row.
    base_values
        `(n,)` or `(n, o)`: the expected value of the model, the same for every row.
    data
        The rows as the user gave them, in the model's column order: `(n, f)`.
    feature_names : tuple of str or None
        One a feature.
    output_names : tuple of str
        One an output.
    output_space : str
        The unit of values and base values: "margin", "probability", …
    algorithm : str
        "path-dependent": the game is the conditional expectation along the trees.

    `explanation[rows]` takes row positions: a number, a slice, a mask or an array of numbers.
    """

    def __init__(
        self,
        values: Array,
        base_values: Array,
        data: Array | FrameData | SparseRows,
        *,
        feature_names: tuple[str, ...] | None,
        output_names: tuple[str, ...],
        output_space: str,
        algorithm: str,
    ) -> None:
        self.values = values
        self.base_values = base_values
        self._data = data
        self.feature_names = feature_names
        self.output_names = output_names
        self.output_space = output_space
        self.algorithm = algorithm

    @property
    def data(self) -> Array:
        """The rows as the user gave them; those of a frame are gathered when they are first asked for."""
        if isinstance(self._data, (FrameData, SparseRows)):
            self._data = self._data.to_numpy()
        return self._data

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of `values`."""
        return self.values.shape

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, rows: Any) -> "Explanation":
        if self.base_values.ndim == (0 if len(self.output_names) == 1 else 1):
            raise IndexError("this is the explanation of one row: there are no more rows to choose from")
        if not isinstance(rows, slice):
            rows = _positions(rows)
        return Explanation(
            self.values[rows],
            np.asarray(self.base_values[rows]),
            self.data[rows],
            feature_names=self.feature_names,
            output_names=self.output_names,
            output_space=self.output_space,
            algorithm=self.algorithm,
        )

    def __repr__(self) -> str:
        return f"Explanation(values {self.shape}, in units of {self.output_space}, {self.algorithm})"


def _positions(rows: Any) -> int | Array:
    try:
        return operator.index(rows)
    except TypeError:
        chosen = np.asarray(rows)
    if isinstance(rows, tuple) or chosen.ndim != 1 or chosen.dtype.kind not in "iub":
        raise IndexError(
            f"{rows!r} does not name rows; expected a position, a slice, a mask or an array of positions (for features "
            "and outputs index `.values`)"
        )
    return chosen
