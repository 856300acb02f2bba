"""Explanations as tables: a row for each explained row (wide), or for each value (long)."""

import importlib
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ferroshap.errors import OptionError
from ferroshap.inputs.names import listed

from .columns import base_columns, value_columns
from .state import State, axes_of, length, refuse_interactions
from .top import Ranking, feature_labels, labels

Array = npt.NDArray[Any]
Columns = dict[str, Any]  # arrays of numbers, lists of texts
Layout = Literal["wide", "long"]


class Tables(Ranking):
    """`to_pandas`, `to_polars`, `to_arrow`: the same table in three libraries.

    layout="wide"
        A row for each row. `shap_<feature>` (with an output axis `shap_<output>__<feature>`), then `base_value`
        (`base_value_<output>`): the columns of `BatchExplainer` and the command line. With `top=k`, the k features with
        the largest |value| instead: `feature_1`, `shap_1`, `feature_2`, … (`feature_<output>__1`, …).
    layout="long"
        A row for each value: `row` (its position), `feature`, `output` (with an output axis), `data`, `display_data` (as
        text, where it is not the same), `shap_value`, `base_value`. With `top=k`, only the k features with the largest
        |value| of each row and output, the largest first.

    What an explanation does not have (data, base values) has no column. Raises `OptionError` if two columns would have
    one name, `ImportError` if the library is not installed.
    """

    def to_pandas(self, layout: Layout = "wide", top: int | None = None) -> Any:
        """A `pandas.DataFrame`.

        Parameters
        ----------
        layout
            `"wide"`: a row for each row, in the columns that `BatchExplainer` and the command line write. `"long"`: a row
            for each value.
        top
            Only so many features of each row and output, those with the largest |value|; None: all.

        Raises
        ------
        OptionError
            An argument is not accepted, or two columns would have one name.
        ImportError
            pandas is not installed.
        """
        return in_library("pandas", "to_pandas", _columns(self, layout, top))

    def to_polars(self, layout: Layout = "wide", top: int | None = None) -> Any:
        """A `polars.DataFrame`, with `layout` and `top` as in `to_pandas`."""
        return in_library("polars", "to_polars", _columns(self, layout, top))

    def to_arrow(self, layout: Layout = "wide", top: int | None = None) -> Any:
        """A `pyarrow.Table`, with `layout` and `top` as in `to_pandas`."""
        return in_library("pyarrow", "to_arrow", _columns(self, layout, top))


def in_library(name: Literal["pandas", "polars", "pyarrow"], method: str, columns: Columns) -> Any:
    """The columns as a table of a library: lists are of texts. Raises `ImportError`, which names the `method`."""
    try:
        library = importlib.import_module(name)
    except ImportError as error:
        raise ImportError(f"{method} makes a table of {name}, which is not installed: pip install {name}") from error
    texts = [column for column, values in columns.items() if isinstance(values, list)]
    if name == "pandas":
        return library.DataFrame(columns)
    if name == "polars":
        return library.DataFrame(columns, schema_overrides=dict.fromkeys(texts, library.String))
    return library.table(columns | {column: library.array(columns[column], library.string()) for column in texts})


def _columns(explanation: Ranking, layout: str, top: int | None) -> Columns:
    if layout not in {"wide", "long"}:
        raise OptionError(f"layout is {layout!r}; expected 'wide' or 'long'")
    refuse_interactions(explanation, "a table")
    if "feature" not in explanation.axes and explanation.feature_names is None:
        raise OptionError("these values are not those of features, so the columns have no names; use `values`")
    order = None if top is None else explanation.top(top).positions
    return _wide(explanation, order) if layout == "wide" else _long(explanation, order)


def _wide(explanation: State, order: Array | None) -> Columns:
    values, outputs = _full(explanation, explanation.values), _outputs(explanation)
    features = feature_labels(explanation)
    by_output: list[tuple[str, Any]] = []
    if order is None:
        names = value_columns(features, outputs)
        by_output += zip(names, values.transpose(2, 1, 0).reshape(len(names), len(values)), strict=True)
    else:
        order = _full(explanation, order)
        ranks = [str(rank + 1) for rank in range(order.shape[1])]
        shape = (order.shape[1] * order.shape[2], len(values))
        ranked = np.take_along_axis(values, order, axis=1).transpose(2, 1, 0).reshape(shape)
        chosen = order.transpose(2, 1, 0).reshape(shape)
        pairs = zip(
            value_columns(ranks, outputs, "feature_"), value_columns(ranks, outputs), chosen, ranked, strict=True
        )
        for feature, name, which, numbers in pairs:
            by_output += [(feature, [features[at] for at in which]), (name, numbers)]
    if explanation.base_values is not None:
        by_output += zip(base_columns(outputs), _full_base(explanation).T, strict=True)
    twice = {name for at, (name, _) in enumerate(by_output) if name in {before for before, _ in by_output[:at]}}
    if twice:
        raise OptionError(f"two columns would both be called {listed(sorted(twice))}; rename the features or outputs")
    return {name: np.ascontiguousarray(part) if isinstance(part, np.ndarray) else part for name, part in by_output}


def _long(explanation: State, order: Array | None) -> Columns:
    values, outputs = _full(explanation, explanation.values), _outputs(explanation)
    n, f, o = values.shape
    which = np.broadcast_to(np.arange(f)[:, None], (n, f, o)) if order is None else _full(explanation, order)

    def of_each(array: Array) -> Array:
        return np.take_along_axis(np.broadcast_to(array, (n, f, o)), which, axis=1).ravel()

    columns: Columns = {
        "row": of_each(np.arange(n)[:, None, None]),
        "feature": _picked(feature_labels(explanation), which.ravel()),
    }
    if outputs is not None:
        columns["output"] = _picked(outputs, of_each(np.arange(o)[None, None, :]))
    if explanation.data is not None:
        columns["data"] = _numbers_or_texts(of_each(_full_data(explanation, explanation.data)))
    if explanation.display_data is not None:
        columns["display_data"] = _texts(of_each(_full_data(explanation, explanation.display_data)))
    columns["shap_value"] = of_each(values)
    if explanation.base_values is not None:
        columns["base_value"] = of_each(_full_base(explanation)[:, None, :])
    return columns


def _full(explanation: State, array: Any) -> Array:
    """With all three axes, of length 1 where there is none."""
    absent = tuple(at for at, axis in enumerate(("row", "feature", "output")) if axis not in explanation.axes)
    return np.expand_dims(array, absent)


def _full_base(explanation: State) -> Array:
    absent = tuple(at for at, axis in enumerate(("row", "output")) if axis not in explanation.axes)
    return np.expand_dims(explanation.base_values, absent)


def _full_data(explanation: State, data: Any) -> Array:
    present = axes_of(explanation.axes, "row", "feature")
    return np.expand_dims(data, (*(at for at, axis in enumerate(("row", "feature")) if axis not in present), 2))


def _outputs(explanation: State) -> list[str] | None:
    return labels(explanation.output_names, length(explanation, "output")) if "output" in explanation.axes else None


def _picked(names: list[str], which: Array) -> list[str]:
    return [names[at] for at in which.tolist()]


def _numbers_or_texts(column: Array) -> Any:
    if column.dtype.kind in "biuf":
        return column
    try:
        return column.astype(np.float64)
    except (TypeError, ValueError):
        return _texts(column)


def _texts(column: Array) -> list[str | None]:
    return [None if _is_missing(value) else str(value) for value in column.tolist()]


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, (float, np.floating)) and bool(np.isnan(value)))
