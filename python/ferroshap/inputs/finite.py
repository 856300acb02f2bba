"""Values that a library refuses: infinite ones, also if only once they are rounded to float32, and missing ones."""

from typing import Any

import numpy as np
import numpy.typing as npt

from ferroshap.errors import DataError

from .schema import InputSchema
from .sparse import SparseRows

# Half-way between the largest float32 and 2**128: from here on a float64 rounds to infinity.
ROUNDS_TO_INFINITY = float.fromhex("0x1.ffffffp127")

Floats = npt.NDArray[np.floating[Any]]


def refuse_untaken(
    rows: Floats | SparseRows, columns: tuple[str, ...] | None, schema: InputSchema, *, round_to_float32: bool
) -> None:
    """Raises `DataError` naming row, column and value of the first value that the model's library does not take."""
    sparse = isinstance(rows, SparseRows)
    values = rows.entries if isinstance(rows, SparseRows) else _once(rows)
    if not schema.takes_infinity:
        limit = ROUNDS_TO_INFINITY if round_to_float32 and values.dtype == np.float64 else np.inf
        place = _first_beyond(values, limit)
        if place is not None:
            where, value = _where(place, rows, columns), values[place]
            raise DataError(
                f"{where} is {value:g}, which is infinite{' as a float32' if limit < np.inf else ''}; the model's library "
                "refuses such rows, so there is no prediction to explain: replace the value, by NaN if it is missing and the "
                "model takes missing values"
            )
    if not (schema.takes_sparse_nan if sparse else schema.takes_nan):
        place = _first(np.isnan(values))
        if place is not None:
            raise DataError(
                f"{_where(place, rows, columns)} is missing (NaN); the model's library refuses such rows"
                f"{' where they are sparse' if schema.takes_nan else ''}, so there is no prediction to explain: "
                f"{'pass a dense array' if schema.takes_nan else 'fill in the value as for training'}"
            )
    if schema.codes_below is not None and not isinstance(rows, SparseRows):
        _refuse_codes(rows, columns, schema, schema.codes_below)


def _refuse_codes(rows: Floats, columns: tuple[str, ...] | None, schema: InputSchema, below: int) -> None:
    for column in sorted(schema.categorical):
        values = rows[:, column]
        place = _first(values >= below)
        if place is not None:
            raise DataError(
                f"{_where((place[0], column), values, columns)} is {values[place]:g}, but it is a category and scikit-learn "
                f"before 1.4 reads codes from {below} on as others; encode it as in training, missing or unseen ones as NaN"
            )


def _once(values: Floats) -> Floats:
    """An axis without strides repeats itself: its first element is all there is to see."""
    return values[tuple(slice(None, 1 if stride == 0 else None) for stride in values.strides)]


def _first_beyond(values: Floats, limit: float) -> tuple[int, ...] | None:
    if not values.size or (np.fmax.reduce(values, axis=None) < limit and np.fmin.reduce(values, axis=None) > -limit):
        return None
    return _first(np.abs(values) >= limit)  # none, if there is nothing but NaN


def _first(bad: npt.NDArray[np.bool_]) -> tuple[int, ...] | None:
    found = np.argwhere(bad)
    return tuple(found[0].tolist()) if len(found) else None


def _where(place: tuple[int, ...], rows: Any, columns: tuple[str, ...] | None) -> str:
    row, column = rows.place(place[0]) if isinstance(rows, SparseRows) else place
    return f"row {row}, column {columns[column]!r}" if columns is not None else f"row {row}, column {column}"
