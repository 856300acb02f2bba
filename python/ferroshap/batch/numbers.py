"""Values of rows → columns of Arrow, rounded once."""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ferroshap.errors import OptionError

if TYPE_CHECKING:
    import pyarrow as pa


def columns_of(values: npt.NDArray[np.float64], dtype: str) -> "list[pa.Array]":
    """The columns of values `(n, v, o)`, output by output, as `dtype`; raises `OptionError` for one beyond float32."""
    n_rows, n_values, n_outputs = values.shape
    try:
        with np.errstate(over="raise"):
            by_output = np.ascontiguousarray(values.transpose(2, 1, 0), dtype=dtype)
    except FloatingPointError:
        raise OptionError("a value is beyond the range of float32; use dtype='float64' (--dtype float64)") from None
    return [_as_arrow(column) for column in by_output.reshape(n_outputs * n_values, n_rows)]


def _as_arrow(column: "np.ndarray[Any, Any]") -> "pa.Array":
    """The numbers as an Arrow array, without a copy. `pa.array` would import pandas to see whether it was given a Series."""
    import pyarrow as pa

    return pa.Array.from_buffers(pa.from_numpy_dtype(column.dtype), len(column), [None, pa.py_buffer(column)])
