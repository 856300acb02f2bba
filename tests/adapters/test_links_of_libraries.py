"""`TreeEnsemble.link` turns the raw output into what each library itself predicts, for every objective, or says why not."""

import copy
import pickle

import catboost
import lightgbm
import numpy as np
import pytest
import xgboost
from ferroshap import UnsupportedModelError, load_model
from sklearn import ensemble, linear_model, model_selection, multioutput, pipeline, preprocessing, tree
from sklearn.tree import DecisionTreeClassifier

random = np.random.default_rng(61)
N = 160
X = random.normal(size=(N, 4))
Y = X[:, 0] + 0.5 * X[:, 1] * X[:, 2] + 0.1 * random.normal(size=N)
POSITIVE = np.exp(Y / 2)
COUNTS = np.round(POSITIVE)
TWO = (Y > 0).astype(int)
THREE = np.digitize(Y, [-0.5, 0.5])
LABELS = np.column_stack([Y > 0, X[:, 1] > 0.3]).astype(int)
PAIR = np.column_stack([Y, POSITIVE])
SHARE = 1 / (1 + np.exp(-Y))
RANKS = np.full(N // 10, 10)
FLOAT32, FLOAT64 = 1e-6, 1e-12


def compared(source, predicted, kind, rtol, *, scale=1.0, target=False):
    """The link of a model has these fields, and its prediction is the library's."""
    model = load_model(source)
    link = model.link
    assert (link.kind, link.scale, link.reason, link.predicts_target) == (kind, scale, None, target)
    predicted = np.asarray(predicted)
    if predicted.ndim == 2 and predicted.shape[1] == 2 and model.n_outputs == 1:
        predicted = predicted[:, 1]  # of two classes the positive one
    raw = model.predict(X, dtype="float64")
    found = link.prediction(raw.reshape(N, model.n_outputs))
    assert found.dtype == np.float64
    np.testing.assert_allclose(
        found, predicted.reshape(N, model.n_outputs), rtol=rtol, atol=rtol if kind == "identity" else 0
    )
    assert link.prediction(raw).shape == raw.shape
    return model


def refused(source, says):
    link = load_model(source).link
    assert link.kind is None
    assert says in link.reason
    with pytest.raises(UnsupportedModelError, match=r"the prediction is not known from the raw output: "):
        link.prediction(np.zeros((2, 1)))


def xgboost_model(target, objective, group=None, **params):
    data = xgboost.DMatrix(X, target)
    if group is not None:
        data.set_group(group)
    if objective == "survival:aft":
        data.set_float_info("label_lower_bound", target)
        data.set_float_info("label_upper_bound", 2 * target)
    return xgboost.train({"objective": objective, "max_depth": 3, "nthread": 1, **params}, data, 8)


XGBOOST = [
    ("reg:squarederror", Y, "identity", True),
    ("reg:squaredlogerror", POSITIVE, "identity", True),
    ("reg:pseudohubererror", Y, "identity", True),
    ("reg:absoluteerror", Y, "identity", True),
    ("binary:logistic", TWO, "logistic", False),
    ("binary:logistic", LABELS, "logistic", False),
    ("reg:logistic", SHARE, "logistic", False),
    ("binary:logitraw", TWO, "identity", False),
    ("count:poisson", COUNTS, "exponential", False),
    ("reg:gamma", POSITIVE, "exponential", False),
    ("reg:gamma", np.column_stack([POSITIVE, POSITIVE**2]), "exponential", False),
    ("reg:tweedie", POSITIVE, "exponential", False),
    ("survival:cox", POSITIVE, "exponential", False),
    ("survival:aft", POSITIVE, "exponential", False),
    ("rank:ndcg", TWO, "identity", False),
    ("rank:map", TWO, "identity", False),
    ("rank:pairwise", TWO, "identity", False),
    ("reg:squarederror", PAIR, "identity", True),
]


@pytest.mark.parametrize(
    ("objective", "target", "kind", "of_target"), XGBOOST, ids=lambda v: v if isinstance(v, str) else ""
)
def test_xgboost(objective, target, kind, of_target):
    model = xgboost_model(target, objective, RANKS if objective.startswith("rank") else None)
    compared(model, model.predict(xgboost.DMatrix(X)), kind, FLOAT32, target=of_target)


def test_xgboost_classes():
    softprob = xgboost_model(THREE, "multi:softprob", num_class=3)
    predicted = softprob.predict(xgboost.DMatrix(X))
    compared(softprob, predicted, "softmax", FLOAT32)
    softmax = xgboost_model(THREE, "multi:softmax", num_class=3)  # whose predict gives the class
    model = compared(softmax, predicted, "softmax", FLOAT32)
    found = model.link.prediction(model.predict(X, dtype="float64")).argmax(axis=1)
    assert (found == softmax.predict(xgboost.DMatrix(X))).all()


def test_xgboost_wrappers_and_quantiles():
    small = {"n_estimators": 8, "max_depth": 3, "n_jobs": 1}
    two, three = (xgboost.XGBClassifier(**small).fit(X, target) for target in (TWO, THREE))
    compared(two, two.predict_proba(X), "logistic", FLOAT32)
    compared(three, three.predict_proba(X), "softmax", FLOAT32)
    forest = xgboost.XGBRFClassifier(**small).fit(X, TWO)
    compared(forest, forest.predict_proba(X), "logistic", FLOAT32)
    dart = xgboost.XGBRegressor(**small, booster="dart", rate_drop=0.3, objective="reg:tweedie").fit(X, POSITIVE)
    compared(dart, dart.predict(X), "exponential", FLOAT32)
    one = xgboost_model(Y, "reg:quantileerror", quantile_alpha=0.3)
    compared(one, one.predict(xgboost.DMatrix(X)), "identity", FLOAT32)
    refused(xgboost_model(Y, "reg:quantileerror", quantile_alpha=[0.1, 0.5]), "sort the quantiles of a row")


def test_xgboost_custom_objectives_have_the_link_of_the_one_they_replace():
    def squared(margins, data):
        return margins - data.get_label(), np.ones(N)

    for objective, target, kind in (("reg:squarederror", Y, "identity"), ("binary:logistic", TWO, "logistic")):
        data = xgboost.DMatrix(X, target)
        model = xgboost.train({"objective": objective, "max_depth": 3, "nthread": 1}, data, 5, obj=squared)
        compared(model, model.predict(data), kind, FLOAT32, target=kind == "identity")


def test_xgboost_refusals():
    refused(xgboost_model(TWO, "binary:hinge"), "binary:hinge")
    raw = bytes(xgboost_model(Y, "reg:squarederror").save_raw("json"))
    refused(raw.replace(b'"reg:squarederror"', b'"reg:of-tomorrow"'), "XGBoost's objective 'reg:of-tomorrow'")


def lightgbm_model(target, group=None, **params):
    data = lightgbm.Dataset(X, target, group=group)
    return lightgbm.train({"num_leaves": 6, "min_data_in_leaf": 5, "verbose": -1, "num_threads": 1, **params}, data, 8)


FOREST = {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.7}
LIGHTGBM = [
    ({"objective": "regression"}, Y, "identity", 1.0, True),
    ({"objective": "regression_l1"}, Y, "identity", 1.0, True),
    ({"objective": "huber"}, Y, "identity", 1.0, True),
    ({"objective": "huber", "reg_sqrt": True}, Y, "identity", 1.0, True),  # which huber ignores
    ({"objective": "fair"}, Y, "identity", 1.0, True),
    ({"objective": "mape"}, POSITIVE, "identity", 1.0, True),
    ({"objective": "quantile", "alpha": 0.8}, Y, "identity", 1.0, False),
    ({"objective": "poisson"}, COUNTS, "exponential", 1.0, False),
    ({"objective": "gamma"}, POSITIVE, "exponential", 1.0, False),
    ({"objective": "tweedie"}, POSITIVE, "exponential", 1.0, False),
    ({"objective": "binary"}, TWO, "logistic", 1.0, False),
    ({"objective": "binary", "sigmoid": 0.7}, TWO, "logistic", 0.7, False),
    ({"objective": "cross_entropy", "sigmoid": 0.7}, SHARE, "logistic", 1.0, False),
    ({"objective": "multiclass", "num_class": 3}, THREE, "softmax", 1.0, False),
    ({"objective": "multiclassova", "num_class": 3}, THREE, "logistic", 1.0, False),
    ({"objective": "multiclassova", "num_class": 3, "sigmoid": 2.5}, THREE, "logistic", 2.5, False),
    ({"objective": "regression", **FOREST}, Y, "identity", 1.0, True),
    ({"objective": "binary", "sigmoid": 0.5, **FOREST}, TWO, "logistic", 0.5, False),
    ({"objective": "multiclass", "num_class": 3, **FOREST}, THREE, "softmax", 1.0, False),
    ({"objective": "poisson", **FOREST}, COUNTS, "exponential", 1.0, False),
    ({"objective": "lambdarank"}, TWO, "identity", 1.0, False),
    ({"objective": "rank_xendcg"}, TWO, "identity", 1.0, False),
]


@pytest.mark.parametrize(
    ("params", "target", "kind", "scale", "of_target"),
    LIGHTGBM,
    ids=[" ".join(map(str, case[0].values())) for case in LIGHTGBM],
)
def test_lightgbm(params, target, kind, scale, of_target):
    model = lightgbm_model(target, RANKS if "rank" in params["objective"] else None, **params)
    compared(model, model.predict(X), kind, FLOAT64, scale=scale, target=of_target)
    text = model.model_to_string()
    compared(text.encode(), lightgbm.Booster(model_str=text).predict(X), kind, FLOAT64, scale=scale, target=of_target)


def test_lightgbm_one_versus_all_is_not_made_to_sum_to_one():
    model = load_model(lightgbm_model(THREE, objective="multiclassova", num_class=3))
    total = model.link.prediction(model.predict(X, dtype="float64")).sum(axis=1)
    assert np.abs(total - 1).max() > 0.01


def test_lightgbm_wrappers_and_own_objectives():
    small = {"n_estimators": 8, "num_leaves": 6, "min_child_samples": 5, "n_jobs": 1, "verbose": -1}
    two = lightgbm.LGBMClassifier(**small, sigmoid=1.5).fit(X, TWO)
    compared(two, two.predict_proba(X), "logistic", FLOAT64, scale=1.5)
    three = lightgbm.LGBMClassifier(**small).fit(X, THREE)
    compared(three, three.predict_proba(X), "softmax", FLOAT64)
    own = lightgbm.LGBMRegressor(**small, objective=lambda y, z: (z - y, np.ones(N))).fit(X, Y)
    compared(own, own.predict(X), "identity", FLOAT64)


def test_lightgbm_refusals():
    for objective in ("regression", "regression_l1", "quantile"):
        refused(lightgbm_model(POSITIVE, objective=objective, reg_sqrt=True), "reg_sqrt=True")
    refused(lightgbm_model(SHARE, objective="cross_entropy_lambda"), "cross_entropy_lambda")
    text = lightgbm_model(TWO, objective="binary").model_to_string()
    for line in ("binary", "binary sigmoid:", "binary sigmoid:-1", "binary sigmoid:x", "binary sigmoid:inf"):
        refused(text.replace("objective=binary sigmoid:1\n", f"objective={line}\n").encode(), "no sigmoid above 0")
    refused(text.replace("objective=binary ", "objective=of_tomorrow ").encode(), "objective 'of_tomorrow'")


CATBOOST = [
    ("Regressor", "RMSE", Y, "identity", True),
    ("Regressor", "MAE", Y, "identity", True),
    ("Regressor", "MAPE", POSITIVE, "identity", True),
    ("Regressor", "Huber:delta=1", Y, "identity", True),
    ("Regressor", "LogCosh", Y, "identity", True),
    ("Regressor", "Lq:q=3", Y, "identity", True),
    ("Regressor", "MultiRMSE", PAIR, "identity", True),
    ("Regressor", "MultiRMSEWithMissingValues", PAIR, "identity", True),
    ("Regressor", "Quantile:alpha=0.7", Y, "identity", False),
    ("Regressor", "MultiQuantile:alpha=0.1,0.5,0.9", Y, "identity", False),
    ("Regressor", "Expectile:alpha=0.3", Y, "identity", False),
    ("Regressor", "LogLinQuantile", POSITIVE, "identity", False),
    ("Regressor", "Cox", Y, "identity", False),
    ("Regressor", "SurvivalAft:dist=Normal;scale=1", np.column_stack([POSITIVE, POSITIVE]), "identity", False),
    ("Regressor", "Poisson", COUNTS, "exponential", False),
    ("Regressor", "Tweedie:variance_power=1.5", POSITIVE, "exponential", False),
    ("Classifier", "Logloss", TWO, "logistic", False),
    ("Classifier", "CrossEntropy", SHARE, "logistic", False),
    ("Classifier", "Focal:focal_alpha=0.3;focal_gamma=2", TWO, "logistic", False),
    ("Classifier", "MultiClass", THREE, "softmax", False),
    ("Classifier", "MultiClass", TWO, "softmax", False),
    ("Classifier", "MultiClassOneVsAll", THREE, "logistic", False),
    ("Classifier", "MultiLogloss", LABELS, "logistic", False),
    ("Classifier", "MultiCrossEntropy", np.column_stack([SHARE, SHARE**2]), "logistic", False),
    ("Ranker", "YetiRank", TWO, "identity", False),
    ("Ranker", "YetiRankPairwise", TWO, "identity", False),
    ("Ranker", "QueryRMSE", TWO, "identity", False),
    ("Ranker", "QuerySoftMax", TWO, "identity", False),
    ("Ranker", "GroupQuantile", TWO, "identity", False),
    ("Ranker", "PairLogit", TWO, "identity", False),
    ("Ranker", "PairLogitPairwise", TWO, "identity", False),
    ("Ranker", "StochasticFilter", TWO, "identity", False),
    ("Ranker", "StochasticRank:metric=NDCG", TWO, "identity", False),
    ("Ranker", "LambdaMart:metric=NDCG", TWO, "identity", False),
]
CAT = {"iterations": 8, "depth": 3, "verbose": 0, "allow_writing_files": False, "thread_count": 1, "random_seed": 0}


def catboost_model(kind, loss, target):
    groups = {"group_id": np.repeat(np.arange(N // 10), 10)} if kind == "Ranker" else {}
    return getattr(catboost, f"CatBoost{kind}")(loss_function=loss, **CAT).fit(X, target, **groups)


@pytest.mark.parametrize(
    ("kind", "loss", "target", "link", "of_target"), CATBOOST, ids=[case[1].partition(":")[0] for case in CATBOOST]
)
def test_catboost(kind, loss, target, link, of_target):
    model = catboost_model(kind, loss, target)
    predicted = model.predict_proba(X) if kind == "Classifier" else model.predict(X)
    compared(model, predicted, link, FLOAT64, target=of_target)


class Squared:
    """A loss function of one's own, of which CatBoost keeps no name."""

    def calc_ders_range(self, raw, targets, _weights):
        return [(target - value, -1.0) for value, target in zip(raw, targets)]  # noqa: B905 - numba compiles this


def test_catboost_refusals(tmp_path):
    own = catboost.CatBoostRegressor(loss_function=Squared(), eval_metric="RMSE", **CAT).fit(X, Y)
    refused(own, "a loss function of its own")
    refused(catboost_model("Regressor", "RMSEWithUncertainty", Y), "RMSEWithUncertainty")
    path = tmp_path / "model.json"
    catboost_model("Regressor", "RMSE", Y).save_model(str(path), format="json")
    refused(path.read_bytes().replace(b'"type":"RMSE"', b'"type":"Later"'), "CatBoost's loss function 'Later'")
    refused(path.read_bytes().replace(b'"loss_function"', b'"loss_faction"'), "does not name its loss function")


SMALL = {"n_estimators": 6, "random_state": 0}
HIST = {"max_iter": 6, "min_samples_leaf": 5, "random_state": 0}
FORESTS = [
    tree.DecisionTreeRegressor(max_depth=4),
    tree.DecisionTreeRegressor(max_depth=4, criterion="absolute_error"),
    tree.ExtraTreeClassifier(max_depth=4),
    ensemble.RandomForestRegressor(**SMALL),
    ensemble.RandomForestClassifier(**SMALL),
    ensemble.ExtraTreesClassifier(**SMALL),
    ensemble.BaggingRegressor(**SMALL),
    ensemble.BaggingClassifier(**SMALL, max_features=0.6),
    ensemble.VotingRegressor([("a", tree.DecisionTreeRegressor(max_depth=3)), ("b", ensemble.RandomForestRegressor(**SMALL))]),
    ensemble.VotingClassifier([("a", tree.DecisionTreeClassifier(max_depth=3)), ("b", ensemble.RandomForestClassifier(**SMALL))], voting="soft"),
]  # fmt: skip
BOOSTED = [
    *((ensemble.GradientBoostingRegressor(**SMALL, loss=loss), Y, "identity", 1.0, loss != "quantile") for loss in ("squared_error", "absolute_error", "huber", "quantile")),
    *((ensemble.HistGradientBoostingRegressor(**HIST, loss=loss), Y, "identity", 1.0, True) for loss in ("squared_error", "absolute_error")),
    (ensemble.HistGradientBoostingRegressor(**HIST, loss="quantile", quantile=0.2), Y, "identity", 1.0, False),
    (ensemble.HistGradientBoostingRegressor(**HIST, loss="poisson"), COUNTS, "exponential", 1.0, False),
    (ensemble.HistGradientBoostingRegressor(**HIST, loss="gamma"), POSITIVE, "exponential", 1.0, False),
    *((ensemble.GradientBoostingClassifier(**SMALL), target, kind, 1.0, False) for target, kind in ((TWO, "logistic"), (THREE, "softmax"))),
    (ensemble.GradientBoostingClassifier(**SMALL, loss="exponential"), TWO, "logistic", 2.0, False),
    *((ensemble.HistGradientBoostingClassifier(**HIST), target, kind, 1.0, False) for target, kind in ((TWO, "logistic"), (THREE, "softmax"))),
    (ensemble.AdaBoostClassifier(DecisionTreeClassifier(max_depth=2), **SMALL), TWO, "logistic", 1.0, False),
    (ensemble.AdaBoostClassifier(DecisionTreeClassifier(max_depth=2), **SMALL), THREE, "softmax", 0.5, False),
]  # fmt: skip


def predicted_by(model):
    return model.predict_proba(X) if hasattr(model, "predict_proba") else model.predict(X)


@pytest.mark.parametrize("model", FORESTS, ids=lambda model: type(model).__name__)
def test_trees_and_forests_of_scikit_learn_predict_what_they_add_up_to(model):
    regresses = hasattr(model, "score") and type(model).__name__.endswith("Regressor")
    model.fit(X, Y if regresses else THREE)
    compared(model, predicted_by(model), "identity", FLOAT64, target=regresses)


@pytest.mark.parametrize(
    ("model", "target", "kind", "scale", "of_target"),
    BOOSTED,
    ids=[f"{type(case[0]).__name__} {getattr(case[0], 'loss', 'SAMME')} {case[2]}" for case in BOOSTED],
)
def test_boosted_trees_of_scikit_learn(model, target, kind, scale, of_target):
    if isinstance(model, ensemble.AdaBoostClassifier) and "algorithm" in model.get_params():
        model.set_params(algorithm="SAMME")
    model.fit(X, target)
    compared(model, predicted_by(model), kind, FLOAT64, scale=scale, target=of_target)


def test_pipelines_and_searches_have_the_link_of_the_model_inside():
    inner = ensemble.HistGradientBoostingRegressor(**HIST, loss="gamma")
    behind = pipeline.make_pipeline(preprocessing.StandardScaler(), inner).fit(X, POSITIVE)
    found = compared(behind, behind.predict(X), "exponential", FLOAT64)
    assert pickle.loads(pickle.dumps(found)).link == found.link
    search = model_selection.GridSearchCV(ensemble.GradientBoostingClassifier(**SMALL), {"max_depth": [2]}, cv=2).fit(
        X, TWO
    )
    compared(search, search.predict_proba(X), "logistic", FLOAT64)


def test_a_model_a_target():
    forests = multioutput.MultiOutputRegressor(ensemble.RandomForestRegressor(**SMALL)).fit(X, PAIR)
    compared(forests, forests.predict(X), "identity", FLOAT64, target=True)
    gammas = multioutput.MultiOutputRegressor(ensemble.HistGradientBoostingRegressor(**HIST, loss="gamma")).fit(
        X, np.exp(PAIR / 3)
    )
    compared(gammas, gammas.predict(X), "exponential", FLOAT64)
    labels = multioutput.MultiOutputClassifier(ensemble.GradientBoostingClassifier(**SMALL)).fit(X, LABELS)
    compared(labels, np.column_stack([two[:, 1] for two in labels.predict_proba(X)]), "logistic", FLOAT64)
    classes = np.column_stack([THREE, THREE[::-1]])
    refused(
        multioutput.MultiOutputClassifier(ensemble.GradientBoostingClassifier(**SMALL)).fit(X, classes),
        "classes of its own",
    )
    mixed = multioutput.MultiOutputClassifier(ensemble.GradientBoostingClassifier(**SMALL)).fit(
        X, np.column_stack([TWO, THREE])
    )
    refused(mixed, "in different ways")


def test_scikit_learn_refusals():
    refused(ensemble.IsolationForest(**SMALL).fit(X), "IsolationForest scores a row")
    started = ensemble.GradientBoostingRegressor(**SMALL, init=linear_model.LinearRegression()).fit(X, Y)
    refused(load_model(started, without_init=True), "without_init=True")
    other = ensemble.HistGradientBoostingRegressor(**HIST).fit(X, Y)
    other.loss = other._loss  # a loss object, which the class takes too
    refused(other, f"scikit-learn's loss a {type(other.loss).__name__}")


@pytest.mark.parametrize("objective", ["binary", "poisson", "quantile", "cross_entropy_lambda"])
def test_the_link_is_saved_pickled_and_copied(objective, tmp_path):
    trained = lightgbm_model(
        {"binary": TWO, "poisson": COUNTS}.get(objective, SHARE), objective=objective, sigmoid=0.37
    )
    model = load_model(trained)
    model.save(tmp_path / "model")
    for again in (
        load_model(tmp_path / "model"),
        pickle.loads(pickle.dumps(model)),
        copy.deepcopy(model),
        model.alone(),
    ):
        assert again.link == model.link
