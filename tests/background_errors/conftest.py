"""Small models, a background each, and the standard errors by definition."""

from typing import Any, NamedTuple

import lightgbm
import numpy as np
import pytest
import xgboost
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

B, N, F = 192, 12, 5


class Sampled(NamedTuple):
    model: Any
    rows: np.ndarray
    background: np.ndarray
    y: np.ndarray


def fitted(name: str) -> Sampled:
    rng = np.random.default_rng(5)
    x = rng.normal(size=(500, F)).astype(np.float32)
    t = x[:, 0] * x[:, 1] + np.sin(2 * x[:, 2]) + 0.3 * rng.normal(size=500)
    two, three = (t > 0).astype(int), np.digitize(t, [-0.5, 0.5])
    models = {
        "forest": (RandomForestRegressor(n_estimators=8, max_depth=5, random_state=0), t),
        "forest of classes": (RandomForestClassifier(n_estimators=6, max_depth=4, random_state=0), three),
        "two classes": (xgboost.XGBClassifier(n_estimators=10, max_depth=4, n_jobs=1), two),
        "three classes": (xgboost.XGBClassifier(n_estimators=4, max_depth=3, n_jobs=1), three),
        "counts": (
            xgboost.XGBRegressor(n_estimators=8, max_depth=3, objective="count:poisson", n_jobs=1),
            rng.poisson(np.exp(t.clip(-2, 2))),
        ),
        "LightGBM": (lightgbm.LGBMRegressor(n_estimators=8, num_leaves=9, n_jobs=1, verbose=-1), t),
    }
    model, y = models[name]
    return Sampled(model.fit(x, y), x[:N], x[200 : 200 + B], y[:N])


@pytest.fixture(scope="session")
def sampled() -> Any:
    made: dict[str, Sampled] = {}

    def get(name: str) -> Sampled:
        if name not in made:
            made[name] = fitted(name)
        return made[name]

    return get


@pytest.fixture(scope="session")
def by_definition() -> Any:
    """√(b/(b − 1) · Σ ω² (v − φ)²) from the value against each background row."""

    def errors(each: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
        kept = np.arange(each.shape[1]) if weights is None else np.flatnonzero(weights)
        share = np.full(len(kept), 1 / len(kept)) if weights is None else weights[kept] / weights.sum()
        along = share.reshape((1, -1) + (1,) * (each.ndim - 2))
        mean = (along * each[:, kept]).sum(axis=1, keepdims=True)
        spread = (along**2 * (each[:, kept] - mean) ** 2).sum(axis=1)
        return np.sqrt(len(kept) / (len(kept) - 1) * spread)

    return errors
