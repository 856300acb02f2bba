"""scikit-learn's gradient boosting predicts as it does itself, and its values are those of the definition."""

import numpy as np
import pandas as pd
import pytest
from ferroshap import DataError, TreeEnsemble, TreeExplainer, load_model
from ferroshap.adapters import parse_model
from ferroshap.errors import ModelError, OptionError
from oracle.shap import shap_values
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)

rng = np.random.default_rng(18)
X = rng.normal(size=(300, 5))
X[:, 2] = rng.integers(0, 6, 300)
y = X[:, 0] + np.sin(X[:, 1]) * X[:, 2]
classes = np.array(["low", "mid", "top"])[np.digitize(y, [-1, 1])]
two = np.where(y > 0.7, "yes", "no")
weights = rng.uniform(0.1, 3, 300)
holes = np.where(rng.random(X.shape) < 0.1, np.nan, X)

SMALL = {"n_estimators": 15, "random_state": 0}
GRADIENT = {
    "regression": (GradientBoostingRegressor(**SMALL), y),
    "absolute error": (GradientBoostingRegressor(**SMALL, loss="absolute_error"), y),
    "huber": (GradientBoostingRegressor(**SMALL, loss="huber", learning_rate=0.3), y),
    "quantile": (GradientBoostingRegressor(**SMALL, loss="quantile", alpha=0.8), y),
    "from zero": (GradientBoostingRegressor(**SMALL, init="zero"), y),
    "from a dummy": (GradientBoostingRegressor(**SMALL, init=DummyRegressor(strategy="median")), y),
    "subsample": (GradientBoostingRegressor(**SMALL, subsample=0.5), y),
    "early stopping": (GradientBoostingRegressor(n_estimators=200, n_iter_no_change=2, random_state=0), y),
    "binary": (GradientBoostingClassifier(**SMALL), two),
    "binary from zero": (GradientBoostingClassifier(**SMALL, init="zero"), two),
    "binary from a dummy": (GradientBoostingClassifier(**SMALL, init=DummyClassifier(strategy="most_frequent")), two),
    "exponential": (GradientBoostingClassifier(**SMALL, loss="exponential"), two),
    "multiclass": (GradientBoostingClassifier(**SMALL), classes),
    "multiclass from zero": (GradientBoostingClassifier(**SMALL, init="zero", subsample=0.7), classes),
}
HISTOGRAM_SMALL = {"max_iter": 15, "min_samples_leaf": 5, "random_state": 0, "early_stopping": False}
HISTOGRAM = {
    "histogram": (HistGradientBoostingRegressor(**HISTOGRAM_SMALL), y),
    "histogram, absolute error": (HistGradientBoostingRegressor(**HISTOGRAM_SMALL, loss="absolute_error"), y),
    "histogram, quantile": (HistGradientBoostingRegressor(**HISTOGRAM_SMALL, loss="quantile", quantile=0.3), y),
    "histogram, poisson": (HistGradientBoostingRegressor(**HISTOGRAM_SMALL, loss="poisson"), np.exp(y / 3)),
    "histogram, gamma": (HistGradientBoostingRegressor(**HISTOGRAM_SMALL, loss="gamma"), np.exp(y / 3)),
    "histogram, early stopping": (HistGradientBoostingRegressor(early_stopping=True, random_state=0), y),
    "histogram, binary": (HistGradientBoostingClassifier(**HISTOGRAM_SMALL), two),
    "histogram, multiclass": (HistGradientBoostingClassifier(**HISTOGRAM_SMALL), classes),
}
MODELS = GRADIENT | HISTOGRAM
_fitted = {}


def rows_of(name):
    """What a model is trained with: a tenth is missing where the library takes that."""
    return X if name in GRADIENT else holes


def fitted(name):
    if name not in _fitted:
        model, target = MODELS[name]
        _fitted[name] = model.fit(rows_of(name), target, sample_weight=weights)
    return _fitted[name]


def raw(model, rows):
    """The library's own raw output, `(n, o)`."""
    if isinstance(model, HistGradientBoostingRegressor):
        return model._raw_predict(rows)  # predict() is its exponential for some losses
    own = model.decision_function(rows) if hasattr(model, "classes_") else model.predict(rows)
    return own.reshape(len(rows), -1)


def at_the_thresholds(arrays, rows):
    """Rows at every threshold and one step of either precision beside it."""
    found = []
    for node in np.flatnonzero((arrays.left >= 0) & np.isfinite(arrays.threshold)):
        threshold = arrays.threshold[node]
        narrow = np.float32(threshold)
        for value in (threshold, np.nextafter(threshold, 9e9), narrow, np.nextafter(narrow, np.float32(9e9))):
            found.append(rows[len(found) % len(rows)].copy())
            found[-1][arrays.feature[node]] = value
    return np.array(found)


def assert_values_of_the_definition(parsed, rows):
    explainer = TreeExplainer(TreeEnsemble(parsed))
    want, expected = shap_values(parsed.arrays, rows)
    found = explainer.shap_values(rows).reshape(want.shape)
    assert np.abs(want).max() > 0
    np.testing.assert_allclose(found, want, rtol=0, atol=1e-12 * np.abs(want).max())
    assert (np.abs(explainer.expected_value - expected) <= 1e-12 * explainer.scale).all()


