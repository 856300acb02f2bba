"""Saabas values: the definition, XGBoost and shap, additivity, stumps, what is refused."""

import pickle

import ferroshap
import numpy as np
import pytest
import shap
import xgboost
from ferroshap import OptionError, TreeExplainer, UnsupportedModelError, _native
from kernel.random_models import core, explain, random_ensemble, rows_for
from oracle.saabas import saabas_values
from sklearn.ensemble import RandomForestClassifier

MODELS = {
    "numeric": {"n_trees": 6, "depth": 6, "n_features": 8},
    "categorical": {"n_trees": 6, "categorical": {0, 1, 4}, "flush_tiny": True, "truncate_category_first": True},
    "several outputs": {"n_trees": 8, "n_outputs": 4, "round_to_float32": True, "accumulation": "f32-from-base"},
    "vector leaves": {"n_trees": 5, "n_outputs": 3, "vector": True, "zero_covers": 0.2},
    "mean of trees": {"n_trees": 6, "accumulation": "f64-mean", "divisor": 6},
}
RNG = np.random.default_rng(4)
X = RNG.normal(size=(300, 5)).astype(np.float32)
Y = X[:, 0] * X[:, 1] + X[:, 2]
BOOSTED = xgboost.XGBRegressor(n_estimators=20, max_depth=4, n_jobs=1).fit(X, Y)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("options", MODELS)
def test_values_are_those_of_the_definition(options, seed):
    a = random_ensemble(seed, **MODELS[options])
    rows = rows_for(a, 60, seed)
    expected, base = saabas_values(a, rows)
    plan = _native.Saabas(core(a))
    found = explain(plan, a, rows, threads=2)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12 * max(plan.scale.max(), np.abs(expected).max()))
    np.testing.assert_allclose(plan.expected_value, base, rtol=0, atol=1e-12 * plan.scale.max())


@pytest.mark.parametrize("options", MODELS)
def test_threads_batches_and_copies_do_not_change_a_bit(options):
    a = random_ensemble(7, **MODELS[options])
    rows, plan = rows_for(a, 700, 7), _native.Saabas(core(a))
    want = explain(plan, a, rows, threads=1)
    for threads in (1, 2, 8):
        np.testing.assert_array_equal(explain(plan, a, rows, threads=threads), want)
        for batch in (1, 7, 64, 65, 300):
            parts = [explain(plan, a, rows[at : at + batch], threads=threads) for at in range(0, len(rows), batch)]
            np.testing.assert_array_equal(np.concatenate(parts), want)
    np.testing.assert_array_equal(explain(plan, a, np.asfortranarray(rows)), want)
    np.testing.assert_array_equal(explain(plan, a, rows, dtype=np.float32), want.astype(np.float32))


@pytest.mark.parametrize("rounded", [False, True])
def test_float32_rows_and_a_value_that_is_missing(rounded):
    a = random_ensemble(9, n_trees=6, depth=6, round_to_float32=rounded)
    rows = rows_for(a, 200, 9, np.float32)
    rows[::3, 1] = -999
    plan = _native.Saabas(core(a))
    expected, _ = saabas_values(a, rows, -999)
    np.testing.assert_allclose(explain(plan, a, rows, missing=-999.0), expected, rtol=0, atol=1e-12 * plan.scale.max())
    np.testing.assert_array_equal(
        explain(plan, a, rows, missing=-999.0), explain(plan, a, rows.astype(np.float64), missing=-999.0)
    )


def test_chains_of_two_hundred_splits_and_constant_trees():
    for options in ({"shape": "chain", "depth": 200, "n_features": 40, "n_trees": 2}, {"shape": "leaf"}):
        a = random_ensemble(3, **options)
        rows, plan = rows_for(a, 40, 3), _native.Saabas(core(a))
        expected, base = saabas_values(a, rows)
        np.testing.assert_allclose(explain(plan, a, rows), expected, rtol=0, atol=1e-12 * plan.scale.max())
        np.testing.assert_allclose(plan.expected_value, base, rtol=0, atol=1e-13 * plan.scale.max())


def test_values_are_those_of_xgboost_and_shap():
    explainer = TreeExplainer(BOOSTED)
    values = explainer.shap_values(X, approximate=True)
    own = BOOSTED.get_booster().predict(xgboost.DMatrix(X), pred_contribs=True, approx_contribs=True)
    np.testing.assert_allclose(values, own[:, :-1], rtol=0, atol=1e-5)
    np.testing.assert_allclose(explainer.expected_value, own[0, -1], rtol=0, atol=1e-5)
    theirs = shap.TreeExplainer(BOOSTED).shap_values(X, approximate=True)
    np.testing.assert_allclose(values, theirs, rtol=0, atol=1e-5)
    assert np.abs(values - explainer.shap_values(X)).max() > 0.01  # they are other values


def test_they_add_up_and_say_what_they_are():
    forest = RandomForestClassifier(n_estimators=7, max_depth=5, random_state=0).fit(X, np.digitize(Y, [-0.5, 0.5]))
    explainer = TreeExplainer(forest, threads=1)
    explanation = explainer(X, approximate=True)
    assert explanation.algorithm == "saabas"
    np.testing.assert_array_equal(explanation.base_values[0], explainer.expected_value)
    total = explanation.base_values + explanation.values.sum(axis=1)
    np.testing.assert_allclose(total, forest.predict_proba(X), rtol=0, atol=1e-12)
    again = pickle.loads(pickle.dumps(explainer)).shap_values(X, approximate=True)
    np.testing.assert_array_equal(again, explanation.values)
    np.testing.assert_array_equal(
        explainer.shap_values(X, approximate=True, features=[2], outputs=1), explanation.values[:, [2], 1]
    )
    rounded = TreeExplainer(forest, dtype="float32").shap_values(X, approximate=True)
    np.testing.assert_array_equal(rounded, explanation.values.astype(np.float32))
    assert explainer(X).algorithm == "path-dependent"


def test_stumps_have_their_shap_values():
    stumps = xgboost.XGBRegressor(n_estimators=20, max_depth=1, n_jobs=1).fit(X, Y)
    explainer = TreeExplainer(stumps)
    values = explainer.shap_values(X)
    np.testing.assert_allclose(explainer.shap_values(X, approximate=True), values, rtol=0, atol=1e-13)


def test_what_has_none_is_refused():
    with pytest.raises(OptionError, match="Saabas values, which know no background; make the explainer without data"):
        TreeExplainer(BOOSTED, X).shap_values(X, approximate=True)
    with pytest.raises(OptionError, match="in a new array; call it without approximate=True"):
        TreeExplainer(BOOSTED, X).shap_values(X, approximate=True, per_reference=True)
    with pytest.raises(OptionError, match="leave it out with interactions=True"):
        TreeExplainer(BOOSTED)(X, interactions=True, approximate=True)
    without = ferroshap.build_ensemble(
        [ferroshap.Tree(left=[1, -1, -1], right=[2, -1, -1], feature=[0, 0, 0], threshold=[0, 0, 0], value=[0, 1, 2])],
        n_features=1,
    )
    with pytest.raises(UnsupportedModelError, match="cover"):
        without.saabas()
