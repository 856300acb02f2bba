"""What `model_output` means for a model: each kind of link, and every refusal by name."""

import lightgbm
import numpy as np
import pytest
import xgboost
from ferroshap import OptionError, Tree, UnsupportedModelError, build_ensemble, load_model
from ferroshap.tree.model_output import ModelOutput, output_of
from sklearn.ensemble import (
    AdaBoostClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
)
from sklearn.tree import DecisionTreeClassifier

random = np.random.default_rng(62)
X = random.normal(size=(120, 3))
Y = X[:, 0] + 0.1 * random.normal(size=120)
TWO, THREE, POSITIVE = (Y > 0).astype(int), np.digitize(Y, [-0.5, 0.5]), np.exp(Y)
PAIR = np.column_stack([Y, -Y])
SMALL = {"n_estimators": 3, "random_state": 0}


def boosted(target, objective, **params):
    params = {"objective": objective, "verbose": -1, "num_threads": 1, **params}
    return lightgbm.train(params, lightgbm.Dataset(X, target), 3)


def xgb(target, objective, **params):
    return xgboost.train({"objective": objective, "nthread": 1, **params}, xgboost.DMatrix(X, target), 3)


def stump(**options):
    tree = Tree(left=[1, -1, -1], right=[2, -1, -1], feature=[0, 0, 0], threshold=[0.5, 0, 0], value=[0, 0.25, 0.75])
    return build_ensemble([tree], n_features=3, **options)


def samme():
    model = AdaBoostClassifier(DecisionTreeClassifier(max_depth=1), **SMALL)
    if "algorithm" in model.get_params():  # scikit-learn before 1.8
        model.set_params(algorithm="SAMME")
    return model.fit(X, THREE)


RAW = "raw"
PROBABILITY = ModelOutput("logistic", 1.0, "probability")
LOSS = ModelOutput("logistic log-loss", 1.0, "log-loss")
SOFTMAX = ModelOutput("softmax", 1.0, "probability")
SOFTMAX_LOSS = ModelOutput("softmax log-loss", 1.0, "log-loss")
EXPONENTIAL = ModelOutput("exponential", 1.0, "prediction")
SQUARED = ModelOutput("squared error", 1.0, "squared error")
NO_PROBABILITY, LOGARITHMIC, A_TARGET_EACH = "predicts no probability", "logarithmic link", "outputs have a target each"
NOT_THE_TARGET, INFINITE = "none of the target itself", "log-loss of a probability of 0 is infinite"