@pytest.mark.parametrize("name", MODELS)
def test_predictions_are_bit_equal_to_the_raw_output(name, predict):
    model = fitted(name)
    parsed = parse_model(model)
    seen = rows_of(name)
    for rows in (seen, X, at_the_thresholds(parsed.arrays, seen)):
        np.testing.assert_array_equal(predict(parsed, rows), raw(model, rows))


@pytest.mark.parametrize("name", MODELS)
def test_values_are_those_of_the_definition(name):
    assert_values_of_the_definition(parse_model(fitted(name)), rows_of(name)[:60])


@pytest.mark.parametrize(
    ("name", "space", "names"),
    [
        ("regression", "target", ("output",)),
        ("binary", "log-odds", ("output",)),
        ("exponential", "margin", ("output",)),
        ("multiclass", "log-odds", ("low", "mid", "top")),
        ("histogram", "target", ("output",)),
        ("histogram, poisson", "margin", ("output",)),
        ("histogram, gamma", "margin", ("output",)),
        ("histogram, binary", "log-odds", ("output",)),
        ("histogram, multiclass", "log-odds", ("low", "mid", "top")),
    ],
)
def test_the_units_and_the_outputs_are_named(name, space, names):
    info = parse_model(fitted(name)).info
    assert (info.output_space, info.output_names) == (space, names)
    assert info.cover_kind == ("weighted count" if name in GRADIENT else "count")
    assert info.objective == fitted(name).loss
    assert info.source.startswith(f"sklearn.ensemble.{type(fitted(name)).__name__} ")


@pytest.mark.parametrize(("name", "probability"), [("binary", 1), ("exponential", 2)])
def test_the_units_are_what_the_probabilities_say(name, probability):
    model = fitted(name)
    p = model.predict_proba(X)[:, 1]
    np.testing.assert_allclose(probability * load_model(model).predict(X), np.log(p / (1 - p)), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    "name", ["regression", "binary", "multiclass", "histogram", "histogram, binary", "histogram, multiclass"]
)
def test_the_first_iterations_are_the_librarys_stages(name, predict):
    model = fitted(name)
    staged = model.staged_decision_function if hasattr(model, "classes_") else model.staged_predict
    for end, own in enumerate(staged(X), 1):
        np.testing.assert_array_equal(predict(parse_model(model, iteration_range=(0, end)), X), own.reshape(300, -1))
    with pytest.raises(OptionError, match="expected 0 <= begin < end <= 15"):
        parse_model(model, iteration_range=(0, 16))


def test_covers_are_the_weights_that_reached_a_node():
    arrays = parse_model(fitted("multiclass")).arrays
    np.testing.assert_allclose(arrays.cover[arrays.tree_starts[:-1]], weights.sum(), rtol=1e-12)


def test_covers_of_histograms_count_rows_without_their_weights():
    arrays = parse_model(fitted("histogram, multiclass")).arrays
    np.testing.assert_array_equal(arrays.cover[arrays.tree_starts[:-1]], 300.0)


@pytest.mark.parametrize("name", HISTOGRAM)
def test_infinite_values_and_those_beyond_float32_are_taken_as_the_library_does(name):
    model = fitted(name)
    rows = np.repeat(holes[:50], 5, axis=0)
    for at, row in enumerate(rows):
        row[at % 5] = (np.inf, -np.inf, 1e300, -1e300, 1e-320, -0.0, np.nan)[at % 7]
    np.testing.assert_array_equal(load_model(model).predict(rows).reshape(len(rows), -1), raw(model, rows))
    assert_values_of_the_definition(parse_model(model), rows)


def test_values_are_compared_in_float64():
    rows = 1.0 + np.arange(200.0)[:, None] * 1e-12  # one and the same as float32
    model = HistGradientBoostingRegressor(max_iter=5, random_state=0).fit(rows, np.arange(200.0))
    np.testing.assert_array_equal(load_model(model).predict(rows), model.predict(rows))
    assert np.unique(model.predict(rows)).size > 3


@pytest.mark.parametrize("name", ["regression", "multiclass"])
@pytest.mark.parametrize(("value", "says"), [(np.nan, "missing"), (np.inf, "infinite"), (-1e39, "infinite")])
@pytest.mark.filterwarnings("ignore:overflow encountered in cast:RuntimeWarning")
def test_rows_that_the_library_refuses_are_refused(name, value, says):
    model = fitted(name)
    rows = X[:3].copy()
    rows[1, 4] = value
    with pytest.raises(ValueError, match=r"NaN|infinity"):
        raw(model, rows)
    ensemble = load_model(model)
    for call in (ensemble.predict, TreeExplainer(ensemble).shap_values):
        for table, column in (
            (rows, "4"),
            (rows.astype("f4"), "4"),
            (pd.DataFrame(rows, columns=list("abcde")), "'e'"),
        ):
            with pytest.raises(DataError, match=f"^row 1, column {column} is.*{says}"):
                call(table)


@pytest.mark.parametrize("name", ["regression", "binary", "histogram", "histogram, binary"])
def test_an_unfitted_estimator_is_told_so(name):
    with pytest.raises(ModelError, match=r"not fitted.*call fit\(\)"):
        parse_model(type(fitted(name))())


def test_another_missing_value_is_refused():
    with pytest.raises(OptionError, match="scikit-learn"):
        parse_model(fitted("regression"), missing=0.0)
