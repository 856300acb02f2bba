"""Containers of the training libraries: what can be read back is what the library sees; the rest is refused by name."""

import lightgbm
import numpy as np
import pandas as pd
import pytest
import xgboost
from ferroshap import DataError, FeatureMismatchError, TreeExplainer, load_model

random = np.random.default_rng(8)
X = random.normal(size=(200, 4)).round(2)
X[random.random(X.shape) < 0.2] = np.nan
X[random.random(X.shape) < 0.2] = 0.0
y = np.nan_to_num(X) @ [1, 2, 3, 4]
NAMES = list("abcd")


def train(matrix):
    return xgboost.train({"max_depth": 4, "nthread": 1}, matrix, 15)


@pytest.mark.parametrize("missing", [np.nan, 0.0, -1.0])
def test_rows_are_what_the_booster_sees(missing):
    matrix = xgboost.DMatrix(X, y, missing=missing)
    booster = train(matrix)
    explainer = TreeExplainer(booster)
    np.testing.assert_array_equal(explainer.model.predict(matrix), booster.predict(matrix, output_margin=True))
    seen = np.where(missing == X, np.nan, X)
    np.testing.assert_array_equal(explainer.shap_values(matrix), explainer.shap_values(seen))


def test_columns_match_by_name():
    booster = train(xgboost.DMatrix(X, y, feature_names=NAMES))
    shuffled = xgboost.DMatrix(X[:, ::-1], feature_names=NAMES[::-1])
    np.testing.assert_array_equal(load_model(booster).predict(shuffled), load_model(booster).predict(X))
    explanation = TreeExplainer(booster)(shuffled)
    assert explanation.feature_names == tuple(NAMES)
    np.testing.assert_array_equal(explanation.data, X.astype("f4"))
    with pytest.raises(FeatureMismatchError, match="Feature names unseen at fit time:\n- e"):
        load_model(booster).predict(xgboost.DMatrix(X, feature_names=list("abce")))


def test_one_made_of_a_frame_with_codes_of_categories():
    table = pd.DataFrame({"c": pd.Categorical(random.choice(list("xyz"), 200)), "n": X[:, 0]})
    matrix = xgboost.DMatrix(table, y, enable_categorical=True)
    model = load_model(train(matrix))
    if model.schema.categories:  # since 3.1: the matrix has codes of its own
        with pytest.raises(DataError, match="categories by codes of its own"):
            model.predict(matrix)
    else:
        np.testing.assert_array_equal(model.predict(matrix), train(matrix).predict(matrix))


REFUSED = {
    "a base margin of three": (
        lambda: xgboost.DMatrix(X, base_margin=np.tile(y[:, None], 3)),
        "base_margin has 3 numbers a row, but the model has 1 output",
    ),
    "bins": (lambda: xgboost.QuantileDMatrix(X), "QuantileDMatrix was made from: it keeps bins, not values"),
    "too few columns": (lambda: xgboost.DMatrix(X[:, :3]), "have 3 columns, but the model expects 4 features"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_read_back_is_refused(case):
    make, text = REFUSED[case]
    model = load_model(train(xgboost.DMatrix(X, y)))
    with pytest.raises(DataError, match=text):
        model.predict(make())


def test_a_wrappers_missing_is_not_that_of_a_matrix():
    model = xgboost.XGBRegressor(n_estimators=3, missing=0.0).fit(X, y)
    with pytest.raises(DataError, match="counts 0 as missing, but a DMatrix has its own rule"):
        load_model(model).predict(xgboost.DMatrix(X))


def test_a_model_of_another_library_does_not_know_it():
    model = lightgbm.LGBMRegressor(n_estimators=3, verbose=-1).fit(X, y)
    with pytest.raises(DataError, match="for a model of another library"):
        load_model(model).predict(xgboost.DMatrix(X))


def test_a_dataset_that_keeps_its_table_gives_it_back():
    kept = lightgbm.Dataset(X, y, free_raw_data=False)
    booster = lightgbm.train({"verbose": -1, "num_threads": 1}, kept, 10)
    np.testing.assert_array_equal(load_model(booster).predict(kept), booster.predict(X, raw_score=True))


def test_a_dataset_that_has_let_go_of_its_table_is_refused():
    freed = lightgbm.Dataset(X, y)
    booster = lightgbm.train({"verbose": -1, "num_threads": 1}, freed, 10)
    part = lightgbm.Dataset(X, y, free_raw_data=False).construct().subset([0, 1, 2])
    for dataset in (freed, part, lightgbm.Dataset("rows.csv")):
        with pytest.raises(DataError, match=r"rows cannot be read from lightgbm.Dataset.*pass the table"):
            load_model(booster).predict(dataset)


def test_containers_of_libraries_that_are_not_read_are_refused_with_what_to_pass():
    for package, name, instead in [
        ("catboost", "Pool", "pass the table the Pool was made from"),
        ("dask.dataframe", "DataFrame", "pass one partition at a time, computed"),
        ("pyspark.sql", "DataFrame", "pass the rows as pandas or Arrow"),
        ("torch", "Tensor", r"pass tensor\.numpy"),
    ]:
        kind = type(name, (), {"__module__": package})
        with pytest.raises(
            DataError, match=rf"rows cannot be read from {package.partition('.')[0]}\.{name}; {instead}"
        ):
            load_model(train(xgboost.DMatrix(X, y))).predict(kind())


@pytest.mark.parametrize("classes", [None, 3])
def test_a_base_margin_takes_the_place_of_the_models_base(classes):
    target = y if classes is None else np.digitize(y, [-2, 2])
    params = {} if classes is None else {"objective": "multi:softprob", "num_class": classes}
    booster = xgboost.train({"max_depth": 3, "nthread": 1, **params}, xgboost.DMatrix(X, target), 8)
    margin = random.normal(size=200 if classes is None else (200, classes))
    matrix = xgboost.DMatrix(X, base_margin=margin)
    want = booster.predict(matrix, output_margin=True)
    explainer = TreeExplainer(booster)
    np.testing.assert_array_equal(explainer.model.predict(matrix), want)
    explanation = explainer(matrix)
    np.testing.assert_array_equal(explanation.values, explainer(X).values)
    np.testing.assert_allclose(explanation.base_values + explanation.values.sum(axis=1), want, rtol=0, atol=2e-6)
    np.testing.assert_allclose(
        explanation.base_values - margin.astype("f4"),
        np.tile(explainer.expected_value - explainer.model.base.squeeze(), margin.shape[:1] + (1,) * (margin.ndim - 1)),
        rtol=0,
        atol=1e-12,
    )
