"""Which adapter reads a live model: told by the classes of the libraries that are loaded, none of which is imported."""

import difflib
import sys
from collections.abc import Callable, Iterator
from typing import Any

from ferroshap.errors import UnsupportedModelError

from . import (
    live_boosters,
    live_catboost,
    sklearn_boosting,
    sklearn_estimators,
    sklearn_hist_boosting,
    sklearn_isolation,
    sklearn_meta,
    sklearn_wrappers,
)
from .families import classes_of_libraries, paired
from .info import ParsedModel
from .skops_file import StoredObject

Adapter = Callable[..., ParsedModel]

# (library, class, adapter); subclasses count, so the first match wins.
ADAPTERS: tuple[tuple[str, str, Adapter], ...] = (
    ("xgboost", "Booster", live_boosters.parse_xgboost_booster),
    ("xgboost", "XGBModel", live_boosters.parse_xgboost_wrapper),
    ("lightgbm", "Booster", live_boosters.parse_lightgbm_booster),
    ("lightgbm", "LGBMModel", live_boosters.parse_lightgbm_wrapper),
    ("catboost", "CatBoost", live_catboost.parse_catboost_model),
    ("sklearn.tree", "DecisionTreeRegressor", sklearn_estimators.parse_tree),
    ("sklearn.tree", "DecisionTreeClassifier", sklearn_estimators.parse_tree),
    ("sklearn.ensemble", "RandomForestRegressor", sklearn_estimators.parse_forest),
    ("sklearn.ensemble", "RandomForestClassifier", sklearn_estimators.parse_forest),
    ("sklearn.ensemble", "ExtraTreesRegressor", sklearn_estimators.parse_forest),
    ("sklearn.ensemble", "ExtraTreesClassifier", sklearn_estimators.parse_forest),
    ("sklearn.ensemble", "GradientBoostingRegressor", sklearn_boosting.parse_gradient_boosting),
    ("sklearn.ensemble", "GradientBoostingClassifier", sklearn_boosting.parse_gradient_boosting),
    ("sklearn.ensemble", "HistGradientBoostingRegressor", sklearn_hist_boosting.parse_hist_gradient_boosting),
    ("sklearn.ensemble", "HistGradientBoostingClassifier", sklearn_hist_boosting.parse_hist_gradient_boosting),
    ("sklearn.ensemble", "IsolationForest", sklearn_isolation.parse_isolation_forest),
    ("sklearn.ensemble", "BaggingRegressor", sklearn_meta.parse_bagging),
    ("sklearn.ensemble", "BaggingClassifier", sklearn_meta.parse_bagging),
    ("sklearn.ensemble", "VotingRegressor", sklearn_meta.parse_voting),
    ("sklearn.ensemble", "VotingClassifier", sklearn_meta.parse_voting),
    ("sklearn.ensemble", "AdaBoostClassifier", sklearn_meta.parse_adaboost),
    ("sklearn.pipeline", "Pipeline", sklearn_wrappers.parse_pipeline),
    ("sklearn.model_selection", "GridSearchCV", sklearn_wrappers.parse_search),
    ("sklearn.model_selection", "RandomizedSearchCV", sklearn_wrappers.parse_search),
    ("sklearn.model_selection", "HalvingGridSearchCV", sklearn_wrappers.parse_search),
    ("sklearn.model_selection", "HalvingRandomSearchCV", sklearn_wrappers.parse_search),
    ("sklearn.compose", "TransformedTargetRegressor", sklearn_wrappers.parse_transformed_target),
    ("sklearn.multioutput", "MultiOutputRegressor", sklearn_meta.parse_multi_output),
    ("sklearn.multioutput", "MultiOutputClassifier", sklearn_meta.parse_multi_output),
)

# Subclasses of scikit-learn's own.
EXTRA_TREES = {"DecisionTreeRegressor": "ExtraTreeRegressor", "DecisionTreeClassifier": "ExtraTreeClassifier"}

MEDIAN = "it predicts a weighted median of its members; pass one of its estimators_"
STACK = "its final estimator turns what its members predict into a prediction; pass one of its estimators_"
CHAIN = (
    "each of its models reads what the ones before predict; pass one of its estimators_, with those columns in the rows"
)
QUANTILES = "it predicts quantiles of the training rows in its leaves; train a RandomForestRegressor"
SURVIVAL = (
    "its leaves hold functions of time, and scikit-survival is not read: train XGBoost with survival:cox or survival:aft, or "
    "pass the trees with a number a leaf to build_ensemble"
)

