"""scikit-learn's estimators that add up their members predict as they do themselves, with the values of the oracle."""

import lightgbm
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import xgboost
from catboost import CatBoostRegressor
from ferroshap import DataError, TreeExplainer, load_model
from ferroshap.adapters import parse_model
from ferroshap.adapters.sklearn_isolation import mean_depth
from ferroshap.errors import FerroshapError, ModelError, OptionError, UnsupportedModelError
from imblearn.ensemble import (
    BalancedBaggingClassifier,
    BalancedRandomForestClassifier,
    EasyEnsembleClassifier,
    RUSBoostClassifier,
)
from oracle.shap import shap_values
from sklearn import ensemble, linear_model, tree
from sklearn.multioutput import MultiOutputClassifier, MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

random = np.random.default_rng(12)
X = random.normal(size=(220, 6))
X[:, 2] = random.integers(0, 6, 220)
HOLED = np.where(random.random(X.shape) < 0.1, np.nan, X)
Y = X[:, 0] * X[:, 1] + np.sin(X[:, 2])
SEVERAL = np.column_stack([Y, -Y, X[:, 0]])
LABELS = np.array(["low", "mid", "top"])[np.digitize(Y, [-0.5, 0.5])]
TWO = np.where(Y > 0, "yes", "no")
SKEWED = np.where(Y > 1, "rare", LABELS)

TREE = {"max_depth": 5, "random_state": 0}
SMALL = {"n_estimators": 7, "random_state": 0}
REGRESSOR, CLASSIFIER = tree.DecisionTreeRegressor(**TREE), tree.DecisionTreeClassifier(**TREE)
FOREST = {"n_estimators": 4, "max_depth": 4, "random_state": 0}


def agrees(model, want, rows=X, gap=0.0):
    """The prediction is `want` (bit for bit, or within `gap` of its scale), values are those of the oracle."""
    explainer = TreeExplainer(model)
    got = explainer.model.predict(rows)
    assert got.shape == want.shape
    np.testing.assert_allclose(got, want, rtol=0, atol=gap * np.abs(want).max())
    arrays = parse_model(model).arrays
    phi, base = shap_values(arrays, explainer.model.read_rows(rows).values)
    largest = np.abs(phi).max()
    assert largest > 1e-3
    values = explainer.shap_values(rows).reshape(phi.shape)
    np.testing.assert_allclose(values, phi, rtol=0, atol=1e-12 * largest)
    np.testing.assert_allclose(np.atleast_1d(explainer.expected_value), base, rtol=0, atol=1e-12 * np.abs(want).max())
    return explainer.model


@pytest.mark.parametrize(
    "options", [{}, {"max_features": 0.5}, {"max_features": 0.5, "bootstrap_features": True}], ids=str
)
@pytest.mark.parametrize("rows", [X, HOLED], ids=["full", "with missing"])
def test_bagging_of_trees_is_bit_equal(options, rows):
    model = ensemble.BaggingRegressor(REGRESSOR, **SMALL, **options).fit(rows, Y)
    agrees(model, model.predict(rows), rows)
    model = ensemble.BaggingClassifier(CLASSIFIER, **SMALL, **options).fit(rows, LABELS)
    assert agrees(model, model.predict_proba(rows), rows).output_names == ("low", "mid", "top")


def test_bagging_of_several_targets_and_of_forests_and_boosting():
    model = ensemble.BaggingRegressor(REGRESSOR, **SMALL).fit(X, SEVERAL)
    assert agrees(model, model.predict(X)).output_names == ("0", "1", "2")
    for member in (
        ensemble.RandomForestRegressor(**FOREST),
        ensemble.GradientBoostingRegressor(**FOREST),
        ensemble.HistGradientBoostingRegressor(max_iter=4),
    ):
        model = ensemble.BaggingRegressor(member, n_estimators=3, max_features=0.7, random_state=0).fit(X, Y)
        agrees(model, model.predict(X), gap=1e-12)
    model = ensemble.BaggingClassifier(ensemble.ExtraTreesClassifier(**FOREST), n_estimators=3).fit(X, LABELS)
    agrees(model, model.predict_proba(X), gap=1e-12)


