"""The explained rows as a table of the user holds them, made into arrays when they are first asked for."""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ferroshap.inputs import InputRows
from ferroshap.inputs.frames import FrameData

from .positions import Chosen, Position, taken

if TYPE_CHECKING:
    import narwhals as nw

Array = npt.NDArray[Any]
Indices = range | Array


class FrameRows:
    """Some rows and features of a frame: `codes` has, by feature, the numbers of a column that holds none itself."""

    def __init__(self, frame: FrameData, codes: Mapping[int, Array]) -> None:
        self._frame = frame
        self._codes = codes
        self._features: Indices = range(len(frame.series))
        self._rows: Indices = range(len(frame.series[0]) if frame.series else 0)
        self._one_feature = self._one_row = False

    @cached_property
    def data(self) -> Any:
        """Numbers: a column that holds none (categories, booleans) as those the model reads, missing as NaN."""
        return self._gathered(self._numbers)

    @cached_property
    def display(self) -> Any:
        """What the frame shows, as an array of objects, missing as NaN; None if all the columns are numbers."""
        return self._gathered(self._shown) if any(at in self._codes for at in self._features) else None

    def take(self, chosen: Chosen) -> "FrameRows":
        """The chosen part; a single row or feature takes its axis away."""
        part = FrameRows(self._frame, self._codes)
        part._rows, one_row = _narrowed(self._rows, chosen.get("row"))
        part._features, one_feature = _narrowed(self._features, chosen.get("feature"))
        part._one_row, part._one_feature = self._one_row or one_row, self._one_feature or one_feature
        return part

    def _numbers(self, feature: int) -> Array:
        if feature in self._codes:
            return self._codes[feature][_as_index(self._rows)]
        return self._series(feature).to_numpy()

    def _shown(self, feature: int) -> Array:
        column = np.empty(len(self._rows), dtype=object)
        series = self._series(feature)
        column[:] = series.to_list()
        column[series.is_null().to_numpy()] = np.nan  # libraries have three ways to say so; plots take this one
        return column

    def _series(self, feature: int) -> "nw.Series[Any]":
        series = self._frame.series[feature]
        whole = isinstance(self._rows, range) and self._rows == range(len(series))
        return series if whole else series[_as_index(self._rows)]

    def _gathered(self, column: Callable[[int], Array]) -> Any:
        columns = [column(int(at)) for at in self._features]
        table = np.stack(columns, axis=1) if columns else np.empty((len(self._rows), 0))
        table = table[:, 0] if self._one_feature else table
        return table[0] if self._one_row else table


class SparseTable:
    """Sparse rows, made dense when they are first asked for: as large as their SHAP values then."""

    display = None

    def __init__(self, rows: Any) -> None:
        self._rows = rows

    @cached_property
    def data(self) -> Any:
        """All numbers, absent ones as the model reads them."""
        return self._rows.to_numpy()

    def take(self, chosen: Chosen) -> Array:
        """The chosen part, dense."""
        return taken(self.data, ("row", "feature"), chosen)


def shown_rows(rows: InputRows) -> "tuple[FrameRows | SparseTable | Array, Array | None]":
    """`data` and `display_data` of an explanation of these rows, without a row axis if the user gave none."""
    table: Any = rows.table
    numbers: Any = rows.values
    if isinstance(table, np.ndarray):
        table = table[0] if rows.one_row and table.ndim == 2 else table
        if table.dtype.kind in "biuf":
            return table, None
        return numbers.reshape(table.shape).copy(), table  # categories as objects or texts
    if not isinstance(table, FrameData):
        return SparseTable(table), None
    codes = {at: numbers[:, at].copy() for at, series in enumerate(table.series) if not series.dtype.is_numeric()}
    frame = FrameRows(table, codes)
    return frame.take({"row": 0}) if rows.one_row else frame, None


def _narrowed(indices: Indices, position: Position | None) -> tuple[Indices, bool]:
    if position is None:
        return indices, False
    if isinstance(position, int):
        return indices[position : position + 1], True
    if isinstance(position, slice):
        return indices[position], False
    return np.asarray(indices)[position], False


def _as_index(indices: Indices) -> "slice | Array":
    if isinstance(indices, range) and indices.step == 1:
        return slice(indices.start, indices.stop)
    return np.asarray(indices, dtype=np.intp)
