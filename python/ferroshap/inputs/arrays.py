"""Arrays and nested lists → a 2-D matrix of float32 or float64. Columns match by position; categories are codes, or values
where the model encodes them itself (`encoded_arrays`).

What a dtype becomes follows the libraries:

* float32 and float64 stay as they are, without a copy where the memory order allows it.
* Anything else (integers, booleans, float16, longdouble) is rounded **once**, straight to float32, where the library
  does so: XGBoost reads every array as float32, scikit-learn's trees ask `check_array` for it, and LightGBM
  (`basic._np2d_to_np1d`) casts every dtype but these two to float32, so that 2**24 + 1 becomes 2**24.
  Otherwise it becomes float64.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from ferroshap.errors import DataError

from .encoded_arrays import TEXT, encoded_columns, read_encoded
from .names import check_count
from .schema import InputSchema

REFUSED_KINDS = {
    "c": "complex numbers",
    "M": "dates",
    "m": "time differences",
    "S": "bytes",
    "U": "text",
    "T": "text",
    "V": "records",
}


def read_array(
    data: npt.ArrayLike, schema: InputSchema, *, round_to_float32: bool
) -> tuple[npt.NDArray[np.floating[Any]], bool]:
    """A matrix `(n, f)` of float32 or float64 in native byte order, and whether `data` was one row without a row axis.

    Raises `DataError` for anything but real numbers in one or two dimensions, `FeatureMismatchError` for a wrong number
    of columns.
    """
    encoded = bool(encoded_columns(schema))
    # Lists of numbers and texts are to stay what they are: numpy would make them all texts.
    array = _as_array(data, np.dtype(object) if encoded and isinstance(data, (list, tuple)) else None)
    one_row = array.ndim == 1
    if array.ndim not in {1, 2}:
        raise DataError(f"the rows have shape {array.shape}; expected (rows, {schema.n_features}) or one row")
    matrix = np.atleast_2d(array)
    if array.dtype.kind in REFUSED_KINDS and not (encoded and array.dtype.kind in TEXT):
        raise DataError(
            f"the rows hold {REFUSED_KINDS[array.dtype.kind]} (dtype {array.dtype}); the model compares numbers: pass "
            "an array of them, or the data frame the model was trained with if it has categories"
        )
    check_count(matrix.shape[1], schema)
    if encoded:
        return read_encoded(matrix, schema), one_row
    if array.dtype.kind == "O":
        raise DataError(_object_message(matrix))
    return _as_floats(matrix, small=round_to_float32 or schema.integers_to_float32), one_row


def _as_array(data: npt.ArrayLike, dtype: np.dtype[Any] | None) -> npt.NDArray[Any]:
    if isinstance(data, np.ma.MaskedArray):
        if np.ma.is_masked(data):
            # The training libraries read the numbers under the mask; reading them as missing would explain other rows.
            raise DataError("the array is masked; pass X.filled(np.nan) if the masked entries are missing values")
        return np.asarray(data.data)
    try:
        return np.asarray(data, dtype)
    except ValueError as error:
        raise DataError(f"the rows do not form a table: {error}") from error


def _as_floats(matrix: npt.NDArray[Any], *, small: bool) -> npt.NDArray[np.floating[Any]]:
    if matrix.dtype.type in {np.float32, np.float64}:
        dtype = matrix.dtype.newbyteorder("=")
    else:
        dtype = np.dtype(np.float32 if small else np.float64)
    whole_strides = all(stride % matrix.itemsize == 0 for stride in matrix.strides)  # views into records may not be
    if matrix.dtype == dtype and matrix.flags.aligned and whole_strides:
        return matrix
    with np.errstate(over="ignore"):  # beyond float32: infinity, as in the library
        return matrix.astype(dtype, order="K", copy=True)


def _object_message(matrix: npt.NDArray[Any]) -> str:
    for column in range(matrix.shape[1]):
        for value in matrix[:, column]:
            if not isinstance(value, (int, float, np.number, np.bool_)):
                return (
                    f"column {column} holds {value!r} ({type(value).__name__}) in an array of Python objects; the "
                    "model compares numbers: encode it as in training (missing values as nan), or pass the data frame"
                )
    return (
        "the rows are an array of Python objects (dtype object); all of them are numbers, so say which: "
        "X.astype(np.float64), or np.float32"
    )
