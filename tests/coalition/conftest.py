"""A function with interactions of up to four features, and rows for it."""

import warnings
from types import SimpleNamespace

import numpy as np
import pytest

with warnings.catch_warnings():  # shap's own, of the libraries it uses
    warnings.simplefilter("ignore")
    import shap  # noqa: F401


def four_way(X):
    X = np.asarray(X, dtype=np.float64)
    return X[:, 0] * X[:, 1] * X[:, 2] + np.sin(X[:, 3]) * X[:, 4] + X[:, 0] * X[:, 2] * X[:, 3] * X[:, 4] + X[:, 5]


def two_outputs(X):
    return np.column_stack([four_way(X), np.abs(np.asarray(X)).max(axis=1)])


def probability(X):
    return 1 / (1 + np.exp(-four_way(X)))


@pytest.fixture(scope="session")
def cases():
    rng = np.random.default_rng(7)
    X = rng.normal(size=(30, 6))
    return SimpleNamespace(
        X=X,
        background=X[:8],
        rows=X[8:12],
        weights=rng.uniform(0.5, 2, size=8),
        one=four_way,
        two=two_outputs,
        probability=probability,
        names=list("abcdef"),
    )
