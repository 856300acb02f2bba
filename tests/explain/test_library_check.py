"""`check_additivity="library"`: the library's own prediction is asked for, and a difference is found."""

import copy
import pickle
import sys
import warnings

import catboost
import ferroshap
import lightgbm
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp
import skops.io
import xgboost
from ferroshap import AdditivityError, DataError, OptionError, TreeExplainer
from ferroshap.library import library_prediction
from sklearn import compose, ensemble, model_selection, multioutput, pipeline, preprocessing, tree

random = np.random.default_rng(23)
X = random.normal(size=(200, 5))
HOLED = np.where(random.random(X.shape) < 0.1, np.nan, X)
Y = X[:, 0] + np.sin(2 * X[:, 1]) * X[:, 2]
TWO, THREE = (Y > 0).astype(int), np.digitize(Y, [-0.5, 0.5])
FRAME = pd.DataFrame(X, columns=list("abcde")).assign(
    a=pd.Categorical(random.choice(["u", "v", "w"], 200)), b=pd.Categorical(random.integers(0, 5, 200))
)
EFFECT = Y + FRAME["a"].cat.codes
CODES = np.column_stack([FRAME["a"].cat.codes, FRAME["b"].cat.codes, FRAME[["c", "d", "e"]]])
PLAIN = {
    "a": FRAME["a"].astype(str).tolist(),
    "b": FRAME["b"].astype(int).tolist(),
    **FRAME[["c", "d", "e"]].to_dict("list"),
}

XGB = {"n_estimators": 6, "max_depth": 3, "n_jobs": 1, "random_state": 0}
LGB = {"n_estimators": 6, "num_leaves": 7, "n_jobs": 1, "verbose": -1, "random_state": 0, "min_data_per_group": 5}
SMALL = {"n_estimators": 5, "max_depth": 3, "random_state": 0}
HIST = {"max_iter": 5, "min_samples_leaf": 5, "random_state": 0}

GBTREE = xgboost.XGBRegressor(**XGB).fit(HOLED, Y)
WITH_CATEGORIES = xgboost.XGBRegressor(**XGB, enable_categorical=True).fit(FRAME, EFFECT)
LEAVES = lightgbm.LGBMRegressor(**LGB).fit(FRAME, EFFECT)
AVERAGED = lightgbm.LGBMClassifier(**LGB, boosting_type="rf", subsample=0.6, subsample_freq=1).fit(HOLED, THREE)
FOREST = ensemble.RandomForestRegressor(**SMALL).fit(X, Y)
BEHIND = pipeline.make_pipeline(preprocessing.StandardScaler(), lightgbm.LGBMRegressor(**LGB)).fit(X, Y)
OWN_MISSING = xgboost.XGBRegressor(**XGB, missing=-9.0).fit(np.nan_to_num(HOLED, nan=-9.0), Y)

