"""Arrays for models that encode their categories themselves: such a column holds values, and becomes codes here.

scikit-learn's HistGradientBoosting does so since 1.4 (`_preprocessor`, an OrdinalEncoder in front of the trees), and CatBoost
always.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from ferroshap.errors import DataError

from .categories import Categories
from .hashed import code_hashed
from .matching import Coded, code_numbers, code_objects, warn_unseen
from .schema import InputSchema

TEXT = "UT"


def encoded_columns(schema: InputSchema) -> dict[int, Categories]:
    """The columns that hold category values in an array too."""
    return {column: stored for column, stored in schema.categories.items() if stored.arrays_hold == "values"}


def read_encoded(matrix: npt.NDArray[Any], schema: InputSchema) -> npt.NDArray[np.floating[Any]]:
    """`(n, f)` of numbers, booleans, texts or objects as float32 or float64; raises `DataError` naming the column."""
    encoded = encoded_columns(schema)
    numeric = sorted(set(range(schema.n_features)) - set(encoded))
    if matrix.dtype.kind in TEXT and numeric:
        raise DataError(
            f"the rows are an array of text, but the model compares column {numeric[0]} as a number; pass an array of "
            "objects (dtype object), which keeps numbers and texts apart, or a data frame"
        )
    out = np.empty(matrix.shape, np.float32 if matrix.dtype.type is np.float32 else np.float64, order="F")
    coded = {}
    for column in range(schema.n_features):
        values = matrix[:, column]
        if column in encoded:
            found = _code(values, str(column), encoded[column])
            out[:, column], coded[f"column {column}"] = found.codes, found
        elif values.dtype.kind == "O":
            out[:, column] = [_number(value, column) for value in values]
        else:
            out[:, column] = values
    warn_unseen(coded)
    return out


def _code(values: npt.NDArray[Any], name: str, stored: Categories) -> Coded:
    if stored.dtype != "hash" and values.dtype.kind not in "OUT":
        return code_numbers(values, name, stored)
    items = values.tolist()
    null = np.array([value is None or (isinstance(value, float) and value != value) for value in items], bool)  # noqa: PLR0124
    return (code_hashed if stored.dtype == "hash" else code_objects)(items, null, name, stored)


def _number(value: Any, column: int) -> float:
    if value is None:
        return np.nan
    if not isinstance(value, (int, float, np.number, np.bool_)) or isinstance(value, np.complexfloating):
        raise DataError(
            f"column {column} holds {value!r} ({type(value).__name__}), but the model compares it as a number; encode it as "
            "in training, missing values as nan"
        )
    return float(value)
