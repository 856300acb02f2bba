"""Stored categories of a column: what turns a value of the user's table into the code that the trees test."""

from dataclasses import dataclass
from typing import Literal

Category = str | int | float | bool | None


@dataclass(frozen=True)
class Categories:
    """The categories a model stores for one column.

    values
        The categories in the order of training; the code of `values[i]` is `i`. No value occurs twice. None is one where
        the library tells it from a missing number (scikit-learn).
    unseen
        What the library does with a value that is not among them: `"error"` (XGBoost), `"missing"` (LightGBM,
        scikit-learn), `"unknown"` (CatBoost: every split has a side for it) or `"other"` (the same, where the model holds
        only what its splits test: whether training saw a value is not told).
    dtype
        The type of the values as the library compares it: `"string"`, a numpy integer type such as `"int64"` (XGBoost,
        which refuses a column of categories of another type), `"hash"` where `values` are the hashes of the categories'
        texts (CatBoost), or None where the library compares plain values.
    defect
        Why the file does not say which categories it knows; then `values` is empty and only codes can be read.
    arrays_hold
        What an array has in such a column: `"codes"` (XGBoost, LightGBM), or the `"values"` themselves (scikit-learn since
        1.4 and CatBoost, whose models encode them).
    """

    values: tuple[Category, ...]
    unseen: Literal["error", "missing", "unknown", "other"]
    dtype: str | None = None
    defect: str | None = None
    arrays_hold: Literal["codes", "values"] = "codes"

    def codes(self) -> dict[Category, int]:
        """The code of each category, a new dict."""
        return {value: code for code, value in enumerate(self.values)}

    @property
    def booleans_are_numbers(self) -> bool:
        """Whether True is the category 1: scikit-learn's encoder compares as Python does."""
        return self.arrays_hold == "values"
