"""A sparse background is read row by row: the values are those of the array, and the array is never made."""

import tracemalloc

import ferroshap
import numpy as np
import pytest
import scipy.sparse as sp
from defects.rows import COUNTS, THREE, TWO, Y
from ferroshap import PlanError, TreeExplainer
from interventional.models import xgb
from sklearn import ensemble

RANDOM = np.random.default_rng(6)
ROWS = np.where(RANDOM.random((240, 8)) < 0.6, 0.0, RANDOM.normal(size=(240, 8)))
WEIGHTS = np.arange(240) % 3
XGBOOST = {"max_depth": 5, "rounds": 5}
# what absent entries are: missing for XGBoost, 0 for scikit-learn; float32 and float64 comparisons
MODELS = {
    "XGBoost": lambda: (xgb(Y, sp.csr_matrix(ROWS), **XGBOOST).model, np.nan),
    "forest": lambda: (ensemble.RandomForestRegressor(5, max_depth=6, random_state=0).fit(ROWS, Y), 0.0),
    "forest of classes": lambda: (ensemble.RandomForestClassifier(5, random_state=0).fit(ROWS, THREE), 0.0),
}


def formats(rows):
    yield from (sp.csr_matrix(rows), sp.csc_array(rows), sp.coo_array(rows), sp.csr_array(rows.astype(np.float32)))
    wide = sp.csr_array(rows)
    wide.indices, wide.indptr = wide.indices.astype(np.int64), wide.indptr.astype(np.int64)
    yield wide


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["all alike", "weights"])
def test_bits_are_those_of_the_array(kind, weights):
    model, absent = MODELS[kind]()
    plain = np.where(ROWS == 0, absent, ROWS)
    for sparse in formats(ROWS):
        dense = plain if sparse.dtype == np.float64 else plain.astype(np.float32)
        want = TreeExplainer(model, dense, weights=weights)
        found = TreeExplainer(model, sparse, weights=weights, threads=2)
        np.testing.assert_array_equal(found.expected_value, want.expected_value)
        np.testing.assert_array_equal(found.shap_values(plain), want.shap_values(plain))
        np.testing.assert_array_equal(found.shap_values(sparse), want.shap_values(dense))
        few = plain[:5]
        np.testing.assert_array_equal(found.shap_interaction_values(few), want.shap_interaction_values(few))
        np.testing.assert_array_equal(
            found.shap_values(few, per_reference=True), want.shap_values(few, per_reference=True)
        )
        one, other = (explainer(few, standard_errors=4).details.background_se for explainer in (found, want))
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("target", "params", "space"),
    [
        (TWO, {"objective": "binary:logistic"}, "probability"),
        (TWO, {"objective": "binary:logistic"}, "log_loss"),
        (COUNTS, {"objective": "count:poisson"}, "predict"),
        (THREE, {"objective": "multi:softprob", "num_class": 3}, "probability"),
    ],
)
def test_other_output_spaces(target, params, space):
    model = xgb(target, sp.csr_matrix(ROWS), **XGBOOST, **params).model
    plain = np.where(ROWS == 0, np.nan, ROWS)
    labels = (TWO[:20],) if space == "log_loss" else ()
    sparse, dense = (
        TreeExplainer(model, data, space).shap_values(plain[:20], *labels) for data in (sp.csr_array(ROWS), plain)
    )
    np.testing.assert_array_equal(sparse, dense)


def stump(feature, n_features):
    tree = ferroshap.Tree(
        left=[1, -1, -1], right=[2, -1, -1], feature=[feature, 0, 0], threshold=[0.5, 0, 0], value=[0, 1, 2]
    )
    return ferroshap.build_ensemble([tree], n_features=n_features)


def test_the_array_is_never_made():
    """100,000 rows of 1,000,000 columns would take 800 GB."""
    n, f = 100_000, 10**6
    rows = sp.csr_array((np.ones(n // 4), (np.arange(0, n, 4), np.full(n // 4, 9))), shape=(n, f))
    tracemalloc.start()
    explainer = TreeExplainer(stump(9, f), rows, max_memory="16MiB")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert explainer.expected_value == 1.25
    assert explainer.describe()["background_bytes"] < 2e6
    assert peak < 16 * 2**20


def test_the_memory_of_what_is_stored_is_bounded():
    rows = sp.csr_array(RANDOM.normal(size=(300, 500)))
    with pytest.raises(
        PlanError, match=r"background takes 1,80\d,\d+ bytes, but max_memory allows 1,048,576; .*sample"
    ):
        TreeExplainer(stump(9, 500), rows, max_memory="1MiB")


def test_the_background_is_the_explainers_own():
    sparse = sp.csr_array(ROWS)
    explainer = TreeExplainer(MODELS["forest"]()[0], sparse)
    want = explainer.shap_values(ROWS[:9], per_reference=True)
    sparse.data[:] = 7.0
    np.testing.assert_array_equal(explainer.shap_values(ROWS[:9], per_reference=True), want)
