"""Random ensembles of every kind against the definition, within 1e-12 of the largest value, at every vector level."""

import numpy as np
import pytest
from kernel.random_models import core, explain, random_ensemble, rows_for
from oracle.predict import predict
from oracle.shap import shap_values

XGBOOST = {"round_to_float32": True, "accumulation": "f32-from-base"}
LIGHTGBM = {"flush_tiny": True, "truncate_category_first": True}
FOREST = {"round_to_float32": True, "accumulation": "f64-mean", "divisor": 6}
MEAN = {"accumulation": "f64-mean", "divisor": 4, **LIGHTGBM}
DART = {"round_to_float32": True, "accumulation": "f32-from-zero-then-base"}
SEVERAL = {"n_outputs": 3, "n_trees": 7}

KINDS = {
    "numeric splits of float64": {},
    "numeric splits of float32": XGBOOST,
    "categorical splits": {"categorical": {0, 2, 3}, **LIGHTGBM},
    "categorical splits, negatives first": {"categorical": range(5), **XGBOOST},
    "one column for numbers and codes": {"categorical": {1}, "n_features": 2, **LIGHTGBM},
    "no missing left, no zero missing": {"flags": 1},
    "one feature again and again": {"n_features": 1, "depth": 7},
    "two features repeated on every path": {"n_features": 2, "depth": 8, "n_trees": 3},
    "many features": {"n_features": 300, "depth": 7},
    "full trees of depth 8": {"shape": "full", "depth": 8, "n_trees": 2, "n_features": 12},
    "pairs": {"shape": "full", "depth": 2, "n_trees": 20},
    "stumps": {"shape": "stump", "n_trees": 20},
    "trees of one leaf": {"shape": "leaf"},
    "no trees": {"n_trees": 0},
    "chains": {"shape": "chain", "depth": 14, "n_features": 9, **XGBOOST},
    "chains of one feature": {"shape": "chain", "depth": 20, "n_features": 1},
    "chains of more than eight points": {"shape": "chain", "depth": 24, "n_features": 40, "n_trees": 4},
    "covers of zero": {"zero_covers": 0.4},
    "covers of zero, categorical": {"zero_covers": 0.4, "categorical": {0, 1}, **LIGHTGBM},
    "no covers but zero": {"zero_covers": 1.0},
    "several outputs": {**SEVERAL, **XGBOOST},
    "several outputs, mean of trees": {**SEVERAL, **MEAN},
    "vector leaves": {**SEVERAL, "vector": True, **XGBOOST},
    "vector leaves, mean of trees": {**SEVERAL, "vector": True, "zero_covers": 0.2, **FOREST},
    "vector leaves, repeats, categories": {**SEVERAL, "vector": True, "n_features": 2, "categorical": {1}, **LIGHTGBM},
    "mean of trees": FOREST,
    "base added last": DART,
}
SEEDS = range(3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", KINDS)
def test_values_are_those_of_the_definition(kind, dtype, plans):
    for seed in SEEDS:
        a = random_ensemble(seed, **KINDS[kind])
        rows = rows_for(a, 70, seed, dtype)
        want, expected = shap_values(a, rows)
        for level, plan in plans(a):
            got = explain(plan, a, rows, threads=1)
            np.testing.assert_allclose(got, want, rtol=0, atol=1e-12 * np.abs(want).max(initial=0), err_msg=level)
            assert (np.abs(plan.expected_value - expected) <= 1e-12 * plan.scale).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", KINDS)
def test_predictions_are_those_of_the_definition_bit_for_bit(kind, dtype):
    for seed in SEEDS:
        a = random_ensemble(seed, **KINDS[kind])
        rows = rows_for(a, 200, seed, dtype)
        for exact in (False, True):
            np.testing.assert_array_equal(core(a).predict(rows, exact=exact), predict(a, rows, exact=exact))


@pytest.mark.parametrize("missing", [0.0, -1.5, 0.5, 1e39, np.inf, np.nan])
@pytest.mark.parametrize("rounded", [False, True])
def test_one_more_number_can_be_missing(missing, rounded, plans):
    a = random_ensemble(5, categorical={1}, round_to_float32=rounded)
    rows = rows_for(a, 150, 5)
    rows[::3, 0], rows[1::3, 1] = missing, missing
    want, _ = shap_values(a, rows, missing)
    np.testing.assert_array_equal(core(a).predict(rows, missing=missing), predict(a, rows, missing))
    for _, plan in plans(a):
        got = explain(plan, a, rows, missing=missing)
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-12 * np.abs(want).max())


def test_float32_values_are_the_float64_values_rounded(plans):
    a = random_ensemble(9, n_outputs=2)
    rows = rows_for(a, 300, 9)
    for _, plan in plans(a):
        single = explain(plan, a, rows, dtype=np.float32)
        np.testing.assert_array_equal(single, explain(plan, a, rows).astype(np.float32))
