"""The raw output of a live model, by the public calls of its library."""

from typing import Any

import numpy as np

from ferroshap.errors import OptionError

from .origin import Origin


def raw_output(model: Any, X: Any, origin: Origin, unit: str) -> Any:
    """What the `model` predicts for the table `X` in the unit `unit`: `(n,)` or `(n, o)`."""
    packages = (cls.__module__.partition(".")[0] for cls in type(model).__mro__)
    package = next((name for name in packages if name in OUTPUTS), "sklearn")
    return OUTPUTS[package](model, X, origin, unit)


def _xgboost(model: Any, X: Any, origin: Origin, unit: str) -> Any:
    import xgboost

    if isinstance(model, xgboost.Booster):
        return _margin(model, X, origin, (0, 0), np.nan)
    best = (0, model.best_iteration + 1) if hasattr(model, "best_iteration") else (0, 0)
    if origin.missing is None and origin.iteration_range is None and not isinstance(X, xgboost.DMatrix):
        return model.predict(X, output_margin=True)
    return _margin(model.get_booster(), X, origin, best, model.missing)


def _margin(booster: Any, X: Any, origin: Origin, iterations: tuple[int, int], missing: float) -> Any:
    import xgboost

    if origin.iteration_range is not None:
        begin, end = origin.iteration_range
        iterations = (begin, end or booster.num_boosted_rounds())
    if not isinstance(X, xgboost.DMatrix):
        named = {} if hasattr(X, "columns") else {"feature_names": booster.feature_names}
        typed = {} if hasattr(X, "columns") else {"feature_types": booster.feature_types}
        missing = missing if origin.missing is None else origin.missing
        X = xgboost.DMatrix(X, missing=missing, enable_categorical=True, **named, **typed)
    return booster.predict(
        X, output_margin=True, iteration_range=iterations, validate_features=X.feature_names is not None
    )


def _lightgbm(model: Any, X: Any, origin: Origin, unit: str) -> Any:
    booster = getattr(model, "booster_", model)
    trained = booster.num_trees() // booster.num_model_per_iteration()
    begin, end = origin.iteration_range or (0, booster.best_iteration if booster.best_iteration > 0 else trained)
    count = (end or trained) - begin
    raw = booster.predict(X, raw_score=True, start_iteration=begin, num_iteration=count)
    return raw / count if unit == "mean of trees" else raw  # raw_score is the sum where predict is the mean


def _catboost(model: Any, X: Any, origin: Origin, unit: str) -> Any:
    begin, end = origin.iteration_range or (0, 0)
    return model.predict(X, prediction_type="RawFormulaVal", ntree_start=begin, ntree_end=end or model.tree_count_)


def _sklearn(model: Any, X: Any, origin: Origin, unit: str) -> Any:
    kinds = {cls.__name__ for cls in type(model).__mro__}
    if "Pipeline" in kinds:
        steps = [step for _, step in model.steps if step is not None and step != "passthrough"]
        rows = model[:-1].transform(X) if len(steps) > 1 else X
        return raw_output(steps[-1], rows, origin, unit)
    if "BaseSearchCV" in kinds:
        return raw_output(model.best_estimator_, X, origin, unit)
    if "TransformedTargetRegressor" in kinds:
        return raw_output(model.regressor_, X, origin, unit)
    if "_MultiOutputEstimator" in kinds:
        return _side_by_side([raw_output(member, X, origin, unit) for member in model.estimators_])
    if origin.iteration_range is not None:
        raise OptionError(
            f"no comparison with the library itself: a {type(model).__name__} has no prediction by some of its iterations; "
            "check_additivity=True compares with ferroshap's own prediction"
        )
    if unit == "depth":
        from ferroshap.adapters.sklearn_isolation import mean_depth

        return -np.log2(-model.score_samples(X)) * mean_depth(np.array(model.max_samples_))
    if unit == "probability":
        found = model.predict_proba(X)
        return _side_by_side(found) if isinstance(found, list) else found
    if unit == "target":
        return model.predict(X)
    return model.decision_function(X) if hasattr(model, "decision_function") else np.log(model.predict(X))


def _side_by_side(parts: list[Any]) -> Any:
    return np.concatenate([np.asarray(part, np.float64).reshape(len(part), -1) for part in parts], axis=1)


OUTPUTS = {"xgboost": _xgboost, "lightgbm": _lightgbm, "catboost": _catboost, "sklearn": _sklearn}