# The model; its unit; what "probability", "predict" and "log_loss" mean for it: an output, RAW for the same, or why none.
MODELS = {
    "xgboost two": (lambda: xgb(TWO, "binary:logistic"), "margin", PROBABILITY, PROBABILITY, LOSS),
    "xgboost labels": (lambda: xgb(np.column_stack([TWO, 1 - TWO]), "binary:logistic"), "margin", PROBABILITY, PROBABILITY, A_TARGET_EACH),
    "xgboost three": (lambda: xgb(THREE, "multi:softprob", num_class=3), "margin", SOFTMAX, SOFTMAX, SOFTMAX_LOSS),
    "xgboost regression": (lambda: xgb(Y, "reg:squarederror"), "margin", NO_PROBABILITY, RAW, SQUARED),
    "xgboost targets": (lambda: xgb(PAIR, "reg:squarederror"), "margin", NO_PROBABILITY, RAW, A_TARGET_EACH),
    "xgboost margin of two": (lambda: xgb(TWO, "binary:logitraw"), "margin", NO_PROBABILITY, RAW, NOT_THE_TARGET),
    "xgboost quantile": (lambda: xgb(Y, "reg:quantileerror", quantile_alpha=0.2), "margin", NO_PROBABILITY, RAW, NOT_THE_TARGET),
    "xgboost gamma": (lambda: xgb(POSITIVE, "reg:gamma"), "margin", NO_PROBABILITY, EXPONENTIAL, LOGARITHMIC),
    "lightgbm scaled": (
        lambda: boosted(TWO, "binary", sigmoid=0.5), "margin", ModelOutput("logistic", 0.5, "probability"),
        ModelOutput("logistic", 0.5, "probability"), ModelOutput("logistic log-loss", 0.5, "log-loss"),
    ),
    "lightgbm one versus all": (lambda: boosted(THREE, "multiclassova", num_class=3), "margin", PROBABILITY, PROBABILITY, A_TARGET_EACH),
    "lightgbm forest": (
        lambda: boosted(Y, "regression", boosting="rf", bagging_freq=1, bagging_fraction=0.6), "mean of trees", NO_PROBABILITY,
        RAW, SQUARED,
    ),
    "forest of classes": (lambda: RandomForestClassifier(**SMALL).fit(X, TWO), "probability", RAW, RAW, INFINITE),
    "forest": (lambda: ExtraTreesRegressor(**SMALL).fit(X, Y), "target", NO_PROBABILITY, RAW, SQUARED),
    "gradient": (lambda: GradientBoostingRegressor(**SMALL).fit(X, Y), "target", NO_PROBABILITY, RAW, SQUARED),
    "exponential loss": (
        lambda: GradientBoostingClassifier(**SMALL, loss="exponential").fit(X, TWO), "margin",
        ModelOutput("logistic", 2.0, "probability"), ModelOutput("logistic", 2.0, "probability"),
        ModelOutput("logistic log-loss", 2.0, "log-loss"),
    ),
    "log-odds": (lambda: GradientBoostingClassifier(**SMALL).fit(X, THREE), "log-odds", SOFTMAX, SOFTMAX, SOFTMAX_LOSS),
    "poisson": (lambda: HistGradientBoostingRegressor(max_iter=3, loss="poisson").fit(X, POSITIVE), "margin", NO_PROBABILITY, EXPONENTIAL, LOGARITHMIC),
    "AdaBoost of three": (
        samme, "margin",
        ModelOutput("softmax", 0.5, "probability"), ModelOutput("softmax", 0.5, "probability"),
        ModelOutput("softmax log-loss", 0.5, "log-loss"),
    ),
    "custom target": (lambda: stump(output_space="target", link="identity"), "target", NO_PROBABILITY, RAW, SQUARED),
    "custom probability": (lambda: stump(output_space="probability"), "probability", RAW, "without link=", "without link="),
}  # fmt: skip
UNKNOWN = {
    "xgboost hinge": (lambda: xgb(TWO, "binary:hinge"), "objective binary:hinge\\): its prediction is not known"),
    "reg_sqrt": (lambda: boosted(POSITIVE, "regression", reg_sqrt=True), "objective regression sqrt.*reg_sqrt=True"),
    "cross_entropy_lambda": (lambda: boosted(TWO, "cross_entropy_lambda"), "objective cross_entropy_lambda"),
    "isolation": (lambda: IsolationForest(**SMALL).fit(X), "IsolationForest .*scores a row by"),
    "custom": (stump, "custom ensemble.*built without link=; pass one of 'identity'"),
}


@pytest.mark.parametrize("name", MODELS)
def test_each_option_is_a_function_of_the_raw_output_or_refused_by_name(name):
    source, unit, *expected = MODELS[name]
    model = load_model(source())
    raw = ModelOutput("identity", 1.0, unit)
    assert output_of(model, "raw") == raw
    outputs = {
        option: raw if want == RAW else want
        for option, want in zip(("probability", "predict", "log_loss"), expected, strict=True)
    }
    for option, want in outputs.items():
        if isinstance(want, ModelOutput):
            assert output_of(model, option) == want
            continue
        with pytest.raises(UnsupportedModelError, match=want) as caught:
            output_of(model, option)
        assert model.source in str(caught.value)
        assert (model.objective or "") in str(caught.value)
        named = str(caught.value).partition("what can be explained is ")[2]
        for other, found in {"raw": raw, **outputs}.items():
            assert (repr(other) in named) == isinstance(found, ModelOutput)


@pytest.mark.parametrize("name", UNKNOWN)
@pytest.mark.parametrize("option", ["probability", "predict", "log_loss"])
def test_an_unknown_link_has_the_raw_output_only(name, option):
    source, says = UNKNOWN[name]
    model = load_model(source())
    with pytest.raises(
        UnsupportedModelError,
        match=f"model_output='{option}' is not for this model .*{says}.*; what can be explained is 'raw'$",
    ):
        output_of(model, option)
    assert output_of(model, "raw") == ModelOutput("identity", 1.0, model.output_space)


@pytest.mark.parametrize(
    "option", ["predict_proba", "logloss", "margin", "", None, 1, np.exp, ["raw"], RandomForestClassifier().predict]
)
def test_other_options_are_refused_with_those_that_there_are(option):
    model = load_model(xgb(Y, "reg:squarederror"))
    with pytest.raises(
        OptionError, match=r"model_output is .*; expected 'raw' .*, 'probability', 'predict' .* or 'log_loss'"
    ):
        output_of(model, option)
