"""Tree models: exact values without coalitions where there are such, else coalitions evaluated in the core."""

import ferroshap
import lightgbm
import numpy as np
import pytest
import xgboost
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression


@pytest.fixture(scope="module")
def trained():
    X, y = load_breast_cancer(return_X_y=True)
    X = X[:, :10]
    return X, xgboost.XGBClassifier(n_estimators=20, max_depth=4, n_jobs=1).fit(X, y), y


def test_a_model_goes_to_exact_tree_shap_and_says_so(trained):
    X, model, _ = trained
    right = ferroshap.TreeExplainer(model, X[:40])
    for given in (model, ferroshap.load_model(model), bytes(model.get_booster().save_raw("json"))):
        explainer = ferroshap.KernelExplainer(given, X[:40])
        assert explainer.algorithm == "interventional"
        explanation = explainer(X[40:50])
        assert explanation.algorithm == "interventional"
        assert explanation.details.exact is True
        assert explanation.details.n_evals == 0
        np.testing.assert_array_equal(explanation.values, right.shap_values(X[40:50]))
        np.testing.assert_array_equal(explainer.shap_values(X[40:50]), right.shap_values(X[40:50]))
        assert explainer.expected_value == right.expected_value
    weights = np.arange(1.0, 41)
    weighted = ferroshap.KernelExplainer(model, X[:40], weights=weights).shap_values(X[40:50])
    np.testing.assert_array_equal(
        weighted, ferroshap.TreeExplainer(model, X[:40], weights=weights).shap_values(X[40:50])
    )


@pytest.mark.parametrize("weighted", [False, True])
def test_exact_kernel_values_are_those_of_tree_shap(trained, weighted):
    """The game is the float64 sum of the leaves: what both add up to."""
    X, model, _ = trained
    ensemble = ferroshap.load_model(model)
    weights = np.arange(1.0, 13) if weighted else None
    right = ferroshap.TreeExplainer(model, X[:12], weights=weights).shap_values(X[40:45])
    explainer = ferroshap.KernelExplainer(lambda rows: ensemble.predict(rows, dtype="float64"), X[:12], weights=weights)
    explanation = explainer(X[40:45])
    assert explainer.algorithm == "kernel"
    assert explanation.details.exact.all()
    np.testing.assert_allclose(explanation.values, right, rtol=0, atol=1e-10 * np.abs(right).max())
    in_float32 = ferroshap.KernelExplainer(
        lambda rows: model.predict(rows, output_margin=True), X[:12], weights=weights
    )
    np.testing.assert_allclose(in_float32.shap_values(X[40:45]), right, rtol=0, atol=1e-5 * np.abs(right).max())


def test_several_outputs_are_those_of_tree_shap(trained):
    X, _, y = trained
    forest = RandomForestClassifier(n_estimators=5, max_depth=4, random_state=0).fit(X, y)
    right = ferroshap.TreeExplainer(forest, X[:12]).shap_values(X[40:43])
    found = ferroshap.KernelExplainer(forest.predict_proba, X[:12]).shap_values(X[40:43])
    np.testing.assert_allclose(found, right, rtol=0, atol=1e-10)


@pytest.mark.parametrize("link", ["identity", "logit"])
def test_probabilities_are_evaluated_in_the_core(trained, link):
    X, model, _ = trained
    native = ferroshap.KernelExplainer(model, X[:12], link=link, model_output="probability")
    called = ferroshap.KernelExplainer(lambda rows: model.predict_proba(rows)[:, 1], X[:12], link=link)
    explanation = native(X[40:45])
    assert explanation.algorithm == "kernel"
    assert explanation.output_space == ("log-odds" if link == "logit" else "probability")
    assert explanation.details.exact.all()
    right = called.shap_values(X[40:45])  # float32 probabilities
    np.testing.assert_allclose(explanation.values, right, rtol=0, atol=1e-5 * np.abs(right).max())
    assert native.model is not model
    assert explanation.model == native.model.source


