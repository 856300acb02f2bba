"""What the user's model returned → numbers: a vector for one output, a matrix for several, or a message that says what it was."""

import sys
from typing import Any

import numpy as np
import numpy.typing as npt

from ferroshap.errors import ModelError

Floats = npt.NDArray[np.float64]


def read_outputs(returned: Any, rows: int, name: str) -> tuple[Floats, bool]:
    """The outputs `(rows, k)` float64, and whether there was an axis of outputs; never memory that the model still has.

    Takes arrays and lists, columns and tables of any library, and tensors. Raises `TypeError` for what holds no numbers,
    `ModelError` for any shape but `(rows,)` and `(rows, k)`.
    """
    array = _as_array(returned, rows, name)
    if array.dtype.kind == "O":
        array = _numbers_of_objects(array)
    if array.dtype.kind not in "biuf":
        raise TypeError(
            f"{name} returned values of the dtype {array.dtype}{_example(array)}; expected numbers. For a classifier pass "
            "predict_proba or decision_function: classes have no SHAP values"
        )
    if array.ndim not in {1, 2} or len(array) != rows:
        raise ModelError(
            f"{name} was given {rows:,} rows and returned the shape {array.shape}; expected ({rows},) or ({rows}, outputs): "
            "one output, or one row of outputs, for each row it was given"
        )
    if array.ndim == 2 and not array.shape[1]:
        raise ModelError(f"{name} returned the shape {array.shape}: no output; expected at least one a row")
    with np.errstate(over="ignore"):  # of longdouble
        return array.reshape(rows, -1).astype(np.float64, order="C"), array.ndim == 2


def _as_array(returned: Any, rows: int, name: str) -> npt.NDArray[Any]:
    if returned is None:
        raise TypeError(f"{name} returned None; expected one number, or one row of numbers, for each of {rows:,} rows")
    if isinstance(returned, np.ndarray):
        return np.asarray(returned)
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(returned, torch.Tensor):  # on any device, with a gradient or without
        return np.asarray(returned.numpy(force=True))
    if isinstance(returned, (str, bytes, dict)) or callable(getattr(returned, "__next__", None)):
        raise TypeError(f"{name} returned {type(returned).__name__}; expected an array of numbers")
    if callable(getattr(returned, "toarray", None)):
        return np.asarray(returned.toarray())
    try:
        return np.asarray(returned)
    except (TypeError, ValueError) as error:
        raise ModelError(f"{name} returned {type(returned).__name__}, which is no array of numbers: {error}") from error


def _numbers_of_objects(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """float64 where all the objects are numbers, as a frame of mixed columns gives them; missing ones as NaN."""
    values = array.ravel().tolist()
    if not all(isinstance(value, (float, int, np.number, np.bool_)) or _is_missing(value) for value in values):
        return array
    numbers = [np.nan if _is_missing(value) else float(value) for value in values]
    return np.array(numbers, np.float64).reshape(array.shape)


def _is_missing(value: Any) -> bool:
    return type(value).__name__ == "NAType"  # of pandas, which may not be installed


def _example(array: npt.NDArray[Any]) -> str:
    return f", such as {array.ravel()[0]!r}" if array.size else ""
