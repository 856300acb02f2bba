"""Categories that a model knows by the hash of their text only (CatBoost): values → codes.

CatBoost takes texts and whole numbers, a boolean as 0 or 1, and refuses other numbers and missing values.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ferroshap.errors import DataError

from .catboost_hash import category_hash
from .categories import Categories
from .matching import Coded


def code_hashed(values: Sequence[Any], null: npt.NDArray[np.bool_], name: str, stored: Categories) -> Coded:
    """The code of each value; NaN for one that the model did not see in training."""
    if null.any():
        raise DataError(
            f"the column {name} has a missing value in row {int(np.argmax(null))}, which CatBoost refuses in a categorical "
            "feature; pass the text that stood for it in training, such as 'nan'"
        )
    code_of_hash = stored.codes()
    code_of_value: dict[Any, float] = {}
    codes = np.empty(len(values))
    for row, value in enumerate(values):
        key = (type(value), value)
        if key not in code_of_value:
            code_of_value[key] = float(code_of_hash.get(_hash(value, name), np.nan))
        codes[row] = code_of_value[key]
    if stored.unseen == "other":
        return Coded(codes, [], 0)
    unseen = sorted((value for (_, value), code in code_of_value.items() if code != code), key=str)  # noqa: PLR0124
    return Coded(codes, unseen, int(np.isnan(codes).sum()), "unknown")


def _hash(value: Any, name: str) -> int:
    text = _text(value, name)
    try:
        return category_hash(text)
    except UnicodeEncodeError as error:
        raise DataError(f"the column {name} holds {text!r}, which is no text in Unicode: {error.reason}") from error


def _text(value: Any, name: str) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, (bool, np.bool_, int, np.integer)):
        return str(int(value))
    raise DataError(
        f"the column {name} holds {value!r} ({type(value).__name__}), but CatBoost's categories are texts and whole numbers; "
        "pass what the model was trained with"
    )
