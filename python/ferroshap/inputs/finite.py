"""Values that a library refuses: infinite ones, also if only once they are rounded to float32, and missing ones."""

from typing import Any

import numpy as np
import numpy.typing as npt

from ferroshap.errors import DataError

from .schema import InputSchema

# Half-way between the largest float32 and 2**128: from here on a float64 rounds to infinity.
ROUNDS_TO_INFINITY = float.fromhex("0x1.ffffffp127")


def refuse_untaken(
    values: npt.NDArray[np.floating[Any]],
    columns: tuple[str, ...] | None,
    schema: InputSchema,
    *,
    round_to_float32: bool,
) -> None:
    """Raises `DataError` naming row, column and value of the first value that the model's library does not take."""
    # An axis without strides repeats itself: its first element is all there is to see.
    values = values[tuple(slice(None, 1 if stride == 0 else None) for stride in values.strides)]
    if not schema.takes_infinity:
        _refuse_infinity(values, columns, round_to_float32=round_to_float32)
    if not schema.takes_nan:
        _refuse_nan(values, columns)


def _refuse_infinity(
    values: npt.NDArray[np.floating[Any]], columns: tuple[str, ...] | None, *, round_to_float32: bool
) -> None:
    limit = ROUNDS_TO_INFINITY if round_to_float32 and values.dtype == np.float64 else np.inf
    if not values.size or (np.fmax.reduce(values, axis=None) < limit and np.fmin.reduce(values, axis=None) > -limit):
        return
    bad = np.argwhere(np.abs(values) >= limit)
    if not len(bad):
        return  # nothing but NaN
    row, column = bad[0].tolist()
    raise DataError(
        f"row {row}, column {_name(column, columns)} is {values[row, column]:g}, which is infinite"
        f"{' as a float32' if limit < np.inf else ''}; the model's library refuses such rows, so there is no prediction to "
        "explain: replace the value, by NaN if it is missing and the model takes missing values"
    )


def _refuse_nan(values: npt.NDArray[np.floating[Any]], columns: tuple[str, ...] | None) -> None:
    bad = np.argwhere(np.isnan(values))
    if not len(bad):
        return
    row, column = bad[0].tolist()
    raise DataError(
        f"row {row}, column {_name(column, columns)} is missing (NaN); the model's library refuses such rows, so there is "
        "no prediction to explain: fill in the value as for training"
    )


def _name(column: int, columns: tuple[str, ...] | None) -> str:
    return repr(columns[column]) if columns is not None else str(column)
