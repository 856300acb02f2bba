"""Live XGBoost and LightGBM models predict as they do themselves, wrappers with what only they know."""

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest
import xgboost as xgb
from ferroshap import load_model
from ferroshap.adapters import parse_model
from ferroshap.errors import DataError, ModelError, OptionError, UnsupportedModelError

rng = np.random.default_rng(5)
X = rng.normal(size=(300, 5))
X[rng.random(X.shape) < 0.1] = np.nan
y = np.nan_to_num(X[:, 0]) + np.sin(np.nan_to_num(X[:, 1]))
labels = np.array(["low", "mid", "top"])[np.digitize(y, [-0.5, 0.5])]
codes = np.digitize(y, [-0.5, 0.5])
TRAIN, REST = slice(0, 200), slice(200, 300)
XGB = {"n_estimators": 30, "max_depth": 3, "n_jobs": 1, "random_state": 0}
LGB = {"n_estimators": 30, "num_leaves": 7, "n_jobs": 1, "verbose": -1, "random_state": 0}


@pytest.fixture(scope="module")
def stopped():
    """An XGBoost wrapper that stopped early: its best iteration is not its last."""
    noisy = y + np.random.default_rng(1).normal(size=len(y)) * 2
    model = xgb.XGBRegressor(**{**XGB, "n_estimators": 60, "learning_rate": 1.0}, early_stopping_rounds=5)
    model.fit(X[TRAIN], noisy[TRAIN], eval_set=[(X[REST], noisy[REST])], verbose=False)
    assert model.best_iteration + 1 < model.get_booster().num_boosted_rounds()
    return model


def test_a_wrapper_uses_its_best_iteration_and_its_booster_all_trees(stopped, predict):
    wrapped, booster = parse_model(stopped), parse_model(stopped.get_booster())
    np.testing.assert_array_equal(predict(wrapped, X)[:, 0], stopped.predict(X))
    margin = stopped.get_booster().predict(xgb.DMatrix(X), output_margin=True)
    np.testing.assert_array_equal(predict(booster, X)[:, 0], margin)
    assert wrapped.info.best_iteration is None
    assert booster.info.best_iteration == stopped.best_iteration
    assert wrapped.info.source == f"XGBoost {xgb.__version__} (XGBRegressor)"


def test_an_iteration_range_replaces_a_wrappers_best_iteration(stopped, predict):
    everything = stopped.get_booster().num_boosted_rounds()
    got = predict(parse_model(stopped, iteration_range=(1, everything)), X)[:, 0]
    np.testing.assert_array_equal(got, stopped.predict(X, iteration_range=(1, everything)))


def test_the_missing_value_of_a_wrapper_is_honoured(predict):
    holes = np.nan_to_num(X, nan=-999.0)
    model = xgb.XGBRegressor(**XGB, missing=-999.0).fit(holes, y)
    parsed = parse_model(model)
    assert parsed.schema.missing == -999.0
    np.testing.assert_array_equal(predict(parsed, holes)[:, 0], model.predict(holes))
    assert parse_model(model.get_booster()).schema.missing is None


def test_a_missing_value_is_rounded_as_xgboost_compares_it():
    model = xgb.XGBRegressor(**{**XGB, "n_estimators": 1}).fit(X, y)
    assert parse_model(model, missing=0.1).schema.missing == float(np.float32(0.1))
    assert parse_model(model, missing=np.nan).schema.missing is None


@pytest.mark.parametrize("missing", ["none", [0.0, 1.0], object()])
def test_a_missing_value_that_is_no_number_is_refused(missing):
    model = xgb.XGBRegressor(**{**XGB, "n_estimators": 1}).fit(X, y)
    with pytest.raises(OptionError, match="missing"):
        parse_model(model, missing=missing)


@pytest.mark.filterwarnings("ignore:`XGBRF.*is deprecated")  # by XGBoost 3.4
@pytest.mark.parametrize("kind", [xgb.XGBRFRegressor, xgb.XGBRegressor])
def test_regressors_of_xgboost_predict_bit_equally(kind, predict):
    model = kind(**XGB).fit(X, y)
    np.testing.assert_array_equal(predict(parse_model(model), X)[:, 0], model.predict(X))


