"""Tables of Arrow → what the user's function is given: a frame of the library that `--rows-as` names, or an array."""

import importlib
import json
from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np
import pyarrow as pa

from ferroshap.errors import DataError, OptionError

RowsAs = Literal["pandas", "polars", "pyarrow", "numpy"]
KINDS: tuple[RowsAs, ...] = get_args(RowsAs)


def check_installed(kind: RowsAs) -> None:
    """Raises `OptionError` if the library of frames is not there."""
    try:
        importlib.import_module(kind)
    except ImportError as error:
        raise OptionError(
            f"the function is given {kind} frames, but {kind} cannot be imported ({error}); install it, or name another kind of rows: "
            f"--rows-as {'|'.join(each for each in KINDS if each != kind)}"
        ) from error


def index_columns(schema: pa.Schema) -> set[str]:
    """The columns that pandas wrote for the index of a frame, which are none of its columns."""
    own = (schema.metadata or {}).get(b"pandas")
    return set() if own is None else {name for name in json.loads(own)["index_columns"] if isinstance(name, str)}


def rows_as(kind: RowsAs, table: pa.Table, columns: Sequence[str]) -> Any:
    """These columns of the table, in this order; raises `DataError` for columns that are no numbers in an array."""
    table = table.select(list(columns))
    if kind == "pyarrow":
        return table
    if kind == "polars":
        import polars as pl

        return pl.from_arrow(table)
    if kind == "pandas":
        return _without_index(table).to_pandas()
    return np.column_stack([_numbers(table.column(at), name) for at, name in enumerate(columns)])


def _without_index(table: pa.Table) -> pa.Table:
    """The dtypes that pandas notes beside the columns stay; a column that was its index is one like the others."""
    metadata = dict(table.schema.metadata or {})
    if b"pandas" in metadata:
        metadata[b"pandas"] = json.dumps(json.loads(metadata[b"pandas"]) | {"index_columns": []}).encode()
    return table.replace_schema_metadata(metadata)


def _numbers(column: pa.ChunkedArray, name: str) -> "np.ndarray[Any, Any]":
    kind = column.type
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)):
        raise DataError(
            f"the column {name!r} has dtype {kind}, which is no number of an array (--rows-as numpy); let the function take frames, "
            "--rows-as pandas, or choose columns with --features"
        )
    if column.null_count:  # also of booleans, as NaN
        column = column.cast(pa.float64(), safe=False)
    return np.asarray(column.to_numpy())
