"""scikit-learn's wrappers around one estimator: the estimator inside, and for a pipeline the steps before it."""

from dataclasses import replace
from typing import Any

from ferroshap.errors import UnsupportedModelError

from .info import ParsedModel
from .sklearn_boosting import check_fitted
from .skops_file import StoredObject


def parse_pipeline(pipeline: Any, *, iteration_range: Any, missing: Any) -> ParsedModel:
    """A `Pipeline` whose last step is a model: rows go through the steps before it, features are what they make."""
    named = [(name, step) for name, step in pipeline.steps if step is not None and step != "passthrough"]
    # Samplers of imbalanced-learn change the training rows only.
    named = [(name, step) for name, step in named if not hasattr(step, "fit_resample")]
    if not named:
        raise UnsupportedModelError("the Pipeline has no step that is a model")
    steps = [step for _, step in named]
    parsed = _parse(steps[-1], iteration_range, missing)
    if len(steps) == 1:
        return parsed
    if isinstance(pipeline, StoredObject):
        raise UnsupportedModelError(
            f"the file holds a Pipeline with steps before its model ({type(steps[0]).__name__}), which only scikit-learn can "
            "apply; load the file with skops and pass the pipeline"
        )
    before = type(pipeline)(named[:-1])
    names = parsed.schema.feature_names if parsed.schema.feature_names is not None else _names_out(before)
    schema = replace(parsed.schema, feature_names=names)
    info = replace(
        parsed.info, source=f"{parsed.info.source} behind {' → '.join(type(step).__name__ for step in steps[:-1])}"
    )
    return ParsedModel(parsed.arrays, schema, info, before)


def parse_search(search: Any, *, iteration_range: Any, missing: Any) -> ParsedModel:
    """A `GridSearchCV` or another search: the best estimator, trained on all rows."""
    check_fitted(search, "best_estimator_")
    return _parse(search.best_estimator_, iteration_range, missing)


def parse_transformed_target(regressor: Any, *, iteration_range: Any, missing: Any) -> ParsedModel:
    """A `TransformedTargetRegressor` that transforms nothing."""
    check_fitted(regressor, "regressor_")
    transformer = regressor.transformer_
    if getattr(transformer, "func", 0) is not None or getattr(transformer, "inverse_func", 0) is not None:
        raise UnsupportedModelError(
            "the TransformedTargetRegressor turns the sum of its regressor's trees into the prediction, which is then no sum "
            "of trees; pass its regressor_ for values in the unit of the transformed target"
        )
    return _parse(regressor.regressor_, iteration_range, missing)


def _parse(estimator: Any, iteration_range: Any, missing: Any) -> ParsedModel:
    from .detect import adapter_of  # which knows the adapters of this module

    return adapter_of(estimator)(estimator, iteration_range=iteration_range, missing=missing)


def _names_out(before: Any) -> tuple[str, ...] | None:
    """What the steps call their columns; None where one does not say."""
    try:
        return tuple(map(str, before.get_feature_names_out()))
    except (AttributeError, ValueError, TypeError):
        return None
