"""Stored categories of a column: what turns a value of the user's table into the code that the trees test."""

from dataclasses import dataclass
from typing import Literal

Category = str | int | float | bool


@dataclass(frozen=True)
class Categories:
    """The categories a model stores for one column.

    values
        The categories in the order of training; the code of `values[i]` is `i`. No value occurs twice.
    unseen
        What the library does with a value that is not among them: `"error"` (XGBoost) or `"missing"` (LightGBM).
    dtype
        The type of the values as the library compares it: `"string"`, a numpy integer type such as `"int64"` (XGBoost,
        which refuses a column of categories of another type), or None where the library compares plain values.
    defect
        Why the file does not say which categories it knows; then `values` is empty and only codes can be read.
    """

    values: tuple[Category, ...]
    unseen: Literal["error", "missing"]
    dtype: str | None = None
    defect: str | None = None

    def codes(self) -> dict[Category, int]:
        """The code of each category, a new dict."""
        return {value: code for code, value in enumerate(self.values)}
