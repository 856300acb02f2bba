"""An XGBoost model document (JSON, UBJSON or a memory snapshot) as a `ParsedModel`. Versions 1.3 to 3.4."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ferroshap.errors import ModelError, UnsupportedModelError
from ferroshap.inputs.schema import InputSchema

from .arrays import EnsembleArrays
from .info import ModelInfo, ParsedModel, numbered_outputs
from .limits import check_outputs
from .options import resolve_iterations
from .record import Record
from .tree_columns import TreeColumns
from .xgboost_base import base_margin
from .xgboost_encoder import stored_categories
from .xgboost_link import link_of
from .xgboost_trees import tree_fields


def parse_xgboost(
    document: dict[str, Any],
    file_bytes: int,
    form: str,
    *,
    iteration_range: Any = None,
    missing: float | None = None,
    use_best_iteration: bool = False,
    labels: tuple[str, ...] | None = None,
) -> ParsedModel:
    """The model of a document.

    `form` is what `ModelInfo.source` says in brackets, `file_bytes` the size of what was read (it bounds memory). A
    `Booster` and a file use all trees; `use_best_iteration` is the rule of the scikit-learn wrappers: up to the stored
    best iteration, unless an `iteration_range` is given. `labels` name the outputs of a multi-class model.
    """
    root = Record(document, "")
    if "Model" in root and "Config" in root:  # a memory snapshot, what pickle stores
        root = root.record("Model")
    learner = root.record("learner")
    version = _version(root)
    param = learner.record("learner_model_param")
    n_features = param.whole("num_feature")
    boosted = _Boosted(learner)
    if boosted.is_dart and not version:  # tells in which order the base score is added
        root.fail("version", "the version of XGBoost")
    if version and version < (2, 0) and "iteration_indptr" in boosted.model:
        root.fail("version", "2.0 or later: the model holds iteration_indptr")
    n_outputs = max(param.whole("num_class"), param.whole("num_target", 1), 1)
    check_outputs(n_outputs, boosted.n_outputs_held(), "num_class or num_target")

    best = _best_iteration(learner, strict=use_best_iteration)
    indptr = boosted.iterations(n_outputs)
    if use_best_iteration and iteration_range is None and best is not None:
        if best >= indptr.size - 1:
            raise ModelError(f"attributes.best_iteration is {best}, expected less than {indptr.size - 1} iterations")
        iteration_range, best = (0, best + 1), None
    if best is not None and best + 1 >= indptr.size - 1:
        best = None  # all iterations are the best ones
    begin, end = resolve_iterations(iteration_range, indptr.size - 1)
    first, stop = int(indptr[begin]), int(indptr[end])

    objective = learner.record("objective").text("name")
    fields = tree_fields(
        TreeColumns(boosted.trees[first:stop], first),
        boosted.tree_info(n_outputs)[first:stop],
        boosted.weights()[first:stop],
        n_outputs,
        file_bytes,
    )
    arrays = EnsembleArrays(
        n_features=n_features,
        n_outputs=n_outputs,
        **fields,
        base=base_margin(param.text("base_score"), objective, n_outputs, version),
        # 1.3 adds the base score after the trees of a DART model; checked there, not in 1.4 to 1.6.
        accumulation="f32-from-zero-then-base" if boosted.is_dart and version < (1, 4) else "f32-from-base",
        divisor=1,
        round_to_float32=True,
        flush_tiny=False,
        truncate_category_first=False,
    )
    info = ModelInfo(
        family="XGBoost",
        source=f"XGBoost {'.'.join(map(str, version)) or 'of unknown version'} ({form})",
        objective=objective,
        output_space="margin",
        link=link_of(objective, n_outputs),
        output_names=labels if labels is not None and len(labels) == n_outputs > 1 else numbered_outputs(n_outputs),
        output_dtype="float32",
        best_iteration=best,
        cover_kind="none" if arrays.cover is None else "hessian",
    )
    return ParsedModel(arrays, _schema(learner, boosted.model, arrays, missing, version), info)


class _Boosted:
    """`learner.gradient_booster`, in which the model and the DART weights have stood at three different places."""

    def __init__(self, learner: Record) -> None:
        booster = learner.record("gradient_booster")
        name = booster.text("name")
        if name == "gblinear":
            raise UnsupportedModelError(
                "the XGBoost model is a linear one (booster gblinear): it has no trees. ferroshap explains the boosters"
                " gbtree and dart; the SHAP values of a linear model are its coefficients times the centred features"
            )
        if name not in ("gbtree", "dart"):
            booster.fail("name", '"gbtree" or "dart"')
        self.is_dart = name == "dart"
        self.model = booster.record("gbtree.model" if self.is_dart else "model")
        self.trees = self.model.sequence("trees")
        self._weights = next((r for r in (booster, self.model) if "weight_drop" in r), None)
        declared = self.model.record("gbtree_model_param").whole("num_trees", len(self.trees))
        if declared != len(self.trees):
            raise ModelError(f"{self.model.at('trees')} holds {len(self.trees)} trees, expected num_trees = {declared}")

    def n_outputs_held(self) -> int:
        """Outputs for which the file holds numbers: a tree each, or the elements of the vectors."""
        first = self.trees[0] if self.trees else None
        weights = first.get("leaf_weights", first.get("base_weights", ())) if isinstance(first, dict) else ()
        return max(len(self.trees), len(weights) if isinstance(weights, np.ndarray) else 0)

    def tree_info(self, n_outputs: int) -> NDArray[np.int64]:
        """(t): the output of each tree; not read where leaves are vectors."""
        info = self.model.whole_numbers("tree_info")
        if info.size != len(self.trees):
            raise ModelError(f"length of {self.model.at('tree_info')} is {info.size}, expected {len(self.trees)} trees")
        bad = np.flatnonzero((info < 0) | (info >= n_outputs))
        if bad.size:
            tree = int(bad[0])
            raise ModelError(f"tree {tree}: tree_info is {info[tree]}, expected an output, 0 to {n_outputs - 1}")
        return info

    def weights(self) -> NDArray[np.float32]:
        """(t): DART weights; 1 for trees beyond the stored list and in models without."""
        weights = np.ones(len(self.trees), np.float32)
        if self._weights is not None:
            stored = self._weights.numbers("weight_drop")
            if stored.size > weights.size:
                raise ModelError(f"length of weight_drop is {stored.size}, expected at most {weights.size} trees")
            with np.errstate(over="ignore"):
                weights[: stored.size] = stored
        return weights

    def iterations(self, n_outputs: int) -> NDArray[np.int64]:
        """(i + 1): the first tree of each iteration, and the end; stored since 2.0."""
        n_trees = len(self.trees)
        if "iteration_indptr" in self.model:
            indptr = self.model.whole_numbers("iteration_indptr")
            if not indptr.size and not n_trees:
                return np.zeros(1, np.int64)
            if not indptr.size or indptr[0] != 0 or indptr[-1] != n_trees or (np.diff(indptr) < 0).any():
                self.model.fail("iteration_indptr", f"ascending numbers from 0 to {n_trees}, the number of trees")
            return indptr
        parallel = max(self.model.record("gbtree_model_param").whole("num_parallel_tree", 1), 1)
        step = (int(self.tree_info(n_outputs).max()) + 1 if n_trees else 1) * parallel
        if n_trees % step:
            raise ModelError(
                f"{self.model.at('trees')} holds {n_trees} trees, expected a multiple of {step} an iteration"
            )
        return np.arange(0, n_trees + 1, step, dtype=np.int64)


def _version(root: Record) -> tuple[int, ...]:
    return tuple(root.whole_numbers("version").tolist()) if "version" in root else ()


def _best_iteration(learner: Record, *, strict: bool) -> int | None:
    """The early stopping result; attributes are the user's to set, so one that nobody uses may be anything."""
    attributes = learner.record("attributes") if "attributes" in learner else None
    if attributes is None or "best_iteration" not in attributes:
        return None
    try:
        return attributes.whole("best_iteration")
    except ModelError:
        if strict:
            raise
        return None


def _schema(
    learner: Record, model: Record, arrays: EnsembleArrays, missing: float | None, version: tuple[int, ...]
) -> InputSchema:
    n_features = arrays.n_features
    names, types = learner.texts("feature_names"), learner.texts("feature_types")
    for field, found in (("feature_names", names), ("feature_types", types)):
        if len(found) not in (0, n_features):
            raise ModelError(f"learner.{field} holds {len(found)} texts, expected num_feature = {n_features}")
    categories = stored_categories(model, n_features, version)
    tested = arrays.feature[(arrays.category_set >= 0) & (arrays.left >= 0)]
    typed = (column for column, kind in enumerate(types) if kind == "c")
    return InputSchema(
        n_features=n_features,
        feature_names=tuple(names) or None,
        categories=categories,
        categorical=frozenset([*typed, *categories, *np.unique(tested).tolist()]),
        missing=missing,
        integers_to_float32=True,
        spaces_become_underscores=False,
        absent="missing",
    )
