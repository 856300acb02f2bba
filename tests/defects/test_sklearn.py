"""Ordinary scikit-learn models that other explainers of trees get wrong or refuse: each test is named after the defect."""

import numpy as np
import pandas as pd
import pytest
from defects.right import assert_right, beside
from defects.rows import AS_CODES, EFFECT, FRAME, HOLED, SEVERAL, THREE, TWO, X, Y
from ferroshap import FeatureMismatchError, TreeExplainer, UnsupportedModelError, load_model
from sklearn import dummy, ensemble, linear_model, pipeline, preprocessing, tree

HIST = {"max_iter": 6, "min_samples_leaf": 5, "random_state": 0}
SMALL = {"n_estimators": 6, "max_depth": 4, "random_state": 0}


@pytest.mark.parametrize("kind", ["frame", "codes"])
def test_categories_of_histogram_boosting_are_compared_as_numbers(kind):
    """shap: off by 3.5 to 6.6 on 495 of 500 rows: it knows neither the sets nor the order of the columns."""
    given, choice = (FRAME, "from_dtype") if kind == "frame" else (AS_CODES, [1, 3])
    model = ensemble.HistGradientBoostingRegressor(**HIST, categorical_features=choice).fit(given, EFFECT)
    assert any(predictor.nodes["is_categorical"].any() for (predictor,) in model._predictors)
    if kind == "codes":
        assert_right(model, AS_CODES, model.predict(AS_CODES))
        return
    values = assert_right_by_name(model)
    shuffled = FRAME[list(FRAME)[::-1]]
    np.testing.assert_array_equal(TreeExplainer(model).shap_values(shuffled), values)


def assert_right_by_name(model):
    return assert_right(model, FRAME, model.predict(FRAME))


def test_thresholds_of_histogram_boosting_are_rounded_to_float32():
    """shap with a background: off by 0.4 to 0.7 (shap#5116)."""
    model = ensemble.HistGradientBoostingRegressor(**HIST).fit(X, Y)
    nodes = np.concatenate([predictor.nodes for (predictor,) in model._predictors])
    rows = []
    for feature in range(5):
        at = nodes["num_threshold"][(nodes["is_leaf"] == 0) & (nodes["feature_idx"] == feature)]
        for value in beside(np.unique(at), np.float64):
            rows.append(X[len(rows) % len(X)].copy())
            rows[-1][feature] = value
    rows = np.array(rows)
    assert_right(model, rows, model.predict(rows))
    assert (load_model(model).predict(rows) != load_model(model).predict(rows.astype(np.float32))).any()


@pytest.mark.parametrize(("target", "loss"), [(TWO, "log_loss"), (THREE, "log_loss"), (TWO, "exponential")])
def test_the_base_of_gradient_boosting_is_not_halved_or_not_centred(target, loss):
    """shap: off by 0.25 on every row for the exponential loss; classes beyond two are refused."""
    model = ensemble.GradientBoostingClassifier(**SMALL, loss=loss).fit(X, target)
    assert_right(model, X, model.decision_function(X))


@pytest.mark.parametrize("init", ["zero", dummy.DummyRegressor(strategy="constant", constant=1.5)])
def test_gradient_boosting_that_starts_elsewhere_is_refused(init):
    model = ensemble.GradientBoostingRegressor(**SMALL, init=init).fit(X, Y)
    assert_right(model, X, model.predict(X))


def test_an_init_estimator_is_forgotten():
    model = ensemble.GradientBoostingRegressor(**SMALL, init=linear_model.LinearRegression()).fit(X, Y)
    with pytest.raises(UnsupportedModelError, match="init"):
        TreeExplainer(model)


def test_a_forest_of_several_targets_has_an_output_for_classes_that_are_not_there():
    """shap: 2 targets with 2 and 4 classes give 8 outputs instead of 6."""
    four = np.digitize(Y, [-1, 0, 1])
    model = ensemble.RandomForestClassifier(**SMALL).fit(X, np.column_stack([TWO, four]))
    values = assert_right(model, X, np.concatenate(model.predict_proba(X), axis=1))
    assert values.shape == (*X.shape, 6)
    assert load_model(model).output_names == ("0:0", "0:1", "1:0", "1:1", "1:2", "1:3")


