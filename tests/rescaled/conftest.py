"""Models whose output spaces are tested, small enough for all pairs."""

from dataclasses import dataclass
from typing import Any

import lightgbm
import numpy as np
import pytest
import xgboost
from sklearn.ensemble import GradientBoostingClassifier, RandomForestRegressor

B, N, F = 41, 23, 5


@dataclass(frozen=True)
class Case:
    model: Any
    rows: np.ndarray
    background: np.ndarray
    weights: np.ndarray
    y: np.ndarray


def data(seed: int = 3, n: int = 400) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, F)).astype(np.float32)
    return x, x[:, 0] * x[:, 1] + np.sin(2 * x[:, 2]) + 0.3 * rng.normal(size=n)


def case(model: Any, y: np.ndarray, *, missing: bool = True) -> Case:
    x, _ = data()
    if missing:
        x = np.where(np.random.default_rng(0).random(x.shape) < 0.1, np.nan, x)
    model.fit(x, y)
    weights = np.random.default_rng(1).random(B) * (np.arange(B) % 5 != 0)
    return Case(model, x[:N], x[100 : 100 + B], weights, y[:N])


def fitted(name: str) -> Case:
    _, t = data()
    two, three = (t > 0).astype(int), np.digitize(t, [-0.5, 0.5])
    if name == "XGBoost, two classes":
        return case(xgboost.XGBClassifier(n_estimators=12, max_depth=4, n_jobs=1), two)
    if name == "LightGBM, two classes, sigmoid 2":
        return case(lightgbm.LGBMClassifier(n_estimators=12, num_leaves=9, sigmoid=2.0, n_jobs=1, verbose=-1), two)
    if name == "GradientBoosting, two classes":
        return case(GradientBoostingClassifier(n_estimators=12, random_state=0), two, missing=False)
    if name == "XGBoost, Poisson":
        model = xgboost.XGBRegressor(n_estimators=12, max_depth=4, objective="count:poisson", n_jobs=1)
        return case(model, np.random.default_rng(2).poisson(np.exp(t.clip(-2, 2))))
    if name == "LightGBM, Tweedie":
        model = lightgbm.LGBMRegressor(n_estimators=12, num_leaves=9, objective="tweedie", n_jobs=1, verbose=-1)
        return case(model, np.exp(t.clip(-2, 2)) * two)
    if name == "forest":
        return case(RandomForestRegressor(n_estimators=8, max_depth=6, random_state=0), t, missing=False)
    if name == "XGBoost, three classes":
        return case(xgboost.XGBClassifier(n_estimators=5, max_depth=3, n_jobs=1), three)
    if name == "LightGBM, three classes":
        return case(lightgbm.LGBMClassifier(n_estimators=5, num_leaves=7, n_jobs=1, verbose=-1), three)
    raise AssertionError(name)


@pytest.fixture(scope="session")
def cases() -> Any:
    made: dict[str, Case] = {}

    def get(name: str) -> Case:
        if name not in made:
            made[name] = fitted(name)
        return made[name]

    return get
