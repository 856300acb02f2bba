"""A pandas Series as one row, as `frame.iloc[0]` gives it: its index holds the names of the columns."""

import sys
from typing import Any

from ferroshap.errors import DataError

from .schema import InputSchema


def is_series(data: object) -> bool:
    """Whether `data` is a pandas Series; never imports pandas."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(data, pandas.Series)


def row_of_series(data: Any, schema: InputSchema) -> Any:
    """The frame of one row; each value has its own type again, which a Series of mixed values has lost."""
    labels = [str(label) for label in data.index]
    known = schema.feature_names
    if known is not None and not set(known) & {*labels, *(label.replace(" ", "_") for label in labels)}:
        raise DataError(
            f"the rows are a pandas Series whose index {labels[:4]} holds none of the model's feature names: a Series is read "
            "as one row; pass a frame for a column, such as series.to_frame()"
        )
    if known is None and len(labels) != schema.n_features:
        raise DataError(
            f"the rows are a pandas Series of {len(labels)} values, which is read as one row, but the model expects "
            f"{schema.n_features}; pass a frame"
        )
    frame = data.to_frame().T
    return frame.infer_objects() if data.dtype == object else frame
