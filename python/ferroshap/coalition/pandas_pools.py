"""Columns of pandas frames: numpy arrays where they are that, else extension arrays."""

from typing import Any

import numpy as np
import numpy.typing as npt

from ferroshap.errors import DataError
from ferroshap.inputs.names import counted

from .codes import Codes, codes_of, codes_of_objects
from .matrices import check_columns

Array = npt.NDArray[Any]


class PandasFrames:
    """`pandas.DataFrame`; names of columns stay as they are, whatever their type."""

    def __init__(self, frame: Any, *, keep_index: bool) -> None:
        self._like = frame.iloc[:0]
        self._keep_index = keep_index

    def names(self, frame: Any) -> tuple[str, ...]:
        return tuple(str(name) for name in frame.columns)

    def columns(self, frame: Any) -> list[Any]:
        return [_values(frame.iloc[:, at]) for at in range(frame.shape[1])]

    def labels(self, frame: Any, order: Array) -> Any:
        return frame.index[order] if self._keep_index else None

    def read(self, X: Any, names: tuple[str, ...] | None) -> tuple[Any, bool]:
        import pandas as pd

        if isinstance(X, pd.DataFrame):
            return X, False
        if isinstance(X, pd.Series):
            if len(X) != self._like.shape[1]:
                raise _one_kind_of_row(len(X), self._like.shape[1])
            frame = X.to_frame().T
            return (self._as_background(frame) if X.dtype == object else frame), True
        if type(X).__module__.partition(".")[0] in {"polars", "pyarrow"}:
            raise DataError(
                f"the background is a pandas.DataFrame and the rows are a {type(X).__module__.partition('.')[0]}.{type(X).__name__}; "
                "pass both in one kind of table"
            )
        array = np.asarray(X)
        one_row = array.ndim == 1
        matrix = np.atleast_2d(array)
        check_columns(matrix.shape[1] if matrix.ndim == 2 else -1, self._like.shape[1])
        frame = pd.DataFrame(matrix)
        frame.columns = self._like.columns
        return (self._as_background(frame) if matrix.dtype == object else frame), one_row

    def joined(self, one: Any, other: Any) -> Any:
        import pandas as pd

        if isinstance(one.dtype, pd.CategoricalDtype) or isinstance(other.dtype, pd.CategoricalDtype):
            return _joined_categories(one, other)
        if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
            numbers = one.dtype.kind in "biuf" and other.dtype.kind in "biuf"
            if one.dtype == other.dtype or numbers:
                return np.concatenate([one, other])
        return _values(pd.concat([pd.Series(one), pd.Series(other)], ignore_index=True))

    def take(self, column: Any, order: Array) -> Any:
        return column.take(order)

    def codes(self, column: Any) -> Codes:
        import pandas as pd

        if isinstance(column, np.ndarray):
            return codes_of(column)
        if isinstance(column.dtype, pd.CategoricalDtype):
            return np.asarray(column.codes, np.int32)
        return codes_of_objects(column.tolist())

    def table(self, columns: list[Any], labels: Any) -> Any:
        import pandas as pd

        frame = pd.DataFrame(dict(enumerate(columns)), index=labels, copy=False)
        frame.columns = self._like.columns
        return frame

    def series(self, columns: list[Any]) -> list[Any]:
        import pandas as pd

        return [pd.Series(column) for column in columns]

    def array(self, frame: Any) -> Array:
        return np.asarray(frame.to_numpy())

    def _as_background(self, frame: Any) -> Any:
        """A frame of objects, whose columns get the dtypes of the background where these hold their values."""
        inferred = frame.infer_objects()
        inferred.columns = frame.columns
        return inferred


def _values(series: Any) -> Any:
    return series.to_numpy() if isinstance(series.dtype, np.dtype) else series.array


def _joined_categories(one: Any, other: Any) -> Any:
    """Categories of the background first, so that they keep their codes; then those that only the rows have."""
    import pandas as pd

    both = [pd.Series(one), pd.Series(other)]
    if one.dtype == other.dtype:
        return pd.concat(both, ignore_index=True).array
    if not isinstance(one.dtype, pd.CategoricalDtype):
        return _values(pd.concat([both[0], both[1].astype(other.dtype.categories.dtype)], ignore_index=True))
    known = one.dtype.categories
    seen = other.dtype.categories if isinstance(other.dtype, pd.CategoricalDtype) else pd.unique(both[1].dropna())
    unseen = [value for value in seen if value not in known]
    if one.dtype.ordered and unseen:
        raise DataError(
            f"a column of ordered categories {list(known)} has {unseen[0]!r} in the rows, which has no place in that order"
        )
    dtype = pd.CategoricalDtype([*known, *unseen], ordered=one.dtype.ordered) if unseen else one.dtype
    return pd.concat([each.astype(dtype) for each in both], ignore_index=True).array


def _one_kind_of_row(found: int, expected: int) -> DataError:
    """The error for a series that is no row."""
    return DataError(
        f"a Series is read as one row, but has {counted(found, 'value')} where the background has {counted(expected, 'column')}; "
        "pass a frame for a column"
    )
