"""`supports` says yes or no and why, for any object."""

from pathlib import Path

import ferroshap
import numpy as np
import pytest
import xgboost
from sklearn.linear_model import LinearRegression

REFERENCE = Path(__file__).resolve().parents[1] / "reference"


@pytest.mark.parametrize("name", ["x32/dart.json", "l47/cat_multi.txt", "x34/softprob.ubj"])
def test_a_model_that_is_explained_is_supported_with_its_description(name):
    found = ferroshap.supports(REFERENCE / name)
    assert found
    assert found.reason.startswith("TreeEnsemble(")


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (LinearRegression(), "LinearRegression is not a model that ferroshap explains"),
        (REFERENCE / "l47/linear.txt", "linear tree"),
        (REFERENCE / "x20/mo.json", "cover"),
        (b"{}", "not a model of XGBoost"),
        (None, "NoneType"),
    ],
    ids=str,
)
def test_what_is_not_explained_is_not_supported_and_the_reason_is_that_of_the_explainer(model, reason):
    found = ferroshap.supports(model)
    assert not found
    assert reason in found.reason
    with pytest.raises(ferroshap.FerroshapError) as raised:
        ferroshap.TreeExplainer(model, iteration_range=(0, 0) if model == REFERENCE / "x20/mo.json" else None)
    assert str(raised.value) == found.reason


def test_asking_warns_of_nothing():
    X = np.random.default_rng(0).normal(size=(30, 2))
    booster = xgboost.train({"nthread": 1}, xgboost.DMatrix(X, X[:, 0]), 3)
    booster.set_attr(best_iteration="1")  # load_model warns that all trees count
    assert ferroshap.supports(booster)
    assert ferroshap.supports(ferroshap.load_model(booster, iteration_range=(0, 2)))


def test_a_path_that_is_not_there_is_an_os_error():
    with pytest.raises(FileNotFoundError):
        ferroshap.supports("absent.json")
