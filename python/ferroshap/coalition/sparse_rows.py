"""Sparse rows: the model gets CSR matrices, and only columns that are not 0 everywhere are players at all."""

from typing import Any

import numpy as np
import numpy.typing as npt

from .buffers import Filled
from .codes import different_rows, summed_weights
from .matrices import MatrixMixtures, check_columns, common_dtype
from .players import Players

Array = npt.NDArray[Any]


class SparseBackground:
    """Background rows of a sparse matrix; see `BackgroundTable`."""

    names: tuple[str, ...] | None = None

    def __init__(self, matrix: Any, weights: npt.NDArray[np.float64]) -> None:
        kept = np.flatnonzero(weights)
        rows = _canonical(matrix)[kept]
        used = np.unique(rows.indices)
        first, place = different_rows(_dense(rows, used) + 0.0 if len(used) else np.zeros((len(kept), 1)))
        self.values = rows[first]
        self.weights = summed_weights(place, weights[kept])
        self.shape: tuple[int, ...] = (rows.shape[1],)

    @property
    def columns_in_use(self) -> int:
        return max(len(np.unique(self.values.indices)), 1)

    def __len__(self) -> int:
        return int(self.values.shape[0])

    @property
    def row_bytes(self) -> int:
        return int(self.values.data.nbytes // max(len(self), 1))

    def own(self, first: int, last: int) -> Any:
        return self.values[first:last].copy()

    def read(self, X: Any, players: Players) -> "SparseRows":
        """Rows as a sparse matrix, those of an array too."""
        from scipy.sparse import csr_matrix, issparse

        one_row = not issparse(X) and np.ndim(X) == 1
        matrix = X if issparse(X) else csr_matrix(np.atleast_2d(np.asarray(X)))
        check_columns(matrix.shape[1], self.shape[0])
        return SparseRows(self, _canonical(matrix), one_row=one_row, players=players)


class SparseRows:
    """Sparse rows, see `ExplainedRows`; blended as dense ones of the columns that have an entry in them or the background."""

    names: tuple[str, ...] | None = None

    def __init__(self, background: SparseBackground, matrix: Any, *, one_row: bool, players: Players) -> None:
        self.one_row = one_row
        self._matrix, self._background, self._players = matrix, background.values, players
        self._dtype = common_dtype(background.values.dtype, matrix.dtype)
        used = np.union1d(matrix.indices, background.values.indices)
        self._used = used if len(used) else np.zeros(1, np.int64)

    def __len__(self) -> int:
        return int(self._matrix.shape[0])

    @property
    def row_bytes(self) -> int:
        """As blended."""
        return len(self._used) * self._dtype.itemsize

    @property
    def shown(self) -> Array:
        return np.asarray(self._matrix.toarray())

    def own(self, first: int, last: int) -> Any:
        return self._matrix[first:last].astype(self._dtype)

    @property
    def active(self) -> npt.NDArray[np.intp]:
        """The players that have a column with an entry."""
        return np.unique(self._players.of_column[self._used]).astype(np.intp)

    def mixtures(self, first: int, last: int, batch: int, threads: int | None) -> "SparseMixtures":
        active = self.active
        place = np.full(self._players.count, -1, np.int64)
        place[active] = np.arange(len(active))
        of_used = place[self._players.of_column[self._used]]
        players = Players(of_used, len(active), None, (len(active),), columns_are_players=False)
        dense = MatrixMixtures(
            _dense(self._background, self._used).astype(self._dtype),
            _dense(self._matrix[first:last], self._used).astype(self._dtype),
            first,
            (len(self._used),),
            players,
            batch,
            threads,
        )
        return SparseMixtures(dense, self._used, self._matrix.shape[1], active)


class SparseMixtures:
    """Dense blends made sparse; see `Mixtures`."""

    def __init__(self, dense: MatrixMixtures, used: Array, columns: int, active: npt.NDArray[np.intp]) -> None:
        self._dense, self._used, self._columns = dense, used, columns
        self.active: npt.NDArray[np.intp] | None = active

    def differs(self, first: int, last: int) -> npt.NDArray[np.bool_]:
        return self._dense.differs(first, last)

    def fill(self, asked: Any) -> Filled:
        from scipy.sparse import csr_matrix

        filled = self._dense.fill(asked)
        part = csr_matrix(filled.table)
        self._dense.back(filled)
        columns = self._used[part.indices].astype(part.indices.dtype)
        return Filled(csr_matrix((part.data, columns, part.indptr), shape=(part.shape[0], self._columns)), None)

    def back(self, filled: Filled) -> None:
        filled.table = None


def _canonical(matrix: Any) -> Any:
    """CSR with sorted columns, no entry twice and no entry of 0: an explicit zero is a zero."""
    rows = matrix.tocsr(copy=True)
    rows.sum_duplicates()
    rows.eliminate_zeros()
    return rows


def _dense(rows: Any, used: Array) -> Array:
    return np.ascontiguousarray(rows[:, used].toarray())
