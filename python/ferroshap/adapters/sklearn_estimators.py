"""scikit-learn's decision trees and forests as a `ParsedModel`, from the attributes of the live object (1.2 and later)."""

import re
import sys
from itertools import takewhile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ferroshap.errors import ModelError
from ferroshap.inputs.schema import InputSchema
from ferroshap.links import IDENTITY, OF_TARGET

from .arrays import EnsembleArrays, no_sets
from .info import ModelInfo, ParsedModel, numbered_outputs
from .options import refuse_iterations, refuse_missing

NODE_FIELDS: dict[str, Any] = {
    "left_child": np.int32, "right_child": np.int32, "feature": np.int32, "threshold": np.float64,
    "weighted_n_node_samples": np.float64,
}  # fmt: skip
FEW_NODES = 2_000  # of all trees; they take 64 bytes each
FRACTIONS_TOLERANCE = 1e-9
COUNTS_TOLERANCE = 1e-6
NAN_SINCE = {
    "DecisionTreeRegressor": (1, 3), "DecisionTreeClassifier": (1, 3), "ExtraTreeRegressor": (1, 6),
    "ExtraTreeClassifier": (1, 6), "RandomForestRegressor": (1, 4), "RandomForestClassifier": (1, 4),
    "ExtraTreesRegressor": (1, 6), "ExtraTreesClassifier": (1, 6), "IsolationForest": (1, 7),
}  # fmt: skip
NAN_CRITERIA = {"gini", "log_loss", "entropy", "squared_error", "friedman_mse", "poisson"}


def parse_tree(estimator: Any, *, iteration_range: Any, missing: Any) -> ParsedModel:
    """A `DecisionTree*` or `ExtraTree*`: its leaf values are the prediction."""
    return _parse(estimator, [estimator], "tree_", iteration_range, missing)


def parse_forest(estimator: Any, *, iteration_range: Any, missing: Any) -> ParsedModel:
    """A `RandomForest*` or `ExtraTrees*`: the mean of its trees."""
    return _parse(estimator, getattr(estimator, "estimators_", []), "estimators_", iteration_range, missing)


def _parse(estimator: Any, members: list[Any], attribute: str, iteration_range: Any, missing: Any) -> ParsedModel:
    name = type(estimator).__name__
    refuse_missing(missing, "scikit-learn")
    refuse_iterations(iteration_range, name)
    if not hasattr(estimator, attribute):
        raise ModelError(f"the {name} is not fitted ({attribute} is missing): call fit() before it is explained")
    labels = _labels(estimator)
    names = _output_names(estimator, labels)
    trees = [FittedTree(member.tree_, labels) for member in members]
    is_forest = attribute == "estimators_"
    arrays = EnsembleArrays(
        n_features=int(estimator.n_features_in_),
        n_outputs=len(names),
        tree_outputs=np.full(len(trees), 0 if len(names) == 1 else -1, np.int32),
        **node_fields(trees),
        values=np.concatenate([tree.values() for tree in trees]),
        base=np.zeros(len(names)),
        accumulation="f64-mean" if is_forest else "f64-from-base",
        divisor=len(trees) if is_forest else 1,
        round_to_float32=True,
        flush_tiny=False,
        truncate_category_first=False,
    )
    info = ModelInfo(
        family="scikit-learn",
        source=source_of(estimator),
        objective=getattr(estimator, "criterion", None),
        output_space="target" if labels is None else "probability",
        link=OF_TARGET if labels is None else IDENTITY,
        output_names=names,
        output_dtype="float64",
        best_iteration=None,
        cover_kind="weighted count",
    )
    return ParsedModel(arrays, schema_of(estimator, takes_infinity=False, takes_nan=allows_nan(estimator)), info)


class FittedTree:
    """One fitted `sklearn.tree._tree.Tree`."""

    def __init__(self, tree: Any, labels: list[tuple[str, ...]] | None) -> None:
        self.nodes: NDArray[Any] = tree.__getstate__()["nodes"]
        self.value: NDArray[np.float64] = tree.value  # (nodes, targets, most classes of a target)
        self.labels = labels

    def values(self) -> NDArray[np.float64]:
        """(nodes, outputs): targets, or the class fractions of each target without the padding of shorter ones."""
        if self.labels is None:
            return np.ascontiguousarray(self.value[:, :, 0])
        return np.concatenate([self._fractions(k, len(names)) for k, names in enumerate(self.labels)], axis=1)

    def _fractions(self, target: int, n_classes: int) -> NDArray[np.float64]:
        stored: NDArray[np.float64] = self.value[:, target, :n_classes]
        if abs(stored[0].sum() - 1.0) <= FRACTIONS_TOLERANCE:
            return stored
        # Up to 1.3 these are weighted counts. Told from the numbers: a newer library can load an older tree.
        total = stored.sum(axis=1, keepdims=True)
        weight = float(self.nodes["weighted_n_node_samples"][0])
        if not abs(total[0, 0] - weight) <= COUNTS_TOLERANCE * weight:
            raise ModelError(
                f"the values of the root of a tree sum to {total[0, 0]:g}, expected 1, as fractions of its classes do, or "
                f"{weight:g}, its training weight, as counts do"
            )
        return np.divide(stored, np.where(total == 0.0, 1.0, total))


