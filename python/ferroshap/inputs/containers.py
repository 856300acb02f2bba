"""Rows in containers of their own: what can be read back is, the rest is refused by name."""

import math
import sys
from os import PathLike
from typing import Any

import numpy as np
import numpy.typing as npt

from ferroshap.errors import DataError

from .names import match_columns
from .schema import InputSchema
from .sparse import SparseRows, read_sparse

# (package, class or None for all of it): what to pass instead.
REFUSED = {
    ("xgboost", "QuantileDMatrix"): "the table the QuantileDMatrix was made from: it keeps bins, not values",
    ("catboost", "Pool"): "the table the Pool was made from",
    ("dask", None): "one partition at a time, computed",
    ("pyspark", None): "the rows as pandas or Arrow",
    ("torch", "Tensor"): "tensor.numpy(force=True)",
}

# One column, or no rows yet: names of pandas, polars and pyarrow.
NO_TABLE = {
    "polars": {"Series": "a frame: `df[:1]` for one row", "LazyFrame": "`frame.collect()`"},
    "pyarrow": {"ChunkedArray": "a table", "Array": "a table", "RecordBatchReader": "`reader.read_all()`"},
}


def refuse_containers(data: object) -> None:
    """Raises `DataError` for what holds rows but cannot be read as a table, with what to pass instead."""
    for cls in type(data).__mro__:
        package = cls.__module__.partition(".")[0]
        instead = REFUSED.get((package, cls.__name__)) or REFUSED.get((package, None))
        if instead is not None:
            raise DataError(f"rows cannot be read from {class_name(type(data))}; pass {instead}")
    package = type(data).__module__.partition(".")[0]
    for kind, instead in NO_TABLE.get(package, {}).items():
        if isinstance(data, getattr(sys.modules[package], kind, ())):
            raise DataError(f"rows cannot be read from {class_name(type(data))}; pass {instead}")


def unwrapped(data: object) -> Any:
    """The table that a `lightgbm.Dataset` was made from; anything else as it is."""
    if not any(cls.__module__.startswith("lightgbm.") and cls.__name__ == "Dataset" for cls in type(data).__mro__):
        return data
    table = getattr(data, "data", None) if getattr(data, "used_indices", None) is None else None
    if table is None or isinstance(table, (str, PathLike)):
        raise DataError(
            "rows cannot be read from lightgbm.Dataset: it does not hold the table it was made from (free_raw_data=False "
            "keeps it); pass the table the Dataset was made from"
        )
    return table


def is_dmatrix(data: object) -> bool:
    """Whether `data` is an `xgboost.DMatrix`."""
    return any(cls.__module__.startswith("xgboost.") and cls.__name__ == "DMatrix" for cls in type(data).__mro__)


def read_dmatrix(
    data: Any, schema: InputSchema, *, round_to_float32: bool
) -> tuple[SparseRows, tuple[str, ...] | None]:
    """The rows of a DMatrix, which keeps what is not missing as float32, and its names, in the model's order."""
    if schema.absent != "missing":
        raise DataError(
            "rows cannot be read from xgboost.DMatrix for a model of another library; pass the table itself"
        )
    if schema.missing is not None and not math.isnan(schema.missing):
        raise DataError(
            f"the model counts {schema.missing:g} as missing, but a DMatrix has its own rule; pass the table the DMatrix was "
            "made from"
        )
    if not hasattr(data, "get_data"):
        raise DataError(
            "this version of XGBoost does not give back the rows of a DMatrix; pass the table it was made from"
        )
    types, names = data.feature_types, data.feature_names
    if types is not None and "c" in types and schema.categories:
        raise DataError(
            "the DMatrix holds categories by codes of its own, but the model stores categories to match by value; pass the "
            "data frame the DMatrix was made from"
        )
    rows = data.get_data()
    if names is None or schema.feature_names is None:
        return read_sparse(rows, schema, round_to_float32=round_to_float32), None if names is None else tuple(names)
    order = match_columns(list(names), schema, "error")
    if order != list(range(len(names))):
        rows = rows[:, order]
    return read_sparse(rows, schema, round_to_float32=round_to_float32), tuple(names[at] for at in order)


def base_margin_of(data: Any) -> npt.NDArray[np.float64] | None:
    """`(n, o)`: what the predictions of a DMatrix start from in the place of the model's own base; None: that base."""
    margin = np.asarray(data.get_base_margin(), np.float64)
    return margin.reshape(data.num_row(), -1) if margin.size else None


def class_name(cls: type) -> str:
    """A class as users know it: the package and the name."""
    module = cls.__module__.partition(".")[0]
    return cls.__name__ if module == "builtins" else f"{module}.{cls.__name__}"
