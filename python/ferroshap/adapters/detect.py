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
from .families import classes_of_libraries
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

# Containers: (library, class, what to pass instead).
CONTAINERS: tuple[tuple[str, str, str], ...] = (
    ("sklearn.calibration", "CalibratedClassifierCV", "its calibration is not additive: pass its inner estimators"),
)

SUPPORTED = classes_of_libraries()


def adapter_of(model: object) -> Adapter:
    """The adapter that reads a live model. Raises UnsupportedModelError, which says what it is and what is supported."""
    found = next(_matches(model, ADAPTERS), None)
    if isinstance(model, StoredObject):
        found = next((entry for entry in ADAPTERS if _is_stored(model, entry)), None)
    if found is None:
        raise UnsupportedModelError(refusal(model))
    adapter: Adapter = found[2]
    return adapter


def _is_stored(model: StoredObject, entry: tuple[str, str, Adapter]) -> bool:
    """Whether a model of a file is of the class of an entry; it has the class's name and none of its parents."""
    kind = type(model)
    library, name, _ = entry
    return kind.__module__.partition(".")[0] == library.partition(".")[0] and kind.__name__ in {
        name,
        EXTRA_TREES.get(name),
    }


def refusal(model: object) -> str:
    """Why a model is refused: what it is, what to do, what is supported."""
    if isinstance(model, type):
        return f"{model.__module__}.{model.__qualname__} is a class: pass a fitted object of it. {_supported()}"
    kind = type(model)
    what = f"{kind.__module__}.{kind.__qualname__}"
    container = next(_matches(model, CONTAINERS), None)
    if container is not None:
        return f"{what} is not a tree model itself: {container[2]}. {_supported()}"
    return f"{what} is not a model that ferroshap explains{_nearest(kind.__name__)}. {_supported()}"


def _matches(model: object, table: Any) -> Iterator[Any]:
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
    libraries = "; ".join(f"{library} ({', '.join(classes)})" for library, classes in SUPPORTED.items())
    return f"Supported are {libraries}; and XGBoost JSON or UBJSON and LightGBM text files, by path or as bytes"
