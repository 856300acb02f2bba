"""Some iterations of a model predict what the library predicts from them, and an early-stopping result is used or named."""

import warnings
from functools import cache

import lightgbm as lgb
import numpy as np
import pytest
import xgboost as xgb
from ferroshap import FerroshapWarning, TreeExplainer, load_model, supports
from ferroshap.errors import OptionError

rng = np.random.default_rng(31)
X = rng.normal(size=(240, 5))
X[rng.random(X.shape) < 0.1] = np.nan
y = np.nan_to_num(X[:, 0]) + np.sin(np.nan_to_num(X[:, 1]))
two, three = (y > 0).astype(int), np.digitize(y, [-0.5, 0.5])
several = np.column_stack([y, -y, y**2])
XGB = {"n_estimators": 9, "max_depth": 3, "n_jobs": 1, "random_state": 0}
LGB = {"n_estimators": 9, "num_leaves": 7, "n_jobs": 1, "verbose": -1, "random_state": 0}
BAGGED = {"subsample": 0.6, "subsample_freq": 1}
XGBOOST = {
    "regression": (xgb.XGBRegressor, XGB, y, {}),
    "binary": (xgb.XGBClassifier, XGB, two, {}),
    "multiclass": (xgb.XGBClassifier, XGB, three, {}),
    "ranker": (xgb.XGBRanker, XGB, two, {"qid": np.repeat(np.arange(24), 10)}),
    "dart": (xgb.XGBRegressor, XGB | {"booster": "dart", "rate_drop": 0.4}, y, {}),
    "parallel trees": (xgb.XGBClassifier, XGB | {"num_parallel_tree": 3, "subsample": 0.7}, three, {}),
    "forest": (xgb.XGBRFRegressor, XGB, y, {}),
    "forest, binary": (xgb.XGBRFClassifier, XGB, two, {}),
    "forest, multiclass": (xgb.XGBRFClassifier, XGB, three, {}),
    "several targets": (xgb.XGBRegressor, XGB, several, {}),
}
LIGHTGBM = {
    "regression": (lgb.LGBMRegressor, LGB, y, {}),
    "binary": (lgb.LGBMClassifier, LGB, two, {}),
    "multiclass": (lgb.LGBMClassifier, LGB, three, {}),
    "ranker": (lgb.LGBMRanker, LGB, two, {"group": np.full(24, 10)}),
    "dart": (lgb.LGBMRegressor, LGB | {"boosting_type": "dart", "drop_rate": 0.5}, y, {}),
    "goss": (lgb.LGBMRegressor, LGB | {"data_sample_strategy": "goss"}, y, {}),
    "rf": (lgb.LGBMRegressor, LGB | BAGGED | {"boosting_type": "rf"}, y, {}),
    "rf, binary": (lgb.LGBMClassifier, LGB | BAGGED | {"boosting_type": "rf"}, two, {}),
    "rf, multiclass": (lgb.LGBMClassifier, LGB | BAGGED | {"boosting_type": "rf"}, three, {}),
}
RANGES = [(0, 1), (0, 5), (2, 5), (4, 9), (8, 9), (0, 9), (0, 0)]
MODELS = {"xgboost": XGBOOST, "lightgbm": LIGHTGBM}
# By XGBoost 3.4, which still has both.
pytestmark = pytest.mark.filterwarnings("ignore:`XGBRF.*is deprecated", "ignore:.*`booster=dart` is deprecated")


@cache
def fitted(library, name):
    kind, options, target, fit = MODELS[library][name]
    return kind(**options).fit(X, target, **fit)


def forms_of_xgboost(model, folder):
    model.save_model(folder / "model.json")
    booster = model.get_booster()
    return model, booster, folder / "model.json", bytes(booster.save_raw("ubj"))


@pytest.mark.parametrize("name", XGBOOST)
def test_iterations_of_xgboost_predict_bit_equally(name, tmp_path):
    model = fitted("xgboost", name)
    rounds = 1 if name.startswith("forest") else 9
    forms = forms_of_xgboost(model, tmp_path)
    for begin, end in [(0, 1), (0, 0)] if rounds == 1 else RANGES:
        own = model.get_booster().predict(xgb.DMatrix(X), output_margin=True, iteration_range=(begin, end))
        wrapped = model.predict(X, output_margin=True, iteration_range=(begin, end))
        if name == "dart":  # see docs/decisions/0006
            np.testing.assert_allclose(wrapped, own, rtol=0, atol=10 * 2**-23 * TreeExplainer(model).scale.max())
        else:
            np.testing.assert_array_equal(wrapped, own)
        for form in forms:
            part = load_model(form, iteration_range=(begin, end))
            np.testing.assert_array_equal(part.predict(X), own)
    with pytest.raises(OptionError, match=f"end <= {rounds}, the iterations"):
        load_model(forms[-1], iteration_range=(0, rounds + 1))


