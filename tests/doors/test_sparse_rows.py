"""Sparse rows: absent entries are what the library takes them for, and the whole matrix never becomes dense."""

import re
import tracemalloc

import lightgbm
import numpy as np
import pytest
import scipy.sparse as sp
import xgboost
from ferroshap import DataError, FeatureMismatchError, TreeExplainer, load_model
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestRegressor,
)
from sklearn.tree import DecisionTreeRegressor

random = np.random.default_rng(3)
N, F = 300, 12
DENSITY = 0.3
X = sp.random(N, F, DENSITY, random_state=4, format="csr")
X.data = np.round(8 * (X.data - 0.4)) / 8  # zeros among the stored ones
y = X @ np.arange(F) + (X[:, [0]].toarray().ravel() != 0)
SMALL = {"n_estimators": 20, "random_state": 0}
LIGHT = SMALL | {"verbose": -1, "min_child_samples": 2, "n_jobs": 1}
TREES = {
    "xgboost": xgboost.XGBRegressor(**SMALL, n_jobs=1),
    "xgboost, zero is missing": xgboost.XGBRegressor(**SMALL, n_jobs=1, missing=0.0),
    "lightgbm": lightgbm.LGBMRegressor(**LIGHT),
    "lightgbm, zero is missing": lightgbm.LGBMRegressor(**LIGHT, zero_as_missing=True),
    "tree": DecisionTreeRegressor(random_state=0),
    "forest": RandomForestRegressor(**SMALL),
    "extra trees": ExtraTreesClassifier(**SMALL),
    "gradient boosting": GradientBoostingClassifier(**SMALL),
}
FORMATS = ["csr", "csc", "coo", "lil", "dok", "bsr"]


@pytest.fixture(scope="module", params=TREES)
def model(request):
    live = TREES[request.param]
    return live.fit(X, y > 1 if hasattr(live, "predict_proba") else y)


def own(model, rows):
    if isinstance(model, GradientBoostingClassifier):
        return model.decision_function(rows)
    return (getattr(model, "predict_proba", None) or model.predict)(rows)


@pytest.mark.parametrize("form", FORMATS)
def test_predictions_are_the_librarys_own_of_the_same_matrix(model, form):
    np.testing.assert_array_equal(load_model(model).predict(X.asformat(form)), own(model, X))


def test_values_are_those_of_the_dense_rows_that_the_library_sees(model):
    dense = X.toarray()
    if isinstance(model, xgboost.XGBModel):
        stored = np.zeros(X.shape, bool)
        stored[X.tocoo().coords] = True
        dense[~stored] = np.nan
    explainer = TreeExplainer(model)
    np.testing.assert_array_equal(explainer.shap_values(X), explainer.shap_values(dense))
    np.testing.assert_array_equal(explainer(X).data, dense)


@pytest.mark.parametrize("dtype", ["f4", "i4", "u1", "?"])
def test_entries_of_every_dtype(model, dtype):
    rows = abs(8 * X).astype(dtype)
    if isinstance(model, lightgbm.LGBMModel) and dtype != "f4":
        want = own(model, rows.astype("f4"))  # LightGBM takes no others
    else:
        want = own(model, rows)
    np.testing.assert_array_equal(load_model(model).predict(rows), want)


def test_unsorted_entries_are_the_same_matrix(model):
    backwards = X.copy()
    for row in range(N):
        here = slice(backwards.indptr[row], backwards.indptr[row + 1])
        backwards.indices[here] = backwards.indices[here][::-1].copy()
        backwards.data[here] = backwards.data[here][::-1].copy()
    backwards.has_sorted_indices = False
    np.testing.assert_array_equal(load_model(model).predict(backwards), own(model, X))


def test_the_matrix_is_left_as_it_is():
    given = X.copy()
    TreeExplainer(TREES["lightgbm"].fit(X, y)).shap_values(given)
    for array in ("data", "indices", "indptr"):
        np.testing.assert_array_equal(getattr(given, array), getattr(X, array))


