"""scikit-learn's GradientBoosting that starts from an estimator: refused, or on request the trees alone."""

import pickle
import re

import numpy as np
import pytest
from ferroshap import TreeExplainer, UnsupportedModelError, load_model, supports
from ferroshap.adapters import parse_model
from ferroshap.errors import OptionError
from oracle.shap import shap_values
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor, RandomForestClassifier
from sklearn.linear_model import LinearRegression
from sklearn.naive_bayes import GaussianNB

rng = np.random.default_rng(21)
X = rng.normal(size=(200, 4))
y = X[:, 0] + np.sin(X[:, 1]) * X[:, 2]
two, three = y > 0.7, np.digitize(y, [-1, 1])
SMALL = {"n_estimators": 12, "random_state": 0}
MODELS = {
    "linear": GradientBoostingRegressor(**SMALL, init=LinearRegression()).fit(X, y),
    "binary": GradientBoostingClassifier(**SMALL, init=GaussianNB()).fit(X, two),
    "exponential": GradientBoostingClassifier(**SMALL, init=GaussianNB(), loss="exponential").fit(X, two),
    "multiclass": GradientBoostingClassifier(**SMALL, init=GaussianNB()).fit(X, three),
}


def raw(model):
    """(n, o): the library's raw prediction."""
    own = model.decision_function(X) if hasattr(model, "classes_") else model.predict(X)
    return own.reshape(len(X), -1)


@pytest.mark.parametrize("name", MODELS)
def test_it_is_refused_by_name_with_the_way_out(name):
    model = MODELS[name]
    with pytest.raises(
        UnsupportedModelError, match=rf"init={type(model.init).__name__}\(.*without_init=True.*less that"
    ):
        load_model(model)
    assert "without_init=True" in supports(model).reason


def test_a_dummy_that_draws_at_random_is_refused():
    model = GradientBoostingClassifier(n_estimators=2, init=DummyClassifier(strategy="stratified")).fit(X, two)
    with pytest.raises(UnsupportedModelError, match=r"init=DummyClassifier\(strategy='stratified'"):
        load_model(model)


@pytest.mark.parametrize("name", MODELS)
def test_the_trees_alone_are_the_raw_prediction_less_that_of_init(name):
    model = MODELS[name]
    alone = load_model(model, without_init=True)
    first = model._raw_predict_init(X.astype(np.float32)).reshape(len(X), -1)
    scale = np.abs(first).max() + np.abs(raw(model)).max()
    found = alone.predict(X).reshape(first.shape)
    assert np.abs(found).max() > 0.1
    np.testing.assert_allclose(found, raw(model) - first, rtol=0, atol=1e-12 * scale)
    assert f"without init={type(model.init).__name__}" in alone.source


@pytest.mark.parametrize("name", MODELS)
def test_the_values_of_the_trees_alone_are_those_of_the_definition(name):
    model = MODELS[name]
    explainer = TreeExplainer(model, without_init=True)
    want, expected = shap_values(parse_model(model, without_init=True).arrays, X[:50])
    np.testing.assert_allclose(explainer.shap_values(X[:50]).reshape(want.shape), want, rtol=0, atol=1e-12)
    np.testing.assert_allclose(np.ravel(explainer.expected_value), expected, rtol=0, atol=1e-12)
    assert "without init=" in repr(explainer)
    again = pickle.loads(pickle.dumps(explainer))
    assert repr(again) == repr(explainer)
    assert again.shap_values(X).tobytes() == explainer.shap_values(X).tobytes()


def test_the_first_iterations_of_the_trees_alone():
    model = MODELS["linear"]
    first = model.init_.predict(X.astype(np.float32))  # as the library calls it
    for end, stage in enumerate(model.staged_predict(X), 1):
        part = load_model(model, without_init=True, iteration_range=(0, end)).predict(X)
        np.testing.assert_allclose(part, stage - first, rtol=0, atol=1e-12)


@pytest.mark.parametrize("init", [None, "zero", DummyRegressor(strategy="median")])
def test_a_constant_is_not_left_out(init):
    model = GradientBoostingRegressor(n_estimators=2, init=init).fit(X, y)
    with pytest.raises(
        OptionError, match=r"^without_init=True: init=.* of the Gradient.* is a constant, which is the base"
    ):
        load_model(model, without_init=True)


def test_other_models_have_no_init():
    forest = RandomForestClassifier(2).fit(X, two)
    with pytest.raises(OptionError, match="a RandomForestClassifier has no init; leave it out"):
        TreeExplainer(forest, without_init=True)
    with pytest.raises(OptionError, match="a model file has no init"):
        load_model(b"tree\n", without_init=True)
    with pytest.raises(OptionError, match="without_init are chosen when a model is read"):
        load_model(load_model(forest), without_init=True)


@pytest.mark.parametrize("value", [None, 1, "yes"])
def test_it_is_true_or_false(value):
    with pytest.raises(OptionError, match=re.escape(f"without_init={value!r}: expected True or False")):
        load_model(MODELS["linear"], without_init=value)
