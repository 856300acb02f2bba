"""One column of a frame → floats: numbers as they are, categories as the codes that the trees test."""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ferroshap.errors import DataError

from .categories import Categories
from .hashed import code_hashed
from .matching import Coded, code_dictionary, code_numbers, code_objects, some

if TYPE_CHECKING:
    import narwhals as nw

Column = npt.NDArray[Any]
EXACT_IN_FLOAT32 = {"Boolean", "Int8", "Int16", "UInt8", "UInt16", "Float16", "Float32"}


def fits_float32(series: "nw.Series[Any]") -> bool:
    """Whether float32 holds every value of a column of this dtype exactly (`numpy.result_type`'s rule with float32)."""
    return type(series.dtype).__name__ in EXACT_IN_FLOAT32 or is_category(series)


def is_category(series: "nw.Series[Any]") -> bool:
    """Whether the column is a category, enum or dictionary column."""
    import narwhals as nw

    return isinstance(series.dtype, (nw.Categorical, nw.Enum))


def numbers(series: "nw.Series[Any]", name: str) -> Column:
    """The values of a column of numbers or booleans, nulls as NaN; raises `DataError` for any other dtype."""
    import narwhals as nw

    dtype = series.dtype
    if isinstance(dtype, nw.Boolean):
        return series.cast(nw.Float32()).to_numpy()
    if dtype.is_float() or (dtype.is_integer() and not isinstance(dtype, (nw.Int128, nw.UInt128))):
        column: Column = series.to_numpy()
        if column.dtype.kind == "O":  # pandas before 2.2, an Arrow column of floats with nulls
            column = nw.to_native(series).to_numpy(dtype=np.float64, na_value=np.nan)
        return column
    if isinstance(dtype, nw.Unknown) and series.null_count() == len(series):  # Arrow's and polars' type for "no value"
        return np.full(len(series), np.nan, dtype=np.float32)
    raise DataError(
        f"the column {name!r} has dtype {native_dtype(series)}, but the model compares its feature as a number; "
        f"{_advice(series)}"
    )


def own_codes(series: "nw.Series[Any]", name: str) -> Column:
    """The frame's own category codes, missing as NaN: what XGBoost before 3.1 reads, which stores no categories.

    Only where the frame fixes the order of the categories: in a pandas category or a polars Enum. In an Arrow
    dictionary or a polars Categorical it depends on the order of the rows, so they are refused.
    """
    import narwhals as nw

    native = nw.to_native(series)
    if series.implementation.is_pandas_like() and hasattr(native, "cat"):
        return _negative_to_nan(np.asarray(native.cat.codes))
    if series.implementation.is_polars() and isinstance(series.dtype, nw.Enum):
        physical: Column = native.to_physical().to_numpy()
        return physical
    raise DataError(
        f"the column {name!r} has dtype {native_dtype(series)}, and the model stores no categories to match by value; "
        "pass a pandas category column with the categories of training in their order, or the codes as numbers"
    )


def category_codes(series: "nw.Series[Any]", name: str, stored: Categories) -> Coded:
    """The stored code of each value, NaN where it is missing or unseen.

    Values match as values, whatever the order or the codes of the frame's own categories. Raises `DataError` for values
    of another kind than the stored ones, and for unseen values where the library does.
    """
    import narwhals as nw

    if stored.defect is not None:
        raise DataError(f"the column {name!r} cannot be read by its values: {stored.defect}")
    native, dtype = nw.to_native(series), series.dtype
    if series.implementation.is_pandas_like() and hasattr(native, "cat") and stored.dtype != "hash":
        return code_dictionary(np.asarray(native.cat.codes), list(native.cat.categories), repr(name), stored)
    if not (dtype.is_numeric() or is_category(series) or isinstance(dtype, _by_value())):
        known = "the hashes of texts and whole numbers" if stored.dtype == "hash" else f"such as {some(stored.values)}"
        raise DataError(
            f"the column {name!r} has dtype {native_dtype(series)}, but the model knows it by categories, {known}; pass the "
            "values it was trained with"
        )
    if stored.dtype == "hash":
        return code_hashed(series.to_list(), series.is_null().to_numpy(), repr(name), stored)
    if dtype.is_float() or (dtype.is_integer() and series.null_count() == 0):
        return code_numbers(series.to_numpy(), repr(name), stored)
    return code_objects(series.to_list(), series.is_null().to_numpy(), repr(name), stored)


def native_dtype(series: "nw.Series[Any]") -> str:
    """The dtype as the frame's own library prints it."""
    import narwhals as nw

    native = nw.to_native(series)
    return str(getattr(native, "dtype", None) or getattr(native, "type", None) or series.dtype)


def _by_value() -> tuple[type, ...]:
    import narwhals as nw

    return (nw.String, nw.Boolean, nw.Object, nw.Unknown)


def _negative_to_nan(codes: npt.NDArray[np.integer[Any]]) -> Column:
    floats = codes.astype(np.float32 if codes.itemsize <= 2 else np.float64)
    floats[codes < 0] = np.nan
    return floats


def _advice(series: "nw.Series[Any]") -> str:
    import narwhals as nw

    dtype = series.dtype
    if is_category(series):
        return "this feature was not a category in training: pass the numbers it was trained with"
    if dtype.is_temporal():
        return "pass the number it was turned into for training"
    if isinstance(dtype, (nw.String, nw.Object)):
        return "convert it to numbers as in training"
    return "convert it to float64"
