"""One small model of every shape of output, trained once, with its rows."""

import warnings
from types import SimpleNamespace

import lightgbm
import numpy as np
import pytest
import xgboost
from sklearn.datasets import load_diabetes
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier, RandomForestRegressor

SMALL = {"n_estimators": 6, "max_depth": 3, "random_state": 0}

with warnings.catch_warnings():  # shap's own, of the libraries it uses
    warnings.simplefilter("ignore")
    import shap  # noqa: F401


def _models():
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    two = np.where(y > 140, "high", "low")
    three = np.array(["low", "mid", "top"])[np.digitize(y, [100, 180])]
    codes = np.digitize(y, [100, 180])
    targets = np.column_stack([y, -y])
    return X, {
        "xgboost regression": xgboost.XGBRegressor(**SMALL, n_jobs=1).fit(X, y),
        "xgboost binary": xgboost.XGBClassifier(**SMALL, n_jobs=1).fit(X, y > 140),
        "xgboost classes": xgboost.XGBClassifier(**SMALL, n_jobs=1).fit(X, codes),
        "lightgbm regression": lightgbm.LGBMRegressor(**SMALL, n_jobs=1, verbose=-1).fit(X, y),
        "lightgbm binary": lightgbm.LGBMClassifier(**SMALL, n_jobs=1, verbose=-1).fit(X, two),
        "lightgbm classes": lightgbm.LGBMClassifier(**SMALL, n_jobs=1, verbose=-1).fit(X, three),
        "forest regression": RandomForestRegressor(**SMALL).fit(X, y),
        "forest targets": RandomForestRegressor(**SMALL).fit(X, targets),
        "forest binary": RandomForestClassifier(**SMALL).fit(X, two),
        "forest classes": RandomForestClassifier(**SMALL).fit(X, three),
        "boosting binary": GradientBoostingClassifier(**SMALL).fit(X, two),
    }


NAMES = (
    "xgboost regression",
    "xgboost binary",
    "xgboost classes",
    "lightgbm regression",
    "lightgbm binary",
    "lightgbm classes",
    "forest regression",
    "forest targets",
    "forest binary",
    "forest classes",
    "boosting binary",
)


@pytest.fixture(scope="session")
def models():
    X, found = _models()
    assert set(found) == set(NAMES)
    return SimpleNamespace(X=X, named=found)


@pytest.fixture(params=NAMES)
def trained(request, models):
    return SimpleNamespace(name=request.param, model=models.named[request.param], X=models.X)
