"""The door of the inputs: any table the user has, or a clear refusal."""

import sys
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ferroshap.errors import DataError

from .arrays import read_array
from .finite import refuse_untaken
from .frames import FrameData, is_frame, read_frame
from .schema import InputSchema

# Containers of the training libraries: they hold the rows in a form of their own and give no columns back.
REFUSED = {
    ("xgboost", "DMatrix"): "the table the DMatrix was made from",
    ("xgboost", "QuantileDMatrix"): "the table the QuantileDMatrix was made from",
    ("lightgbm", "Dataset"): "the table the Dataset was made from",
    ("catboost", "Pool"): "the table the Pool was made from",
    ("scipy", None): "a dense array; sparse rows are not supported yet",
    ("dask", None): "one partition at a time, computed",
    ("pyspark", None): "the rows as pandas or Arrow",
}

# One column, or no rows yet: names of pandas, polars and pyarrow.
ONE_COLUMN = {
    "Series": "a frame: `df.iloc[[0]]` (pandas) or `df[:1]` (polars) for one row",
    "ChunkedArray": "a table",
    "Array": "a table",
    "LazyFrame": "`frame.collect()`",
}


@dataclass(frozen=True)
class InputRows:
    """Rows as the native code reads them.

    values
        `(n, f)` float32 or float64, in the model's column order, any strides. Rounding, flushing and the missing rule
        are still to come: the core applies them.
    one_row
        Whether the user gave one row without a row axis.
    columns
        The table's own names of the columns, in the model's order; None for arrays.
    table
        The rows as the user gave them, in the model's column order, for display.
    """

    values: npt.NDArray[np.floating[Any]]
    one_row: bool
    columns: tuple[str, ...] | None
    table: "FrameData | npt.NDArray[Any]"

    def __len__(self) -> int:
        return int(self.values.shape[0])


def read_rows(
    data: object,
    schema: InputSchema,
    *,
    round_to_float32: bool = False,
    extra: Literal["error", "ignore"] = "error",
) -> InputRows:
    """The rows of `data` as numbers in the model's column order.

    Parameters
    ----------
    data
        numpy array `(n, f)` or one row `(f,)` of any real dtype, nested lists of numbers, or a data frame: pandas,
        polars, pyarrow Table or RecordBatch, or whatever narwhals reads. Columns of a frame match by name where the
        model knows names, its categories by value where the model stores them.
    schema
        What the model knows about its columns.
    round_to_float32
        The library rounds its input to float32: frames become float32 at once, each value rounded once.
    extra
        What to do with columns of a frame that the model does not know: `"error"`, or `"ignore"` with one log line.

    Raises `DataError` naming the column and the value or dtype, `FeatureMismatchError` naming columns.
    """
    _refuse_containers(data)
    if is_frame(data):
        values, columns, table = read_frame(data, schema, round_to_float32=round_to_float32, extra=extra)
        refuse_untaken(values, columns, schema, round_to_float32=round_to_float32)
        return InputRows(values, one_row=False, columns=columns, table=table)
    if isinstance(data, (str, bytes, bytearray, dict, set)) or not (
        isinstance(data, (np.ndarray, list, tuple)) or hasattr(data, "__array__")
    ):
        raise DataError(
            f"rows cannot be read from {_name(type(data))}; pass a numpy array, a list of lists of numbers, or a pandas, "
            "polars or pyarrow table"
        )
    values, one_row = read_array(data, schema, round_to_float32=round_to_float32)
    refuse_untaken(values, schema.feature_names, schema, round_to_float32=round_to_float32)
    return InputRows(values, one_row=one_row, columns=None, table=np.atleast_2d(np.asarray(data)))


def _refuse_containers(data: object) -> None:
    for cls in type(data).__mro__:
        package = cls.__module__.partition(".")[0]
        instead = REFUSED.get((package, cls.__name__)) or REFUSED.get((package, None))
        if instead is not None:
            raise DataError(f"rows cannot be read from {_name(type(data))}; pass {instead}")
    package = type(data).__module__.partition(".")[0]
    module = sys.modules[package] if package in {"pandas", "polars", "pyarrow"} else None
    for kind, instead in ONE_COLUMN.items():
        if isinstance(data, getattr(module, kind, ())):
            raise DataError(f"rows cannot be read from {_name(type(data))}; pass {instead}")


def _name(cls: type) -> str:
    module = cls.__module__.partition(".")[0]
    return cls.__name__ if module == "builtins" else f"{module}.{cls.__name__}"
