"""Against few background rows a plan walks pairs until tables pay off, and nobody can tell from the values."""

import pickle

import numpy as np
import pytest
from defects.rows import HOLED
from ferroshap import TreeExplainer, load_model
from ferroshap.adapters import parse_model
from interventional.models import case
from oracle import pairs
from sklearn import ensemble

ROWS = np.random.default_rng(11).normal(size=(300, 25))
TARGET = np.random.default_rng(12).normal(size=300) + ROWS[:, 0]
CLASSES = (TARGET > 0).astype(int) + (TARGET > 1)
MODELS = {
    "a forest of any depth": lambda: (ensemble.ExtraTreesRegressor(8, random_state=0).fit(ROWS, TARGET), ROWS),
    "classes": lambda: (ensemble.RandomForestClassifier(6, random_state=0).fit(ROWS, CLASSES), ROWS),
    "missing values": lambda: (case("XGBoost, missing values").model, HOLED),
    "sets of categories": lambda: case("LightGBM, sets of categories")[:2],
    "trees of CatBoost": lambda: case("CatBoost, leaf by leaf")[:2],
}


def taken(rows, which):
    return rows.iloc[which] if hasattr(rows, "iloc") else rows[which]


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("b", [1, 10, 60])
def test_a_row_has_the_same_bits_before_and_after_tables(kind, b):
    model, rows = MODELS[kind]()
    model, background = load_model(model), taken(rows, slice(b))
    fresh = TreeExplainer(model, background)
    alone = fresh.shap_values(taken(rows, slice(70, 71)))
    made = TreeExplainer(model, background)
    made.describe()  # makes the tables
    batch = made.shap_values(taken(rows, slice(60, 90)))
    np.testing.assert_array_equal(alone, batch[10:11])
    copied, other = pickle.loads(pickle.dumps(fresh)), TreeExplainer(model, background, expected_rows=1, threads=2)
    bounded = TreeExplainer(model, background, max_memory="300MiB")
    for explainer in (fresh, copied, other, bounded):
        np.testing.assert_array_equal(explainer.shap_values(taken(rows, slice(60, 90))), batch)


def test_walks_are_the_definition():
    """`pairs` is another oracle than walks: it goes by the definition for each pair."""
    parsed = parse_model(MODELS["a forest of any depth"]()[0])
    explainer = TreeExplainer(MODELS["a forest of any depth"]()[0], ROWS[5:8])
    found = explainer.shap_values(ROWS[:2])
    read = ROWS.astype(np.float32)
    exact, _ = pairs.shap_values(parsed.arrays, read[:2], read[5:8], None, np.ones(3))
    np.testing.assert_allclose(found, exact[..., 0], rtol=0, atol=1e-12 * np.abs(exact).max())


def test_the_plan_tells_whether_its_tables_are_made():
    plan = load_model(MODELS["missing values"]()[0]).plan_against(
        HOLED[:4], weights=None, expected_rows=10_000, table_bytes=None, threads=1
    )
    assert not plan.describe()["tables_made"]
    assert plan.describe()["groups"] == 0
    plan.make_tables(threads=1)
    assert plan.describe()["tables_made"]
    assert plan.describe()["groups"] > 0
    assert 0 < plan.describe()["expected_seconds"] < 1


@pytest.mark.parametrize("b", [16_384, 16_385])
def test_both_kinds_of_sums_agree(b):
    """From 16,385 rows on sums are of float64."""
    random = np.random.default_rng(b)
    model = load_model(case("XGBoost, missing values").model)
    background = random.normal(size=(b, HOLED.shape[1]))
    twice = np.repeat(background, 2, axis=0)
    explainer, doubled = TreeExplainer(model, background), TreeExplainer(model, twice)
    values = explainer.shap_values(HOLED)
    np.testing.assert_allclose(values, doubled.shap_values(HOLED), rtol=0, atol=1e-12 * np.abs(values).max())
    np.testing.assert_allclose(explainer.expected_value, doubled.expected_value, rtol=1e-13)


@pytest.mark.parametrize("weighted", [False, True])
def test_leaves_by_themselves_keep_the_background_and_nothing_for_each_leaf(weighted):
    """Thousands of patterns of a background occur at each leaf of a forest of any depth: gigabytes for all of them."""
    many = np.random.default_rng(4).normal(size=(17_000, ROWS.shape[1]))
    model = load_model(MODELS["a forest of any depth"]()[0])
    explainer = TreeExplainer(model, many, weights=np.ones(len(many)) if weighted else None, expected_rows=1)
    found = explainer.describe()
    assert found["deep_leaves"] > 100
    assert found["bytes"] - found["table_bytes"] <= many.nbytes + 8 * len(many) + 1000 * model.n_leaves
