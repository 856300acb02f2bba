"""Where values go: an array of the caller's, or a new one."""

from typing import Any

import numpy as np
import numpy.typing as npt

from ferroshap.errors import OptionError
from ferroshap.inputs import InputRows
from ferroshap.options import empty_output

Floats = npt.NDArray[np.floating[Any]]


def output(shape: tuple[int, ...], dtype: npt.DTypeLike, out: Any, rows: InputRows | None = None) -> Floats:
    """Memory for a result of this shape: `out` if there is one, whose dtype then counts, or a new array of `dtype`.

    Raises `OptionError` if `out` cannot hold the result as it is, or shares memory with the `rows` that are still read.
    """
    if out is None:
        return empty_output(shape, dtype)
    if not isinstance(out, np.ndarray) or isinstance(out, (np.ma.MaskedArray, np.matrix)):
        raise OptionError(
            f"out is {type(out).__name__}; expected a float32 or float64 array (numpy.ndarray, numpy.memmap) of shape {shape}"
        )
    if out.dtype not in (np.float32, np.float64) or out.shape != shape:
        raise OptionError(
            f"out is {out.dtype} of shape {out.shape}; expected a float32 or float64 array of shape {shape}"
        )
    if not (out.flags.c_contiguous and out.flags.writeable):
        how = "in C order" if out.flags.writeable else "writable"
        raise OptionError(
            f"out is not {how}; expected an array as numpy.empty makes it, or a memmap opened with mode 'r+'"
        )
    if rows is not None and isinstance(rows.values, np.ndarray) and np.may_share_memory(out, rows.values):
        raise OptionError(
            "out shares memory with the rows, which would be overwritten while they are read; pass another array"
        )
    return out
