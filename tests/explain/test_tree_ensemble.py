"""`load_model` and `TreeEnsemble`: the library's raw output, and what the model says about itself."""

import pickle

import numpy as np
import pandas as pd
import pytest
import xgboost
from ferroshap import DataError, FerroshapWarning, OptionError, TreeEnsemble, UnsupportedModelError, load_model

ULP32 = 2.0**-23


def test_predict_is_the_librarys_raw_output_bit_for_bit(trained):
    ours = load_model(trained.model).predict(trained.X)
    assert ours.dtype == trained.raw.dtype
    assert ours.shape == trained.raw.shape
    np.testing.assert_array_equal(ours, trained.raw)


def test_predict_in_float64_is_the_same_sum_within_rounding(trained):
    model = load_model(trained.model)
    exact = model.predict(trained.X, dtype="float64")
    assert exact.dtype == np.float64
    np.testing.assert_array_equal(exact, model.predict(trained.X, dtype=np.float64))
    scale = np.abs(trained.raw).max() + 1
    unit = ULP32 if trained.raw.dtype == np.float32 else 1e-12
    np.testing.assert_allclose(exact, trained.raw, rtol=0, atol=(model.n_trees + 1) * unit * scale)


def test_threads_do_not_change_a_bit(trained):
    model = load_model(trained.model)
    np.testing.assert_array_equal(model.predict(trained.X, threads=1), model.predict(trained.X, threads=3))


def test_one_row_without_a_row_axis_gives_a_result_without_one(trained):
    model = load_model(trained.model)
    one = model.predict(trained.X[3])
    assert np.shape(one) == trained.raw.shape[1:]
    np.testing.assert_array_equal(one, trained.raw[3])


def test_no_rows_give_no_results(trained):
    out = load_model(trained.model).predict(trained.X[:0])
    assert out.shape == trained.raw[:0].shape
    assert out.dtype == trained.raw.dtype


def test_missing_is_applied_as_xgboost_does(model_named):
    X = np.nan_to_num(model_named("xgboost regression").X, nan=-999.25)
    wrapper = xgboost.XGBRegressor(n_estimators=3, missing=-999.25).fit(X, X[:, 0])
    np.testing.assert_array_equal(load_model(wrapper).predict(X), wrapper.predict(X))
    booster = wrapper.get_booster()
    np.testing.assert_array_equal(load_model(booster, missing=-999.25).predict(X), wrapper.predict(X))


def test_frames_match_by_name(model_named):
    X = pd.DataFrame(model_named("tree").X, columns=list("abcdef"))
    model = xgboost.XGBRegressor(n_estimators=3).fit(X, X["a"])
    loaded = load_model(model)
    assert loaded.feature_names == tuple("abcdef")
    np.testing.assert_array_equal(loaded.predict(X[list("fedcba")]), model.predict(X))


def test_a_tree_ensemble_is_returned_as_it_is(model_named):
    model = load_model(model_named("tree").model)
    assert load_model(model) is model
    assert isinstance(model, TreeEnsemble)
    with pytest.raises(OptionError, match="pass them to load_model with the original model"):
        load_model(model, iteration_range=(0, 1))


def test_the_model_describes_itself_in_one_line(model_named):
    model = load_model(model_named("xgboost classes").model)
    assert (model.n_features, model.n_outputs, model.n_trees) == (6, 3, 15)
    assert (model.objective, model.output_space) == ("multi:softprob", "margin")
    assert model.output_names == ("0", "1", "2")
    assert model.feature_names is None
    assert repr(model) == (
        f"TreeEnsemble({model.source}, multi:softprob, 15 trees, depth ≤ 3, 6 features, 3 outputs, margin)"
    )


def test_a_booster_with_an_unused_early_stopping_result_warns_once_with_the_way_out(model_named):
    trained = model_named("xgboost regression")
    wrapper = xgboost.XGBRegressor(n_estimators=4).fit(trained.X, trained.raw)
    booster = wrapper.get_booster()
    booster.set_attr(best_iteration="1")
    with pytest.warns(FerroshapWarning, match=r"best_iteration=1.*iteration_range=\(0, 2\)") as caught:
        loaded = load_model(booster)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert loaded.n_trees == 4
    assert load_model(booster, iteration_range=(0, 2)).n_trees == 2
    assert load_model(booster, iteration_range=(0, 0)).n_trees == 4
    assert load_model(wrapper).n_trees == 2  # the wrapper uses it, so there is nothing to warn of


@pytest.mark.parametrize("dtype", ["float32", "float16", int, "x"])
def test_other_dtypes_are_refused(model_named, dtype):
    trained = model_named("tree")
    with pytest.raises(OptionError, match=r"expected None .*'float64'"):
        load_model(trained.model).predict(trained.X, dtype=dtype)


@pytest.mark.parametrize("threads", [0, -1, 2.0, "2", True])
def test_a_number_of_threads_is_a_whole_number(model_named, threads):
    trained = model_named("tree")
    with pytest.raises(OptionError, match=r"threads is .* whole number of at least 1"):
        load_model(trained.model).predict(trained.X, threads=threads)


def test_pickles_are_refused_by_name(model_named):
    with pytest.raises(UnsupportedModelError, match="loading one can run any code"):
        load_model(pickle.dumps(model_named("tree").model))


def test_rows_that_are_no_numbers_are_refused(model_named):
    with pytest.raises(DataError, match="text"):
        load_model(model_named("tree").model).predict([["a"] * 6])
