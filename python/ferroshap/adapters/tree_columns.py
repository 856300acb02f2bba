"""The per-tree arrays of a document, joined: each is checked once, then all trees are worked on as one array."""

from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from ferroshap.errors import ModelError

from .record import Record, brief, packed


class TreeColumns:
    """The trees of a document, from which the same field of all of them is read as one array.

    `first` is the number of the first of them in the file, for messages.
    """

    def __init__(self, trees: Sequence[object], first: int = 0) -> None:
        self.records = [Record(tree, f"tree {first + index}") for index, tree in enumerate(trees)]

    def only(self, chosen: NDArray[np.bool_]) -> "TreeColumns":
        """The trees that are `chosen` (t), under the numbers they have."""
        part = TreeColumns(())
        part.records = [record for record, keep in zip(self.records, chosen.tolist(), strict=True) if keep]
        return part

    def __len__(self) -> int:
        return len(self.records)

    def lengths(self, field: str) -> NDArray[np.int64]:
        """(t): how many numbers each tree holds in `field`."""
        return np.fromiter((len(part) for part in self._parts(field)), np.int64, len(self))

    def whole(self, field: str, default: int | None = None, *, least: int = 0) -> NDArray[np.int64]:
        """(t): a single whole number of each tree."""
        read = (record.whole(field, default, least=least) for record in self.records)
        return np.fromiter(read, np.int64, len(self))

    def floats(
        self, field: str, lengths: NDArray[np.int64], dtype: type[np.floating[Any]] = np.float64
    ) -> NDArray[Any]:
        """`field` of all trees as floating-point numbers; `lengths` is how many each must hold."""
        parts = self._of_length(field, lengths)
        for record, part in zip(self.records, parts, strict=True):
            if part.dtype.kind == "b":
                record.fail(field, "an array of numbers")
        with np.errstate(over="ignore"):  # beyond float32 is infinite there too, and refused where it matters
            return np.concatenate(parts, dtype=dtype, casting="same_kind") if parts else np.zeros(0, dtype)

    def integers(self, field: str, lengths: NDArray[np.int64], least: int, most: int) -> NDArray[np.int64]:
        """`field` of all trees as whole numbers in `least..=most`."""
        parts = self._of_length(field, lengths)
        for record, part in zip(self.records, parts, strict=True):
            if part.size and part.dtype.kind == "f":
                record.fail(field, "an array of whole numbers")
        whole = np.concatenate(parts, dtype=np.int64, casting="unsafe") if parts else np.zeros(0, np.int64)
        self.require((whole >= least) & (whole <= most), lengths, field, whole, f"from {least} to {most}")
        return whole

    def require(
        self,
        good: NDArray[np.bool_],
        lengths: NDArray[np.int64],
        field: str,
        found: NDArray[Any],
        expected: str,
    ) -> None:
        """Raises the error for the first element of a joined field that is not `good`."""
        if good.all():
            return
        at = int(np.argmin(good))
        ends = np.cumsum(lengths)
        tree = int(np.searchsorted(ends, at, side="right"))
        element = at - int(ends[tree] - lengths[tree])
        raise ModelError(f"{self.records[tree].path}: {field}[{element}] is {found[at]}, expected {expected}")

    def fail(self, tree: int, field: str, found: object, expected: str) -> NoReturn:
        """Raises the error for a field of one tree."""
        raise ModelError(f"{self.records[tree].path}: {field} is {brief(found)}, expected {expected}")

    def _parts(self, field: str) -> list[NDArray[Any]]:
        # One look-up for each field and tree: written out, because a large model has tens of thousands of them.
        parts = []
        for record in self.records:
            part = packed(record.fields.get(field))
            if part is None:
                record.fail(field, "an array of numbers")
            parts.append(part)
        return parts

    def _of_length(self, field: str, lengths: NDArray[np.int64]) -> list[NDArray[Any]]:
        parts = self._parts(field)
        for tree, (part, length) in enumerate(zip(parts, lengths.tolist(), strict=True)):
            if len(part) != length:
                self.fail(tree, f"length of {field}", len(part), str(length))
        return parts


def starts_of(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """(t + 1): where each of consecutive pieces of these lengths starts, and where the last ends."""
    return np.concatenate(([0], np.cumsum(lengths)), dtype=np.int64)
