"""The door of the inputs: any table the user has, or a clear refusal."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ferroshap.errors import DataError

from .arrays import read_array
from .containers import base_margin_of, class_name, is_dmatrix, read_dmatrix, refuse_containers, unwrapped
from .finite import refuse_untaken
from .frames import FrameData, is_frame, read_frame
from .schema import InputSchema
from .series import is_series, row_of_series
from .sparse import SparseRows, is_sparse, read_sparse


@dataclass(frozen=True)
class InputRows:
    """Rows as the native code reads them.

    values
        `(n, f)` float32 or float64, in the model's column order, any strides; or sparse rows, which become such arrays a
        block at a time. Rounding, flushing and the missing rule are still to come: the core applies them.
    one_row
        Whether the user gave one row without a row axis.
    columns
        The table's own names of the columns, in the model's order; None for arrays.
    bases
        `(n, o)`: what the prediction of each row starts from in the place of the model's base (XGBoost's `base_margin`).
    table
        The rows as the user gave them, in the model's column order, for display; a single row where `one_row`.
    """

    values: npt.NDArray[np.floating[Any]] | SparseRows
    one_row: bool
    columns: tuple[str, ...] | None
    table: "FrameData | SparseRows | npt.NDArray[Any]"
    bases: npt.NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return int(self.values.shape[0])

    def as_one_row(self) -> "InputRows":
        """The only row, without a row axis."""
        table = replace(self.table, one_row=True) if isinstance(self.table, FrameData) else self.table
        return replace(self, one_row=True, table=table[0] if isinstance(table, np.ndarray) else table)

    def between(self, first: int, last: int) -> "InputRows":
        """The rows `first` to `last - 1`, of the same memory."""
        rows = slice(first, last)
        return replace(
            self,
            values=self.values.between(rows) if isinstance(self.values, SparseRows) else self.values[rows],
            table=self.table[rows] if isinstance(self.table, np.ndarray) else self.table.between(rows),
            bases=None if self.bases is None else self.bases[rows],
        )

    def bases_of(self, first: int, count: int) -> npt.NDArray[np.float64] | None:
        """The bases of a block; None where the rows have none of their own."""
        return None if self.bases is None else self.bases[first : first + count]

    def blocks(self, size: int | None = None) -> Iterator[tuple[int, npt.NDArray[np.floating[Any]]]]:
        """The rows in order as dense blocks, each with the number of its first row; no rows are one block too.

        `size` is how many rows a block has; None: all there are, or for sparse rows as many as take bounded memory.
        """
        most = self.values.block_rows if isinstance(self.values, SparseRows) else max(len(self), 1)
        step = most if size is None else size
        for first in range(0, max(len(self), 1), step):
            yield first, self.values[first : first + step]


def as_table(data: Any) -> tuple[bool, Any]:
    """Whether `data` is one row without a row axis, and the rows with one: what other libraries' `transform` takes."""
    if is_series(data):
        return True, data.to_frame().T.infer_objects()
    if isinstance(data, (list, tuple, np.ndarray)):
        array = np.asarray(data)
        return array.ndim == 1, array.reshape(1, -1) if array.ndim == 1 else data
    return False, data


def read_rows(
    data: object,
    schema: InputSchema,
    *,
    round_to_float32: bool = False,
    extra: Literal["error", "ignore"] = "error",
) -> InputRows:
    """The rows of `data` as numbers in the model's column order.

    Parameters
    ----------
    data
        numpy array `(n, f)` or one row `(f,)` of any real dtype, nested lists of numbers, a sparse matrix of scipy, an
        `xgboost.DMatrix`, a `lightgbm.Dataset` that keeps its table, a pandas Series (one row, its index the names), or a data frame: pandas, polars, pyarrow Table
        or RecordBatch, or whatever narwhals reads. Columns of a frame match by name where the model knows names, its
        categories by value where the model stores them.
    schema
        What the model knows about its columns.
    round_to_float32
        The library rounds its input to float32: frames become float32 at once, each value rounded once.
    extra
        What to do with columns of a frame that the model does not know: `"error"`, or `"ignore"` with one log line.

    Raises `DataError` naming the column and the value or dtype, `FeatureMismatchError` naming columns.
    """
    data = unwrapped(data)
    refuse_containers(data)
    rows = _read(data, schema, round_to_float32=round_to_float32, extra=extra)
    refuse_untaken(rows.values, rows.columns or schema.feature_names, schema, round_to_float32=round_to_float32)
    return rows


def _read(data: Any, schema: InputSchema, *, round_to_float32: bool, extra: Literal["error", "ignore"]) -> InputRows:
    if is_sparse(data):
        sparse = read_sparse(data, schema, round_to_float32=round_to_float32)
        return InputRows(sparse, one_row=False, columns=None, table=sparse)
    if is_dmatrix(data):
        sparse, names = read_dmatrix(data, schema, round_to_float32=round_to_float32)
        return InputRows(sparse, one_row=False, columns=names, table=sparse, bases=base_margin_of(data))
    one_row = is_series(data)
    table = row_of_series(data, schema) if one_row else data
    if one_row or is_frame(table):
        values, columns, shown = read_frame(table, schema, round_to_float32=round_to_float32, extra=extra)
        return InputRows(values, one_row=one_row, columns=columns, table=FrameData(shown.series, one_row=one_row))
    if isinstance(data, (str, bytes, bytearray, dict, set)) or not (
        isinstance(data, (np.ndarray, list, tuple)) or hasattr(data, "__array__")
    ):
        raise DataError(
            f"rows cannot be read from {class_name(type(data))}; pass a numpy array, a list of lists of numbers, a sparse "
            "matrix, or a pandas, polars or pyarrow table"
        )
    array, one_row = read_array(data, schema, round_to_float32=round_to_float32)
    return InputRows(array, one_row=one_row, columns=None, table=np.asarray(data))
