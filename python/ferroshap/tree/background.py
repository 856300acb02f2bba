"""Background rows: from the user's table, masker or means to the numbers that the model compares, with their weights."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ferroshap.background import Background
from ferroshap.errors import DataError, FeatureMismatchError, OptionError
from ferroshap.inputs import InputRows, SparseArrays, SparseRows
from ferroshap.inputs.names import counted, listed, match_columns

from .weights import read_weights

if TYPE_CHECKING:
    from ferroshap.ensemble import TreeEnsemble

Floats = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class BackgroundRows:
    """Background rows as the model compares them. They are the explainer's own, or in an array that cannot be written to: what
    the user does to the table later does not reach them.

    values
        `(b, f)`, float32 where the model rounds its input to float32, in the model's column order; or sparse rows.
    weights
        `(b,)` float64, or None: all rows count the same.
    columns
        The table's own names of the columns, in the model's order; None for arrays.
    """

    values: Floats | SparseRows
    weights: npt.NDArray[np.float64] | None
    columns: tuple[str, ...] | None

    def __len__(self) -> int:
        return int(self.values.shape[0])

    @property
    def bytes(self) -> int:
        """The memory that they take."""
        return self.values.nbytes + (0 if self.weights is None else self.weights.nbytes)

    @property
    def numbers(self) -> Floats | SparseArrays:
        """All of them as the core reads them: sparse rows stay sparse."""
        return self.values.arrays if isinstance(self.values, SparseRows) else self.values

    def some(self, rows: npt.NDArray[np.intp]) -> "BackgroundRows":
        """Those at some positions, with their weights."""
        values = self.values.take(rows) if isinstance(self.values, SparseRows) else self.values[rows]
        weights = None if self.weights is None else read_weights(self.weights[rows], len(rows))
        return BackgroundRows(values, weights, self.columns)

    def refuse_other_order(self, columns: tuple[str, ...] | None) -> None:
        """Raises `FeatureMismatchError` where rows have the same columns in another order.

        For models without names, whose columns match by position: one of the two tables is in the wrong order.
        """
        if columns is None or self.columns is None or columns == self.columns or {*columns} != {*self.columns}:
            return
        raise FeatureMismatchError(
            f"the columns of the rows are {listed(columns)}, those of the background {listed(self.columns)}: the same names in "
            "another order, and the model knows no names to match them by; select the columns in the order of training"
        )


def read_background(model: "TreeEnsemble", data: Any, weights: Any) -> BackgroundRows:
    """The background rows `data`, which may be all that rows may be, a masker of shap, or means with weights of their own;
    `BackgroundRows` are read already.

    Raises `DataError` or `FeatureMismatchError` as for rows, and for weights that are none; `OptionError` for weights
    beside those of `data`.
    """
    if isinstance(data, BackgroundRows):
        return data if weights is None else replace(data, weights=read_weights(weights, len(data)))
    table, names, own_weights = _opened(data)
    if own_weights is not None and weights is not None:
        raise OptionError(
            "data has weights of its own, as kmeans gives them; leave weights out, or pass data=means.data"
        )
    try:
        rows = _read(model, table, names)
    except DataError as error:
        raise type(error)(f"data, the background: {error}") from error
    n = len(rows)
    chosen = own_weights if own_weights is not None else weights
    return BackgroundRows(_kept(rows, model), None if chosen is None else read_weights(chosen, n), rows.columns)


def _opened(data: Any) -> tuple[Any, tuple[str, ...] | None, Any]:
    """The table in `data`; its names where `data` holds them apart from the table; its weights, where it has some."""
    if isinstance(data, Background) or _is_of_shap(data, "DenseData"):
        if any(len(columns) != 1 for columns in data.groups):
            raise OptionError("data groups columns, which is not supported yet; pass its data alone: data.data")
        names = tuple(str(name) for name in data.group_names)
        numbered = names == tuple(map(str, range(len(names))))  # what the columns of an array are called
        return data.data, None if numbered else names, data.weights
    if not _is_of_shap(data):
        return data, None, None
    if not _is_of_shap(data, "Independent"):
        raise OptionError(
            f"data is a {type(data).__name__} of shap, whose values are those of another game; pass the background rows "
            "themselves"
        )
    own = getattr(data, "feature_names", None)
    return data.data, None if own is None else tuple(str(name) for name in own), None


def _is_of_shap(data: object, name: str | None = None) -> bool:
    return any(
        cls.__module__.partition(".")[0] == "shap" and name in (None, cls.__name__) for cls in type(data).__mro__
    )


def _read(model: "TreeEnsemble", table: Any, names: tuple[str, ...] | None) -> InputRows:
    rows = model.read_rows(_in_order(model, table, names))
    if rows.bases is not None:
        raise DataError(
            "the DMatrix has a base_margin, but a mean prediction is that of the model's own base; pass a DMatrix without, "
            "or the table it was made from"
        )
    if not len(rows):
        raise DataError("there are no rows; expected at least one")
    if names is None:
        return rows
    return replace(rows, columns=rows.columns or (names if model.feature_names is None else None))


def _in_order(model: "TreeEnsemble", table: Any, names: tuple[str, ...] | None) -> Any:
    """An array whose names are known, as the model's columns: an array alone is read by position."""
    if names is None or (model.feature_names is None and not model.has_steps_before):
        return table
    if model.has_steps_before:
        raise DataError(
            "the means have names, but the steps of a pipeline get an array without them; pass a frame: "
            "pandas.DataFrame(means.data, columns=means.group_names), with weights=means.weights"
        )
    if len(names) != table.shape[1]:
        raise DataError(f"there are {counted(len(names), 'name')} for {counted(table.shape[1], 'column')}")
    return table[:, match_columns(names, model.schema, "error")]


def _is_fixed(array: Any) -> bool:
    """Whether nobody writes into the memory: no array on the way to it is writable, and it is no object of another kind."""
    while isinstance(array, np.ndarray):
        if array.flags.writeable:
            return False
        array = array.base
    return array is None or isinstance(array, bytes)


def _kept(rows: InputRows, model: "TreeEnsemble") -> Floats | SparseRows:
    """The values, in memory that is nobody else's, and rounded already where the model rounds."""
    values, rounds = rows.values, model.rounds_to_float32
    if isinstance(values, SparseRows):
        columns = values.columns.astype(np.int32)
        return replace(values, starts=values.starts.astype(np.int64), columns=columns, entries=values.entries.copy())
    theirs = isinstance(rows.table, np.ndarray) and np.may_share_memory(values, rows.table) and not _is_fixed(values)
    if not theirs and not (rounds and values.dtype == np.float64):
        return values
    with np.errstate(over="ignore"):  # beyond float32: infinity, as in the library
        return np.array(values, dtype=np.float32 if rounds else values.dtype)
