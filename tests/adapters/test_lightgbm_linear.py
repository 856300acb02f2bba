"""LightGBM's linear trees: predicted bit for bit; path-dependent values are refused by name."""

import re

import lightgbm
import numpy as np
import pytest
from ferroshap import ModelError, TreeExplainer, UnsupportedModelError, load_model, supports

rng = np.random.default_rng(12)
X = rng.normal(size=(400, 5))
X[:, 4] = rng.integers(0, 6, 400)
y = X[:, 0] * (X[:, 1] > 0) + 2 * X[:, 2] + (X[:, 4] == 3)
HOLES = np.where(rng.random(X.shape) < 0.1, np.nan, X)
PARAMS = {"linear_tree": True, "verbose": -1, "num_threads": 1, "min_data_in_leaf": 5, "num_leaves": 9}


def train(extra=(), rows=HOLES, target=y, **data):
    return lightgbm.train(PARAMS | dict(extra), lightgbm.Dataset(rows, target, params=PARAMS, **data), 12)


MODELS = {
    "regression": train,
    "categories": lambda: train(categorical_feature=[4]),
    "regularised": lambda: train({"linear_lambda": 3.0}),
    "binary": lambda: train({"objective": "binary"}, target=(y > 0).astype(float)),
    "classes": lambda: train({"objective": "multiclass", "num_class": 3}, target=np.digitize(y, [-1, 1])),
    "a single leaf": lambda: train({"min_data_in_leaf": 400}),
}


@pytest.fixture(scope="module", params=MODELS)
def booster(request):
    return MODELS[request.param]()


def edge_rows():
    rows = np.repeat(HOLES[:12], 3, axis=0)
    rows[::3, 0], rows[1::3, 1], rows[2::3, 2] = np.inf, -np.inf, 1e-36
    rows[5] = np.nan
    return rows


def test_predictions_are_bit_equal(booster, tmp_path):
    model = load_model(booster)
    model.save(tmp_path / "model")
    booster.save_model(tmp_path / "model.txt")
    for rows in (HOLES, X, X.astype("f4"), edge_rows()):
        want = booster.predict(rows, raw_score=True)
        for read in (model, load_model(tmp_path / "model"), load_model(tmp_path / "model.txt")):
            np.testing.assert_array_equal(read.predict(rows), want)
    part = booster.predict(X, raw_score=True, start_iteration=2, num_iteration=3)
    if booster.num_trees() >= 5:
        np.testing.assert_array_equal(load_model(booster, iteration_range=(2, 5)).predict(X), part)


def test_values_are_refused_by_name():
    assert not supports(MODELS["regression"]())
    with pytest.raises(UnsupportedModelError, match=r"has linear trees \(LightGBM's linear_tree\).*prediction works"):
        TreeExplainer(MODELS["regression"]())


@pytest.mark.parametrize("space", ["raw", "log_loss"])
def test_values_against_a_background_are_refused_by_name(space):
    with pytest.raises(UnsupportedModelError, match=r"has linear trees \(LightGBM's linear_tree\)"):
        TreeExplainer(MODELS["regression"](), X[:9], space)


def test_a_model_whose_leaves_are_all_constants_is_explained():
    flat = train({"min_data_in_leaf": 400})
    np.testing.assert_array_equal(TreeExplainer(flat).shap_values(X), 0)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (r"\nleaf_const=\S+ ", r"\nleaf_const=", "'leaf_const': found 8 elements, expected 9"),
        (r"\nleaf_const=\S+ ", r"\nleaf_const=inf ", "number of a linear term is inf"),
        (r"\nnum_features=0 ", r"\nnum_features=1 ", "'leaf_features': found 0 elements, expected 1"),
        (r"\nleaf_coeff=(\s*)\S+ ", r"\nleaf_coeff=\1nan ", "number of a linear term is NaN"),
        (r"\nleaf_features=(\s*)\d+ ", r"\nleaf_features=\g<1>77 ", "feature of a linear term is 77, expected below 5"),
        (r"\nnum_features=\d+ ", r"\nnum_features=-1 ", "'leaf_features': found 0 elements, expected -1"),
    ],
)
def test_a_damaged_file_names_the_place(old, new, message):
    text = re.sub("tree_sizes=.*\n", "", train().model_to_string())  # the lengths of the trees, which change
    damaged = re.sub(old, new, text)
    assert damaged != text
    with pytest.raises(ModelError, match=message):
        load_model(damaged.encode())
