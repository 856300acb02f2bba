"""scikit-learn's GradientBoosting as a `ParsedModel`, from the attributes of the live object (1.2 and later)."""

from typing import Any

import numpy as np

from ferroshap.errors import ModelError, UnsupportedModelError

from .arrays import EnsembleArrays
from .info import ModelInfo, ParsedModel, numbered_outputs
from .options import refuse_missing, resolve_iterations
from .sklearn_estimators import FittedTree, node_fields, schema_of, source_of


def parse_gradient_boosting(estimator: Any, *, iteration_range: Any, missing: Any) -> ParsedModel:
    """A `GradientBoosting*`: a constant, and in every iteration a tree an output, times the learning rate."""
    refuse_missing(missing, "scikit-learn")
    check_fitted(estimator, "estimators_")
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
    info = boosting_info(estimator, n_outputs, "weighted count")
    return ParsedModel(arrays, schema_of(estimator, takes_infinity=False, takes_nan=False), info)


def check_fitted(estimator: Any, attribute: str) -> None:
    """Raises `ModelError` for an estimator that has not been fitted."""
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


def boosting_info(estimator: Any, n_outputs: int, cover_kind: Any) -> ModelInfo:
    """What a boosting estimator says about itself."""
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
