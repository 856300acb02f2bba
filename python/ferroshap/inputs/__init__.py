"""Stage 4: the rows of the user's table as the numbers that the model compares."""

from .rows import InputRows, as_table, read_rows
from .schema import InputSchema

__all__ = ["InputRows", "InputSchema", "as_table", "read_rows"]
