"""scikit-learn's HistGradientBoosting with categorical features: bit for bit, whatever comes in.

Since 1.4 the model encodes values itself; before, it read codes below 256. These tests hold for both.
"""

import numpy as np
import pytest
from ferroshap import TreeEnsemble, TreeExplainer, load_model
from ferroshap.adapters import parse_model
from oracle.shap import shap_values
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

rng = np.random.default_rng(40)
N = 400
CODES = np.column_stack(
    [rng.normal(size=N), rng.integers(0, 40, N), rng.normal(size=N).round(1), rng.integers(0, 7, N)]
).astype(float)
CODES[CODES[:, 1] == 13, 1] = 200  # not one after the other
CODES[rng.random(N) < 0.1, 3] = np.nan
CODES[rng.random(N) < 0.1, 0] = np.nan
y = np.nan_to_num(CODES[:, 0]) + np.sin(CODES[:, 1]) * 3 + (np.nan_to_num(CODES[:, 3], nan=9) % 3)
SMALL = {"max_iter": 20, "min_samples_leaf": 3, "random_state": 0, "early_stopping": False}
MODELS = {
    "regression": (HistGradientBoostingRegressor(**SMALL, categorical_features=[1, 3]), y),
    "one of them": (HistGradientBoostingRegressor(**SMALL, categorical_features=[3]), y),
    "all by mask": (HistGradientBoostingRegressor(**SMALL, categorical_features=[False, True, True, True]), y),
    "binary": (HistGradientBoostingClassifier(**SMALL, categorical_features=[1, 3]), y > 1),
    "multiclass": (HistGradientBoostingClassifier(**SMALL, categorical_features=[3, 1]), np.digitize(y, [-1, 1])),
}


def training_rows(name):
    rows = CODES.copy()
    if name == "all by mask":
        rows[:, 2] = np.abs(10 * rows[:, 2])
    return rows


@pytest.fixture(scope="module", params=MODELS)
def fitted(request):
    model, target = MODELS[request.param]
    rows = training_rows(request.param)
    return model.fit(rows, target), rows


def raw(model, rows):
    return model._raw_predict(rows)


def odd(rows):
    """Unseen, fractional, negative and missing categories."""
    rows = rows[:40].copy()
    rows[:8, 1] = [77, 13, -1, -0.5, 2.5, 6.99, np.nan, 199]
    rows[8:14, 3] = [7, 9, -3, 0.25, 6.5, np.nan]
    return rows


@pytest.mark.filterwarnings("ignore::ferroshap.FerroshapWarning")
def test_predictions_are_bit_equal_to_the_raw_output(fitted):
    model, rows = fitted
    ensemble = load_model(model)
    for given in (rows, odd(rows), np.asfortranarray(rows[::3])):
        np.testing.assert_array_equal(ensemble.predict(given).reshape(len(given), -1), raw(model, given))
    assert len(ensemble.predict(rows[:0])) == 0


@pytest.mark.filterwarnings("ignore::ferroshap.FerroshapWarning")
def test_values_are_those_of_the_definition(fitted):
    model, rows = fitted
    parsed = parse_model(model)
    assert (parsed.arrays.category_set >= 0).any()
    ensemble = TreeEnsemble(parsed)
    given = np.concatenate([rows[:30], odd(rows)])
    want, expected = shap_values(parsed.arrays, ensemble.read_rows(given).values)
    explainer = TreeExplainer(ensemble)
    np.testing.assert_allclose(
        explainer.shap_values(given).reshape(want.shape), want, rtol=0, atol=1e-12 * np.abs(want).max()
    )
    assert (np.abs(explainer.expected_value - expected) <= 1e-12 * explainer.scale).all()


def test_columns_keep_their_places(fitted):
    """The trees of 1.4 and later number the categorical columns first; the values are in the user's order."""
    model, rows = fitted
    explainer = TreeExplainer(model)
    full = explainer.shap_values(rows).reshape(N, 4, -1)
    for column in range(4):
        changed = rows.copy()
        changed[:, column] = rows[0, column]
        if (full[:, column] == 0).all():
            np.testing.assert_array_equal(load_model(model).predict(changed), load_model(model).predict(rows))
    assert (np.abs(full[:, 1]).max() > 0) == (1 in parse_model(model).arrays.feature)


def test_a_saved_model_reads_the_same_rows(fitted, tmp_path):
    model, rows = fitted
    load_model(model).save(tmp_path / "model")
    np.testing.assert_array_equal(load_model(tmp_path / "model").predict(rows), load_model(model).predict(rows))