@pytest.mark.parametrize("kind", [ensemble.RandomForestRegressor, ensemble.ExtraTreesRegressor])
@pytest.mark.parametrize("target", [Y, SEVERAL])
def test_missing_values_of_forests_go_anywhere(kind, target):
    model = kind(**SMALL).fit(HOLED, target)
    assert_right(model, HOLED, model.predict(HOLED))


def test_rows_at_a_threshold_of_a_tree_are_nudged():
    """shap moved thresholds by a hair and to the wrong side (shap#1617): rows are float32, thresholds float64."""
    rows = np.round(X, 1)
    model = tree.DecisionTreeRegressor(max_depth=6, random_state=0).fit(rows, Y)
    at = model.tree_.threshold[model.tree_.children_left >= 0]
    shown = np.tile(rows, (4, 1))[: 3 * len(at)]
    feature = np.tile(model.tree_.feature[model.tree_.children_left >= 0], 3)
    shown[np.arange(len(shown)), feature] = np.concatenate([at, np.nextafter(at, -9), np.nextafter(at, 9)])
    assert_right(model, shown, model.predict(shown))


MEMBERS = (
    tree.DecisionTreeRegressor(max_depth=3, random_state=0),
    tree.DecisionTreeClassifier(max_depth=3, random_state=0),
)


def test_bagging_is_refused():
    model = ensemble.BaggingRegressor(MEMBERS[0], n_estimators=5, max_features=0.6, random_state=0).fit(X, Y)
    assert_right(model, X, model.predict(X))
    model = ensemble.BaggingClassifier(MEMBERS[1], n_estimators=5, max_features=0.6, random_state=0).fit(X, THREE)
    assert_right(model, X, model.predict_proba(X))


@pytest.mark.parametrize("target", [TWO, THREE])
def test_adaboost_is_refused(target):
    model = ensemble.AdaBoostClassifier(MEMBERS[1], n_estimators=5, random_state=0).fit(X, target)
    assert_right(model, X, model.decision_function(X))


def test_a_pipeline_is_refused():
    model = pipeline.make_pipeline(preprocessing.StandardScaler(), MEMBERS[0]).fit(X, Y)
    assert_right(model, X, model.predict(X))


def test_votes_are_refused():
    members = [("tree", MEMBERS[0]), ("forest", ensemble.RandomForestRegressor(**SMALL))]
    model = ensemble.VotingRegressor(members, weights=[1, 3]).fit(X, Y)
    explainer = TreeExplainer(model)
    total = explainer.expected_value + explainer.shap_values(X, check_additivity="library").sum(axis=1)
    np.testing.assert_allclose(total, model.predict(X), rtol=0, atol=1e-12 * explainer.scale[0])


def test_values_of_an_isolation_forest_of_some_columns_belong_to_others():
    model = ensemble.IsolationForest(n_estimators=10, max_features=0.5, random_state=0).fit(X)
    explainer = TreeExplainer(model)
    values = explainer.shap_values(X, check_additivity="library")
    for column in range(5):  # a column that no tree was given is a column without values
        used = any(column in own[np.unique(member.tree_.feature[member.tree_.feature >= 0])]
                   for member, own in zip(model.estimators_, model.estimators_features_, strict=True))  # fmt: skip
        assert used == bool(np.abs(values[:, column]).any())


def test_trees_deeper_than_double_precision_holds_out_blow_up():
    """shap: off by 8e14 for extra trees of depth 139 to 170 on sparse columns."""
    columns = np.eye(61)[:, :60]
    model = tree.DecisionTreeRegressor(random_state=0).fit(columns, np.exp(np.arange(61) / 9))
    assert model.get_depth() > 50
    assert_right(model, columns, model.predict(columns))


@pytest.mark.parametrize("given", [X[:, :2], pd.DataFrame(X[:, :2], columns=["a", "b"]), X[:, :2].tolist()])
def test_too_few_columns_corrupt_the_heap(given):
    """shap reads beyond the rows and may end the process."""
    model = ensemble.RandomForestRegressor(**SMALL).fit(pd.DataFrame(X, columns=list("abcde")), Y)
    with pytest.raises(FeatureMismatchError):
        TreeExplainer(model).shap_values(given)
