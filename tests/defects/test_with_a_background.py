"""Ordinary models that other explainers get wrong, refuse or crash on once there is a background.

Each test is named after the defect. What is right is in `right.py`: the base value is the mean prediction of the whole
background, values add up to the library's own prediction, and they are those of the definition.
"""

import catboost
import lightgbm
import numpy as np
import pytest
import xgboost
from defects.right import assert_right_against, beside
from defects.rows import AS_CODES, COUNTS, EFFECT, FRAME, HOLED, SEVERAL, THREE, TWO, X, Y
from ferroshap import TreeExplainer, load_model
from interventional.models import (
    CATEGORIES,
    CLASSES,
    FOREST,
    RARE,
    TEXTS,
    Case,
    cat,
    lgb,
    recorded_xgb,
    skl,
    wrapped_xgb,
    xgb,
)
from sklearn import ensemble, tree

SKL = {"n_estimators": 6, "max_depth": 4, "random_state": 0}
HIST = {"max_iter": 6, "min_samples_leaf": 5, "random_state": 0}


def right(case, background=None, **options):
    return assert_right_against(
        case.rows[len(case.rows) // 4 :] if background is None else background,
        case.model,
        case.rows,
        case.raw,
        **case.options,
        **options,
    )


@pytest.mark.parametrize("params", [{}, CLASSES])
def test_the_weights_of_dart_are_forgotten(params):
    """shap: off by 6.4, since XGBoost 3.3 by 1.4; shapiq by 2.4."""
    right(xgb(THREE if params else Y, rounds=12, booster="dart", rate_drop=0.5, **params))


@pytest.mark.parametrize("model", ["x32/dart.json", "x34/dart.json"])
def test_dart_is_looked_for_under_one_name_only(model):
    right(recorded_xgb(model))


def test_the_random_forest_mode_is_summed_instead_of_averaged():
    """shap: off by 39; shapiq by 27."""
    right(lgb(Y, divisor=8, **FOREST))


def test_zeros_that_count_as_missing_are_compared_as_numbers():
    """shap: off by 0.9 to 1.5; shapiq by 0.4."""
    right(lgb(np.nan_to_num(RARE[:, 0]) * 2 + (RARE[:, 1] == 0), RARE, zero_as_missing=True))


def test_nan_that_training_did_not_see_goes_astray():
    """shap: off by 2.5; shapiq by 1.5. LightGBM takes it for 0, in the background too."""
    case = lgb(Y, X, shown=HOLED)
    values = right(case)
    as_zero = TreeExplainer(case.model, np.nan_to_num(HOLED[60:])).shap_values(np.nan_to_num(HOLED))
    np.testing.assert_array_equal(values, as_zero)


def test_missing_values_that_are_not_used_are_used():
    """use_missing=false: shap is off by 2.4."""
    right(lgb(Y, use_missing=False))


@pytest.mark.parametrize("columns", [["x", "colour", "w", "shop"], ["shop", "w", "colour", "x"]])
def test_sets_of_categories_are_packed_into_a_number(columns):
    """shap: LightGBM's sets off by 1.3 to 2.6 on all rows."""
    case = lgb(EFFECT, FRAME, max_cat_to_onehot=1, cat_smooth=0.1, num_leaves=15)
    values = right(case, FRAME[columns][60:])
    np.testing.assert_array_equal(right(case), values)


@pytest.mark.parametrize("wrapped", [False, True])
def test_the_classes_of_a_booster_are_summed_into_one_output(wrapped, tmp_path):
    """shap: one output, off by 8, for the same model whose wrapper is right; a file of it as well."""
    model = lightgbm.LGBMClassifier(n_estimators=6, num_leaves=7, n_jobs=1, verbose=-1).fit(HOLED, THREE)
    raw = model.booster_.predict(HOLED, raw_score=True)
    values = right(Case(model if wrapped else model.booster_, HOLED, raw))
    assert values.shape == (*HOLED.shape, 3)
    model.booster_.save_model(tmp_path / "model.txt")
    np.testing.assert_array_equal(right(Case(tmp_path / "model.txt", HOLED, raw)), values)
    read_again = lightgbm.Booster(model_str=model.booster_.model_to_string())  # which has no params
    np.testing.assert_array_equal(right(Case(read_again, HOLED, raw)), values)


@pytest.mark.parametrize("target", [EFFECT > 1, np.digitize(EFFECT, [0, 2])], ids=["two", "three"])
def test_categories_of_the_wrappers_of_lightgbm_are_those_of_the_frame(target):
    """shap: reads the categories of a frame as numbers and raises; those of a Booster it takes."""
    settings = {"n_estimators": 6, "num_leaves": 15, "min_data_per_group": 1, "cat_smooth": 0.1, "min_child_samples": 5}
    model = lightgbm.LGBMClassifier(**settings, n_jobs=1, verbose=-1).fit(FRAME, target)
    assert (model.booster_.trees_to_dataframe()["decision_type"] == "==").any()
    right(Case(model, FRAME, model.predict(FRAME, raw_score=True)))


def test_rows_at_a_threshold_of_lightgbm_go_astray_by_rounding_to_float32():
    """shap: 24 of 60 rows at or beside a threshold off by up to 0.7; here rows and background are such rows."""
    model = lgb(Y, X).model
    rows = at_thresholds(load_model(model))
    assert_right_against(rows[::2], model, rows, model.predict(rows, raw_score=True))


def at_thresholds(model):
    """Rows that are at, just below or just above a threshold in one feature, `(n, 5)` float64."""
    arrays = model._core.arrays()
    splits = np.flatnonzero(arrays["left"] >= 0)
    values = beside(arrays["threshold"][splits], np.float64)
    rows = X[np.arange(len(values)) % len(X)]
    rows[np.arange(len(rows)), np.tile(arrays["feature"][splits], 3)] = values
    return rows


def test_thresholds_of_histogram_boosting_are_rounded_to_float32():
    """shap: off by 0.4 to 0.7 on ordinary rows (shap#5116)."""
    case = skl(ensemble.HistGradientBoostingRegressor(**HIST), Y, HOLED)
    right(case)
    rows = at_thresholds(load_model(case.model))
    assert_right_against(rows[::2], case.model, rows, case.model.predict(rows))


def test_classes_of_histogram_boosting_are_rounded_to_float32():
    """shap: off by 0.97."""
    case = skl(ensemble.HistGradientBoostingClassifier(**HIST), THREE, HOLED, "decision_function")
    right(case)
    rows = at_thresholds(load_model(case.model))
    assert_right_against(rows[::2], case.model, rows, case.model.decision_function(rows))


@pytest.mark.parametrize(("rows", "choice"), [(FRAME, "from_dtype"), (AS_CODES, [1, 3])], ids=["frame", "codes"])
def test_categories_of_histogram_boosting_are_compared_as_numbers(rows, choice):
    """shap: off by 3.5 to 6.6."""
    right(skl(ensemble.HistGradientBoostingRegressor(**HIST, categorical_features=choice), EFFECT, rows))


@pytest.mark.parametrize("kind", [ensemble.RandomForestRegressor, tree.DecisionTreeRegressor])
def test_thresholds_that_are_not_float32_are_rounded(kind):
    """shap and woodelf miss the prediction by 1.4 of 150: rows are float32, thresholds are not.

    A threshold is half-way between two rows. Where those are neighbours as float32, rounding moves it onto one of them.
    """
    columns = (8 + 2.0**-20 * np.random.default_rng(3).integers(0, 8, (240, 3))).astype("f4")
    target = np.random.default_rng(4).normal(size=240)
    params = SKL if kind is ensemble.RandomForestRegressor else {"max_depth": 5, "random_state": 0}
    case = skl(kind(**params), target, columns)
    first = case.model.estimators_[0] if hasattr(case.model, "estimators_") else case.model
    assert (first.tree_.threshold.astype(np.float32) != first.tree_.threshold).any()
    right(case)


def test_missing_values_go_to_the_smaller_side_whatever_the_model_says():
    """nan_mode="Max": shap is off by 4.3."""
    target = np.where(np.isnan(HOLED[:, 0]), 3.0, Y)
    modes = [right(cat(target, nan_mode=mode)) for mode in ("Max", "Min")]
    assert not np.array_equal(*modes)


def test_statistics_of_categories_are_taken_for_columns():
    """shap: off by 7.0, the number of a statistic's border counts as that of a column."""
    case = cat(EFFECT, TEXTS, **CATEGORIES, max_ctr_complexity=1)
    values = right(case)
    assert np.abs(values[:, 1]).max() > 0.1


def test_one_hot_categories_of_catboost_are_not_read():
    right(cat(EFFECT, TEXTS, **CATEGORIES, one_hot_max_size=50))


@pytest.mark.parametrize("loss", ["MultiClass", "MultiClassOneVsAll"])
def test_several_classes_of_catboost_end_the_process(loss):
    """shap: memory beyond its own."""
    right(cat(THREE, kind=catboost.CatBoostClassifier, loss_function=loss))


@pytest.mark.parametrize("policy", ["Lossguide", "Depthwise"])
def test_trees_that_are_not_symmetric_fail(policy):
    """shap: an AttributeError; woodelf: a TypeError. CatBoost's own values do not add up."""
    right(cat(Y, grow_policy=policy))


def test_the_bias_is_left_out():
    """shap: off by exactly the bias, 2.86."""
    right(cat(Y + 100))


@pytest.mark.parametrize("objective", ["count:poisson", "reg:tweedie"])
def test_the_base_score_is_taken_for_a_margin(objective):
    """shapiq: off by 1.0, the link is left out."""
    right(xgb(COUNTS, objective=objective))


def test_several_expectiles_do_not_begin_where_they_are_stored():
    """shap: off by 1.5."""
    right(recorded_xgb("x34/expect3.ubj"))


@pytest.mark.parametrize("kind", [xgboost.XGBRFRegressor, xgboost.XGBRFClassifier])
def test_random_forests_of_xgboost_are_not_implemented(kind):
    right(wrapped_xgb(kind, TWO if kind is xgboost.XGBRFClassifier else Y))


@pytest.mark.parametrize("onehot", [1, 100])
def test_categories_of_xgboost_are_not_implemented(onehot):
    right(xgb(EFFECT, FRAME, data={"enable_categorical": True}, max_cat_to_onehot=onehot))


@pytest.mark.parametrize("strategy", ["one_output_per_tree", "multi_output_tree"])
def test_the_second_target_is_given_the_base_or_the_leaves_of_the_first(strategy):
    """shapiq: off by 2.3; woodelf by 4.8, also for vector leaves, which shap does not read."""
    right(xgb(SEVERAL, multi_strategy=strategy, tree_method="hist"))


@pytest.mark.parametrize("model", ["x20/mo.json", "x31/mo.ubj"])
def test_vector_leaves_without_covers_have_values_of_zero(model):
    """XGBoost 2.0 to 3.1 itself. Values against a background need no covers."""
    assert not load_model(recorded_xgb(model).model, iteration_range=(0, 0))._core.has_cover
    right(recorded_xgb(model))


@pytest.mark.parametrize(("target", "loss"), [(THREE, "log_loss"), (TWO, "log_loss"), (TWO, "exponential")])
def test_gradient_boosting_of_classes_is_refused_or_off(target, loss):
    """shap: more than two classes are refused; the base of the exponential loss is not halved."""
    right(skl(ensemble.GradientBoostingClassifier(**SKL, loss=loss), target, X, "decision_function"))


def test_a_background_is_cut_to_100_rows():
    """shap#3680: the base value is then the mean of a sample. Here every row counts."""
    case = xgb(Y)
    many = np.tile(HOLED, (5, 1))[:1111]
    explainer = TreeExplainer(case.model, many)
    assert explainer.describe()["background_rows"] == 1111
    np.testing.assert_allclose(
        explainer.expected_value, explainer.model.predict(many, dtype="float64").mean(), rtol=1e-12
    )
