"""Arrays `(n, …)` of any dtype: mixtures of rows are blends of memory."""

from typing import Any

import numpy as np
import numpy.typing as npt

from ferroshap import _native
from ferroshap.errors import DataError, FeatureMismatchError
from ferroshap.inputs.containers import class_name
from ferroshap.inputs.names import counted

from .buffers import Buffers, Filled
from .codes import codes_of, different_rows, summed_weights
from .players import Players

Array = npt.NDArray[Any]


class MatrixBackground:
    """Background rows of an array; see `BackgroundTable`."""

    def __init__(self, array: Array, names: tuple[str, ...] | None, weights: npt.NDArray[np.float64]) -> None:
        kept = np.flatnonzero(weights)
        self.shape: tuple[int, ...] = array.shape[1:]
        matrix = _as_matrix(array)[kept]
        first, place = different_rows(_codes(matrix))
        self.values: Array = np.ascontiguousarray(matrix[first])
        self.weights = summed_weights(place, weights[kept])
        self.names = names

    @property
    def columns_in_use(self) -> int:
        return int(self.values.shape[1])

    def __len__(self) -> int:
        return len(self.values)

    @property
    def row_bytes(self) -> int:
        return int(self.values.shape[1] * self.values.itemsize)

    def own(self, first: int, last: int) -> Array:
        return self.values[first:last].reshape(-1, *self.shape).copy()

    def read(self, X: Any, players: Players) -> "MatrixRows":
        """Rows as an array; those of other kinds have become one before."""
        array = np.asarray(X)
        one_row = array.ndim == len(self.shape)
        if one_row:
            array = array[None]
        if array.ndim != len(self.shape) + 1 or array.shape[1:] != self.shape:
            raise FeatureMismatchError(
                f"the rows have the shape {np.shape(X)}; expected (rows, {', '.join(map(str, self.shape))}), as the background "
                "has, or one such row"
            )
        return MatrixRows(self, array, one_row=one_row, players=players)


class MatrixRows:
    """Rows of an array, see `ExplainedRows`; with the background they have one dtype, which holds the values of both."""

    def __init__(self, background: MatrixBackground, array: Array, *, one_row: bool, players: Players) -> None:
        self.one_row = one_row
        self.names: tuple[str, ...] | None = background.names
        self._shape, self._players = background.shape, players
        matrix = _as_matrix(array)
        dtype = common_dtype(background.values.dtype, matrix.dtype)
        self.given = matrix
        self._values: Array = np.ascontiguousarray(matrix, dtype)
        self._background: Array = np.ascontiguousarray(background.values, dtype)

    def __len__(self) -> int:
        return len(self._values)

    @property
    def row_bytes(self) -> int:
        return int(self._values.shape[1] * self._values.itemsize)

    @property
    def shown(self) -> Array:
        return self.given

    def own(self, first: int, last: int) -> Array:
        return self._values[first:last].reshape(-1, *self._shape).copy()

    def mixtures(self, first: int, last: int, batch: int, threads: int | None) -> "MatrixMixtures":
        return MatrixMixtures(
            self._background, self._values[first:last], first, self._shape, self._players, batch, threads
        )


class MatrixMixtures:
    """Blends of rows of two matrices of one dtype; see `Mixtures`."""

    active = None

    def __init__(
        self,
        background: Array,
        rows: Array,
        first: int,  # the number of the first of these rows
        shape: tuple[int, ...],
        players: Players,
        batch: int,
        threads: int | None,
    ) -> None:
        self._rows, self._first, self._background, self._shape = rows, first, background, shape
        self._players, self._threads = players, threads
        self._buffers = Buffers(batch, rows.shape[1], rows.dtype)
        self._bits = _as_bits(rows.dtype)
        self._blend = None if self._bits is None else self._masker(background.view(self._bits))
        self._compare = self._blend
        self._compared = rows if self._bits is None else rows.view(self._bits)
        if self._bits is None:
            codes = _codes(np.concatenate([background, rows]))
            self._compare, self._compared = self._masker(codes[: len(background)]), codes[len(background) :]

    def differs(self, first: int, last: int) -> npt.NDArray[np.bool_]:
        assert self._compare is not None
        return self._compare.differs(np.ascontiguousarray(self._compared[first - self._first : last - self._first]))

    def fill(self, asked: "_native.Asked") -> Filled:
        memory = self._buffers.lend()
        part = memory[: len(asked)]
        if self._blend is None or self._bits is None:
            members = asked.members()[:, self._players.of_column]
            part[...] = np.where(members, self._rows[asked.rows - self._first], self._background[asked.references])
        else:
            self._blend.fill(asked, self._rows.view(self._bits), self._first, part.view(self._bits), self._threads)
        return Filled(part.reshape(-1, *self._shape), memory)

    def back(self, filled: Filled) -> None:
        self._buffers.back(filled)

    def _masker(self, background: Array) -> "_native.MatrixMasker":
        return _native.MatrixMasker(np.ascontiguousarray(background), self._players.of_column, self._players.count)


def common_dtype(one: np.dtype[Any], other: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype that holds the values of both; numbers do not become texts."""
    kinds = {one.kind in "SUT", other.kind in "SUT"}
    if one == other:
        return one
    if len(kinds) == 2:
        return np.dtype(object)
    try:
        return np.result_type(one, other)
    except TypeError:
        return np.dtype(object)


def read_matrix(data: Any, what: str) -> Array:
    """An array of what is given as rows; raises `DataError` for masked and ragged ones."""
    if isinstance(data, np.ma.MaskedArray):
        if np.ma.is_masked(data):
            raise DataError(f"{what} is a masked array; pass X.filled(np.nan) if the masked entries are missing values")
        return np.asarray(data.data)
    try:
        array = np.asarray(data)
    except ValueError as error:
        raise DataError(f"{what} does not form a table: {error}") from error
    if array.ndim == 0:
        raise DataError(
            f"{what} is {class_name(type(data))}; expected rows: a numpy array, a list of rows, a pandas, polars or pyarrow table, or a "
            "scipy sparse matrix"
        )
    return array


def check_columns(found: int, expected: int) -> None:
    """Raises `FeatureMismatchError` for rows with another number of columns than the background."""
    if found != expected:
        raise FeatureMismatchError(
            f"the rows have {counted(found, 'column')}, but the background has {counted(expected, 'column')}"
        )


def _as_matrix(array: Array) -> Array:
    """A row's elements along one axis, in the byte order of this machine."""
    columns = int(np.prod(array.shape[1:], dtype=np.int64))
    return array.astype(array.dtype.newbyteorder("="), copy=False).reshape(len(array), columns)


def _as_bits(dtype: np.dtype[Any]) -> np.dtype[Any] | None:
    """The numeric dtype that rows are blended and compared as; None for what is no plain number."""
    if dtype.kind in "mM":
        return np.dtype(np.int64)
    if dtype.kind == "b":
        return np.dtype(np.uint8)
    plain = (dtype.kind in "iu" and dtype.itemsize in {1, 2, 4, 8}) or (dtype.kind == "f" and dtype.itemsize in {4, 8})
    return dtype if plain else None


def _codes(matrix: Array) -> npt.NDArray[np.int32]:
    """`(n, c)`: by column, equal numbers for identical values."""
    codes = np.empty(matrix.shape, np.int32)
    for column in range(matrix.shape[1]):
        codes[:, column] = codes_of(matrix[:, column])
    return codes
