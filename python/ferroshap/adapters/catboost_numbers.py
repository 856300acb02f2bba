"""The numbers of a CatBoost model's tests.

A tree names a test twice: by `split_index`, which is what CatBoost goes by, and in words. The indices count the borders of
the float features, then the one-hot values of the categorical ones, then the borders of `ctrs`, in the order of the document.
"""

from bisect import bisect_right
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from .record import Record

WORDS = {"FloatFeature": "borders", "OneHotFeature": "values", "OnlineCtr": "borders"}


class NumberedTests:
    """What each `split_index` stands for."""

    def __init__(self, floats: dict[int, Record], texts: dict[int, Record], ctrs: list[Record]) -> None:
        whose = (("FloatFeature", floats), ("OneHotFeature", texts), ("OnlineCtr", dict(enumerate(ctrs))))
        self._owners = [(kind, key, _numbers(record, kind)) for kind, found in whose for key, record in found.items()]
        self._starts = list(accumulate((values.size for _, _, values in self._owners), initial=0))

    def find(self, record: Record, kind: str) -> tuple[int, float]:
        """Of a test of this kind: its feature, or its place in `ctrs`, and its border or value."""
        number = record.whole("split_index", least=0)
        if number >= self._starts[-1]:
            record.fail("split_index", f"less than {self._starts[-1]}, the tests of features_info")
        at = bisect_right(self._starts, number) - 1
        found, key, values = self._owners[at]
        if found != kind:
            record.fail("split_index", f"the number of a {kind}, as split_type says; it is that of a {found}")
        return key, values[number - self._starts[at]].item()


def _numbers(record: Record, kind: str) -> NDArray[np.generic]:
    key = WORDS[kind]
    if record.fields.get(key) is None:
        return np.zeros(0)
    return record.whole_numbers(key) if kind == "OneHotFeature" else record.numbers(key)
