"""Mixtures of rows that tree models predict without their being written, against predictions of the rows written out: bit for bit."""

import catboost
import ferroshap
import lightgbm
import numpy as np
import pandas as pd
import pytest
import xgboost
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier, RandomForestRegressor

N, BACKGROUND = 160, 12


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(3)
    X = rng.normal(size=(N, 9))
    holed = np.where(rng.random(X.shape) < 0.15, np.nan, X)
    holed[:, 4] = rng.integers(-1, 3, N)  # zeros among them
    codes = rng.integers(0, 12, N)
    frame = pd.DataFrame(X, columns=list("abcdefghi")).assign(c=pd.Categorical(codes), e=np.abs(holed[:, 4]))
    answer = X[:, 0] * X[:, 1] + np.sin(codes) + X[:, 5] * (X[:, 6] > 0)
    return {
        "numbers": X,
        "holed": holed,
        "frame": frame,
        "one": answer,
        "two": answer > 0,
        "three": np.digitize(answer, [-0.6, 0.6]),
    }


LGB = {"n_estimators": 9, "num_leaves": 9, "min_child_samples": 3, "n_jobs": 1, "verbose": -1}
XGB = {"n_estimators": 9, "max_depth": 4, "n_jobs": 1}
CAT = {"iterations": 9, "depth": 4, "thread_count": 1, "verbose": 0, "allow_writing_files": False, "random_seed": 0}
MODELS = {
    "xgboost": (lambda: xgboost.XGBClassifier(**XGB), "numbers", "two"),
    "xgboost, missing": (lambda: xgboost.XGBClassifier(**XGB, missing=-1.0), "holed", "two"),
    "xgboost, categories": (lambda: xgboost.XGBRegressor(**XGB, enable_categorical=True), "frame", "one"),
    "xgboost, classes": (lambda: xgboost.XGBClassifier(**XGB), "numbers", "three"),
    "xgboost, vector leaves": (
        lambda: xgboost.XGBClassifier(**XGB, multi_strategy="multi_output_tree", tree_method="hist"),
        "numbers",
        "three",
    ),
    "lightgbm": (lambda: lightgbm.LGBMClassifier(**LGB), "holed", "two"),
    "lightgbm, zeros": (lambda: lightgbm.LGBMClassifier(**LGB, zero_as_missing=True), "holed", "three"),
    "lightgbm, categories": (lambda: lightgbm.LGBMRegressor(**LGB), "frame", "one"),
    "lightgbm, forest": (
        lambda: lightgbm.LGBMClassifier(**LGB, boosting_type="rf", bagging_freq=1, bagging_fraction=0.7),
        "numbers",
        "two",
    ),
    "lightgbm, linear leaves": (lambda: lightgbm.LGBMRegressor(**LGB, linear_tree=True), "numbers", "one"),
    "catboost": (lambda: catboost.CatBoostClassifier(**CAT), "holed", "two"),
    "catboost, lossguide": (
        lambda: catboost.CatBoostClassifier(**CAT, grow_policy="Lossguide"),
        "numbers",
        "three",
    ),
    "forest": (lambda: RandomForestRegressor(9, min_samples_leaf=2, random_state=0), "numbers", "one"),
    "extra trees": (lambda: ExtraTreesClassifier(9, random_state=0), "numbers", "three"),
    "histograms": (lambda: HistGradientBoostingClassifier(max_iter=9, categorical_features=[2]), "frame", "two"),
}


@pytest.mark.filterwarnings("ignore::ferroshap.FerroshapWarning")  # of few samples
@pytest.mark.parametrize("name", MODELS)
def test_values_have_the_bits_of_those_from_rows_written_out(data, name):
    make, kind, target = MODELS[name]
    X = data[kind]
    fitted = make().fit(X, data[target])
    ensemble = ferroshap.load_model(fitted)
    numbers = np.asarray(ensemble.read_rows(X).values)
    is_probability = ensemble.link.kind in {"logistic", "softmax"}
    outputs = ["raw", "probability"] if is_probability or ensemble.output_space == "probability" else ["raw"]
    columns = numbers.shape[1]
    for output in outputs:
        turn = ensemble.link.prediction if output == "probability" and is_probability else np.asarray

        def written(rows, turn=turn):
            answers = turn(ensemble.predict_rows(rows, exact=True, threads=1))
            return answers[:, 0] if ensemble.n_outputs == 1 else answers

        for options in (
            {"groups": [[0, 2], [5, 3, 4]]},
            {"groups": [[at] for at in range(columns)], "nsamples": 70},
            {"groups": [[columns - 1, 0]], "nsamples": 100, "design": "shared"},
            {"groups": [[1, 2]], "nsamples": 50, "max_evals": None, "tol": 0.05},
        ):
            native = ferroshap.KernelExplainer(
                fitted, X[:BACKGROUND], model_output=output, weights=np.arange(1.0, 1 + BACKGROUND), **options
            )
            called = ferroshap.KernelExplainer(
                written, numbers[:BACKGROUND], weights=np.arange(1.0, 1 + BACKGROUND), **options
            )
            found, right = native(X[BACKGROUND : BACKGROUND + 5]), called(numbers[BACKGROUND : BACKGROUND + 5])
            np.testing.assert_array_equal(found.values, right.values)
            np.testing.assert_array_equal(found.details.n_evals, right.details.n_evals)
            np.testing.assert_array_equal(found.details.standard_errors, right.details.standard_errors)


def test_threads_batches_and_subsets_of_rows_do_not_matter(data):
    X = data["numbers"]
    model = xgboost.XGBClassifier(**XGB).fit(X, data["two"])
    for options in ({}, {"link": "logit"}, {"nsamples": 90}, {"design": "shared", "nsamples": 90}):

        def values(rows, options=options, **more):
            explainer = ferroshap.KernelExplainer(model, X[:9], model_output="probability", **options, **more)
            return explainer.shap_values(rows)

        whole = values(X[20:32])
        for more in (
            {"threads": 1},
            {"threads": 3},
            {"batch_rows": 2},
            {"batch_rows": 300, "threads": 2},
        ):
            np.testing.assert_array_equal(values(X[20:32], **more), whole)
        np.testing.assert_array_equal(values(X[25]), whole[5])


def test_exact_probabilities_are_those_of_the_definition(data):
    """All coalitions, over rows written here."""
    X = data["numbers"][:, :6]
    ensemble = ferroshap.load_model(xgboost.XGBClassifier(**XGB).fit(X, data["two"]))
    explainer = ferroshap.KernelExplainer(ensemble, X[:7], model_output="probability")
    explanation = explainer(X[30:33])
    assert explanation.details.exact.all()
    for row, found in zip(X[30:33], explanation.values, strict=True):

        def game(members, row=row):
            rows = np.where(np.repeat(members, 7, axis=0), row, np.tile(X[:7], (len(members), 1)))
            margins = ensemble.predict(rows, dtype="float64")
            return (1 / (1 + np.exp(-margins))).reshape(-1, 7).mean(axis=1)

        np.testing.assert_allclose(ferroshap.kernel_shap(game, 6).values, found, rtol=0, atol=1e-12)
