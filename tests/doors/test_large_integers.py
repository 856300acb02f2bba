"""Whole numbers where float32 (from 2**24 on) and float64 (from 2**53 on) have gaps: rounded as each library does."""

import lightgbm
import numpy as np
import pandas as pd
import polars as pl
import pytest
import xgboost
from ferroshap import load_model
from sklearn.ensemble import ExtraTreesRegressor, GradientBoostingRegressor, HistGradientBoostingRegressor

random = np.random.default_rng(6)
N = 300
MODELS = {
    "xgboost": xgboost.XGBRegressor(n_estimators=15, max_depth=8, n_jobs=1),
    "lightgbm": lightgbm.LGBMRegressor(n_estimators=15, min_child_samples=2, n_jobs=1, verbose=-1),
    "forest": ExtraTreesRegressor(n_estimators=6, random_state=0),
    "gradient boosting": GradientBoostingRegressor(n_estimators=15, random_state=0),
    "histogram": HistGradientBoostingRegressor(max_iter=15, min_samples_leaf=2),
}


@pytest.mark.parametrize("power", [24, 53, 62])
@pytest.mark.parametrize("name", MODELS)
def test_as_the_library_rounds_them(name, power):
    codes = random.integers(-60, 60, (N, 2))
    X = 2**power + codes
    model = MODELS[name].fit(pd.DataFrame(X, columns=["a", "b"]), codes[:, 0] % 7 + codes[:, 1] / 20)
    ensemble = load_model(model)
    frame = pd.DataFrame(X, columns=["a", "b"])
    np.testing.assert_array_equal(ensemble.predict(frame), model.predict(frame))
    np.testing.assert_array_equal(ensemble.predict(pl.from_pandas(frame)), model.predict(frame))
    np.testing.assert_array_equal(ensemble.predict(frame.astype("Int64")), model.predict(frame.astype("Int64")))


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
@pytest.mark.parametrize("power", [24, 53, 62])
@pytest.mark.parametrize("name", MODELS)
def test_as_the_library_rounds_an_array_of_them(name, power):
    codes = random.integers(-60, 60, (N, 2))
    X = 2**power + codes
    model = MODELS[name].fit(X, codes[:, 0] % 7 + codes[:, 1] / 20)
    for dtype in (np.int64, np.uint64, np.float64):
        np.testing.assert_array_equal(load_model(model).predict(X.astype(dtype)), model.predict(X.astype(dtype)))