def test_bagging_where_samples_lack_a_class():
    target = np.where(np.arange(220) < 3, "aaa", LABELS)
    model = ensemble.BaggingClassifier(CLASSIFIER, **SMALL).fit(X, target)
    # As before 1.9, which gives every member all rows, with weights.
    codes = np.searchsorted(model.classes_, target)
    for at, kept in enumerate((codes > 0, codes != 2)):
        model.estimators_[at] = tree.DecisionTreeClassifier(**TREE).fit(X[kept], codes[kept])
    agrees(model, model.predict_proba(X))


@pytest.mark.parametrize("weights", [None, [2, 1, 0.5]], ids=["plain", "weighted"])
def test_voting_is_the_weighted_mean(weights):
    members = [
        ("tree", REGRESSOR),
        ("forest", ensemble.RandomForestRegressor(**FOREST)),
        ("boosting", ensemble.GradientBoostingRegressor(**FOREST)),
    ]
    model = ensemble.VotingRegressor(members, weights=weights).fit(X, Y)
    assert agrees(model, model.predict(X), gap=1e-12).output_space == "target"
    model = ensemble.VotingRegressor(members, weights=weights).set_params(forest="drop").fit(X, Y)
    agrees(model, model.predict(X), gap=1e-12)
    classifiers = [
        ("tree", CLASSIFIER),
        ("forest", ensemble.RandomForestClassifier(**FOREST)),
        ("extra", ensemble.ExtraTreesClassifier(**FOREST)),
    ]
    model = ensemble.VotingClassifier(classifiers, voting="soft", weights=weights).fit(X, LABELS)
    assert agrees(model, model.predict_proba(X), gap=1e-12).output_names == ("low", "mid", "top")


@pytest.mark.parametrize(
    ("target", "names"), [(TWO, ("output",)), (LABELS, ("low", "mid", "top"))], ids=["two", "three"]
)
@pytest.mark.parametrize("depth", [1, 4])
def test_adaboost_is_bit_equal(target, names, depth):
    model = ensemble.AdaBoostClassifier(tree.DecisionTreeClassifier(max_depth=depth), n_estimators=23, random_state=1)
    model.fit(X, target)
    found = agrees(model, model.decision_function(X))
    assert (found.output_names, found.output_space) == (names, "margin")


def test_adaboost_that_stops_early_is_bit_equal():
    model = ensemble.AdaBoostClassifier(tree.DecisionTreeClassifier(), n_estimators=20, random_state=1).fit(X, TWO)
    assert len(model.estimators_) == 1
    agrees(model, model.decision_function(X))


def test_isolation_forests_are_depths_of_which_scores_are_made():
    for options in ({}, {"max_features": 0.5}, {"max_features": 3, "max_samples": 40, "bootstrap": True}):
        model = ensemble.IsolationForest(**SMALL, **options).fit(X)
        found = load_model(model)
        depth = found.predict(X)
        scale = mean_depth(np.array([model.max_samples_]))
        np.testing.assert_allclose(-(2 ** -(depth / scale)), model.score_samples(X), rtol=1e-14)
        agrees(model, depth)
        assert (found.output_space, found.output_names) == ("depth", ("output",))
    np.testing.assert_array_equal(mean_depth(np.array([1, 2])), [0, 1])


@pytest.mark.parametrize(
    ("member", "target"),
    [
        (REGRESSOR, SEVERAL),
        (ensemble.GradientBoostingRegressor(**FOREST), SEVERAL),
        (ensemble.HistGradientBoostingRegressor(max_iter=5), SEVERAL),
        (xgboost.XGBRegressor(**FOREST, n_jobs=1), SEVERAL),
        (lightgbm.LGBMRegressor(**FOREST, n_jobs=1, verbose=-1), SEVERAL),
        (CatBoostRegressor(iterations=5, verbose=False, allow_writing_files=False, thread_count=1), SEVERAL),
    ],
    ids=lambda each: type(each).__name__,
)
def test_one_model_a_target_is_bit_equal(member, target):
    model = MultiOutputRegressor(member).fit(X, target)
    found = agrees(model, model.predict(X), gap=2.0**-23 if isinstance(member, xgboost.XGBModel) else 0)
    assert found.output_names == ("0", "1", "2")


