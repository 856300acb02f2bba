"""Ordinary LightGBM models that other explainers of trees get wrong without a word: each test is named after the defect."""

import lightgbm
import numpy as np
import pytest
from defects.right import assert_right, beside
from defects.rows import AS_CODES, EFFECT, FRAME, HOLED, THREE, TWO, X, Y
from ferroshap import TreeExplainer, UnsupportedModelError, load_model

SMALL = {"num_leaves": 7, "verbose": -1, "num_threads": 1, "seed": 0, "min_data_in_leaf": 5, "min_data_per_group": 5}
FOREST = {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.6}


def trained(rows, target, rounds=8, **params):
    return lightgbm.train({**SMALL, **params}, lightgbm.Dataset(rows, target, free_raw_data=False), rounds)


@pytest.mark.parametrize(("objective", "target"), [("regression", Y), ("binary", TWO), ("multiclass", THREE)])
def test_the_random_forest_mode_is_summed_instead_of_averaged(objective, target):
    """shap: off by 23 to 39; shapiq by 27; LightGBM's own pred_contrib by 18 (LightGBM#6217)."""
    params = {**FOREST, "objective": objective, **({"num_class": 3} if objective == "multiclass" else {})}
    booster = trained(HOLED, target, **params)
    values = assert_right(booster, HOLED, booster.predict(HOLED, raw_score=True) / 8)
    if objective == "regression":  # what predict itself gives
        total = TreeExplainer(booster).expected_value + values.sum(axis=1)
        np.testing.assert_allclose(total, booster.predict(HOLED), rtol=0, atol=1e-12)


def test_linear_leaves_count_as_constants():
    """shap: off by 0.8 to 2.0; shapiq by 0.6."""
    booster = trained(X, Y, linear_tree=True, objective="regression")
    with pytest.raises(UnsupportedModelError, match="linear tree"):
        TreeExplainer(booster)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_zeros_that_count_as_missing_are_compared_as_numbers(dtype):
    """shapiq: off by 0.4 without a background, shap with one by 0.9 to 1.5."""
    rows = np.where(np.abs(HOLED) < 0.3, 0.0, HOLED)
    booster = trained(rows, np.nan_to_num(rows[:, 0]) * 2 + (rows[:, 1] == 0), zero_as_missing=True)
    assert "zero_as_missing: 1" in booster.model_to_string()
    shown = np.vstack([rows, [[0.0, -0.0, 1e-36, -1e-36, np.nan]]]).astype(dtype)
    assert_right(booster, shown, booster.predict(shown, raw_score=True))


def test_nan_that_training_did_not_see_goes_to_the_default_side():
    """shapiq: off by 1.5 without a background, shap with one by 2.5: LightGBM takes it for 0."""
    booster = trained(X, Y)
    seen = assert_right(booster, HOLED, booster.predict(HOLED, raw_score=True))
    as_zero = TreeExplainer(booster).shap_values(np.nan_to_num(HOLED))
    np.testing.assert_array_equal(seen, as_zero)


def test_missing_values_that_are_not_used_are_used():
    """use_missing=false: shap is off by 2.4 with a background."""
    booster = trained(HOLED, Y, use_missing=False)
    assert_right(booster, HOLED, booster.predict(HOLED, raw_score=True))


@pytest.mark.parametrize("wrapped", [False, True])
def test_the_classes_of_a_booster_are_summed_into_one_output(wrapped):
    """shap with a background: one output, off by 8, for the same model whose wrapper is right."""
    model = lightgbm.LGBMClassifier(n_estimators=6, num_leaves=7, n_jobs=1, verbose=-1).fit(HOLED, THREE)
    source = model if wrapped else model.booster_
    values = assert_right(source, HOLED, model.booster_.predict(HOLED, raw_score=True))
    assert values.shape == (*HOLED.shape, 3)


def test_a_booster_from_a_file_has_one_output_for_all_classes(tmp_path):
    booster = trained(HOLED, THREE, objective="multiclass", num_class=3)
    booster.save_model(tmp_path / "model.txt")
    values = assert_right(tmp_path / "model.txt", HOLED, booster.predict(HOLED, raw_score=True))
    assert values.shape == (*HOLED.shape, 3)


def test_sets_of_categories_are_a_number_of_31_bits():
    """shap packs a set into a float: code 0, and codes from 31 on, go astray (shap#5079)."""
    booster = trained(FRAME, EFFECT, max_cat_to_onehot=1, cat_smooth=0.1, num_leaves=15)
    assert max(max(map(int, line.split("=")[1].split())) for line in sets_of(booster)) >= 2**31  # the bit of code 31
    raw = booster.predict(FRAME, raw_score=True)
    values = assert_right(booster, FRAME, raw)
    np.testing.assert_array_equal(assert_right(booster, AS_CODES, raw), values)
    odd = np.repeat(AS_CODES[:7], 2, axis=0)
    odd[:, 3] = [0, -1, -0.5, 0.5, 30.9, 31, 32, 39, 40, 63, 64, 1e9, np.nan, np.inf]
    assert_right(booster, odd, booster.predict(odd, raw_score=True))


def sets_of(booster):
    return [line for line in booster.model_to_string().splitlines() if line.startswith("cat_threshold=")]


def test_rows_at_a_threshold_go_to_the_other_side_by_rounding_to_float32():
    """shap with a background: 24 of 60 rows at or beside a threshold off by up to 0.7."""
    booster = trained(X, Y)
    arrays = load_model(booster)._core.arrays()
    splits = arrays["left"] >= 0
    rows = []
    for feature in range(5):
        for value in beside(np.unique(arrays["threshold"][splits & (arrays["feature"] == feature)]), np.float64):
            rows.append(X[len(rows) % len(X)].copy())
            rows[-1][feature] = value
    rows = np.array(rows)
    assert len(rows) > 60
    assert_right(booster, rows, booster.predict(rows, raw_score=True))


@pytest.mark.parametrize("params", [{"boosting": "dart", "drop_rate": 0.5}, {"data_sample_strategy": "goss"}])
def test_weights_of_trees_and_of_samples_are_forgotten(params):
    booster = trained(HOLED, Y, rounds=15, **params)
    assert_right(booster, HOLED, booster.predict(HOLED, raw_score=True))


def test_trees_deeper_than_double_precision_holds_out_blow_up():
    """LightGBM's pred_contrib and shap divide by weights that become tiny: off by 2e10 at depth 127 (LightGBM#3998)."""
    n = 61
    rows = np.eye(n)[:, :60]  # each split takes one row off
    booster = trained(
        rows, np.exp(np.arange(n) / 9), rounds=2, num_leaves=n, min_data_in_leaf=1, min_sum_hessian_in_leaf=0, min_data_in_bin=1,
        feature_pre_filter=False, learning_rate=0.5,
    )  # fmt: skip
    assert load_model(booster).max_depth > 50
    assert_right(booster, rows, booster.predict(rows, raw_score=True))
