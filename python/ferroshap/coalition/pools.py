"""Columns of frames, joined and taken from by position, in three libraries."""

from abc import ABC, abstractmethod
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from ferroshap.errors import DataError

from .codes import Codes, codes_of, codes_of_objects
from .matrices import check_columns

Array = npt.NDArray[Any]


class Frames(Protocol):
    """What is done with frames of one library. A column is what the library has for one."""

    def names(self, frame: Any) -> tuple[str, ...]:
        """The names of the columns, as text."""

    def columns(self, frame: Any) -> list[Any]:
        """The columns, in their order."""

    def labels(self, frame: Any, order: Array) -> Any:
        """The labels of some rows, None where they are not kept."""

    def read(self, X: Any, names: tuple[str, ...] | None) -> tuple[Any, bool]:
        """Rows of another kind as a frame of this one, and whether they were one row without an axis."""

    def joined(self, one: Any, other: Any) -> Any:
        """Two columns, one after the other, in a dtype for the values of both."""

    def take(self, column: Any, order: Array) -> Any:
        """The values at some positions, in new memory."""

    def codes(self, column: Any) -> Codes:
        """`(n,)`: equal numbers for identical values."""

    def table(self, columns: list[Any], labels: Any) -> Any:
        """The frame of these columns, with the names and the order of the background."""

    def series(self, columns: list[Any]) -> list[Any]:
        """Columns as the library's own series."""

    def array(self, frame: Any) -> Array:
        """The frame as an array, objects if its columns are no numbers."""


def frames_of(frame: Any, *, keep_index: bool) -> Frames:
    """What is done with frames of the library of `frame`; raises `DataError` for a library that is not known."""
    library = type(frame).__module__.partition(".")[0]
    if library == "pandas":
        from .pandas_pools import PandasFrames

        return PandasFrames(frame, keep_index=keep_index)
    if library == "polars":
        return PolarsFrames(frame)
    if library == "pyarrow":
        return ArrowFrames(frame)
    raise DataError(
        f"data is a {library}.{type(frame).__name__}; expected a numpy array, a pandas, polars or pyarrow table, or a scipy sparse "
        "matrix"
    )


class ColumnFrames(ABC):
    """What polars and pyarrow have in common: columns by name, and no index."""

    def __init__(self, frame: Any) -> None:
        self._like = frame[:0]
        self._names = self.names(frame)

    def names(self, frame: Any) -> tuple[str, ...]:
        return tuple(frame.columns)

    def labels(self, frame: Any, order: Array) -> Any:
        return None

    def read(self, X: Any, names: tuple[str, ...] | None) -> tuple[Any, bool]:
        if type(X).__module__.partition(".")[0] == type(self._like).__module__.partition(".")[0]:
            return X, False
        array = np.asarray(X)
        one_row = array.ndim == 1
        matrix = np.atleast_2d(array)
        check_columns(matrix.shape[1] if matrix.ndim == 2 else -1, len(self._names))
        return self.from_arrays([_native_objects(matrix[:, at]) for at in range(matrix.shape[1])]), one_row

    @abstractmethod
    def from_arrays(self, arrays: list[Any]) -> Any:
        """A frame of one column an array."""

    def series(self, columns: list[Any]) -> list[Any]:
        return columns

    def array(self, frame: Any) -> Array:
        return np.asarray(frame)


class PolarsFrames(ColumnFrames):
    """`polars.DataFrame`."""

    def columns(self, frame: Any) -> list[Any]:
        return list(frame.get_columns())

    def joined(self, one: Any, other: Any) -> Any:
        import polars as pl

        other = other.alias(one.name)
        if one.dtype == other.dtype:
            return pl.concat([one, other])
        try:
            return pl.concat([one.to_frame(), other.to_frame()], how="vertical_relaxed").to_series()
        except pl.exceptions.PolarsError as error:
            raise _no_common(one.name, one.dtype, other.dtype) from error

    def take(self, column: Any, order: Array) -> Any:
        return column.gather(order)

    def codes(self, column: Any) -> Codes:
        if column.dtype.is_numeric() and not column.dtype.is_decimal() and not column.null_count():
            return codes_of(column.to_numpy())
        return codes_of_objects(column.to_list())

    def table(self, columns: list[Any], labels: Any) -> Any:
        import polars as pl

        return pl.DataFrame([column.alias(name) for column, name in zip(columns, self._names, strict=True)])

    def from_arrays(self, arrays: list[Any]) -> Any:
        import polars as pl

        return pl.DataFrame(dict(zip(self._names, arrays, strict=True)))


class ArrowFrames(ColumnFrames):
    """`pyarrow.Table`."""

    def names(self, frame: Any) -> tuple[str, ...]:
        return tuple(frame.column_names)

    def columns(self, frame: Any) -> list[Any]:
        return list(frame.columns)

    def joined(self, one: Any, other: Any) -> Any:
        import pyarrow as pa

        try:
            tables = [pa.table({"values": one}), pa.table({"values": other})]
            return pa.concat_tables(tables, promote_options="permissive").combine_chunks().column(0)
        except pa.ArrowException as error:
            raise _no_common("", one.type, other.type) from error

    def take(self, column: Any, order: Array) -> Any:
        return column.take(order)

    def codes(self, column: Any) -> Codes:
        import pyarrow as pa

        numeric = pa.types.is_integer(column.type) or pa.types.is_floating(column.type)
        if numeric and not column.null_count:
            return codes_of(column.to_numpy())
        return codes_of_objects(column.to_pylist())

    def table(self, columns: list[Any], labels: Any) -> Any:
        import pyarrow as pa

        return pa.table(dict(zip(self._names, columns, strict=True)))

    def from_arrays(self, arrays: list[Any]) -> Any:
        return self.table(arrays, None)


def _no_common(name: str, one: Any, other: Any) -> DataError:
    return DataError(
        f"the column {name!r} has the dtype {one} in the background and {other} in the rows, which have no dtype in common; convert "
        "one of them"
    )


def _native_objects(column: Array) -> Any:
    return column.tolist() if column.dtype.kind == "O" else np.ascontiguousarray(column)
