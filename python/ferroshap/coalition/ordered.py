"""Functions that are given frames in the order of their index."""

from collections.abc import Callable
from typing import Any

import numpy as np

from .outputs import read_outputs


class OrderedByIndex:
    """A function of pandas frames, each sorted by its index before the call and its answers put back in the order of the rows."""

    def __init__(self, function: Callable[[Any], Any], name: str) -> None:
        self.__qualname__ = name  # what messages call it
        self._function = function

    def __call__(self, rows: Any) -> Any:
        if not hasattr(rows, "iloc"):
            return self._function(rows)
        import pandas as pd

        order = pd.Series(np.arange(len(rows)), index=rows.index).sort_index(kind="stable").to_numpy()
        values, has_axis = read_outputs(self._function(rows.iloc[order]), len(rows), self.__qualname__)
        values[order] = values.copy()
        return values if has_axis else values[:, 0]
