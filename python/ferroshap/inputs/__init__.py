"""Stage 4: the rows of the user's table as the numbers that the model compares."""

from .rows import InputRows, as_table, read_rows
from .schema import ColumnsOfBackground, InputSchema
from .sparse import SparseArrays, SparseRows

__all__ = ["ColumnsOfBackground", "InputRows", "InputSchema", "SparseArrays", "SparseRows", "as_table", "read_rows"]