# Made of trees, but no sum of them, or not read: (library, class, why and what to pass instead).
CONTAINERS: tuple[tuple[str, str, str], ...] = (
    ("sklearn.calibration", "CalibratedClassifierCV", "its calibration is not additive; pass its inner estimators"),
    ("sklearn.ensemble", "AdaBoostRegressor", MEDIAN),
    ("sklearn.ensemble", "StackingRegressor", STACK),
    ("sklearn.ensemble", "StackingClassifier", STACK),
    ("sklearn.ensemble", "RandomTreesEmbedding", "it names leaves and predicts nothing: pass a forest"),
    ("sklearn.multioutput", "RegressorChain", CHAIN),
    ("sklearn.multioutput", "ClassifierChain", CHAIN),
    (
        "sklearn.multiclass",
        "OneVsRestClassifier",
        "it compares its models with each other: pass one of its estimators_",
    ),
    ("sklearn.multiclass", "OneVsOneClassifier", "it counts the votes of its models: pass one of its estimators_"),
    ("sklearn.multiclass", "OutputCodeClassifier", "it compares codes of classes: pass one of its estimators_"),
    (
        "sklearn.model_selection",
        "FixedThresholdClassifier",
        "it puts a threshold behind a classifier: pass its estimator_",
    ),
    (
        "sklearn.model_selection",
        "TunedThresholdClassifierCV",
        "it puts a threshold behind a classifier: pass its estimator_",
    ),
    ("quantile_forest", "RandomForestQuantileRegressor", QUANTILES),
    ("quantile_forest", "ExtraTreesQuantileRegressor", QUANTILES),
    ("sksurv.ensemble", "RandomSurvivalForest", SURVIVAL),
    ("sksurv.ensemble", "ExtraSurvivalTrees", SURVIVAL),
    ("sksurv.ensemble", "GradientBoostingSurvivalAnalysis", SURVIVAL),
    ("sksurv.tree", "SurvivalTree", SURVIVAL),
    ("sksurv.tree", "ExtraSurvivalTree", SURVIVAL),
)

SUPPORTED = classes_of_libraries()


def adapter_of(model: object) -> Adapter:
    """The adapter that reads a live model. Raises UnsupportedModelError, which says what it is and what is supported."""
    found = next(_matches(model, ADAPTERS), None)
    if found is None:
        raise UnsupportedModelError(refusal(model))
    adapter: Adapter = found[2]
    return adapter


def _is_stored(model: StoredObject, entry: tuple[str, str, Adapter]) -> bool:
    """Whether a model of a file is of the class of an entry; it has the class's name and none of its parents."""
    kind = type(model)
    library, name, _ = entry
    package = library.partition(".")[0]
    # skops writes scikit-learn's own objects; other libraries' have no attributes that a file could hold.
    return kind.__module__.partition(".")[0] == package == "sklearn" and kind.__name__ in {name, EXTRA_TREES.get(name)}


def refusal(model: object) -> str:
    """Why a model is refused: what it is, what to do, what is supported."""
    if isinstance(model, type):
        return f"{model.__module__}.{model.__qualname__} is a class: pass a fitted object of it. {_supported()}"
    kind = type(model)
    what = f"{kind.__module__}.{kind.__qualname__}"
    container = next(_matches(model, CONTAINERS), None)
    if container is not None:
        return f"{what} is no sum of trees: {container[2]}. {_supported()}"
    return f"{what} is not a model that ferroshap explains{_nearest(kind.__name__)}. {_supported()}"


def _matches(model: object, table: Any) -> Iterator[Any]:
    if isinstance(model, StoredObject):
        yield from (entry for entry in table if _is_stored(model, entry))
        return
    for entry in table:
        # vars(), not getattr(): a lazily loading module must not import anything because we asked.
        library = sys.modules.get(entry[0])
        found = vars(library).get(entry[1]) if library is not None else None
        if isinstance(found, type) and isinstance(model, found):
            yield entry


def _nearest(name: str) -> str:
    known = {cls: f"{library}'s {cls}" for library, classes in SUPPORTED.items() for cls in classes}
    close = difflib.get_close_matches(name, known, n=1)
    return f"; the nearest that is: {known[close[0]]}" if close else ""


def _supported() -> str:
    libraries = "; ".join(f"{library} ({', '.join(paired(classes))})" for library, classes in SUPPORTED.items())
    return (
        f"Supported are {libraries}; and XGBoost JSON or UBJSON, LightGBM text, CatBoost JSON and skops files, by path or as "
        "bytes"
    )
