"""More of what goes astray once there is a background: rows beside thresholds, where a model starts, how many of its trees count."""

import lightgbm
import numpy as np
import pandas as pd
import pytest
import xgboost
from defects.right import add_up_to, assert_right_against, beside
from defects.rows import COUNTS, EFFECT, FRAME, HOLED, SEVERAL, THREE, TWO, X, Y
from ferroshap import FeatureMismatchError, FerroshapWarning, TreeExplainer, UnsupportedModelError, load_model
from interventional.models import cat, skl, xgb
from sklearn import dummy, ensemble, linear_model

SKL = {"n_estimators": 6, "max_depth": 4, "random_state": 0}
THRESHOLDS = {
    "XGBoost": lambda: xgb(Y, X),
    "XGBoost, vector leaves": lambda: xgb(SEVERAL, X, multi_strategy="multi_output_tree", tree_method="hist"),
    "scikit-learn, forest": lambda: skl(ensemble.RandomForestRegressor(**SKL), Y),
    "scikit-learn, gradient boosting": lambda: skl(ensemble.GradientBoostingRegressor(**SKL), Y),
    "CatBoost": lambda: cat(Y, X),
}


@pytest.mark.parametrize("kind", THRESHOLDS)
def test_rows_at_a_threshold_and_the_float32_beside_it(kind):
    """woodelf: a row one float32 from a threshold of XGBoost on the wrong side; shap nudged thresholds (shap#1617)."""
    model = THRESHOLDS[kind]().model
    arrays = load_model(model)._core.arrays()
    splits = np.flatnonzero(arrays["left"] >= 0)
    values = beside(arrays["threshold"][splits], np.float32)
    rows = X[np.arange(len(values)) % len(X)].astype(np.float32)
    rows[np.arange(len(rows)), np.tile(arrays["feature"][splits], 3)] = values
    if kind.startswith("XGBoost"):
        raw = model.predict(xgboost.DMatrix(rows), output_margin=True)
    else:
        raw = model.predict(rows)
    assert_right_against(rows[::2], model, rows, raw)


@pytest.mark.parametrize("init", ["zero", dummy.DummyRegressor(strategy="constant", constant=1.5)])
def test_gradient_boosting_that_starts_elsewhere_is_refused(init):
    """shap: init="zero" and init of the caller's."""
    case = skl(ensemble.GradientBoostingRegressor(**SKL, init=init), Y)
    assert_right_against(case.rows[60:], case.model, case.rows, case.raw)


def test_an_init_estimator_is_forgotten():
    """shap: values of the trees alone as if they were the model's. Here that is asked for by name."""
    case = skl(ensemble.GradientBoostingRegressor(**SKL, init=linear_model.LinearRegression()), Y)
    with pytest.raises(UnsupportedModelError, match="without_init=True"):
        TreeExplainer(case.model, X)
    explainer = TreeExplainer(case.model, X, without_init=True)
    of_trees = case.raw - case.model.init_.predict(X.astype(np.float32))  # as scikit-learn has read the rows by then
    total = explainer.expected_value + explainer.shap_values(X).sum(axis=1)
    np.testing.assert_allclose(total, of_trees, rtol=0, atol=1e-12 * explainer.scale[0])
    np.testing.assert_allclose(explainer.expected_value, of_trees.mean(), rtol=0, atol=1e-12 * explainer.scale[0])


def test_the_best_iteration_of_a_booster_cuts_its_trees_off():
    """shap: off by up to 1.5. All trees count, as in Booster.predict; those up to the best for who asks."""
    train, rest = xgboost.DMatrix(HOLED[:160], Y[:160]), xgboost.DMatrix(HOLED[160:], Y[160:][::-1].copy())
    booster = xgboost.train(
        {"max_depth": 3, "eta": 1.0, "nthread": 1},
        train,
        30,
        evals=[(rest, "rest")],
        early_stopping_rounds=4,
        verbose_eval=0,
    )
    best = booster.best_iteration + 1
    assert best < booster.num_boosted_rounds()
    every, first = (
        booster.predict(xgboost.DMatrix(HOLED), output_margin=True, iteration_range=(0, end)) for end in (0, best)
    )
    with pytest.warns(FerroshapWarning, match="best_iteration"):
        assert_right_against(HOLED, booster, HOLED, every)
    assert_right_against(HOLED, booster, HOLED, first, iteration_range=(0, best))


