"""One table of numbers through every door, and one model of every kind behind it."""

from dataclasses import dataclass
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp
import xgboost
from ferroshap import load_model
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingRegressor,
    RandomForestRegressor,
)

NAMES = ["age", "body mass", "c", "d"]
N = 60


def table(*, holes):
    """Numbers that float32 holds exactly, so that they are the same behind every door; zeros and negatives among them."""
    random = np.random.default_rng(11)
    X = np.column_stack([random.integers(-3, 4, (N, 2)), random.integers(-40, 40, (N, 2)) / 8]).astype(float)
    if holes:
        X[random.random(X.shape) < 0.15] = np.nan
    return X


def all_stored(X, kind=sp.csr_matrix):
    """A sparse matrix that stores every entry, zeros too, so that none is absent."""
    rows, columns = np.indices(X.shape)
    return kind(sp.coo_matrix((X.ravel(), (rows.ravel(), columns.ravel())), shape=X.shape))


def frame(X):
    return pd.DataFrame(X, columns=NAMES)


def strided(X):
    wide = np.full((2 * len(X), 2 * X.shape[1]), np.pi)
    wide[::2, ::2] = X
    return wide[::2, ::2]


def read_only(X):
    X = X.copy()
    X.flags.writeable = False
    return X


def polars_frame(X):
    return pl.DataFrame(X, schema=NAMES, orient="row", nan_to_null=True)


def record_batch(X):
    arrow = polars_frame(X).to_arrow().combine_chunks()
    return pa.RecordBatch.from_arrays([column.combine_chunks() for column in arrow.columns], names=NAMES)


# What a user hands in, made of `(n, f)` float64 with NaN where a value is missing.
DOORS = {
    "array": lambda X: X,
    "float32": lambda X: X.astype(np.float32),
    "longdouble": lambda X: X.astype(np.longdouble),
    "Fortran order": np.asfortranarray,
    "big-endian": lambda X: X.astype(">f8"),
    "strided": strided,
    "read-only": read_only,
    "list of lists": lambda X: X.tolist(),
    "tuple of arrays": tuple,
    "pandas": frame,
    "pandas, columns in another order": lambda X: frame(X)[NAMES[::-1]],
    "pandas, nullable": lambda X: frame(X).convert_dtypes(),
    "pandas, Arrow": lambda X: frame(X).convert_dtypes(dtype_backend="pyarrow"),
    "polars": polars_frame,
    "polars, columns in another order": lambda X: polars_frame(X).select(NAMES[::-1]),
    "pyarrow": lambda X: polars_frame(X).to_arrow(),
    "record batch": record_batch,
    "CSR matrix": all_stored,
    "CSR array": lambda X: all_stored(X, sp.csr_array),
    "CSC matrix": lambda X: all_stored(X, sp.csc_matrix),
    "COO array": lambda X: all_stored(X, sp.coo_array),
    "DMatrix": lambda X: xgboost.DMatrix(X, feature_names=NAMES),
}
SPARSE = {"CSR matrix", "CSR array", "CSC matrix", "COO array"}


@dataclass
class Model:
    live: Any
    refused: frozenset
    holes: bool = True

    def raw(self, X):
        """The library's own raw output of an array."""
        if hasattr(self.live, "get_booster"):
            return self.live.predict(X, output_margin=True)
        if isinstance(self.live, lightgbm.LGBMModel):
            return self.live.predict(X, raw_score=True)
        return self.live.predict_proba(X) if hasattr(self.live, "classes_") else self.live.predict(X)


def _models():
    X, full = table(holes=True), table(holes=False)
    y = np.nan_to_num(X) @ [1, -2, 0.5, 0.25] + np.isnan(X[:, 1])
    small = {"n_estimators": 12, "random_state": 0}
    light = small | {"verbose": -1, "n_jobs": 1, "min_child_samples": 2}
    no_dmatrix, no_sparse = frozenset({"DMatrix"}), frozenset({*SPARSE, "DMatrix"})
    yield "xgboost", Model(xgboost.XGBRegressor(**small, n_jobs=1).fit(frame(X), y), frozenset())
    yield "lightgbm", Model(lightgbm.LGBMRegressor(**light).fit(frame(X), y), no_dmatrix)
    yield (
        "lightgbm, zero is missing",
        Model(lightgbm.LGBMRegressor(**light, zero_as_missing=True).fit(frame(X), y), no_dmatrix),
    )
    # scikit-learn takes missing values in dense rows only, and its boosting by histograms takes no sparse rows.
    yield "forest", Model(RandomForestRegressor(**small).fit(frame(full), y), no_dmatrix, holes=False)
    yield "extra trees", Model(ExtraTreesClassifier(**small).fit(frame(full), y > 0), no_dmatrix, holes=False)
    yield "gradient boosting", Model(GradientBoostingRegressor(**small).fit(frame(full), y), no_dmatrix, holes=False)
    yield "histogram", Model(HistGradientBoostingRegressor(max_iter=12).fit(frame(X), y), no_sparse)


MODELS = dict(_models())


@pytest.fixture(scope="session", params=MODELS)
def model(request):
    return MODELS[request.param]


@pytest.fixture(scope="session")
def ensemble(model):
    return load_model(model.live)


@pytest.fixture
def rows(model):
    return table(holes=model.holes)


@pytest.fixture(params=DOORS)
def door(request):
    return request.param
