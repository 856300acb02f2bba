"""Sparse matrices → dense blocks of rows, made when they are asked for; never the whole matrix.

What an entry is that the matrix does not store depends on the library: missing to XGBoost, zero to LightGBM and
scikit-learn. An entry that is stored counts as it is, a zero too.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ferroshap.errors import DataError

from .names import check_count
from .schema import InputSchema

BLOCK_BYTES = 2**24

SparseArrays = tuple[npt.NDArray[np.int64], npt.NDArray[np.int32], npt.NDArray[np.floating[Any]], int, float]
"""The fields of `SparseRows` as the core reads them."""


@dataclass(frozen=True)
class SparseRows:
    """Rows by their stored entries (CSR); `rows[a:b]` is a dense block, as of an array.

    starts, columns, entries
        Row `i` stores `entries[starts[i]:starts[i + 1]]` in the columns `columns[starts[i]:starts[i + 1]]`, each once.
    absent
        What every other entry is: NaN or 0.
    """

    starts: npt.NDArray[np.integer[Any]]
    columns: npt.NDArray[np.integer[Any]]
    entries: npt.NDArray[np.floating[Any]]
    n_columns: int
    absent: float

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.starts) - 1, self.n_columns

    @property
    def nbytes(self) -> int:
        """The memory that the stored entries take."""
        return self.starts.nbytes + self.columns.nbytes + self.entries.nbytes

    @property
    def arrays(self) -> SparseArrays:
        """What the core reads, without the rows becoming dense; copies where the types are others."""
        starts, columns = self.starts.astype(np.int64, copy=False), self.columns.astype(np.int32, copy=False)
        return np.ascontiguousarray(starts), np.ascontiguousarray(columns), self.entries, self.n_columns, self.absent

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def block_rows(self) -> int:
        """How many rows a block of bounded memory has."""
        return max(1, BLOCK_BYTES // (self.entries.itemsize * max(self.n_columns, 1)))

    def __getitem__(self, rows: slice) -> npt.NDArray[np.floating[Any]]:
        first, last, _ = rows.indices(len(self))
        block = np.full((max(last - first, 0), self.n_columns), self.absent, self.entries.dtype)
        lengths = np.diff(self.starts[first : last + 1])
        stored = slice(self.starts[first], self.starts[max(last, first)])
        block[np.repeat(np.arange(len(block)), lengths), self.columns[stored]] = self.entries[stored]
        return block

    def between(self, rows: slice) -> "SparseRows":
        """Some rows in a row, still sparse, of the same memory."""
        first, last, _ = rows.indices(len(self))
        return replace(self, starts=self.starts[first : last + 1])

    def take(self, rows: npt.NDArray[np.intp]) -> "SparseRows":
        """Rows at some positions, still sparse, in memory of their own."""
        lengths = np.diff(self.starts)[rows]
        starts = np.concatenate([[0], np.cumsum(lengths)])
        stored = np.repeat(self.starts[rows] - starts[:-1], lengths) + np.arange(starts[-1])
        return replace(self, starts=starts, columns=self.columns[stored], entries=self.entries[stored])

    def to_numpy(self) -> npt.NDArray[np.floating[Any]]:
        """All rows, dense: as large as their SHAP values."""
        return self[:]

    def place(self, entry: int) -> tuple[int, int]:
        """Row and column of a stored entry."""
        return int(np.searchsorted(self.starts, entry, side="right")) - 1, int(self.columns[entry])


def is_sparse(data: object) -> bool:
    """Whether `data` is a matrix or array of scipy.sparse; never imports scipy."""
    return any(cls.__module__.startswith("scipy.sparse") for cls in type(data).__mro__)


def read_sparse(data: Any, schema: InputSchema, *, round_to_float32: bool) -> SparseRows:
    """The rows of a matrix of any format of scipy.sparse; raises `DataError`, or `FeatureMismatchError` for columns."""
    if schema.absent == "refused":
        raise DataError(
            "the rows are a sparse matrix, which the model's library does not predict; pass X.toarray() if absent entries "
            "are zeros"
        )
    if data.ndim != 2:
        raise DataError(f"the sparse rows have shape {data.shape}; expected (rows, {schema.n_features})")
    check_count(data.shape[1], schema)
    if data.dtype.kind not in "fiub":
        raise DataError(f"the sparse rows have dtype {data.dtype}; the model compares numbers: pass float64 or float32")
    if schema.categories and any(stored.arrays_hold == "values" for stored in schema.categories.values()):
        raise DataError("the rows are a sparse matrix, but the model has columns of category values; pass a data frame")
    if data.format == "csc":
        _check_places(data, data.shape[1], data.shape[0])
    rows = data.tocsr()
    _check_places(rows, *rows.shape)
    if not _each_entry_once(rows):
        raise DataError(
            "the sparse matrix stores an entry twice, which libraries read in different ways; call X.sum_duplicates() if "
            "their sum is meant"
        )
    small = round_to_float32 or schema.integers_to_float32
    dtype = (
        rows.dtype.newbyteorder("=") if rows.dtype.type in {np.float32, np.float64} else np.float32 if small else float
    )
    with np.errstate(over="ignore"):  # beyond float32: infinity, as in the library
        entries = rows.data[: rows.indptr[-1]].astype(dtype, copy=False)
    absent = np.nan if schema.absent == "missing" else 0.0
    return SparseRows(rows.indptr, rows.indices, entries, int(rows.shape[1]), absent)


def _check_places(compressed: Any, n_starts: int, n_places: int) -> None:
    """Refuses a matrix whose arrays were changed by hand so that entries lie outside of it."""
    starts, places = compressed.indptr, compressed.indices
    if len(starts) != n_starts + 1 or starts[0] != 0 or (np.diff(starts) < 0).any():
        raise DataError("the sparse matrix is damaged: indptr does not ascend from 0, one number a row and one more")
    used = places[: starts[-1]]
    if starts[-1] > min(len(places), len(compressed.data)):
        raise DataError(f"the sparse matrix is damaged: indptr ends at {starts[-1]}, beyond the {len(places)} indices")
    if used.size and (used.min() < 0 or used.max() >= n_places):
        raise DataError(
            f"the sparse matrix is damaged: indices from {used.min()} to {used.max()}, expected 0 to {n_places - 1}"
        )


def _each_entry_once(rows: Any) -> bool:
    if rows.has_canonical_format:
        return True
    of_row = np.repeat(np.arange(rows.shape[0], dtype=np.int64), np.diff(rows.indptr))
    keys = of_row * rows.shape[1] + rows.indices[: rows.indptr[-1]]
    return bool(np.unique(keys).size == keys.size)
