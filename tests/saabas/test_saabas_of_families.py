"""Saabas values of every kind of model: the definition, and what the libraries and shap say themselves."""

import catboost
import lightgbm
import numpy as np
import pytest
import shap
import xgboost
from ferroshap import OptionError, TreeExplainer, UnsupportedModelError
from ferroshap.adapters import parse_model
from interventional.models import KINDS, case
from oracle.saabas import saabas_values
from sklearn import ensemble, tree

WITHOUT_COVERS = {kind for kind in KINDS if "without covers" in kind}
RNG = np.random.default_rng(4)
X = RNG.normal(size=(300, 5)).astype(np.float32)
Y = X[:, 0] * X[:, 1] + X[:, 2]
CLASSES = np.digitize(Y, [-0.5, 0.5])
WITH_NAN = np.where(RNG.random(X.shape) < 0.2, np.float32(np.nan), X)

SHAPS = {
    "forest": (ensemble.RandomForestRegressor(10, random_state=0), X, Y),
    "forest of classes": (ensemble.RandomForestClassifier(10, random_state=0), X, CLASSES),
    "forest of two targets": (ensemble.RandomForestRegressor(10, max_depth=5, random_state=0), X, np.c_[Y, X[:, 3]]),
    "random splits": (ensemble.ExtraTreesRegressor(10, max_depth=4, random_state=0), X, Y),
    "boosting": (ensemble.GradientBoostingClassifier(n_estimators=10, random_state=0), X, CLASSES > 1),
    "histograms": (ensemble.HistGradientBoostingClassifier(max_iter=10, random_state=0), WITH_NAN, CLASSES),
    "tree": (tree.DecisionTreeClassifier(max_depth=4, random_state=0), X, CLASSES),
    "isolation": (ensemble.IsolationForest(n_estimators=10, random_state=0), X, None),
}
XGBOOSTS = {
    "numbers": (xgboost.XGBRegressor(n_estimators=10, n_jobs=1), Y),
    "classes": (xgboost.XGBClassifier(n_estimators=10, n_jobs=1), CLASSES),
    "dart": (xgboost.XGBRegressor(n_estimators=10, n_jobs=1, booster="dart", rate_drop=0.3, seed=1), Y),
    "forest": (xgboost.XGBRFRegressor(n_estimators=10, n_jobs=1), Y),
}


@pytest.mark.parametrize("kind", sorted({*KINDS} - WITHOUT_COVERS))
def test_values_of_a_family_are_those_of_the_definition(kind):
    model, rows, _, options = case(kind)
    explainer, parsed = TreeExplainer(model, **options), parse_model(model, **options)
    explanation = explainer(rows, approximate=True)
    read = explainer.model.read_rows(rows).values
    want, base = saabas_values(parsed.arrays, read, parsed.schema.missing)
    found = explanation.values.reshape(want.shape)
    np.testing.assert_allclose(found, want, rtol=0, atol=1e-13 * explainer.scale.max())
    np.testing.assert_allclose(explainer.expected_value, base.squeeze(), rtol=0, atol=1e-13 * explainer.scale.max())
    total = explanation.base_values + explanation.values.sum(axis=1)
    np.testing.assert_allclose(total, explainer.model.predict(rows), rtol=0, atol=1e-5 * explainer.scale.max())
    assert np.abs(want).max() > 0


@pytest.mark.parametrize("kind", SHAPS)
def test_values_are_those_of_shap(kind):
    estimator, rows, target = SHAPS[kind]
    model = estimator.fit(rows, target)
    theirs = shap.TreeExplainer(model).shap_values(rows, approximate=True)
    ours = TreeExplainer(model).shap_values(rows, approximate=True)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12 * np.abs(theirs).max())


@pytest.mark.parametrize("kind", XGBOOSTS)
def test_values_are_those_of_xgboost(kind):
    """It adds up in float32."""
    estimator, target = XGBOOSTS[kind]
    model = estimator.fit(WITH_NAN, target)
    matrix = xgboost.DMatrix(WITH_NAN)
    own = model.get_booster().predict(matrix, pred_contribs=True, approx_contribs=True)[..., :-1]
    ours = TreeExplainer(model).shap_values(matrix, approximate=True)
    np.testing.assert_allclose(ours, own if own.ndim == 2 else own.transpose(0, 2, 1), rtol=0, atol=2e-6)


@pytest.mark.parametrize("kind", ["LightGBM", "CatBoost"])
def test_models_for_which_shap_has_none(kind):
    made = {
        "LightGBM": lambda: lightgbm.LGBMRegressor(n_estimators=10, verbose=-1, n_jobs=1),
        "CatBoost": lambda: catboost.CatBoostRegressor(iterations=10, verbose=0, allow_writing_files=False),
    }
    model = made[kind]().fit(WITH_NAN, Y)
    explanation = TreeExplainer(model)(WITH_NAN, approximate=True, check_additivity="library")
    total = explanation.base_values + explanation.values.sum(axis=1)
    np.testing.assert_allclose(total, model.predict(WITH_NAN), rtol=0, atol=1e-12)


def test_a_base_margin_moves_the_base_value_alone():
    model = xgboost.XGBRegressor(n_estimators=10, n_jobs=1).fit(X, Y)
    explainer, margin = TreeExplainer(model), np.linspace(-1, 1, len(X))
    moved = explainer(xgboost.DMatrix(X, base_margin=margin), approximate=True)
    np.testing.assert_array_equal(moved.values, explainer.shap_values(X, approximate=True))
    total = moved.base_values + moved.values.sum(axis=1)
    own = model.get_booster().predict(xgboost.DMatrix(X, base_margin=margin), output_margin=True)
    np.testing.assert_allclose(total, own, rtol=0, atol=2e-6)


@pytest.mark.parametrize("kind", sorted(WITHOUT_COVERS))
def test_models_without_covers_are_refused(kind):
    model, rows, _, options = case(kind)
    with pytest.raises(UnsupportedModelError, match="cover"):
        TreeExplainer(model, **options)
    explainer = TreeExplainer(model, rows, **options)
    with pytest.raises(OptionError, match="leave approximate out"):
        explainer.shap_values(rows, approximate=True)


def test_linear_trees_are_refused():
    model = lightgbm.LGBMRegressor(n_estimators=3, linear_tree=True, verbose=-1, n_jobs=1).fit(X, Y)
    with pytest.raises(UnsupportedModelError, match="linear trees"):
        TreeExplainer(model).shap_values(X, approximate=True)
