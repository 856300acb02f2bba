"""A statistic of one categorical feature ("CTR"): a number for each category, from counts taken in training.

For a category with the counts n_0 … n_k of the target's classes, numerator and denominator are

    Borders   Σ_{j > t} n_j   and Σ n_j          (t: `target_border_idx`)
    Buckets   n_t             and Σ n_j
    Counter, FeatureFreq   n  and the `counter_denominator` of the table

and the statistic is ((numerator + prior) / (denominator + prior's) + shift) · scale, rounded to float32 in every step.
Categories that training has not seen have the counts 0.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ferroshap.errors import UnsupportedModelError

from .record import Record

MULTIPLIER = 0x4906BA494954CB65
INVERSE = pow(MULTIPLIER, -1, 1 << 64)
WORD = (1 << 64) - 1
COUNT_LIMIT = 2**31  # they are int32
COUNTED = ("Counter", "FeatureFreq")


class Statistic:
    """A statistic of `features_info.ctrs` with its table of counts."""

    def __init__(self, ctr: Record, tables: Record) -> None:
        self.kind = ctr.text("ctr_type")
        if self.kind not in ("Borders", "Buckets", *COUNTED):
            raise UnsupportedModelError(
                f"{ctr.path} is a statistic of type {self.kind}, which is not supported; supported are Borders, Buckets, "
                "Counter and FeatureFreq"
            )
        self._target = ctr.whole("target_border_idx", 0)
        self._prior = ctr.number("prior_numerator"), ctr.number("prior_denomerator")
        with np.errstate(over="ignore"):
            self._shift, self._scale = np.float32(ctr.number("shift")), np.float32(ctr.number("scale"))
        table = Record(tables.fields.get(ctr.text("identifier")), "ctr_data")
        keys, self._counts = _table(table)
        self._denominator = float(table.whole("counter_denominator")) if self.kind in COUNTED else 0.0
        if self.kind == "Buckets" and self._target >= self._counts.shape[1]:
            ctr.fail("target_border_idx", f"less than {self._counts.shape[1]}, the counts of a category")
        found = [(_hash_of(key), row) for row, key in enumerate(keys)]
        self._row = {code: row for code, row in found if code is not None}
        self.hashes = np.array(sorted(self._row), np.int64)

    def values(self, hashes: NDArray[np.int64]) -> NDArray[np.float32]:
        """The statistic of each hash."""
        rows = np.array([self._row.get(code, -1) for code in hashes.tolist()], np.int64)
        counts = np.vstack([self._counts, np.zeros_like(self._counts[:1])])  # −1: the last, of what is not there
        return self._value(counts[rows])

    def value_of_unseen(self) -> np.float32:
        """The statistic of a category that training has not seen."""
        return np.float32(self._value(np.zeros((1, self._counts.shape[1])))[0])

    def _value(self, counts: NDArray[np.float64]) -> NDArray[np.float32]:
        if self.kind in COUNTED:
            numerator, denominator = counts[:, 0], np.full(len(counts), self._denominator)
        elif self.kind == "Borders":
            numerator, denominator = counts[:, self._target + 1 :].sum(axis=1), counts.sum(axis=1)
        else:
            numerator, denominator = counts[:, self._target], counts.sum(axis=1)
        with np.errstate(all="ignore"):  # as in C: what is no number is above no border
            share = ((numerator + self._prior[0]) / (denominator + self._prior[1])).astype(np.float32)
            value: NDArray[np.float32] = (share + self._shift) * self._scale
        return value


def _table(table: Record) -> tuple[list[int], NDArray[np.float64]]:
    """The keys, 64 bits each, and their counts `(keys, classes)`."""
    stride = table.whole("hash_stride", least=2)
    flat: Any = table.fields.get("hash_map")
    flat = flat.tolist() if isinstance(flat, np.ndarray) else flat
    if (
        not isinstance(flat, list)
        or len(flat) % stride
        or not all(isinstance(each, (int, float, str)) for each in flat)
    ):
        table.fail("hash_map", f"a list of keys and {stride - 1} counts each")
    try:
        keys = [int(key) & WORD for key in flat[::stride]]
        counts = np.array([[float(v) for v in flat[at + 1 : at + stride]] for at in range(0, len(flat), stride)])
    except (ValueError, OverflowError):
        table.fail("hash_map", "whole numbers")
    if not (np.abs(counts) < COUNT_LIMIT).all():
        table.fail("hash_map", f"counts below {COUNT_LIMIT}")
    return keys, counts.reshape(len(keys), stride - 1)


def _hash_of(key: int) -> int | None:
    """The hash of the category behind a key; None for the key that marks an empty place.

    A key is M·(M·h) modulo 2^64 with h the hash, its 32 bits extended by sign; M is odd, so this can be undone.
    """
    wide = (key * INVERSE * INVERSE) & WORD
    low = wide & 0xFFFFFFFF
    extended = low | (0xFFFFFFFF << 32 if low >> 31 else 0)
    return low if wide == extended else None