CASES = {
    "XGBoost": (GBTREE, HOLED),
    "XGBoost, infinity": (GBTREE, np.where(np.arange(200)[:, None] == 3, np.inf, HOLED)),
    "XGBoost, own missing value": (OWN_MISSING, np.nan_to_num(HOLED, nan=-9.0)),
    "XGBoost booster": (GBTREE.get_booster(), HOLED),
    "XGBoost booster, DMatrix": (GBTREE.get_booster(), xgboost.DMatrix(HOLED)),
    "XGBoost wrapper, DMatrix": (GBTREE, xgboost.DMatrix(HOLED)),
    "XGBoost booster, sparse": (GBTREE.get_booster(), sp.csr_matrix(HOLED)),
    "XGBoost booster, lists": (GBTREE.get_booster(), HOLED.tolist()),
    "XGBoost booster, one row": (GBTREE.get_booster(), HOLED[0]),
    "XGBoost booster, no rows": (GBTREE.get_booster(), HOLED[:0]),
    "XGBoost classes": (xgboost.XGBClassifier(**XGB).fit(HOLED, THREE), HOLED),
    "XGBoost categories": (WITH_CATEGORIES, FRAME),
    "XGBoost categories, columns in another order": (WITH_CATEGORIES.get_booster(), FRAME[list("edcba")]),
    "XGBoost categories, polars": (WITH_CATEGORIES.get_booster(), pl.DataFrame(PLAIN)),
    "XGBoost categories, codes": (WITH_CATEGORIES, CODES),
    "XGBoost categories, codes, booster": (WITH_CATEGORIES.get_booster(), CODES),
    "LightGBM": (LEAVES, FRAME),
    "LightGBM, columns in another order": (LEAVES, FRAME[list("edcba")]),
    "LightGBM, polars": (LEAVES, pl.DataFrame(PLAIN)),
    "LightGBM, arrow": (LEAVES.booster_, pa.Table.from_pandas(FRAME)),
    "LightGBM, codes": (LEAVES, CODES),
    "LightGBM, random-forest mode": (AVERAGED, HOLED),
    "LightGBM booster, random-forest mode": (AVERAGED.booster_, HOLED),
    "tree of a frame": (tree.DecisionTreeClassifier(max_depth=3).fit(FRAME[list("cde")], TWO), FRAME[list("edc")]),
    "forest, array for a frame": (ensemble.RandomForestRegressor(**SMALL).fit(FRAME[list("cde")], Y), X[:, 2:]),
    "forest, sparse": (FOREST, sp.csr_matrix(X)),
    "forest of two targets with classes": (
        ensemble.RandomForestClassifier(**SMALL).fit(X, np.column_stack([TWO, THREE])),
        X,
    ),
    "gradient boosting": (ensemble.GradientBoostingRegressor(**SMALL).fit(X, Y), X),
    "gradient boosting, classes": (ensemble.GradientBoostingClassifier(**SMALL).fit(X, THREE), X),
    "histogram boosting": (ensemble.HistGradientBoostingRegressor(**HIST).fit(HOLED, Y), HOLED),
    "histogram boosting, logarithm": (
        ensemble.HistGradientBoostingRegressor(**HIST, loss="poisson").fit(HOLED, np.exp(Y)),
        HOLED,
    ),
    "histogram boosting, categories": (
        ensemble.HistGradientBoostingRegressor(**HIST, categorical_features="from_dtype").fit(FRAME, EFFECT),
        FRAME,
    ),
    "isolation forest": (ensemble.IsolationForest(n_estimators=5, max_features=0.7, random_state=0).fit(X), X),
    "voting": (ensemble.VotingRegressor([("a", FOREST), ("b", tree.DecisionTreeRegressor(max_depth=2))]).fit(X, Y), X),
    "AdaBoost": (
        ensemble.AdaBoostClassifier(tree.DecisionTreeClassifier(max_depth=2), n_estimators=4).fit(X, THREE),
        X,
    ),
    "a model a target": (
        multioutput.MultiOutputRegressor(xgboost.XGBRegressor(**XGB)).fit(X, np.column_stack([Y, -Y])),
        X,
    ),
    "a classifier a target": (
        multioutput.MultiOutputClassifier(ensemble.GradientBoostingClassifier(**SMALL)).fit(
            X, np.column_stack([TWO, THREE])
        ),
        X,
    ),
    "pipeline": (BEHIND, X),
    "pipeline, one row": (BEHIND, X[0]),
    "search": (model_selection.GridSearchCV(tree.DecisionTreeRegressor(), {"max_depth": [2]}, cv=2).fit(X, Y), X),
    "target left as it is": (compose.TransformedTargetRegressor(tree.DecisionTreeRegressor(max_depth=3)).fit(X, Y), X),
}


@pytest.mark.parametrize("name", CASES)
def test_the_librarys_own_prediction_is_what_the_values_add_up_to(name):
    model, rows = CASES[name]
    explainer = TreeExplainer(model)
    values = explainer.shap_values(rows, check_additivity="library")
    np.testing.assert_array_equal(values, explainer.shap_values(rows))
    np.testing.assert_array_equal(values, explainer(rows, check_additivity="library").values)
    # what is compared is a prediction of the library's: no constant, and near ferroshap's own
    read = explainer.model.read_rows(rows)
    own = library_prediction(explainer.model, rows, read)
    assert own.shape == (len(read), explainer.model.n_outputs)
    np.testing.assert_allclose(
        own.reshape(np.shape(explainer.model.predict(rows))), explainer.model.predict(rows), rtol=1e-12, atol=1e-12
    )
    assert len(read) < 2 or np.ptp(own, axis=0).min() > 0.1


