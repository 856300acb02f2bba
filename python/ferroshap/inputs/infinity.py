"""Values that a library refuses because they are infinite, or are once they are rounded to float32."""

from typing import Any

import numpy as np
import numpy.typing as npt

from ferroshap.errors import DataError

# Half-way between the largest float32 and 2**128: from here on a float64 rounds to infinity.
ROUNDS_TO_INFINITY = float.fromhex("0x1.ffffffp127")


def refuse_infinity(
    values: npt.NDArray[np.floating[Any]], columns: tuple[str, ...] | None, *, round_to_float32: bool
) -> None:
    """Raises `DataError` naming row, column and value of the first one; NaN is for others to judge."""
    limit = ROUNDS_TO_INFINITY if round_to_float32 and values.dtype == np.float64 else np.inf
    # An axis without strides repeats itself: its first element is all there is to see.
    values = values[tuple(slice(None, 1 if stride == 0 else None) for stride in values.strides)]
    if not values.size or (np.fmax.reduce(values, axis=None) < limit and np.fmin.reduce(values, axis=None) > -limit):
        return
    bad = np.argwhere(np.abs(values) >= limit)
    if not len(bad):
        return  # nothing but NaN
    row, column = bad[0].tolist()
    name = repr(columns[column]) if columns is not None else str(column)
    raise DataError(
        f"row {row}, column {name} is {values[row, column]:g}, which is infinite"
        f"{' as a float32' if limit < np.inf else ''}; the model's library refuses such rows, so there is no prediction to "
        "explain: replace the value, by NaN if it is missing"
    )