def test_one_classifier_a_target():
    target = np.column_stack([TWO, LABELS])
    model = MultiOutputClassifier(ensemble.RandomForestClassifier(**FOREST)).fit(X, target)
    found = agrees(model, np.concatenate(model.predict_proba(X), axis=1))
    assert found.output_names == ("0:no", "0:yes", "1:low", "1:mid", "1:top")
    model = MultiOutputClassifier(ensemble.GradientBoostingClassifier(**FOREST)).fit(X, target)
    want = np.column_stack([member.decision_function(X) for member in model.estimators_])
    assert agrees(model, want).output_names == ("0", "1:low", "1:mid", "1:top")


def test_iteration_ranges_of_one_booster_a_target():
    model = MultiOutputRegressor(lightgbm.LGBMRegressor(**{**FOREST, "n_estimators": 9}, n_jobs=1, verbose=-1)).fit(
        X, SEVERAL
    )
    for begin, end in ((0, 4), (3, 9)):
        want = [
            m.predict(X, raw_score=True, start_iteration=begin, num_iteration=end - begin) for m in model.estimators_
        ]
        np.testing.assert_array_equal(load_model(model, iteration_range=(begin, end)).predict(X), np.column_stack(want))
    for other in (ensemble.BaggingRegressor(**SMALL).fit(X, Y), ensemble.IsolationForest(**SMALL).fit(X)):
        with pytest.raises(OptionError, match="no boosting iterations"):
            load_model(other, iteration_range=(0, 2))
    with pytest.raises(OptionError, match="only XGBoost"):
        load_model(other, missing=0.0)


MODELS = {
    "isolation": (ensemble.IsolationForest(**SMALL), "score_samples", None),
    "bagging": (ensemble.BaggingRegressor(REGRESSOR, **SMALL), "predict", Y),
    "voting": (ensemble.VotingRegressor([("a", REGRESSOR)]), "predict", Y),
    "adaboost": (ensemble.AdaBoostClassifier(CLASSIFIER, **SMALL), "decision_function", LABELS),
    "several": (MultiOutputRegressor(ensemble.GradientBoostingRegressor(**FOREST)), "predict", SEVERAL),
    "forests": (MultiOutputRegressor(ensemble.RandomForestRegressor(**FOREST)), "predict", SEVERAL),
}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("value", [np.nan, np.inf, 1e39, -1e39])
def test_rows_are_taken_where_the_library_takes_them(name, value):
    estimator, call, target = MODELS[name]
    rows = X.copy()
    rows[:4, 0] = value
    estimator.fit(X, target)
    try:
        with np.errstate(over="ignore"):
            getattr(estimator, call)(rows)
        taken = name != "isolation" or bool(np.isnan(value))  # which takes infinite values: refused here all the same
    except ValueError:
        taken = False
    assert taken == bool(np.isnan(value) and name not in {"adaboost", "several"})
    if taken:
        assert np.isfinite(load_model(estimator).predict(rows)).all()
    else:
        with pytest.raises(DataError):
            load_model(estimator).predict(rows)


@pytest.mark.parametrize("name", MODELS)
def test_sparse_rows_and_saved_files(name, tmp_path):
    estimator, _, target = MODELS[name]
    estimator.fit(X, target)
    explainer = TreeExplainer(estimator)
    want = explainer.shap_values(X)
    np.testing.assert_array_equal(explainer.shap_values(sp.csr_matrix(X)), want)
    explainer.model.save(tmp_path / "model")
    again = load_model(tmp_path / "model")
    np.testing.assert_array_equal(TreeExplainer(again).shap_values(X), want)
    assert (again.output_names, again.output_space) == (explainer.model.output_names, explainer.model.output_space)


@pytest.mark.parametrize("name", MODELS)
def test_names_come_from_the_training_frame(name):
    estimator, _, target = MODELS[name]
    frame = pd.DataFrame(X, columns=list("abcdef"))
    model = load_model(estimator.fit(frame, target))
    assert model.feature_names == tuple("abcdef")
    np.testing.assert_array_equal(model.predict(frame[list("fedcba")]), model.predict(frame))
    estimator.fit(X, target)


