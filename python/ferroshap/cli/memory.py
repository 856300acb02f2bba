"""How many rows are in flight at a time, so that memory stays within `--max-memory`."""

import sys

import pyarrow as pa

from ferroshap.errors import OptionError

DEFAULT_BUDGET = "512MiB"
FEWEST_ROWS = 64  # below that, reading and writing cost more than explaining
MOST_ROWS = 65_536  # more would only fill memory: threads share a batch in far smaller blocks
TEXT_BYTES = 32  # assumed size of a value of no fixed width


def rows_in_flight(budget: int, schema: pa.Schema, n_features: int, n_outputs: int, n_values: int, width: int) -> int:
    """The rows of a batch, when one is read ahead, one is explained and one is written.

    Raises `OptionError` if the budget holds fewer than `FEWEST_ROWS`.

    schema
        Of the columns that are read.
    n_values
        Columns of values that are written.
    width
        Bytes of one value written.
    """
    arrow = sum(_width(field.type) for field in schema)
    # read ahead and explained: Arrow and the matrix of features; explained: float64 values and their rounded copy;
    # written: kept columns and values, once more in the encoder's pages.
    row = 2 * arrow + 8 * n_features + (8 + width) * n_values + 2 * (arrow + width * (n_values + n_outputs))
    return _rows(budget, row)


def rows_to_aggregate(budget: int, schema: pa.Schema, n_features: int, n_outputs: int) -> int:
    """The same where no values are written: one batch is read ahead, one is aggregated."""
    # beside the matrix of features a row's prediction, what its values add up to, and the check of the two
    return _rows(budget, 2 * sum(_width(field.type) for field in schema) + 8 * n_features + 4 * 8 * n_outputs)


def _rows(budget: int, row: int) -> int:
    rows = budget // row
    if rows < FEWEST_ROWS:
        raise OptionError(
            f"--max-memory is {budget} bytes; {FEWEST_ROWS} rows of this model need at least {FEWEST_ROWS * row}"
        )
    return min(rows, MOST_ROWS)


def _width(kind: pa.DataType) -> int:
    if isinstance(kind, pa.DictionaryType):
        return 4
    try:
        return max(1, int(kind.bit_width) // 8)
    except ValueError:
        return TEXT_BYTES


def peak_memory() -> int | None:
    """The largest resident memory of this process so far, in bytes; None where the system does not say (Windows)."""
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
