"""Explanations of groups of rows."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from ferroshap.errors import OptionError

from .state import State
from .top import feature_labels

Array = npt.NDArray[Any]
Explained = TypeVar("Explained", bound=State)  # an Explanation: its class stands above this module


class Cohorts(dict[str, Explained]):
    """Explanations by the name of their group, a dict; what explanations do, it does to each.

    `cohorts["young"]` is one explanation, `cohorts[:, "age"]` the same choice in each. `abs`, `mean(axis)` and the other
    summaries give cohorts again. `shap.plots.bar` takes it.
    """

    @property
    def cohorts(self) -> dict[str, Explained]:
        """The explanations as a plain dict."""
        return dict(self)

    def __getitem__(self, item: Any) -> Any:
        return super().__getitem__(item) if isinstance(item, str) else self._each(lambda each: each[item])

    @property
    def abs(self) -> "Cohorts[Explained]":
        return self._each(lambda each: each.abs)

    def mean(self, axis: int | None) -> "Cohorts[Explained]":
        return self._each(lambda each: each.mean(axis))

    def sum(self, axis: int | None = None, grouping: Mapping[str, str] | None = None) -> "Cohorts[Explained]":
        return self._each(lambda each: each.sum(axis, grouping))

    def max(self, axis: int | None) -> "Cohorts[Explained]":
        return self._each(lambda each: each.max(axis))

    def min(self, axis: int | None) -> "Cohorts[Explained]":
        return self._each(lambda each: each.min(axis))

    def percentile(self, q: float, axis: int | None = None) -> "Cohorts[Explained]":
        return self._each(lambda each: each.percentile(q, axis))

    def sample(self, max_samples: int, replace: bool = False, random_state: int = 0) -> "Cohorts[Explained]":
        return self._each(lambda each: each.sample(max_samples, replace, random_state))

    def _each(self, change: Callable[[Any], Any]) -> "Cohorts[Explained]":
        return Cohorts({name: change(explanation) for name, explanation in self.items()})

    def __repr__(self) -> str:
        return f"Cohorts({', '.join(f'{name!r}: {explanation.shape}' for name, explanation in self.items())})"


def by_labels(explanation: Any, labels: Iterable[Any]) -> Cohorts[Any]:
    """A cohort for each different label, in the order of the labels: `labels` has one for each row."""
    given = np.asarray(labels)
    n = len(explanation)
    if given.shape != (n,):
        raise OptionError(f"the labels of cohorts have the shape {given.shape}; expected ({n},), one for each row")
    names = np.array([str(label) for label in given.tolist()], dtype=object)
    in_order = set(given.tolist()) if given.dtype.kind in "biuf" else set(names)  # numbers by size
    return Cohorts({str(label): explanation[names == str(label)] for label in sorted(in_order)})


def by_tree(explanation: Any, n: int) -> Cohorts[Any]:
    """At most `n` cohorts with similar SHAP values: the leaves of a decision tree that explains those by the data."""
    try:
        from sklearn.tree import DecisionTreeRegressor
    except ImportError as error:
        raise ImportError(
            "cohorts(n) grows a decision tree with scikit-learn, which is not installed: pip install scikit-learn; or pass "
            "one label for each row"
        ) from error
    if explanation.data is None:
        raise OptionError(
            "cohorts(n) groups rows by their data, and this explanation has none; pass one label for each row"
        )
    data = np.asarray(explanation.data, dtype=np.float64)
    if n == 1 or len(explanation) == 1:
        return Cohorts({"all": explanation})
    tree = DecisionTreeRegressor(max_leaf_nodes=n, random_state=0).fit(data, explanation.values)
    leaves = tree.apply(data)
    conditions = _conditions(tree.tree_, feature_labels(explanation), np.asarray(np.isnan(data).any(axis=0)))
    return Cohorts({conditions[leaf]: explanation[leaves == leaf] for leaf in sorted(conditions)})


def _conditions(tree: Any, names: list[str], holed: Array) -> dict[int, str]:
    """For each leaf, which rows reach it: "age <= 30 & income > 5". `holed`: which features have missing values."""
    found: dict[int, str] = {}
    pending: list[tuple[int, tuple[str, ...]]] = [(0, ())]
    while pending:
        node, path = pending.pop()
        left, right = int(tree.children_left[node]), int(tree.children_right[node])
        if left == -1:
            found[node] = " & ".join(path) or "all"
            continue
        feature = tree.feature[node]
        missing = " or missing" if holed[feature] else ""
        goes_left = bool(tree.missing_go_to_left[node])
        at = f"{tree.threshold[node]:.6g}"
        pending.append((left, (*path, f"{names[feature]} <= {at}{missing if goes_left else ''}")))
        pending.append((right, (*path, f"{names[feature]} > {at}{'' if goes_left else missing}")))
    return found
