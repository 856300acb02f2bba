"""The raw prediction of the training library itself, for `check_additivity="library"` and `ferroshap check`.

Everything else compares with ferroshap's own prediction, which is that of the library bit for bit if model and rows were
read right. Here the library is called, with the table that the user gave: the reading is checked too.
"""

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ferroshap.errors import DataError, FerroshapError, OptionError

from .live import raw_output
from .origin import Origin, not_at_hand
from .tables import table_for_library

if TYPE_CHECKING:
    from ferroshap.ensemble import TreeEnsemble
    from ferroshap.inputs import InputRows

__all__ = ["Origin", "library_prediction"]


def library_prediction(model: "TreeEnsemble", X: Any, rows: "InputRows") -> npt.NDArray[np.float64]:
    """`(n, o)` float64: what the training library predicts for `X`, in the units of `model.output_space`.

    `rows` is what `model.read_rows` made of `X`.

    Raises `OptionError` where the library's model is not at hand or cannot be loaded, `DataError` where the library does
    not take these rows.
    """
    origin = model.origin
    if origin is None:
        raise not_at_hand(model.source)
    live = origin.model()
    shape = len(rows), model.n_outputs
    if not len(rows):  # which some libraries refuse
        return np.empty(shape)
    table = table_for_library(X, rows, model)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about names and such: the rows were matched when they were read
            found = raw_output(live, table, origin, model.output_space)
    except FerroshapError:
        raise
    except Exception as error:
        raise DataError(
            f"no comparison with the library itself: {origin.family} does not predict these rows, though ferroshap reads them: "
            f"{str(error)[:300] or type(error).__name__}"
        ) from error
    if np.size(found) != shape[0] * shape[1]:
        raise OptionError(
            f"no comparison with the library itself: {origin.family} predicts an array of shape {np.shape(found)}, expected {shape}; was "
            "the model trained again after it was read?"
        )
    return np.asarray(found, np.float64).reshape(shape)
