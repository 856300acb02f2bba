"""scikit-learn's GradientBoosting and HistGradientBoosting as a `ParsedModel`, from the attributes of the live object (1.2 and later)."""

from typing import Any

import numpy as np

from ferroshap.errors import ModelError, UnsupportedModelError

from .arrays import DEFAULT_LEFT, EnsembleArrays, no_sets
from .info import ModelInfo, ParsedModel, numbered_outputs
from .options import refuse_missing, resolve_iterations
from .sklearn_estimators import FittedTree, node_fields, schema_of, source_of


def parse_gradient_boosting(estimator: Any, *, iteration_range: Any, missing: Any) -> ParsedModel:
    """A `GradientBoosting*`: a constant, and in every iteration a tree an output, times the learning rate."""
    refuse_missing(missing, "scikit-learn")
    _check_fitted(estimator, "estimators_")
    _refuse_init(estimator)
    begin, end = resolve_iterations(iteration_range, len(estimator.estimators_))
    stages = estimator.estimators_[begin:end]
    trees = [FittedTree(member.tree_, None) for member in stages.ravel()]
    n_outputs = int(stages.shape[1])
    n_features = int(estimator.n_features_in_)
    arrays = EnsembleArrays(
        n_features=n_features,
        n_outputs=n_outputs,
        tree_outputs=np.tile(np.arange(n_outputs, dtype=np.int32), len(stages)),
        **node_fields(trees),
        values=float(estimator.learning_rate) * np.concatenate([tree.values() for tree in trees]),
        # A constant, whatever the row; asking for it spares us the formulas of each loss and version.
        base=estimator._raw_predict_init(np.zeros((1, n_features), np.float32))[0].astype(np.float64),  # noqa: SLF001
        accumulation="f64-from-base",
        divisor=1,
        round_to_float32=True,
        flush_tiny=False,
        truncate_category_first=False,
    )
    info = _info(estimator, n_outputs, "weighted count")
    return ParsedModel(arrays, schema_of(estimator, takes_infinity=False, takes_nan=False), info)


def parse_hist_gradient_boosting(estimator: Any, *, iteration_range: Any, missing: Any) -> ParsedModel:
    """A `HistGradientBoosting*` without categorical features: float64 throughout, the learning rate is in the leaves."""
    refuse_missing(missing, "scikit-learn")
    _check_fitted(estimator, "_predictors")
    stages: list[list[Any]] = estimator._predictors  # noqa: SLF001
    begin, end = resolve_iterations(iteration_range, len(stages))
    trees = [predictor.nodes for stage in stages[begin:end] for predictor in stage]
    nodes = np.concatenate(trees)
    _refuse_categories(estimator, nodes)
    n_outputs = int(estimator.n_trees_per_iteration_)
    inner = nodes["is_leaf"] == 0
    arrays = EnsembleArrays(
        n_features=int(estimator.n_features_in_),
        n_outputs=n_outputs,
        tree_starts=np.concatenate(([0], np.cumsum([tree.size for tree in trees])), dtype=np.int64),
        tree_outputs=np.tile(np.arange(n_outputs, dtype=np.int32), end - begin),
        left=np.where(inner, nodes["left"], -1).astype(np.int32),
        right=np.where(inner, nodes["right"], -1).astype(np.int32),
        feature=np.where(inner, nodes["feature_idx"], 0).astype(np.int32),
        threshold=nodes["num_threshold"].astype(np.float64),
        flags=np.where(nodes["missing_go_to_left"] != 0, DEFAULT_LEFT, 0).astype(np.uint8),
        **no_sets(inner.size),
        values=nodes["value"].astype(np.float64)[:, np.newaxis],
        cover=nodes["count"].astype(np.float64),
        base=np.asarray(estimator._baseline_prediction, np.float64).reshape(n_outputs),  # noqa: SLF001
        accumulation="f64-from-base",
        divisor=1,
        round_to_float32=False,
        flush_tiny=False,
        truncate_category_first=False,
    )
    return ParsedModel(arrays, schema_of(estimator, takes_infinity=True), _info(estimator, n_outputs, "count"))


def _refuse_categories(estimator: Any, nodes: Any) -> None:
    """Since 1.4 they are encoded in front of the trees and their columns moved to the front."""
    if getattr(estimator, "is_categorical_", None) is not None or nodes["is_categorical"].any():
        raise UnsupportedModelError(
            f"the {type(estimator).__name__} was trained with categorical features, which are not supported yet for"
            " scikit-learn; supported are those of XGBoost and LightGBM, and this model with categorical_features=None and"
            " the categories encoded as numbers"
        )


def _check_fitted(estimator: Any, attribute: str) -> None:
    if not hasattr(estimator, attribute):
        raise ModelError(
            f"the {type(estimator).__name__} is not fitted ({attribute} is missing): call fit() before it is explained"
        )


def _refuse_init(estimator: Any) -> None:
    """Only what is the same for every row is a base value; other first estimators are models of their own."""
    init = estimator.init_
    if isinstance(init, str) and init == "zero":
        return
    kind = type(init)
    dummy = kind.__module__ == "sklearn.dummy" and kind.__name__ in {"DummyRegressor", "DummyClassifier"}
    if not dummy or init.strategy == "stratified":  # which draws at random
        raise UnsupportedModelError(
            f"the {type(estimator).__name__} starts from init={init!r}, whose predictions differ from row to row and are "
            "no trees of it; supported are the default, init='zero' and constant dummy estimators"
        )


def _info(estimator: Any, n_outputs: int, cover_kind: Any) -> ModelInfo:
    loss = estimator.loss
    classes = getattr(estimator, "classes_", None)
    names = numbered_outputs(n_outputs) if classes is None or n_outputs == 1 else tuple(map(str, classes))
    return ModelInfo(
        family="scikit-learn",
        source=source_of(estimator),
        objective=loss if isinstance(loss, str) else type(loss).__name__,
        output_space=_output_space(loss, classifies=classes is not None),
        output_names=names,
        output_dtype="float64",
        best_iteration=None,
        cover_kind=cover_kind,
    )


def _output_space(loss: Any, *, classifies: bool) -> str:
    if not isinstance(loss, str):
        return "margin"
    if classifies:
        return "margin" if loss == "exponential" else "log-odds"
    return "margin" if loss in {"poisson", "gamma"} else "target"
