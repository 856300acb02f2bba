"""The features of a CatBoost model, and what its splits on them mean.

A categorical column is known by the 32-bit hashes of its texts. Each split on it sends a set of hashes left and all others
to one side: a one-hot split is true for one hash, and a split on a target statistic of that one column ("CTR") compares a
number that depends on the hash alone. So every hash that some split or statistic tells from the rest is a category, and
what is none of them, unseen in training, has no code. Statistics of combinations of features are not of this kind.
"""

import math
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from ferroshap.errors import ModelError, UnsupportedModelError
from ferroshap.inputs.categories import Categories

from .catboost_ctr import Statistic
from .catboost_numbers import NumberedTests
from .record import Record

HASH = 1 << 32


@dataclass(frozen=True)
class Split:
    """One test of CatBoost; false goes left.

    `below` are the codes that go left (None: a numeric split, which sends `x <= threshold` left), `missing_left` says
    where NaN, or a category without a code, goes.
    """

    column: int
    threshold: float
    below: NDArray[np.bool_] | None
    missing_left: bool


class CatboostColumns:
    """`features_info`, and `split(record)` for each test of the trees."""

    def __init__(self, root: Record) -> None:
        self._root = root
        info = root.record("features_info")
        for kind in ("text_features", "embedding_features"):
            if info.fields.get(kind):
                refuse_features(kind)
        self._floats = _features(info, "float_features")
        self._texts = _features(info, "categorical_features")
        self._ctrs = [Record(each, f"features_info.ctrs[{at}]") for at, each in enumerate(_list(info, "ctrs"))]
        places = sorted(
            record.whole("flat_feature_index") for record in [*self._floats.values(), *self._texts.values()]
        )
        if places != list(range(len(places))):
            raise ModelError(f"features_info holds the columns {places[:8]}, expected each from 0 on once")
        self.n_features = len(places)
        self.names = _names([*self._floats.values(), *self._texts.values()])
        self._statistics: dict[int, Statistic] = {}
        self.splits_on_statistics = False
        # Only a statistic counts every category of the training.
        self._counted = {index for index in map(one_category, self._ctrs) if index is not None}
        self._hashes = {index: self._hashes_of(index, record) for index, record in self._texts.items()}
        self.categories = {
            record.whole("flat_feature_index"): Categories(
                tuple(self._hashes[index].tolist()),
                "unknown" if index in self._counted else "other",
                dtype="hash",
                arrays_hold="values",
            )
            for index, record in self._texts.items()
        }
        self._tests = NumberedTests(self._floats, self._texts, self._ctrs)

    def split(self, record: Record) -> Split:
        """The test that a tree holds."""
        kind = record.text("split_type")
        if kind == "FloatFeature":
            return self._float(record)
        if kind == "OneHotFeature":
            return self._one_hot(record)
        if kind == "OnlineCtr":
            return self._ctr(record)
        raise UnsupportedModelError(
            f"{record.path} is a split on {kind}, which is not supported: it depends on features that are no single column; "
            "supported are FloatFeature, OneHotFeature and OnlineCtr of one categorical feature"
        )

    def _float(self, record: Record) -> Split:
        index, border = self._tests.find(record, "FloatFeature")
        feature = self._floats[index]
        if record.whole("float_feature_index") != index:
            record.fail("float_feature_index", f"{index}, the feature of its split_index")
        if math.isnan(border):
            feature.fail("borders", "numbers")
        _agrees(record, "border", border)
        missing = feature.text("nan_value_treatment", "AsIs")
        if missing not in {"AsIs", "AsFalse", "AsTrue"}:
            feature.fail("nan_value_treatment", '"AsIs", "AsFalse" or "AsTrue"')
        with np.errstate(over="ignore"):
            threshold = float(np.float32(border))
        return Split(feature.whole("flat_feature_index"), threshold, None, missing != "AsTrue")

    def _one_hot(self, record: Record) -> Split:
        index, value = self._tests.find(record, "OneHotFeature")
        feature = self._texts[index]
        if record.whole("cat_feature_index") != index:
            record.fail("cat_feature_index", f"{index}, the feature of its split_index")
        if record.whole("value", least=-(2**31), most=HASH - 1) % HASH != value % HASH:
            record.fail("value", f"{value}, as its split_index says")
        below = self._hashes[index] != value % HASH
        return Split(feature.whole("flat_feature_index"), np.nan, below, True)

    def _ctr(self, record: Record) -> Split:
        at, found = self._tests.find(record, "OnlineCtr")
        self.splits_on_statistics = True
        statistic, index = self._statistic(at, self._ctrs[at])
        if "border" in record:
            _agrees(record, "border", found)
        with np.errstate(over="ignore"):
            border = np.float32(found)
        below = ~(statistic.values(self._hashes[index]) > border)
        column = self._texts[index].whole("flat_feature_index")
        return Split(column, np.nan, below, not statistic.value_of_unseen() > border)

    def _statistic(self, at: int, ctr: Record) -> tuple[Statistic, int]:
        index = one_category(ctr)
        if index is None:
            raise UnsupportedModelError(
                f"the CatBoost model splits on a statistic of a combination of features ({ctr.path}), which is no test of one "
                "column and is not supported; train with max_ctr_complexity=1, or with one_hot_max_size above the number of "
                "categories"
            )
        if index not in self._texts:
            ctr.fail("elements", "a feature of features_info")
        if at not in self._statistics:
            self._statistics[at] = Statistic(ctr, self._root.record("ctr_data"))
        return self._statistics[at], index

    def _hashes_of(self, index: int, feature: Record) -> NDArray[np.int64]:
        """The hashes of a categorical feature that splits tell from the rest, in ascending order."""
        shown = feature.whole_numbers("values") if feature.fields.get("values") is not None else np.zeros(0, np.int64)
        hashes = [shown % HASH]
        for at, ctr in enumerate(self._ctrs):
            if one_category(ctr) == index:
                hashes.append(self._statistic(at, ctr)[0].hashes)
        return np.unique(np.concatenate(hashes))


