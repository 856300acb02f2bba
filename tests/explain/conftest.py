"""Small models of every family, trained once, with rows they predict."""

from types import SimpleNamespace

import lightgbm
import numpy as np
import pytest
import xgboost
from sklearn.ensemble import RandomForestClassifier
from sklearn.tree import DecisionTreeRegressor

N, F = 300, 6


def _data():
    random = np.random.default_rng(0)
    X = random.normal(size=(N, F))
    y = X[:, 0] + X[:, 1] * X[:, 2] + 0.1 * random.normal(size=N)
    return X, y, np.digitize(y, [-0.5, 0.5])


def _holed(X):
    X = X.copy()
    X[np.random.default_rng(1).random(X.shape) < 0.1] = np.nan
    return X


def _make(name):
    X, y, k = _data()
    holed = _holed(X)
    if name == "xgboost regression":
        model = xgboost.XGBRegressor(n_estimators=7, max_depth=4, n_jobs=1).fit(holed, y)
        return model, holed, model.predict(holed, output_margin=True)
    if name == "xgboost classes":
        model = xgboost.XGBClassifier(n_estimators=5, max_depth=3, n_jobs=1).fit(holed, k)
        return model, holed, model.predict(holed, output_margin=True)
    if name == "lightgbm binary":
        model = lightgbm.LGBMClassifier(n_estimators=7, n_jobs=1, verbose=-1).fit(holed, k == 1)
        return model, holed, model.booster_.predict(holed, raw_score=True)
    if name == "lightgbm classes":
        model = lightgbm.LGBMClassifier(n_estimators=5, num_leaves=7, n_jobs=1, verbose=-1).fit(holed, k)
        return model, holed, model.booster_.predict(holed, raw_score=True)
    if name == "tree":
        model = DecisionTreeRegressor(max_depth=5, random_state=0).fit(X, y)
        return model, X, model.predict(X)
    model = RandomForestClassifier(n_estimators=5, max_depth=4, random_state=0, n_jobs=1).fit(X, k)
    return model, X, model.predict_proba(X)


MODELS = ("xgboost regression", "xgboost classes", "lightgbm binary", "lightgbm classes", "tree", "forest classes")
_made = {}


@pytest.fixture
def model_named():
    def model_named(name):
        if name not in _made:
            _made[name] = SimpleNamespace(**dict(zip(("model", "X", "raw"), _make(name), strict=True)))
        return _made[name]

    return model_named


@pytest.fixture(params=MODELS)
def trained(request, model_named):
    return model_named(request.param)
