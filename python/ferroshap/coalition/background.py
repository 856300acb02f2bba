"""The user's background `data` → different rows with weights, in the form that the model gets them."""

import sys
from typing import Any

import numpy as np
import numpy.typing as npt

from ferroshap.background import Background
from ferroshap.errors import DataError, OptionError
from ferroshap.inputs.frames import is_frame
from ferroshap.tree.weights import read_weights

from .frames import FrameBackground
from .matrices import MatrixBackground, read_matrix
from .sparse_rows import SparseBackground
from .table import BackgroundTable, Given

MANY = 1000  # background rows from which on a warning says what they cost


def opened(data: Any) -> Given:
    """The table in `data`, with the names, weights and groups that `data` itself has."""
    if isinstance(data, Background) or _is_of_shap(data, "DenseData", "SparseData"):
        if getattr(data, "transposed", False):
            raise DataError("data is transposed; pass rows as rows")
        names = None if getattr(data, "group_names", None) is None else tuple(str(name) for name in data.group_names)
        groups = None if data.groups is None else [np.atleast_1d(columns).tolist() for columns in data.groups]
        if groups is not None and all(columns == [at] for at, columns in enumerate(groups)):
            numbered = names == tuple(map(str, range(len(groups))))  # what the columns of an array are called
            return Given(data.data, None if numbered else names, data.weights, None)
        named = groups if names is None or groups is None else dict(zip(names, groups, strict=True))
        return Given(data.data, None, data.weights, named)
    if _is_of_shap(data, "Independent"):
        own = getattr(data, "feature_names", None)
        return Given(data.data, None if own is None else tuple(str(name) for name in own), None, None)
    if _is_of_shap(data):
        raise OptionError(
            f"data is a {type(data).__name__} of shap, whose values are those of another game; pass the background rows themselves"
        )
    return Given(data, None, None, None)


def background_of(given: Given, weights: Any, *, keep_index: bool) -> BackgroundTable:
    """Its rows without those of weight 0, identical ones once with the sum of their weights.

    Raises `DataError` for no rows, and for weights that are none; `OptionError` for weights beside those of the data.
    """
    if given.weights is not None and weights is not None:
        raise OptionError(
            "data has weights of its own, as kmeans gives them; leave weights out, or pass data=means.data"
        )
    table = _as_rows(given.table)
    n = int(table.shape[0]) if hasattr(table, "shape") else len(table)
    if not n:
        raise DataError("data, the background, has no rows; expected at least one")
    if hasattr(table, "shape") and 0 in table.shape[1:]:
        raise DataError(f"data, the background, has the shape {tuple(table.shape)}: no columns; expected at least one")
    shares = _shares(weights if given.weights is None else given.weights, n)
    if is_sparse(table):
        return SparseBackground(table, shares)
    if is_frame(table):
        return FrameBackground(table, shares, keep_index=keep_index)
    if given.names is not None and table.ndim == 2 and len(given.names) != table.shape[1]:
        raise DataError(f"data has {len(given.names)} names for {table.shape[1]} columns")
    return MatrixBackground(table, given.names, shares)


def is_sparse(data: Any) -> bool:
    """Whether `data` is a sparse matrix or array of scipy; never imports it."""
    sparse = sys.modules.get("scipy.sparse")
    return sparse is not None and bool(sparse.issparse(data))


def _shares(weights: Any, n: int) -> npt.NDArray[np.float64]:
    if weights is None:
        return np.full(n, 1.0 / n)
    read = read_weights(weights, n)
    shares: npt.NDArray[np.float64] = read / read.sum()
    return shares


def _as_rows(data: Any) -> Any:
    """A frame, a sparse matrix or an array with an axis of rows: a row alone is one."""
    if data is None:
        raise DataError(
            "data is None; Kernel SHAP replaces the columns of a row by those of background rows: pass some"
        )
    if hasattr(data, "to_native"):
        data = data.to_native()
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(data, pandas.Series):
        return data.to_frame().T.infer_objects().reset_index(drop=True)
    if is_sparse(data) or (is_frame(data) and not _is_series(data)):
        return data
    array = read_matrix(data, "data, the background,")
    return array[None] if array.ndim == 1 else array


def _is_series(data: object) -> bool:
    import narwhals as nw

    return bool(nw.dependencies.is_into_series(data))


def _is_of_shap(data: object, *names: str) -> bool:
    """Whether `data` is of one of these classes of shap, or of any of them."""
    return any(
        cls.__module__.partition(".")[0] == "shap" and (not names or cls.__name__ in names)
        for cls in type(data).__mro__
    )
