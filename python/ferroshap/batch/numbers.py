"""Values of rows → columns of Arrow, rounded once; a column of labels → what an explainer takes."""

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


def label_values(column: "pa.Array | pa.ChunkedArray") -> "np.ndarray[Any, Any]":
    """The labels as `y` of `TreeExplainer.shap_values`; a null is NaN among numbers, else None."""
    import pyarrow as pa

    one = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    plain = one.dictionary_decode() if isinstance(one, pa.DictionaryArray) else one
    labels: np.ndarray[Any, Any] = plain.to_numpy(zero_copy_only=False)
    return labels


def _as_arrow(column: "np.ndarray[Any, Any]") -> "pa.Array":
    """The numbers as an Arrow array, without a copy. `pa.array` would import pandas to see whether it was given a Series."""
    import pyarrow as pa

    return pa.Array.from_buffers(pa.from_numpy_dtype(column.dtype), len(column), [None, pa.py_buffer(column)])
