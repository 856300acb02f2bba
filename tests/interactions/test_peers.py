"""Beside shap and XGBoost, where those are right; and right where they are not."""

import lightgbm
import numpy as np
import pandas as pd
import pytest
import shap
import xgboost
from ferroshap import TreeExplainer
from ferroshap.adapters import parse_model
from oracle import interactions
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

N, F = 400, 6


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(4)
    X = rng.normal(size=(N, F)).astype(np.float32)
    y = X[:, 0] * X[:, 1] + np.abs(X[:, 2]) + X[:, 3] * (X[:, 4] > 0) + 0.1 * rng.normal(size=N)
    return X, y


def close(ours, theirs, relative):
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=relative * np.abs(theirs).max())


@pytest.mark.parametrize("depth", [2, 4, 7])
def test_xgboost(data, depth):
    X, y = data
    model = xgboost.train({"max_depth": depth, "nthread": 1}, xgboost.DMatrix(X, y), 20)
    theirs = model.predict(xgboost.DMatrix(X), pred_interactions=True)
    values = TreeExplainer(model).shap_interaction_values(X)
    close(values, theirs[:, :-1, :-1], 1e-5)  # theirs are sums in float32


def test_xgboost_with_missing_values_and_classes(data):
    X, y = data
    holed = np.where(np.random.default_rng(0).random(X.shape) < 0.2, np.nan, X)
    params = {"max_depth": 4, "nthread": 1, "objective": "multi:softprob", "num_class": 3}
    model = xgboost.train(params, xgboost.DMatrix(holed, np.digitize(y, [0, 1])), 6)
    theirs = model.predict(xgboost.DMatrix(holed), pred_interactions=True)
    values = TreeExplainer(model).shap_interaction_values(holed)
    close(values, theirs[:, :, :-1, :-1].transpose(0, 2, 3, 1), 1e-5)


def test_shap_of_a_forest(data):
    X, y = data
    model = RandomForestRegressor(n_estimators=8, max_depth=7, random_state=0, n_jobs=1).fit(X, y)
    theirs = shap.TreeExplainer(model, feature_perturbation="tree_path_dependent").shap_interaction_values(X[:50])
    close(TreeExplainer(model).shap_interaction_values(X[:50]), theirs, 1e-12)


def test_shap_of_classes_has_our_shape(data):
    X, y = data
    model = RandomForestClassifier(n_estimators=5, max_depth=5, random_state=0, n_jobs=1).fit(X, np.digitize(y, [0, 1]))
    theirs = shap.TreeExplainer(model, feature_perturbation="tree_path_dependent").shap_interaction_values(X[:30])
    values = TreeExplainer(model).shap_interaction_values(X[:30])
    assert values.shape == theirs.shape == (30, F, F, 3)
    close(values, theirs, 1e-12)


def test_categories_of_lightgbm_where_shap_is_wrong():
    """shap reads a category's bit set as a threshold when it adds up interactions: its rows do not add up to LightGBM's own values."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"c": pd.Categorical(rng.integers(8, size=600)), "x": rng.normal(size=600)})
    effect = rng.normal(size=8)
    y = effect[frame["c"].cat.codes] * frame["x"] + effect[::-1][frame["c"].cat.codes]
    data = lightgbm.Dataset(frame, y, free_raw_data=False)
    options = {"verbose": -1, "num_threads": 1, "max_cat_to_onehot": 1, "min_data_per_group": 5, "cat_smooth": 1.0}
    model = lightgbm.train(options, data, 20)
    contributions = model.predict(frame, pred_contrib=True)[:, :-1]
    explainer, parsed = TreeExplainer(model), parse_model(model)
    values = explainer.shap_interaction_values(frame)
    close(values.sum(axis=2), contributions, 1e-12)
    want = interactions.path_dependent(parsed.arrays, explainer.model.read_rows(frame).values, parsed.schema.missing)
    close(values, want[..., 0], 1e-12)
    theirs = shap.TreeExplainer(model).shap_interaction_values(frame.assign(c=frame["c"].cat.codes.astype(float)))
    assert np.abs(theirs.sum(axis=2) - contributions).max() > 0.1 * np.abs(contributions).max()
    assert np.abs(theirs - values).max() > 0.1 * np.abs(values).max()


def test_interactions_against_a_background_where_shap_gives_none(data):
    """shap answers with zeros; ours add up to shap's own values against the background."""
    X, y = data
    model = xgboost.train({"max_depth": 4, "nthread": 1}, xgboost.DMatrix(X, y), 10)
    ours = TreeExplainer(model, X[:60]).shap_interaction_values(X)
    theirs = shap.TreeExplainer(model, X[:60])
    close(ours.sum(axis=2), theirs.shap_values(X), 1e-5)
    assert np.abs(ours[:, 0, 1]).max() > 0.1 * np.abs(ours).max()