@pytest.mark.parametrize("name", LIGHTGBM)
def test_iterations_of_lightgbm_predict_bit_equally(name, tmp_path):
    model = fitted("lightgbm", name)
    model.booster_.save_model(tmp_path / "model.txt")
    for begin, end in RANGES:
        count = (end or 9) - begin
        own = model.predict(X, raw_score=True, start_iteration=begin, num_iteration=count)
        own = own / count if name.startswith("rf") else own
        for form in (model, model.booster_, tmp_path / "model.txt"):
            np.testing.assert_array_equal(load_model(form, iteration_range=(begin, end)).predict(X), own)
    with pytest.raises(OptionError, match="end <= 9, the iterations"):
        load_model(model, iteration_range=(0, 10))


@pytest.mark.parametrize("library", ["xgboost", "lightgbm"])
def test_values_of_some_iterations_are_the_difference_of_those_before_and_after(library):
    model = fitted(library, "multiclass")
    until, before, part = (TreeExplainer(model, iteration_range=r).shap_values(X) for r in ((0, 7), (0, 3), (3, 7)))
    assert np.abs(part).max() > 0.1
    np.testing.assert_allclose(part, until - before, rtol=0, atol=1e-12)


@pytest.fixture(scope="module")
def stopped():
    """XGBoost wrappers that stopped early: their best iteration is not their last."""
    noise = np.random.default_rng(1).normal(size=len(y)) * 2
    options = {**XGB, "n_estimators": 60, "learning_rate": 1.0, "early_stopping_rounds": 5}
    models = []
    for kind, target in ((xgb.XGBRegressor, y + noise), (xgb.XGBClassifier, np.digitize(y + noise, [-1, 1]))):
        model = kind(**options).fit(X[:160], target[:160], eval_set=[(X[160:], target[160:])], verbose=False)
        assert model.best_iteration + 1 < model.get_booster().num_boosted_rounds()
        models.append(model)
    return models


def test_a_wrapper_that_stopped_early_is_read_up_to_its_best_iteration_without_a_warning(stopped, tmp_path):
    for model in stopped:
        model.save_model(tmp_path / "model.ubj")
        again = type(model)()
        again.load_model(tmp_path / "model.ubj")
        for wrapper in (model, again):
            np.testing.assert_array_equal(load_model(wrapper).predict(X), wrapper.predict(X, output_margin=True))


def test_a_booster_or_file_that_stopped_early_is_read_whole_with_one_warning_that_names_it(stopped, tmp_path):
    for model in stopped:
        best = model.best_iteration
        whole = model.get_booster().predict(xgb.DMatrix(X), output_margin=True)
        for form in forms_of_xgboost(model, tmp_path)[1:]:
            for read in (load_model, lambda form: TreeExplainer(form).model):
                with pytest.warns(FerroshapWarning, match=rf"best_iteration={best}\b.*\(0, {best + 1}\)") as seen:
                    ensemble = read(form)
                assert len(seen) == 1
                assert seen[0].filename == __file__
                np.testing.assert_array_equal(ensemble.predict(X), whole)
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                assert supports(form)
                chosen = load_model(form, iteration_range=(0, best + 1))
                np.testing.assert_array_equal(load_model(form, iteration_range=(0, 0)).predict(X), whole)
            np.testing.assert_array_equal(chosen.predict(X), model.predict(X, output_margin=True))


def test_a_booster_that_kept_only_its_best_iterations_needs_no_warning(tmp_path):
    noisy = y + np.random.default_rng(1).normal(size=len(y)) * 2
    stop = xgb.callback.EarlyStopping(rounds=5, save_best=True)
    train, rest = xgb.DMatrix(X[:160], noisy[:160]), xgb.DMatrix(X[160:], noisy[160:])
    params = {"max_depth": 3, "learning_rate": 1.0, "nthread": 1}
    booster = xgb.train(params, train, 60, evals=[(rest, "rest")], callbacks=[stop], verbose_eval=False)
    assert booster.best_iteration + 1 == booster.num_boosted_rounds() < 60
    own = booster.predict(xgb.DMatrix(X), output_margin=True)
    booster.save_model(tmp_path / "model.json")
    for form in (booster, tmp_path / "model.json"):
        np.testing.assert_array_equal(load_model(form).predict(X), own)


def test_lightgbm_classifiers_and_rankers_that_stopped_early_predict_bit_equally():
    noise = np.random.default_rng(1).normal(size=len(y)) * 2
    target = np.digitize(y + noise, [-1, 1])
    options = {**LGB, "n_estimators": 60, "learning_rate": 0.5}
    stop = [lgb.early_stopping(3, verbose=False)]
    classifier = lgb.LGBMClassifier(**options).fit(
        X[:160], target[:160], eval_X=X[160:], eval_y=target[160:], callbacks=stop
    )
    ranker = lgb.LGBMRanker(**options).fit(
        X[:160], target[:160], group=np.full(16, 10), eval_X=X[160:], eval_y=target[160:],
        eval_group=[np.full(8, 10)], callbacks=stop,
    )  # fmt: skip
    for model in (classifier, ranker):
        assert 0 < model.best_iteration_ < 60
        own = model.predict(X, raw_score=True)
        np.testing.assert_array_equal(load_model(model).predict(X), own)
        np.testing.assert_array_equal(load_model(model.booster_).predict(X), own)