def _agrees(record: Record, key: str, border: float) -> None:
    """Raises the error for a border that is not the one of the `split_index`."""
    with np.errstate(over="ignore"):
        if not np.float32(record.number(key)) == np.float32(border):  # noqa: SIM201  (NaN too)
            record.fail(key, f"{border:g}, as its split_index says")


def refuse_features(kind: str) -> NoReturn:
    """Raises the error for `"text_features"` and `"embedding_features"`."""
    raise UnsupportedModelError(
        f"the CatBoost model has {kind.replace('_', ' ')}, which are no columns of numbers or categories and are not "
        "supported; supported are float and categorical features"
    )


def one_category(ctr: Record) -> int | None:
    """The categorical feature of a statistic of one; None for a combination."""
    elements = ctr.sequence("elements")
    first = Record(elements[0], f"{ctr.path}.elements[0]") if len(elements) == 1 else None
    if first is None or first.text("combination_element") != "cat_feature_value":
        return None
    return first.whole("cat_feature_index")


def _features(info: Record, kind: str) -> dict[int, Record]:
    records = [Record(each, f"features_info.{kind}[{at}]") for at, each in enumerate(_list(info, kind))]
    return {record.whole("feature_index"): record for record in records}


def _list(info: Record, key: str) -> Any:
    return info.sequence(key) if info.fields.get(key) is not None else []


def _names(features: list[Record]) -> tuple[str, ...] | None:
    """The names by column; None where no feature has a name but its number."""
    by_column = {record.whole("flat_feature_index"): record.text("feature_id", "") for record in features}
    if all(name in {"", str(column)} for column, name in by_column.items()):
        return None
    return tuple(by_column[column] or str(column) for column in range(len(by_column)))
