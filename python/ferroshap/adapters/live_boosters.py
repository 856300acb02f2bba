"""Live XGBoost and LightGBM models: through their own bytes, so that they and their files mean the same.

What only the object knows is added: the scikit-learn wrappers' best iteration, missing value and class labels.
"""

import sys
from typing import Any

from ferroshap import _native
from ferroshap.errors import ModelError, UnsupportedModelError

from .info import ParsedModel
from .lightgbm_document import parse_lightgbm
from .options import refuse_missing, resolve_missing
from .xgboost_document import parse_xgboost


def parse_xgboost_booster(booster: Any, *, iteration_range: Any, missing: Any) -> ParsedModel:
    """An `xgboost.Booster`: all trees, as its `predict` uses them."""
    return _xgboost(booster, booster, iteration_range=iteration_range, missing=missing)


def parse_xgboost_wrapper(model: Any, *, iteration_range: Any, missing: Any) -> ParsedModel:
    """An `xgboost.XGBModel`: up to its best iteration, with its own `missing` unless another one is given."""
    return _xgboost(
        model,
        _fitted(model, model.get_booster),
        iteration_range=iteration_range,
        missing=model.missing if missing is None else missing,
        use_best_iteration=True,
        labels=class_labels(model),
    )


def parse_lightgbm_booster(booster: Any, *, iteration_range: Any, missing: Any) -> ParsedModel:
    """A `lightgbm.Booster`: up to its best iteration, as its `predict`, unless a range over all its trees is given."""
    return _lightgbm(booster, booster, iteration_range, missing)


def parse_lightgbm_wrapper(model: Any, *, iteration_range: Any, missing: Any) -> ParsedModel:
    """A `lightgbm.LGBMModel`, by its booster."""
    booster = _fitted(model, lambda: model.booster_)
    return _lightgbm(model, booster, iteration_range, missing, class_labels(model))


def class_labels(model: Any) -> tuple[str, ...] | None:
    """The labels of a fitted classifier as text; None for anything else."""
    classes = getattr(model, "classes_", None)
    return None if classes is None else tuple(map(str, classes))


def _fitted(model: Any, booster: Any) -> Any:
    try:
        return booster()
    except (AttributeError, ValueError, TypeError) as error:  # scikit-learn's NotFittedError is the first two
        raise ModelError(f"the {type(model).__name__} holds no model yet: call fit() before it is explained") from error


def _xgboost(model: Any, booster: Any, *, missing: Any, **options: Any) -> ParsedModel:
    try:
        data = bytes(booster.save_raw(raw_format="ubj"))
    except TypeError as error:
        version = getattr(sys.modules.get("xgboost"), "__version__", "of unknown version")
        raise UnsupportedModelError(
            f"XGBoost {version} cannot give its model as bytes in a documented form, which 1.6 and later can: save the "
            "model as JSON, booster.save_model('model.json'), and pass the path"
        ) from error
    _, document = _native.read_document(data)
    missing = None if missing is None else resolve_missing(missing)
    return parse_xgboost(document, len(data), type(model).__name__, missing=missing, **options)


def _lightgbm(
    model: Any, booster: Any, iteration_range: Any, missing: Any, labels: tuple[str, ...] | None = None
) -> ParsedModel:
    refuse_missing(missing, "LightGBM")
    # None: the best iteration if there is one; -1: all trees, over which a range counts.
    text = booster.model_to_string(num_iteration=None if iteration_range is None else -1)
    _, document = _native.read_document(text.encode())
    version = getattr(sys.modules.get("lightgbm"), "__version__", "")
    form = f"LightGBM {version} ({type(model).__name__})"
    return parse_lightgbm(document, form, iteration_range=iteration_range, labels=labels)
