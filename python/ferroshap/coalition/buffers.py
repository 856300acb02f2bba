"""Memory that the model's tables are written into, used again for the next batch unless the model kept a part of it."""

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass
class Filled:
    """A table for the model, and the memory that it is a view of; None where it has its own."""

    table: Any
    memory: Array | None


class Buffers:
    """Arrays `(rows, columns)`, lent one by one.

    Whatever the model keeps, be it a part, a transposed view or a tensor that shares the memory, holds a reference to the
    array that owns it. So the count of references tells whether the array may be written to again.
    """

    def __init__(self, rows: int, columns: int, dtype: np.dtype[Any]) -> None:
        self._shape = (rows, columns)
        self._dtype = dtype
        self._free: list[Array] = []

    def lend(self) -> Array:
        """An array that nobody else has; its contents are not defined."""
        return self._free.pop() if self._free else np.empty(self._shape, self._dtype)

    def back(self, filled: Filled) -> None:
        """Takes the memory back if nobody but `filled` refers to it."""
        filled.table = None
        if filled.memory is not None and _references(filled) <= ALONE:
            self._free.append(filled.memory)
        filled.memory = None


def _references(filled: Filled) -> int:
    return sys.getrefcount(filled.memory)


ALONE = _references(Filled(None, np.empty(1)))  # as this interpreter counts them
