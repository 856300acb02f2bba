"""Rows at the edges of every split: the library's own bits, and the values of the definition.

Each threshold and its neighbours in both precisions, NaN, infinities, signed zeros, denormals, what overflows float32,
and category codes that are negative, fractional, unseen or beyond every integer.
"""

from types import SimpleNamespace

import lightgbm
import numpy as np
import pytest
import xgboost
from ferroshap import DataError, TreeEnsemble, TreeExplainer, load_model
from ferroshap.adapters import parse_model
from kernel.random_models import CODES, SPECIAL, neighbours, rows_for
from oracle.predict import predict
from oracle.shap import shap_values
from sklearn.ensemble import RandomForestClassifier
from sklearn.tree import DecisionTreeRegressor

N, F, CODED = 400, 5, 3  # the column CODED holds categories where the library takes any, column 2 zeros among integers
TYPES = ["c" if g == CODED else "q" for g in range(F)]
LIGHTGBM = {"num_leaves": 12, "min_data_in_leaf": 5, "min_data_per_group": 5, "num_threads": 1, "verbose": -1}
LIGHTGBM |= {"max_cat_to_onehot": 1, "cat_smooth": 0}
XGBOOST = {"max_depth": 4, "nthread": 1, "max_cat_to_onehot": 1}
MODELS = {
    "xgboost": {},
    "xgboost, full": {},
    "xgboost, one category against the rest": {"max_cat_to_onehot": 100},
    "xgboost, classes": {"objective": "multi:softprob", "num_class": 3},
    "lightgbm, nan is missing": {},
    "lightgbm, full": {},
    "lightgbm, zero is missing": {"zero_as_missing": True},
    "lightgbm, nothing is missing": {"use_missing": False},
    "lightgbm, classes": {"objective": "multiclass", "num_class": 3},
    "tree": {},
    "tree, full": {},
    "forest": {},
}
BOOSTERS = [name for name in MODELS if name.startswith(("xgboost", "lightgbm"))]


def training(name):
    """Rows with a tenth missing, unless the name says they are full, and what to learn from them."""
    random = np.random.default_rng(17)
    x = random.normal(size=(N, F))
    x[:, 2], x[:, CODED] = random.integers(-2, 3, N), random.integers(0, 40, N)
    y = x[:, 0] * (x[:, 2] <= 0) + np.sin(x[:, CODED] * 2) + x[:, 1] * x[:, 4] + 0.3 * random.normal(size=N)
    if not name.endswith("full"):
        x[random.random(x.shape) < 0.1] = np.nan
    return x, np.digitize(y, [-0.7, 0.7]) if name.endswith(("classes", "forest")) else y


def matrix(x, y=None):
    return xgboost.DMatrix(x, y, feature_types=TYPES, enable_categorical=True)


def make(name):
    """The model, its own raw output of given rows, and its canonical arrays."""
    x, y = training(name)
    if name.startswith("xgboost"):
        model = xgboost.train(XGBOOST | MODELS[name], matrix(x, y), 6)
        raw = lambda rows: model.predict(matrix(rows), output_margin=True)  # noqa: E731
    elif name.startswith("lightgbm"):
        model = lightgbm.train(LIGHTGBM | MODELS[name], lightgbm.Dataset(x, y, categorical_feature=[CODED]), 6)
        raw = lambda rows: model.predict(rows, raw_score=True)  # noqa: E731
    elif name == "forest":
        model = RandomForestClassifier(5, max_depth=5, random_state=0, n_jobs=1).fit(x, y)
        raw = model.predict_proba
    else:
        model = DecisionTreeRegressor(max_depth=6, random_state=0).fit(x, y)
        raw = model.predict
    parsed = parse_model(model)
    rows = edge_rows(parsed.arrays, x)
    return SimpleNamespace(model=model, raw=raw, parsed=parsed, rows=rows if name in BOOSTERS else finite(rows))


