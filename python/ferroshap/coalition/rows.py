"""The user's `X` → rows in the form of the background."""

from typing import Any

import numpy as np

from ferroshap.errors import DataError
from ferroshap.inputs import ColumnsOfBackground
from ferroshap.inputs.frames import is_frame
from ferroshap.inputs.names import match_columns

from .background import is_sparse
from .frames import FrameBackground
from .matrices import MatrixBackground, read_matrix
from .players import Players
from .routed import TreeBackground
from .table import BackgroundTable, ExplainedRows


def read_rows(background: BackgroundTable, X: Any, players: Players) -> ExplainedRows:
    """Rows of any kind as rows of the background's kind; raises `DataError`."""
    if X is None:
        raise DataError("X is None; expected rows to explain")
    if hasattr(X, "to_native"):
        X = X.to_native()
    if isinstance(background, TreeBackground):
        return background.read(X, players)  # as the model reads tables, by name and with its categories
    if isinstance(background, FrameBackground):
        return background.read(X.toarray() if is_sparse(X) else X, players)
    if isinstance(background, MatrixBackground):
        rows = background.read(_as_array(X, background), players)
        rows.names = rows.names or _names_of(X)
        return rows
    return background.read(X if is_sparse(X) else _as_array(X, background), players)


def _names_of(X: Any) -> tuple[str, ...] | None:
    columns = getattr(X, "columns", None)
    return (
        tuple(str(name) for name in columns) if columns is not None and not callable(columns) and is_frame(X) else None
    )


def _as_array(X: Any, background: BackgroundTable) -> Any:
    if is_sparse(X):
        return X.toarray()
    if not isinstance(X, (np.ndarray, list, tuple)):
        import narwhals as nw

        if nw.dependencies.is_into_series(X):  # one row
            return X.to_numpy()
    if is_frame(X):
        return _array_of_frame(X, background)
    return read_matrix(X, "X")


def _array_of_frame(frame: Any, background: BackgroundTable) -> Any:
    """The columns of a frame as an array: by name where the background knows names, else by position."""
    import narwhals as nw

    table = nw.from_native(frame, eager_only=True)
    names = [str(name) for name in table.columns]
    order = list(range(len(names)))
    if background.names is not None:
        order = match_columns(names, ColumnsOfBackground(background.names), "error")
    columns = list(table.iter_columns())
    chosen = [columns[at] for at in order]
    if all(column.dtype.is_numeric() for column in chosen):
        return np.column_stack([column.to_numpy() for column in chosen]) if chosen else np.empty((len(table), 0))
    array = np.empty((len(table), len(chosen)), dtype=object)
    for at, column in enumerate(chosen):
        array[:, at] = column.to_list()
    return array
