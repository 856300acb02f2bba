"""The user's rows as the training libraries take them: arrays as they are, frames as pandas frames."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ferroshap.errors import OptionError
from ferroshap.inputs import InputRows, as_table
from ferroshap.inputs.categories import Categories
from ferroshap.inputs.containers import unwrapped
from ferroshap.inputs.frames import FrameData

if TYPE_CHECKING:
    from ferroshap.ensemble import TreeEnsemble

# Libraries whose frames hold categories in columns of that dtype only.
CATEGORY_COLUMNS = {"XGBoost", "LightGBM"}


def table_for_library(X: Any, rows: InputRows, model: "TreeEnsemble") -> Any:
    """The table `X`, which `rows` was read from, with its columns in the model's order."""
    if model.has_steps_before:
        return as_table(X)[1]
    shown = rows.table
    if isinstance(shown, FrameData):
        return _pandas(shown, model)
    if isinstance(shown, np.ndarray):
        return shown.reshape(len(rows), -1)
    return unwrapped(X)  # sparse rows, a DMatrix


def _pandas(frame: FrameData, model: "TreeEnsemble") -> Any:
    try:
        import pandas as pd

        columns = [series.to_pandas().reset_index(drop=True) for series in frame.series]
    except ImportError as error:
        raise OptionError(
            f"no comparison with the library itself: it takes frames through {error.name}, which is not installed: pip install "
            f"{error.name}, or pass the rows as an array"
        ) from error
    schema = model.schema
    if model.origin is not None and model.origin.family in CATEGORY_COLUMNS:
        for at, stored in schema.categories.items():
            if not isinstance(columns[at].dtype, pd.CategoricalDtype):
                columns[at] = columns[at].astype(pd.CategoricalDtype(_values(stored)))
    names = schema.feature_names or [str(series.name) for series in frame.series]
    return pd.concat([column.rename(name) for column, name in zip(columns, names, strict=True)], axis=1)


def _values(stored: Categories) -> Any:
    numeric = stored.dtype is not None and stored.dtype.startswith(("int", "uint"))
    return np.array(stored.values, stored.dtype) if numeric else list(stored.values)