def test_an_xgboost_ranker_is_read_like_the_other_wrappers(predict):
    model = xgb.XGBRanker(**XGB).fit(X, (y > 0).astype(int), qid=np.repeat(np.arange(30), 10))
    np.testing.assert_array_equal(predict(parse_model(model), X)[:, 0], model.predict(X))


def test_class_labels_name_the_outputs_of_a_multi_class_wrapper(predict):
    model = xgb.XGBClassifier(**XGB).fit(X, codes)
    parsed = parse_model(model)
    assert parsed.info.output_names == ("0", "1", "2")
    np.testing.assert_array_equal(predict(parsed, X), model.predict(X, output_margin=True))

    model = lgb.LGBMClassifier(**LGB).fit(X, labels)
    parsed = parse_model(model)
    assert parsed.info.output_names == ("low", "mid", "top")
    np.testing.assert_array_equal(predict(parsed, X), model.predict(X, raw_score=True))


def test_a_binary_classifier_has_one_output():
    for model in (xgb.XGBClassifier(**XGB).fit(X, y > 0), lgb.LGBMClassifier(**LGB).fit(X, y > 0)):
        parsed = parse_model(model)
        assert parsed.arrays.n_outputs == 1
        assert parsed.info.output_names == ("output",)


def test_subclasses_of_wrappers_are_recognised(predict):
    class Mine(xgb.XGBRegressor):
        pass

    model = Mine(**XGB).fit(X, y)
    np.testing.assert_array_equal(predict(parse_model(model), X)[:, 0], model.predict(X))


def test_lightgbm_uses_its_own_best_iteration_unless_a_range_is_given(predict):
    noisy = y + np.random.default_rng(1).normal(size=len(y)) * 2
    train, rest = lgb.Dataset(X[TRAIN], noisy[TRAIN]), lgb.Dataset(X[REST], noisy[REST])
    params = {"num_leaves": 7, "learning_rate": 0.5, "verbose": -1, "num_threads": 1}
    stop = lgb.early_stopping(5, verbose=False)
    # Without keep_training_booster LightGBM drops the trees beyond the best iteration itself.
    booster = lgb.train(params, train, 60, [rest], callbacks=[stop], keep_training_booster=True)
    total = booster.current_iteration()
    assert 0 < booster.best_iteration < total
    np.testing.assert_array_equal(predict(parse_model(booster), X)[:, 0], booster.predict(X))
    some = parse_model(booster, iteration_range=(1, total))
    want = booster.predict(X, start_iteration=1, num_iteration=total - 1)
    np.testing.assert_array_equal(predict(some, X)[:, 0], want)


def test_a_lightgbm_wrapper_that_stopped_early_predicts_bit_equally(predict):
    noisy = y + np.random.default_rng(1).normal(size=len(y)) * 2
    model = lgb.LGBMRegressor(**{**LGB, "n_estimators": 60, "learning_rate": 0.5})
    model.fit(
        X[TRAIN], noisy[TRAIN], eval_X=X[REST], eval_y=noisy[REST], callbacks=[lgb.early_stopping(5, verbose=False)]
    )
    assert 0 < model.best_iteration_ < 60
    np.testing.assert_array_equal(predict(parse_model(model), X)[:, 0], model.predict(X))


def test_the_random_forest_mode_of_lightgbm_is_the_mean_of_its_iterations(predict):
    model = lgb.LGBMRegressor(**LGB, boosting_type="rf", subsample=0.6, subsample_freq=1).fit(X, y)
    parsed = parse_model(model)
    assert parsed.info.output_space == "mean of trees"
    assert parsed.arrays.divisor == 30
    np.testing.assert_array_equal(predict(parsed, X)[:, 0], model.predict(X))
    part = parse_model(model, iteration_range=(4, 9))
    assert part.arrays.divisor == 5
    np.testing.assert_array_equal(predict(part, X)[:, 0], model.predict(X, start_iteration=4, num_iteration=5))