def test_groups_of_a_tree_model(trained):
    X, model, _ = trained
    ensemble = ferroshap.load_model(model)
    groups = {"first": [0, 1, 2], "last": [8, 9]}
    native = ferroshap.KernelExplainer(model, X[:12], groups=groups)
    called = ferroshap.KernelExplainer(lambda rows: ensemble.predict(rows, dtype="float64"), X[:12], groups=groups)
    assert native.feature_names == ["first", "last", "3", "4", "5", "6", "7"]
    np.testing.assert_allclose(native.shap_values(X[40:45]), called.shap_values(X[40:45]), rtol=0, atol=1e-12)


def test_log_odds_of_a_margin_are_refused(trained):
    X, model, _ = trained
    with pytest.raises(ferroshap.DataError, match="link='logit' takes probabilities"):
        ferroshap.KernelExplainer(model, X[:12], link="logit")
    with pytest.raises(ferroshap.OptionError, match="model_output is 'margin'; expected 'raw' or 'probability'"):
        ferroshap.KernelExplainer(model, X[:12], model_output="margin", link="logit")
    regressor = xgboost.XGBRegressor(n_estimators=2).fit(X, X[:, 0])
    with pytest.raises(ferroshap.OptionError, match="model_output='probability' is for classifiers"):
        ferroshap.KernelExplainer(regressor, X[:12], model_output="probability")


def test_other_models_are_refused_with_what_is_supported(trained):
    X, _, _ = trained
    with pytest.raises(ferroshap.UnsupportedModelError, match="object is not a model that ferroshap explains"):
        ferroshap.KernelExplainer(object(), X[:12])


def test_the_explainer_of_a_function_is_this_one(trained):
    X, model, _ = trained
    explainer = ferroshap.Explainer(model.predict_proba, X[:12], seed=3)
    assert type(explainer) is ferroshap.KernelExplainer
    assert isinstance(explainer, ferroshap.Explainer)
    right = ferroshap.KernelExplainer(model.predict_proba, X[:12], seed=3)
    np.testing.assert_array_equal(explainer(X[:2]).values, right(X[:2]).values)
    with pytest.raises(ferroshap.OptionError, match=r"needs background rows; .* or the XGBClassifier itself"):
        ferroshap.Explainer(model.predict_proba)


def test_tree_models_without_exact_values_are_evaluated_in_the_core(trained):
    """Linear leaves: Tree SHAP has no values for them, coalitions do."""
    X, _, y = trained
    model = lightgbm.LGBMRegressor(n_estimators=5, linear_tree=True, num_leaves=7, n_jobs=1, verbose=-1).fit(X, y)
    explainer = ferroshap.KernelExplainer(model, X[:12])
    assert explainer.algorithm == "kernel"
    found = explainer.shap_values(X[40:45])
    np.testing.assert_allclose(
        explainer.expected_value + found.sum(axis=1), model.predict(X[40:45]), rtol=0, atol=1e-12
    )
    right = ferroshap.KernelExplainer(model.predict, X[:12]).shap_values(X[40:45])
    np.testing.assert_allclose(found, right, rtol=0, atol=1e-10)


def test_objects_that_predict_are_told_to_pass_their_function(trained):
    X = trained[0]
    with pytest.raises(
        ferroshap.UnsupportedModelError, match=r"pass what is to be explained: LogisticRegression\.predict_proba"
    ):
        ferroshap.KernelExplainer(LogisticRegression(), X[:12])
    with pytest.raises(ferroshap.OptionError, match="nsamples is 1"):
        ferroshap.KernelExplainer(trained[1], X[:12]).shap_values(X[:2], nsamples=1)


def test_rows_with_a_base_of_their_own(trained):
    X, model, _ = trained
    matrix = xgboost.DMatrix(X[40:45], base_margin=np.arange(5.0))
    explanation = ferroshap.KernelExplainer(model, X[:12])(matrix)
    own = model.get_booster().predict(matrix, output_margin=True)
    np.testing.assert_allclose(explanation.base_values + explanation.values.sum(axis=1), own, rtol=1e-5)
    mixed = ferroshap.KernelExplainer(model, X[:12], model_output="probability")
    with pytest.raises(ferroshap.DataError, match="base_margin"):
        mixed(matrix)
