"""Data frames → a matrix in the model's column order: pandas, polars, pyarrow and whatever else narwhals reads.

Each column is converted alone and written straight into the one matrix, so no second copy of the table is made. Which
precision the matrix has follows the libraries:

* float32 where the model rounds its input to float32 (XGBoost, scikit-learn's trees): each value is rounded once.
* else float32 if float32 holds every column exactly, float64 otherwise. That is what LightGBM does with pandas
  (`numpy.result_type` of the columns and float32), in value also with Arrow and polars, and what
  HistGradientBoosting's float64 sees.

LightGBM flushes values up to 1e-35 to zero in arrays and pandas frames but not in Arrow and polars frames; here all
tables follow the first rule.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from ferroshap.errors import DataError, FeatureMismatchError

from . import columns
from .matching import Coded, warn_unseen
from .names import match_columns
from .schema import InputSchema

if TYPE_CHECKING:
    import narwhals as nw


@dataclass(frozen=True)
class FrameData:
    """The columns that were read, in the model's order, kept for display; `one_row`: of a single row without an axis."""

    series: "Sequence[nw.Series[Any]]"
    one_row: bool = False

    def to_numpy(self) -> npt.NDArray[Any]:
        """The values as the frame holds them, `(n, f)` or `(f,)`: a numeric dtype, or object if any column is not numeric."""
        table = self._table()
        return table[0] if self.one_row else table

    def between(self, rows: slice) -> "FrameData":
        """Some rows in a row, of the same memory."""
        return replace(self, series=[series[rows] for series in self.series])

    def _table(self) -> npt.NDArray[Any]:
        if not self.series:
            return np.empty((0, 0))
        if all(s.dtype.is_numeric() for s in self.series):
            return np.column_stack([s.to_numpy() for s in self.series])
        table = np.empty((len(self.series[0]), len(self.series)), dtype=object)
        for at, series in enumerate(self.series):
            table[:, at] = series.to_list()
        return table


def is_frame(data: object) -> bool:
    """Whether `data` is a data frame; never imports a frame library."""
    if isinstance(data, (np.ndarray, list, tuple, str, bytes, dict)):
        return False
    import narwhals as nw

    if isinstance(data, nw.DataFrame) or nw.dependencies.is_into_dataframe(data):
        return True
    return _is_record_batch(data) or hasattr(data, "__arrow_c_stream__")


def read_frame(
    data: Any, schema: InputSchema, *, round_to_float32: bool, extra: Literal["error", "ignore"]
) -> tuple[npt.NDArray[np.floating[Any]], tuple[str, ...], FrameData]:
    """The matrix `(n, f)`, the frame's names of its columns, and the columns themselves, in the model's order."""
    import narwhals as nw

    if not isinstance(data, nw.DataFrame) and not nw.dependencies.is_into_dataframe(data):
        data = _arrow_table(data)
    try:
        frame = nw.from_native(data, eager_only=True)
    except nw.exceptions.DuplicateError as error:
        raise FeatureMismatchError(
            f"a column name occurs twice; give each column a name of its own: {error}"
        ) from error
    names = [str(name) for name in frame.columns]
    order = match_columns(names, schema, extra)
    every = list(frame.iter_columns())
    chosen = [every[at] for at in order]
    small = round_to_float32 or all(columns.fits_float32(series) for series in chosen)
    # By column in memory: a column is written in one go, and the core reads a block of rows at a time either way.
    matrix = np.empty((len(frame), len(chosen)), dtype=np.float32 if small else np.float64, order="F")
    unseen: dict[str, Coded] = {}
    with np.errstate(over="ignore"):  # beyond float32: infinity, as in the library
        for at, series in enumerate(chosen):
            name = names[order[at]]
            stored = schema.categories.get(at)
            if stored is None:
                matrix[:, at] = _floats(series, name, at, schema)
                continue
            coded = columns.category_codes(series, name, stored)
            matrix[:, at] = coded.codes
            unseen[repr(name)] = coded
    warn_unseen(unseen)
    return matrix, tuple(names[at] for at in order), FrameData(chosen)


def _floats(series: "nw.Series[Any]", name: str, feature: int, schema: InputSchema) -> npt.NDArray[Any]:
    if feature in schema.categorical and columns.is_category(series) and schema.codes_below is None:
        return columns.own_codes(series, name)
    return columns.numbers(series, name)


def _arrow_table(data: Any) -> Any:
    """The table of a record batch, or of any object that gives its columns through the Arrow PyCapsule interface."""
    try:
        import pyarrow as pa
    except ImportError as error:
        raise DataError(
            f"rows cannot be read from {type(data).__qualname__} without pyarrow: pip install pyarrow, or pass a pandas or "
            "polars frame"
        ) from error
    if _is_record_batch(data):
        return pa.Table.from_batches([data])
    try:
        return pa.table(data)
    except (pa.ArrowException, TypeError) as error:
        raise DataError(f"rows cannot be read from {type(data).__qualname__}, which is no table: {error}") from error


def _is_record_batch(data: object) -> bool:
    pyarrow = sys.modules.get("pyarrow")
    return pyarrow is not None and isinstance(data, pyarrow.RecordBatch)
