"""Ordinary CatBoost models that other explainers of trees get wrong without a word: each test is named after the defect."""

import catboost
import numpy as np
import pandas as pd
import pytest
from defects.right import assert_right
from defects.rows import CODES, EFFECT, HOLED, SEVERAL, THREE, X, Y
from ferroshap import TreeExplainer, UnsupportedModelError

SMALL = {
    "iterations": 8,
    "depth": 3,
    "learning_rate": 0.3,
    "thread_count": 1,
    "random_seed": 0,
    "verbose": 0,
    "allow_writing_files": False,
}
FRAME = pd.DataFrame({"x": X[:, 0], "colour": [f"colour {code}" for code in CODES[:, 0]], "shop": CODES[:, 1] * 10})
ONE_COLUMN = {"max_ctr_complexity": 1}  # statistics of one column each, none of combinations


def trained(rows, target, kind=catboost.CatBoostRegressor, **params):
    return kind(**{**SMALL, **params}).fit(rows, target)


def raw(model, rows):
    return model.predict(rows, prediction_type="RawFormulaVal")


@pytest.mark.parametrize("policy", ["SymmetricTree", "Depthwise", "Lossguide"])
def test_trees_that_are_not_symmetric_do_not_add_up(policy):
    """CatBoost's own ShapValues, which shap hands on: off by 0.5 to 1.9 for Lossguide, 0.2 to 0.6 for Depthwise."""
    model = trained(HOLED, Y, grow_policy=policy)
    values = assert_right(model, HOLED, raw(model, HOLED))
    own = model.get_feature_importance(catboost.Pool(HOLED), type="ShapValues")
    if policy == "SymmetricTree":
        np.testing.assert_allclose(own[:, :-1], values, rtol=0, atol=1e-6 * np.abs(values).max())


@pytest.mark.parametrize("mode", ["Min", "Max"])
@pytest.mark.parametrize("policy", ["SymmetricTree", "Lossguide"])
def test_missing_values_go_to_the_smaller_side_whatever_the_model_says(mode, policy):
    """nan_mode="Max": shap with a background is off by 4.3."""
    rows = np.where(np.isnan(HOLED[:, :1]), np.nan, X)
    model = trained(rows, np.where(np.isnan(rows[:, 0]), 3.0, Y), nan_mode=mode, grow_policy=policy)
    assert_right(model, rows, raw(model, rows))


def test_the_bias_is_left_out():
    """shap with a background: off by exactly the bias, 2.86."""
    model = trained(HOLED, Y + 100)
    assert model.get_scale_and_bias()[1] > 90
    assert_right(model, HOLED, raw(model, HOLED))


@pytest.mark.parametrize("loss", ["MultiClass", "MultiClassOneVsAll"])
def test_several_classes_end_the_process(loss):
    """shap with a background: memory beyond its own."""
    model = trained(HOLED, THREE, catboost.CatBoostClassifier, loss_function=loss)
    assert assert_right(model, HOLED, raw(model, HOLED)).shape == (*HOLED.shape, 3)


@pytest.mark.parametrize(("loss", "target"), [("MultiRMSE", SEVERAL), ("RMSEWithUncertainty", Y)])
def test_several_outputs_are_refused(loss, target):
    model = trained(HOLED, target, loss_function=loss)
    assert_right(model, HOLED, raw(model, HOLED))


@pytest.mark.filterwarnings("ignore:.*count as unknown:ferroshap.FerroshapWarning")
@pytest.mark.parametrize("params", [{"one_hot_max_size": 50}, ONE_COLUMN], ids=["one-hot", "statistics"])
def test_statistics_of_categories_are_taken_for_columns(params):
    """shap with a background: off by 7.0, the number of a statistic's border counts as that of a column."""
    model = trained(FRAME, EFFECT, cat_features=["colour", "shop"], **params)
    shown = FRAME.copy()
    shown.loc[:3, "colour"] = "never seen"
    values = assert_right(model, shown, raw(model, shown))
    assert np.abs(values[:, 1]).max() > 0.1


def test_combinations_of_categories_are_given_to_one_of_them():
    model = trained(FRAME, EFFECT, cat_features=["colour", "shop"], max_ctr_complexity=3, iterations=30)
    with pytest.raises(UnsupportedModelError, match="combination"):
        TreeExplainer(model)


def test_some_iterations_begin_without_the_bias():
    model = trained(HOLED, Y + 100)
    part = model.predict(HOLED, prediction_type="RawFormulaVal", ntree_start=2, ntree_end=6)
    assert_right(model, HOLED, part, iteration_range=(2, 6))