def test_several_trees_in_parallel_are_not_a_round_each():
    """shap does not take them."""
    case = xgb(THREE, num_parallel_tree=3, subsample=0.6, objective="multi:softprob", num_class=3)
    raw = case.model.predict(xgboost.DMatrix(HOLED), output_margin=True, iteration_range=(1, 4))
    assert_right_against(HOLED, case.model, HOLED, raw, iteration_range=(1, 4))


GROUPS = [40] * 6
RANKERS = {
    "XGBoost": lambda: xgboost.XGBRanker(n_estimators=6, max_depth=4, n_jobs=1).fit(HOLED, COUNTS.clip(max=4), group=GROUPS),
    "LightGBM": lambda: lightgbm.LGBMRanker(n_estimators=6, num_leaves=7, min_child_samples=5, n_jobs=1, verbose=-1).fit(
        HOLED, COUNTS.clip(max=4), group=GROUPS
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", RANKERS)
def test_rankers_are_refused(kind):
    """shapiq; shap#531."""
    model = RANKERS[kind]()
    assert_right_against(HOLED[60:], model, HOLED, model.predict(HOLED))


def test_categories_written_as_numbers_are_taken_for_columns():
    """shap: CatBoost's statistics with a background of numbers, off by 7.0."""
    table = pd.DataFrame({"x": X[:, 0], "colour": FRAME["colour"].cat.codes, "shop": FRAME["shop"].cat.codes})
    case = cat(EFFECT, table, cat_features=["colour", "shop"], max_ctr_complexity=1, one_hot_max_size=1)
    values = assert_right_against(table[60:], case.model, table, case.raw)
    assert np.abs(values[:, 1]).max() > 0.1


def test_several_targets_have_outputs_for_classes_that_are_not_there():
    """shap: 2 targets with 2 and 4 classes give 8 outputs instead of 6."""
    targets = np.column_stack([TWO, np.digitize(Y, [-1, 0, 1])])
    case = skl(ensemble.RandomForestClassifier(**SKL), targets, X, "predict_proba")
    assert assert_right_against(X[60:], case.model, X, case.raw).shape == (*X.shape, 6)


@pytest.mark.parametrize("rows", [X[:, :2], pd.DataFrame(X[:, :2], columns=["a", "b"]), X[:, :2].tolist()])
def test_too_few_columns_corrupt_the_heap(rows):
    """shap reads beyond the rows, and beyond the background, and may end the process."""
    forest = ensemble.RandomForestRegressor(**SKL).fit(X, Y)
    with pytest.raises(FeatureMismatchError, match="have 2 columns"):
        TreeExplainer(forest, X).shap_values(rows)
    with pytest.raises(FeatureMismatchError, match="data, the background: the rows have 2 columns"):
        TreeExplainer(forest, rows)


def test_columns_in_another_order_are_attributed_by_position():
    """shap#3958: of the background as well as of the rows."""
    frame = pd.DataFrame(HOLED, columns=list("abcde"))
    model = xgboost.XGBRegressor(n_estimators=6, max_depth=4, n_jobs=1).fit(frame, Y)
    turned = frame[list("ecadb")]
    explainer = TreeExplainer(model, turned)
    np.testing.assert_array_equal(explainer.shap_values(turned), TreeExplainer(model, frame).shap_values(frame))
    add_up_to(explainer, turned, model.predict(frame, output_margin=True))