def test_stored_nan_is_missing_where_the_library_takes_it_and_refused_where_not():
    holes = X.copy()
    holes.data[7] = np.nan
    for name in ("xgboost", "lightgbm"):
        model = TREES[name].fit(X, y)
        np.testing.assert_array_equal(load_model(model).predict(holes), own(model, holes))
    row = int(np.searchsorted(X.indptr, 7, side="right")) - 1
    for name in ("tree", "forest"):
        model = TREES[name].fit(X, y)
        with pytest.raises(ValueError, match="NaN"):
            model.predict(holes)
        with pytest.raises(DataError, match=f"row {row}, column {X.indices[7]} is missing.*sparse.*pass a dense array"):
            load_model(model).predict(holes)


def test_infinite_entries_are_refused_where_scikit_learn_does():
    model = TREES["forest"].fit(X, y)
    for value in (np.inf, -1e39):
        bad = X.copy()
        bad.data[11] = value
        with pytest.raises(DataError, match=rf"row \d+, column {X.indices[11]} is {re.escape(f'{value:g}')}"):
            load_model(model).predict(bad)


def test_a_model_whose_library_takes_no_sparse_rows_refuses_them():
    model = HistGradientBoostingRegressor(max_iter=3).fit(X.toarray(), y)
    with pytest.raises(TypeError, match=r"[Ss]parse"):
        model.predict(X)
    with pytest.raises(DataError, match=r"sparse matrix, which the model's library does not predict; pass X\.toarray"):
        load_model(model).predict(X)


DUPLICATES = sp.csr_matrix(([1.0, 2.0, 3.0], [0, 0, 1], [0, 2, 3]), shape=(2, F))


def damaged(**arrays):
    matrix = X.copy()
    for name, array in arrays.items():
        setattr(matrix, name, array)
    return matrix


REFUSED = {
    "an entry twice": (DUPLICATES, "stores an entry twice.*sum_duplicates"),
    "complex": (X.astype(complex), "dtype complex128"),
    "too few columns": (X[:, :5], "have 5 columns, but the model expects 12"),
    "one dimension": (sp.coo_array(np.arange(12.0)), r"shape \(12,\); expected \(rows, 12\)"),
    "indices beyond": (damaged(indices=X.indices + 7), "damaged: indices from 7 to 18, expected 0 to 11"),
    "negative indices": (damaged(indices=X.indices - 3), "damaged: indices from -3 to"),
    "indptr beyond": (damaged(indptr=X.indptr + np.r_[np.zeros(N, int), 50]), "damaged: indptr ends at"),
    "indptr descends": (damaged(indptr=X.indptr[::-1].copy()), "damaged: indptr does not ascend"),
    "columns beyond": (X.tocsc()[:, ::-1] * 1, ""),
}
REFUSED["columns beyond"][0].indices = REFUSED["columns beyond"][0].indices + 250
REFUSED["columns beyond"] = (REFUSED["columns beyond"][0], "damaged: indices from 250 to")


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_table_is_refused(case):
    given, text = REFUSED[case]
    model = load_model(TREES["lightgbm"].fit(X, y))
    with pytest.raises(DataError, match=text):
        model.predict(given)


def test_a_wrong_number_of_columns_is_a_feature_mismatch():
    with pytest.raises(FeatureMismatchError):
        load_model(TREES["tree"].fit(X, y)).predict(X[:, :5])


def test_a_wide_matrix_is_never_dense_as_a_whole():
    wide = sp.random(40_000, 1000, 0.001, random_state=0, format="csr")
    model = load_model(xgboost.XGBRegressor(n_estimators=3, n_jobs=1).fit(wide[:500], np.arange(500)))
    tracemalloc.start()
    model.predict(wide)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100e6 < wide.shape[0] * wide.shape[1] * 4