@pytest.mark.parametrize("iterations", [(0, 4), (3, 0), (2, 5)])
@pytest.mark.parametrize(
    "name", ["XGBoost", "XGBoost booster", "LightGBM", "LightGBM, random-forest mode", "a model a target"]
)
def test_some_iterations_are_compared_with_the_same_ones(name, iterations):
    model, rows = CASES[name]
    explainer = TreeExplainer(model, iteration_range=iterations)
    explainer.shap_values(rows, check_additivity="library")


def test_a_missing_value_given_to_ferroshap_is_given_to_the_library():
    rows = np.nan_to_num(HOLED, nan=-7.0)
    for model in (GBTREE, GBTREE.get_booster()):
        TreeExplainer(model, missing=-7.0).shap_values(rows, check_additivity="library")


def test_a_wrapper_is_compared_up_to_its_best_iteration_and_its_booster_with_all():
    noise = Y + random.normal(size=200) * 3
    model = xgboost.XGBRegressor(**{**XGB, "n_estimators": 40, "learning_rate": 1.0}, early_stopping_rounds=3)
    model.fit(X[:150], noise[:150], eval_set=[(X[150:], noise[150:])], verbose=False)
    assert model.best_iteration + 1 < model.get_booster().num_boosted_rounds()
    TreeExplainer(model).shap_values(X, check_additivity="library")
    TreeExplainer(model, missing=-7.0).shap_values(X, check_additivity="library")
    with pytest.warns(ferroshap.FerroshapWarning, match="best_iteration"):
        explainer = TreeExplainer(model.get_booster())
    explainer.shap_values(X, check_additivity="library")


def write(model, path):
    """The model's own file, by whichever method its library has for that."""
    model.save_model(path)
    return path


@pytest.mark.parametrize("form", ["json", "ubj", "txt"])
def test_a_model_file_is_loaded_by_its_library(form, tmp_path, monkeypatch):
    model = LEAVES.booster_ if form == "txt" else WITH_CATEGORIES
    path = write(model, tmp_path / f"model.{form}")
    path = path.rename(tmp_path / "model.of.no.form")  # recognised by content, by the library too
    for source in (path, str(path), path.read_bytes()):
        TreeExplainer(source).shap_values(FRAME, check_additivity="library")
    monkeypatch.chdir(tmp_path)
    explainer = TreeExplainer(path.name)
    monkeypatch.chdir("/")
    explainer.shap_values(FRAME, check_additivity="library")


def test_a_memory_snapshot_is_loaded_by_its_library():
    snapshot = bytes(GBTREE.get_booster().__getstate__()["handle"])
    TreeExplainer(snapshot).shap_values(HOLED, check_additivity="library")


CATBOOST = catboost.CatBoostRegressor(
    iterations=5,
    depth=3,
    one_hot_max_size=10,
    cat_features=["a", "b"],
    verbose=0,
    allow_writing_files=False,
    thread_count=1,
).fit(pd.DataFrame(PLAIN), EFFECT)


@pytest.mark.parametrize(
    "rows", [pd.DataFrame(PLAIN), pl.DataFrame(PLAIN), pd.DataFrame(PLAIN).astype(object).to_numpy()]
)
@pytest.mark.parametrize("iterations", [None, (0, 3), (2, 0)])
def test_catboost_is_asked_for_its_raw_formula(rows, iterations, tmp_path):
    CATBOOST.save_model(tmp_path / "model", format="json", pool=catboost.Pool(pd.DataFrame(PLAIN), EFFECT, ["a", "b"]))
    for source in (CATBOOST, tmp_path / "model", (tmp_path / "model").read_bytes()):
        TreeExplainer(source, iteration_range=iterations).shap_values(rows, check_additivity="library")


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_model_trained_further_since_it_was_read_is_found_out(dtype):
    booster = xgboost.train({"max_depth": 2, "nthread": 1}, xgboost.DMatrix(X, Y), 3)
    explainer = TreeExplainer(booster, dtype=dtype)
    explainer.shap_values(X, check_additivity="library")
    booster.update(xgboost.DMatrix(X, Y), 3)
    with pytest.raises(
        AdditivityError, match=r"row \d+, output 0: .*training library's own, .*trained further.*read it again"
    ):
        explainer.shap_values(X, check_additivity="library")
    explainer.shap_values(X)  # ferroshap's own model has not changed


