"""Values against a background are those of the definition, for every kind of model."""

import numpy as np
import pytest
from defects.right import add_up_to, assert_right_against, compare_with_definition_against
from ferroshap import TreeExplainer, UnsupportedModelError, load_model
from ferroshap.adapters import parse_model
from interventional.models import KINDS, case
from oracle import interventional, pairs
from sklearn import ensemble

# scikit-learn adds up the members of a vote in an order of its own: to twelve digits, not bit for bit.
VOTES = [("tree", ensemble.RandomForestRegressor(n_estimators=3, max_depth=3, random_state=0))]


@pytest.mark.parametrize("kind", KINDS)
def test_values_are_those_of_the_definition(kind):
    model, rows, raw, options = case(kind)
    assert_right_against(rows[40:], model, rows, raw, **options)


@pytest.mark.parametrize("kind", KINDS)
def test_the_oracle_of_pairs_is_the_definition(kind):
    """Conformance takes it, since its models are too large for the definition."""
    model, rows, _, options = case(kind)
    parsed = parse_model(model, **options)
    read = load_model(model, **options).read_rows(rows).values[:12]
    weights = np.arange(8) % 3
    want, base = interventional.shap_values(parsed.arrays, read[:4], read[4:], parsed.schema.missing, weights)
    found, expected = pairs.shap_values(parsed.arrays, read[:4], read[4:], parsed.schema.missing, weights)
    np.testing.assert_allclose(found, want, rtol=0, atol=1e-13 * np.abs(want).max())
    np.testing.assert_allclose(expected, base, rtol=1e-13, atol=1e-13 * np.abs(want).max())


@pytest.mark.parametrize("kind", ["XGBoost, missing values", "LightGBM, sets of categories", "CatBoost, classes"])
def test_weights_are_those_of_the_definition(kind):
    model, rows, raw, options = case(kind)
    weights = np.random.default_rng(5).random(len(rows)) * (np.arange(len(rows)) % 3 > 0)
    assert_right_against(rows, model, rows, raw, weights=weights, **options)


def test_paths_of_more_than_eight_features_are_tested():
    """Beyond eight, patterns are no longer all in a table."""
    explainer = TreeExplainer(case("XGBoost, nine features on a path").model)
    assert explainer.model._core.max_path_features == 9


def test_a_vote_of_regressors():
    rows = np.nan_to_num(case("scikit-learn, forest").rows)
    members = [*VOTES, ("boosting", ensemble.GradientBoostingRegressor(n_estimators=4, max_depth=3, random_state=0))]
    model = ensemble.VotingRegressor(members, weights=[1, 3]).fit(rows, rows[:, 0] * rows[:, 1])
    explainer = TreeExplainer(model, rows)
    add_up_to(explainer, rows, explainer.model.predict(rows))
    np.testing.assert_allclose(explainer.model.predict(rows), model.predict(rows), rtol=0, atol=1e-12)
    compare_with_definition_against(rows[:16], model, explainer, rows, None)


def test_isolation_forest():
    rows = np.nan_to_num(case("scikit-learn, forest").rows)
    model = ensemble.IsolationForest(n_estimators=10, max_samples=32, random_state=0).fit(rows)
    explainer = TreeExplainer(model, rows)
    values = explainer.shap_values(rows, check_additivity="library")
    assert explainer(rows[:2]).output_space == "depth"
    compare_with_definition_against(rows[:16], model, explainer, rows, None)
    assert values.shape == rows.shape


def test_linear_leaves_are_refused_by_name():
    from interventional.models import lgb

    model = lgb(np.arange(240.0), rows=np.nan_to_num(case("LightGBM, missing values").rows), linear_tree=True).model
    with pytest.raises(UnsupportedModelError, match=r"linear trees .*against a background .*without linear_tree"):
        TreeExplainer(model, np.zeros((3, 5)))
