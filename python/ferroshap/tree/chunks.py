"""Rows a chunk at a time: those of one table, or of tables that come one after the other."""

from collections.abc import Callable, Iterator
from typing import Any

from ferroshap.errors import OptionError
from ferroshap.inputs import InputRows

Table = tuple[int, Any, InputRows]  # how many rows came before it, the table, its rows


def tables(X: Any, read: Callable[[Any], InputRows]) -> Iterator[Table]:
    """The table, read at once, or each of an iterator's tables, read when it comes."""
    return _one_by_one(X, read) if isinstance(X, Iterator) else iter([(0, X, _with_an_axis(read(X)))])


def _one_by_one(X: Iterator[Any], read: Callable[[Any], InputRows]) -> Iterator[Table]:
    before = 0
    for table in X:
        rows = _with_an_axis(read(table))
        yield before, table, rows
        before += len(rows)


def _with_an_axis(rows: InputRows) -> InputRows:
    if rows.one_row:
        raise OptionError(
            "a single row without a row axis is no table; pass a table of one: X[None, :], frame.iloc[:1]"
        )
    return rows


def spans(n: int, size: int) -> Iterator[slice]:
    """Rows that follow each other, `size` at a time."""
    return (slice(first, min(first + size, n)) for first in range(0, n, size))