def test_a_lightgbm_ranker_is_read_like_the_other_wrappers(predict):
    model = lgb.LGBMRanker(**LGB).fit(X, (y > 0).astype(int), group=np.full(30, 10))
    np.testing.assert_array_equal(predict(parse_model(model), X)[:, 0], model.predict(X))


@pytest.mark.parametrize("model", [xgb.XGBRegressor(), xgb.XGBClassifier(), lgb.LGBMRegressor(), lgb.LGBMClassifier()])
def test_an_unfitted_wrapper_is_told_so(model):
    with pytest.raises(ModelError, match=r"call fit\(\)"):
        parse_model(model)


def test_only_xgboost_takes_another_missing_value():
    model = lgb.LGBMRegressor(**LGB).fit(X, y)
    with pytest.raises(OptionError, match="LightGBM"):
        parse_model(model, missing=0.0)
    assert parse_model(model, missing=np.nan).schema.missing is None


@pytest.mark.parametrize("bad", [(-1, 2), (3, 3), (4, 2), (0, 31), 3, "ab", (0.0, 2), (1, 2, 3), (30, None)])
def test_a_wrong_iteration_range_names_what_is_possible(bad):
    for model in (lgb.LGBMRegressor(**LGB).fit(X, y), xgb.XGBRegressor(**XGB).fit(X, y)):
        with pytest.raises(OptionError, match="iteration_range"):
            parse_model(model, iteration_range=bad)


@pytest.mark.parametrize("everything", [None, (0, 0), (0, None), (0, 30), (np.int64(0), np.int64(30)), [0, 30]])
def test_an_open_iteration_range_is_all_iterations(everything):
    model = xgb.XGBRegressor(**XGB).fit(X, y)
    assert len(parse_model(model, iteration_range=everything).arrays.tree_outputs) == 30


@pytest.mark.parametrize("words", [["éa", "b", "c", "a"], ["red", "grün"]])
def test_category_names_that_xgboost_stores_cut_are_read_as_codes_only(words):
    """Up to 3.3: of éa, b, c, a the file says é, a, b, c; taken by value, a row with `a` would go as `b`."""
    cut = tuple(map(int, xgb.__version__.split(".")[:2])) < (3, 4)
    colour = pd.Categorical.from_codes(np.arange(300) % len(words), words)
    table = pd.DataFrame({"x": X[:, 0], "colour": colour})
    model = xgb.XGBRegressor(**XGB, enable_categorical=True).fit(table, y + colour.codes)
    ensemble = load_model(model)
    own = model.predict(table, output_margin=True)
    if cut:
        with pytest.raises(
            DataError, match=r"'colour' cannot be read by its values.*beyond ASCII.*3\.4 or later.*codes"
        ):
            ensemble.predict(table)
    else:
        np.testing.assert_array_equal(ensemble.predict(table), own)
    np.testing.assert_array_equal(ensemble.predict(np.column_stack([X[:, 0], colour.codes])), own)


def test_an_attribute_that_happens_to_be_called_best_iteration_does_no_harm():
    booster = xgb.train({"max_depth": 2}, xgb.DMatrix(X, y), 3)
    booster.set_attr(best_iteration="the third")
    np.testing.assert_array_equal(load_model(booster).predict(X), booster.predict(xgb.DMatrix(X), output_margin=True))


def test_an_xgboost_without_bytes_in_a_documented_form_is_refused_with_a_way_out(monkeypatch):
    def save_raw(self):
        return b"binf"

    booster = xgb.train({"max_depth": 2}, xgb.DMatrix(X, y), 3)
    monkeypatch.setattr(xgb.Booster, "save_raw", save_raw)
    monkeypatch.setattr(xgb, "__version__", "1.5.2")
    with pytest.raises(UnsupportedModelError, match=r"XGBoost 1\.5\.2.*save_model\('model\.json'\)"):
        load_model(booster)