def edge_rows(a, x):
    """Rows of `x` with one number each replaced by every odd one of its column, then rows with many of them."""
    inner, coded = a.left >= 0, a.category_set >= 0
    rows = []
    for g in range(F):
        mine = inner & (a.feature == g)
        odd = [*SPECIAL, *neighbours(np.unique(a.threshold[mine & ~coded]))]
        if (mine & coded).any():
            odd += [*CODES, *range(45)]
        for value in odd:
            rows.append(x[len(rows) % N].copy())
            rows[-1][g] = value
    return np.concatenate([rows, rows_for(a, 300, 1)])


_made = {}


@pytest.fixture(params=MODELS)
def edges(request):
    return made(request.param)


def made(name):
    if name not in _made:
        _made[name] = make(name)
    return _made[name]


def finite(rows):
    """Those rows of which nothing is infinite in float32."""
    return rows[~np.isinf(in_dtype(rows, "f4")).any(axis=1)]


def in_dtype(rows, dtype):
    with np.errstate(over="ignore", under="ignore"):
        return rows.astype(dtype)


@pytest.mark.filterwarnings("ignore:invalid value encountered in reduce:RuntimeWarning")  # a sum in scikit-learn
@pytest.mark.parametrize("dtype", ["f8", "f4"])
def test_predictions_are_the_librarys_own_bit_for_bit(edges, dtype):
    rows = in_dtype(edges.rows, dtype)
    if isinstance(edges.model, xgboost.Booster):
        rows = finite(rows)  # DMatrix refuses the others
    assert len(rows) > 300
    np.testing.assert_array_equal(load_model(edges.model).predict(rows), edges.raw(rows))


@pytest.mark.parametrize("dtype", ["f8", "f4"])
def test_values_are_those_of_the_definition_and_add_up(edges, dtype):
    rows = in_dtype(edges.rows, dtype)
    explainer = TreeExplainer(TreeEnsemble(edges.parsed))
    found = explainer.shap_values(rows).reshape(len(rows), F, -1)
    want, expected = shap_values(edges.parsed.arrays, rows)
    np.testing.assert_allclose(found, want, rtol=0, atol=1e-12 * np.abs(want).max())
    exact = predict(edges.parsed.arrays, rows, exact=True)
    assert (np.abs(exact - explainer.expected_value - found.sum(axis=1)) <= 1e-12 * explainer.scale).all()
    assert (np.abs(explainer.expected_value - expected) <= 1e-12 * explainer.scale).all()


@pytest.mark.parametrize("name", [name for name in BOOSTERS if name.startswith("xgboost")])
def test_what_is_infinite_in_float32_goes_as_in_xgboosts_inplace_predict(name):
    """Its DMatrix refuses it; `inplace_predict`, hence the wrappers' `predict`, takes it as a number like any other."""
    edges = made(name)
    own = edges.model.inplace_predict(edges.rows, predict_type="margin")
    np.testing.assert_array_equal(load_model(edges.model).predict(edges.rows), own)


@pytest.mark.parametrize("name", BOOSTERS)
def test_the_splits_are_of_every_kind_that_the_rows_are_for(name):
    a = made(name).parsed.arrays
    inner, coded = a.left >= 0, a.category_set >= 0
    assert (inner & coded).sum() >= 3
    assert (inner & ~coded).sum() >= 20
    assert set(np.unique(a.feature[inner])) == set(range(F))
    assert np.unique(a.flags[inner]).size >= (1 if name.endswith(("full", "nothing is missing")) else 2)


@pytest.mark.filterwarnings("ignore:overflow encountered in cast:RuntimeWarning")
@pytest.mark.parametrize("value", [np.inf, -np.inf, 1e39, -1e39, 3.5e38])
@pytest.mark.parametrize("name", ["tree", "tree, full", "forest"])
def test_what_scikit_learn_refuses_is_refused(name, value):
    edges = made(name)
    rows = np.ones((3, F))
    rows[1, 4] = value
    with pytest.raises(ValueError, match="infinity or a value too large"):
        edges.raw(rows)
    ensemble = load_model(edges.model)
    for call in (ensemble.predict, TreeExplainer(ensemble).shap_values):
        with pytest.raises(DataError, match=r"^row 1, column 4 is .*infinite"):
            call(rows)