def node_fields(trees: list[FittedTree]) -> dict[str, Any]:
    """The fields of `EnsembleArrays` that are concatenated nodes, but for the values."""
    starts = np.concatenate(([0], np.cumsum([tree.nodes.size for tree in trees])), dtype=np.int64)
    of_all = {field: np.empty(starts[-1], dtype) for field, dtype in NODE_FIELDS.items()}
    flags = np.empty(starts[-1], np.uint8)
    parts = [tree.nodes for tree in trees]  # tree by tree, which stays in the cache
    if 0 < starts[-1] <= FEW_NODES:  # and all at once if all of them do
        parts = [
            np.frombuffer(b"".join(nodes.tobytes() for nodes in parts), parts[0].dtype)
        ]  # np.concatenate looks at every field of the dtype
    end = 0
    for nodes in parts:
        first, end = end, end + nodes.size
        for field, numbers in of_all.items():
            np.copyto(numbers[first:end], nodes[field], casting="same_kind")
        flags[first:end] = flags_of(nodes)
    return {
        "tree_starts": starts,
        "left": of_all["left_child"],
        "right": of_all["right_child"],
        "feature": of_all["feature"] * (of_all["left_child"] >= 0),  # 0 for leaves, faster than to assign to them
        "threshold": of_all["threshold"],
        "flags": flags,
        **no_sets(flags.size),
        "cover": of_all["weighted_n_node_samples"],
    }


def flags_of(nodes: NDArray[Any]) -> NDArray[np.uint8]:
    """The side of NaN is stored since 1.3; before, NaN is no input."""
    if "missing_go_to_left" not in (nodes.dtype.names or ()):
        return np.zeros(nodes.size, np.uint8)
    goes_left: NDArray[np.bool_] = nodes["missing_go_to_left"] != 0
    return goes_left.view(np.uint8)  # the bit of DEFAULT_LEFT is 1


def source_of(estimator: Any) -> str:
    """The public place of the class and the version, `sklearn.tree._classes.X` being the same as `sklearn.tree.X`."""
    kind = type(estimator)
    version = getattr(estimator, "_sklearn_version", None) or getattr(sys.modules.get("sklearn"), "__version__", "")
    parts = takewhile(lambda part: not part.startswith("_"), kind.__module__.split("."))
    return f"{'.'.join([*parts, kind.__name__])} {version}".strip()


def _labels(estimator: Any) -> list[tuple[str, ...]] | None:
    """The class labels of each target; None for a regressor."""
    if not hasattr(estimator, "classes_"):
        return None
    targets = [estimator.classes_] if estimator.n_outputs_ == 1 else estimator.classes_
    return [tuple(map(str, classes)) for classes in targets]


def _output_names(estimator: Any, labels: list[tuple[str, ...]] | None) -> tuple[str, ...]:
    if labels is None:
        return numbered_outputs(int(estimator.n_outputs_))
    if len(labels) == 1:
        return labels[0]
    return tuple(f"{target}:{label}" for target, names in enumerate(labels) for label in names)


def allows_nan(estimator: Any) -> bool:
    """Whether the estimator says that it predicts rows with missing values; it depends on version and criterion."""
    if hasattr(estimator, "__sklearn_tags__"):
        return bool(estimator.__sklearn_tags__().input_tags.allow_nan)
    if hasattr(estimator, "_get_tags"):
        return bool(estimator._get_tags()["allow_nan"])  # noqa: SLF001
    return _stored_allows_nan(estimator)


def _stored_allows_nan(estimator: Any) -> bool:
    """The same of an estimator in a file, which has no methods: by its class, criterion and version."""
    first = NAN_SINCE.get(type(estimator).__name__)
    version = tuple(int(part) for part in re.findall("[0-9]+", str(getattr(estimator, "_sklearn_version", "")))[:2])
    if first is None:  # of several members: theirs
        return type(estimator).__name__ != "AdaBoostClassifier"
    return version >= first and (version >= (1, 9) or getattr(estimator, "criterion", "gini") in NAN_CRITERIA)


def schema_of(
    estimator: Any, *, takes_infinity: bool, takes_nan: bool = True, n_features: int | None = None
) -> InputSchema:
    """The columns of an estimator that reads numbers only."""
    names = getattr(estimator, "feature_names_in_", None)
    return InputSchema(
        n_features=n_features if n_features is not None else int(estimator.n_features_in_),
        feature_names=None if names is None else tuple(map(str, names)),
        categories={},
        categorical=frozenset(),
        missing=None,
        integers_to_float32=False,
        spaces_become_underscores=False,
        takes_infinity=takes_infinity,
        takes_nan=takes_nan,
        takes_sparse_nan=False,
    )
