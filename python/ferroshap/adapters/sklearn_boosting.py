"""scikit-learn's GradientBoosting as a `ParsedModel`, from the attributes of the live object (1.2 and later)."""

from dataclasses import replace
from typing import Any

import numpy as np

from ferroshap.errors import ModelError

from .arrays import EnsembleArrays
from .info import ModelInfo, ParsedModel, numbered_outputs
from .options import refuse_missing, resolve_iterations
from .sklearn_estimators import FittedTree, node_fields, schema_of, source_of
from .sklearn_init import check_init, constant_of, name_without_init
from .sklearn_link import WITHOUT_INIT, boosting_link


def parse_gradient_boosting(
    estimator: Any, *, iteration_range: Any, missing: Any, without_init: bool = False
) -> ParsedModel:
    """A `GradientBoosting*`: a constant, and in every iteration a tree an output, times the learning rate.

    `without_init`: the trees alone, where the model starts from an estimator and not from a constant.
    """
    refuse_missing(missing, "scikit-learn")
    check_fitted(estimator, "estimators_")
    check_init(estimator, without_init=without_init)
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
        base=np.zeros(n_outputs) if without_init else constant_of(estimator),
        accumulation="f64-from-base",
        divisor=1,
        round_to_float32=True,
        flush_tiny=False,
        truncate_category_first=False,
    )
    info = boosting_info(estimator, n_outputs, "weighted count")
    if without_init:
        info = replace(info, source=name_without_init(estimator, info.source), link=WITHOUT_INIT)
    return ParsedModel(arrays, schema_of(estimator, takes_infinity=False, takes_nan=False), info)


def check_fitted(estimator: Any, attribute: str) -> None:
    """Raises `ModelError` for an estimator that has not been fitted."""
    if not hasattr(estimator, attribute):
        raise ModelError(
            f"the {type(estimator).__name__} is not fitted ({attribute} is missing): call fit() before it is explained"
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
        link=boosting_link(loss, n_outputs, classifies=classes is not None),
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