def test_a_prediction_that_is_off_by_a_little_more_than_roundings_is_found_out(monkeypatch):
    explainer = TreeExplainer(GBTREE)
    own = library_prediction(explainer.model, HOLED, explainer.model.read_rows(HOLED))
    allowed = (1e-12 + (explainer.model.n_trees + 1) * 2.0**-23) * explainer.scale
    for factor, row in ((0.4, 7), (2.5, 199)):
        moved = own.copy()
        moved[row] += factor * allowed
        monkeypatch.setattr("ferroshap.tree.row_calls.library_prediction", lambda *_, moved=moved: moved)
        if factor < 1:
            explainer.shap_values(HOLED, check_additivity="library")
        else:
            with pytest.raises(AdditivityError, match=f"row {row}, output 0"):
                explainer.shap_values(HOLED, check_additivity="library")


def refusal(explainer, rows, error=OptionError):
    with pytest.raises(error, match="no comparison with the library itself") as raised:
        explainer.shap_values(rows, check_additivity="library")
    return str(raised.value)


def test_copies_pickles_and_saved_files_have_no_model_of_the_library(tmp_path):
    explainer = TreeExplainer(GBTREE)
    explainer.model.save(tmp_path / "saved")
    saved = tmp_path / "saved"
    for source in (
        copy.deepcopy(explainer.model),
        pickle.loads(pickle.dumps(explainer.model)),
        saved,
        saved.read_bytes(),
    ):
        assert "Pass the live model" in refusal(TreeExplainer(source), HOLED)
    assert "Pass the live model" in refusal(pickle.loads(pickle.dumps(explainer)), HOLED)


def test_skops_files_and_trusted_pickles_have_no_model_of_the_library(tmp_path):
    skops.io.dump(FOREST, tmp_path / "forest")
    (tmp_path / "booster").write_bytes(pickle.dumps(GBTREE))
    for source, rows in ((tmp_path / "forest", X), (tmp_path / "booster", HOLED)):
        model = ferroshap.load_model(source, trust_pickle=True)
        assert "Pass the live model" in refusal(TreeExplainer(model), rows)


def test_a_pickle_has_the_same_size_with_and_without_the_live_model():
    class Big(xgboost.XGBRegressor):
        ballast = None

    model = Big(**XGB).fit(X, Y)
    small = len(pickle.dumps(TreeExplainer(model)))
    model.ballast = bytes(10**6)
    assert len(pickle.dumps(TreeExplainer(model))) == small


def test_a_model_file_that_is_gone_is_said_to_be(tmp_path):
    explainer = TreeExplainer(write(GBTREE, tmp_path / "model.json"))
    (tmp_path / "model.json").unlink()
    assert "the model file is gone" in refusal(explainer, HOLED)


def test_a_library_that_is_not_installed_is_named(tmp_path, monkeypatch):
    explainer = TreeExplainer(write(GBTREE, tmp_path / "model.json"))
    monkeypatch.setitem(sys.modules, "xgboost", None)
    assert "pip install xgboost" in refusal(explainer, HOLED)


def test_what_the_library_cannot_predict_is_refused_by_name():
    started = ensemble.GradientBoostingRegressor(**SMALL, init=tree.DecisionTreeRegressor(max_depth=1)).fit(X, Y)
    assert "without_init=True" in refusal(TreeExplainer(started, without_init=True), X)
    some = TreeExplainer(CASES["histogram boosting"][0], iteration_range=(1, 3))
    assert "by some of its iterations" in refusal(some, HOLED)


def test_rows_that_only_the_library_refuses_are_refused_with_its_words():
    infinite = np.where(np.arange(200)[:, None] == 3, np.inf, HOLED)
    explainer = TreeExplainer(GBTREE.get_booster())
    explainer.shap_values(infinite)
    with pytest.raises(DataError, match=r"XGBoost does not predict these rows, though ferroshap reads them: .*inf"):
        explainer.shap_values(infinite, check_additivity="library")


def test_the_warnings_of_the_library_are_not_passed_on():
    model, rows = CASES["forest, array for a frame"]
    with pytest.warns(UserWarning, match="feature names"):
        model.predict(rows)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        TreeExplainer(model).shap_values(rows, check_additivity="library")
