"""`sample` and `kmeans`: a few rows that stand for many, as background data."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from .errors import DataError, OptionError
from .inputs import InputSchema, read_rows
from .inputs.names import counted
from .options import whole_number

Table = TypeVar("Table")
Array = npt.NDArray[Any]

LARGEST_SEED = 2**32 - 1  # of numpy's RandomState


def sample(X: Table, nsamples: int = 100, random_state: int = 0) -> Table:
    """Rows drawn without replacement, of the same kind as `X`; `X` itself if it has no more than `nsamples` rows.

    Parameters
    ----------
    X
        numpy array, list, pandas, polars or pyarrow table or series, scipy sparse matrix.
    nsamples
        How many rows.
    random_state
        Seed: the same one draws the same rows everywhere, those that `shap.sample` draws.

    Raises
    ------
    DataError
        `X` is of another kind.
    OptionError
        `nsamples` or `random_state` is not a whole number.

    Examples
    --------
    >>> import ferroshap
    >>> ferroshap.sample(["a", "b", "c", "d", "e"], 2)
    ['c', 'a']
    """
    count = whole_number("nsamples", nsamples)
    seed = whole_number("random_state", random_state, at_least=0, at_most=LARGEST_SEED)
    n, rows = _rows_of(X)
    if count >= n:
        return X
    order = np.arange(n)
    np.random.RandomState(seed).shuffle(order)  # a stream that is frozen for good
    chosen: Table = rows(order[:count])
    return chosen


@dataclass(frozen=True)
class Background:
    """Rows with weights, named as in shap's `DenseData`.

    Attributes
    ----------
    data : numpy.ndarray
        `(k, f)` float64.
    weights : numpy.ndarray
        `(k,)` float64, the sum is 1.
    group_names : list of str
        The column names of the frame, else "0", "1", …
    groups : list of numpy.ndarray
        The columns of each player: here one each.
    """

    data: Array
    weights: Array
    group_names: list[str]
    groups: list[Array]

    def __len__(self) -> int:
        return len(self.data)

    def __repr__(self) -> str:
        return f"Background({counted(len(self), 'row')} × {counted(self.data.shape[1], 'column')}, weights)"


def kmeans(X: Any, k: int, round_values: bool = True) -> Background:
    """The `k` means of `X`, each weighted by the share of the rows that are nearest to it. Needs scikit-learn.

    Means are not rows of `X`: with `round_values` each of their numbers is replaced by the nearest in its column, so that
    whole numbers stay whole. Missing values count as the mean of their column. The same input gives the same result.

    Parameters
    ----------
    X
        `(n, f)`: numpy array, list of lists, pandas, polars or pyarrow table, scipy sparse matrix; numbers only.
    k
        How many means, at most as many as there are different rows.
    round_values
        Whether to replace each number of a mean by the nearest one that occurs in its column.

    Raises
    ------
    DataError
        A column has other values than numbers, an infinite one, or only missing ones.
    OptionError
        `k` is not a whole number from 1 to the number of different rows.
    ImportError
        scikit-learn is not installed.

    Examples
    --------
    >>> import ferroshap
    >>> background = ferroshap.kmeans([[1.0], [2.0], [3.0], [40.0]], 2)
    >>> background.data.tolist(), background.weights.tolist()
    ([[2.0], [40.0]], [0.75, 0.25])
    """
    count = whole_number("k", k)
    try:
        from sklearn.cluster import KMeans
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]
    except ImportError as error:
        raise ImportError("kmeans needs scikit-learn: pip install scikit-learn; sample() needs nothing") from error
    matrix, names = _numbers(X)
    present = ~np.isnan(matrix)
    for column, name in enumerate(names):
        if np.isinf(matrix[:, column]).any():
            raise DataError(f"column {name!r} has an infinite value, which has no mean; leave these rows out")
        if not present[:, column].any():
            raise DataError(f"column {name!r} has no value but missing ones, so no mean; leave it out, or use sample()")
    filled = np.where(present, matrix, np.nanmean(matrix, axis=0))
    different = len(np.unique(filled, axis=0))
    if count > different:
        raise OptionError(f"k is {count}; expected at most {different}, the number of different rows in X")
    with threadpool_limits(1):  # with more, sums depend on which thread is first
        found = KMeans(n_clusters=count, random_state=0, n_init=10).fit(filled)
    means = np.asarray(found.cluster_centers_, dtype=np.float64)
    if round_values:
        for column in range(means.shape[1]):
            values = matrix[present[:, column], column]
            means[:, column] = values[[np.abs(values - mean).argmin() for mean in means[:, column]]]
    weights = np.bincount(found.labels_, minlength=count) / len(matrix)
    return Background(means, weights, names, [np.array([column]) for column in range(len(names))])


def _rows_of(X: Any) -> tuple[int, Callable[[Array], Any]]:
    """The number of rows, and what makes a table of the same kind of some of them."""
    if isinstance(X, np.ndarray) and X.ndim:
        return len(X), lambda order: X[order]
    if isinstance(X, (list, tuple)):
        return len(X), lambda order: type(X)(X[at] for at in order)
    if _is_sparse(X):
        return X.shape[0], lambda order: X.tocsr()[order].asformat(X.format)
    if type(X).__module__.partition(".")[0] == "pyarrow" and hasattr(X, "take"):
        return len(X), X.take
    import narwhals as nw

    try:
        rows = nw.from_native(X, eager_only=True, allow_series=True)
    except TypeError as error:
        raise DataError(
            f"rows cannot be chosen from {type(X).__module__}.{type(X).__qualname__}; expected a numpy array, a list, a "
            "pandas, polars or pyarrow table, or a scipy sparse matrix"
        ) from error
    return len(rows), lambda order: rows[order].to_native()


def _numbers(X: Any) -> tuple[npt.NDArray[np.float64], list[str]]:
    """`(n, f)`, and the names of the columns."""
    if _is_sparse(X):
        X = X.toarray()
    try:
        shape = np.shape(X)
    except ValueError as error:
        raise DataError(f"the rows do not form a table: {error}") from error
    if len(shape) != 2 or not shape[1]:
        raise DataError(f"{type(X).__qualname__} has shape {shape}; expected a table of numbers, (rows, columns)")
    nothing_known = InputSchema(
        n_features=shape[1],
        feature_names=None,
        categories={},
        categorical=frozenset(),
        missing=None,
        integers_to_float32=False,
        spaces_become_underscores=False,
    )
    rows = read_rows(X, nothing_known)
    numbers: Any = rows.values
    return np.asarray(numbers, dtype=np.float64), list(rows.columns or map(str, range(shape[1])))


def _is_sparse(X: Any) -> bool:
    sparse = sys.modules.get("scipy.sparse")
    return sparse is not None and bool(sparse.issparse(X))