@pytest.mark.parametrize("name", MODELS)
def test_an_unfitted_estimator_is_told_so(name):
    estimator = MODELS[name][0]
    with pytest.raises(ModelError, match=r"not fitted.*call fit\(\)"):
        load_model(type(estimator)(**estimator.get_params(deep=False)))


def test_classes_balanced_by_imbalanced_learn():
    forest = BalancedRandomForestClassifier(**FOREST, sampling_strategy="all", replacement=True, bootstrap=False)
    forest.fit(X, SKEWED)
    agrees(forest, forest.predict_proba(X))
    bagging = BalancedBaggingClassifier(CLASSIFIER, max_features=0.5, **SMALL).fit(X, SKEWED)
    agrees(bagging, bagging.predict_proba(X))
    boosting = RUSBoostClassifier(CLASSIFIER, **SMALL).fit(X, SKEWED)
    agrees(boosting, boosting.decision_function(X))
    with pytest.raises(UnsupportedModelError, match=r"EasyEnsembleClassifier of Pipeline .* margin, not probability"):
        load_model(EasyEnsembleClassifier(n_estimators=2).fit(X, SKEWED))


FRAME = pd.DataFrame({"k": pd.Categorical(random.choice(list("abcd"), 220)), "x": X[:, 0]})
CAT = {"iterations": 2, "depth": 1, "cat_features": ["k"], "one_hot_max_size": 9}
CAT |= {"verbose": False, "allow_writing_files": False, "thread_count": 1}


@pytest.mark.parametrize(
    ("model", "target", "says"),
    [
        (
            ensemble.BaggingRegressor(make_pipeline(StandardScaler(), REGRESSOR), n_estimators=2),
            Y,
            "steps before its model",
        ),
        (ensemble.VotingRegressor([("a", make_pipeline(StandardScaler(), REGRESSOR))]), Y, "steps before its model"),
        (MultiOutputRegressor(make_pipeline(StandardScaler(), REGRESSOR)), SEVERAL, "steps before its model"),
        (ensemble.VotingClassifier([("a", CLASSIFIER)]), LABELS, "counts votes"),
        (ensemble.VotingRegressor([("a", linear_model.LinearRegression())]), Y, "LinearRegression is not a model"),
        (
            ensemble.VotingClassifier([("a", ensemble.GradientBoostingClassifier(**FOREST))], voting="soft"),
            TWO,
            "log-odds",
        ),
        (
            ensemble.VotingRegressor([("a", REGRESSOR), ("b", ensemble.HistGradientBoostingRegressor(max_iter=3))]),
            Y,
            "read their rows in different ways",
        ),
        (
            ensemble.BaggingRegressor(xgboost.XGBRegressor(n_estimators=2), n_estimators=2),
            Y,
            "add up to margin, not target",
        ),
        (
            ensemble.AdaBoostClassifier(ensemble.RandomForestClassifier(**FOREST), n_estimators=2),
            LABELS,
            "vote of several trees",
        ),
    ],
    ids=lambda each: type(each).__name__,
)
def test_what_is_no_sum_of_trees_on_the_same_columns_is_refused(model, target, says):
    with pytest.raises(UnsupportedModelError, match=says):
        load_model(model.fit(X, target))


def test_categories_are_refused_in_sums_and_where_targets_differ():
    model = ensemble.VotingRegressor(
        [("a", ensemble.HistGradientBoostingRegressor(max_iter=2, categorical_features="from_dtype"))]
    )
    with pytest.raises(UnsupportedModelError, match="categorical features"):
        load_model(model.fit(FRAME, Y))
    texts = FRAME.astype({"k": object})
    letters = FRAME["k"].astype(str).to_numpy()
    model = MultiOutputRegressor(REGRESSOR)
    model.estimators_ = [CatBoostRegressor(**CAT).fit(texts, (letters == letter).astype(float)) for letter in "ad"]
    with pytest.raises(UnsupportedModelError, match=r"different categories.*estimators_"):
        load_model(model)
    assert issubclass(UnsupportedModelError, FerroshapError)
