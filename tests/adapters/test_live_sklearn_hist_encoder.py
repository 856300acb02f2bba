"""scikit-learn's HistGradientBoosting since 1.4: the model encodes its categories, so they match by value everywhere."""

from functools import cache

import numpy as np
import pandas as pd
import polars as pl
import pytest
from adapters.test_live_sklearn_hist_categories import CODES, MODELS, SMALL, N, odd, rng, y
from ferroshap import DataError, FerroshapWarning, TreeExplainer, UnsupportedModelError, load_model
from sklearn.ensemble import HistGradientBoostingRegressor


def test_what_the_encoder_does_not_know_is_missing_with_one_warning():
    model = MODELS["regression"][0].fit(CODES, y)
    with pytest.warns(
        FerroshapWarning, match=r"column 1: -0\.5, -1\.0, 13\.0, .* \(7 rows\); column 3: .* \(5 rows\)"
    ) as caught:
        load_model(model).predict(odd(CODES))
    assert len(caught) == 1


def mixed():
    """A frame with every kind of category, and the target."""
    table = pd.DataFrame(
        {
            "x": rng.normal(size=N),
            "town": rng.choice(["Köln", "Paris", "Rom", "Wien"], N),
            "size": rng.integers(-5, 6, N),
            "flag": rng.random(N) < 0.5,
            "ratio": rng.choice([0.1, 0.25, np.nan], N),
            "z": rng.normal(size=N),
        }
    )
    target = table["x"] + (table["town"] == "Rom") * 2 - table["size"] % 3 + table["flag"] + (table["ratio"] == 0.1)
    return table, target


TABLE, TARGET = mixed()
CATEGORIES = ["town", "size", "flag", "ratio"]


@cache
def of_mixed_types():
    return HistGradientBoostingRegressor(**SMALL, categorical_features=CATEGORIES).fit(TABLE, TARGET)


DOORS = {
    "pandas": lambda t: t,
    "another order": lambda t: t[t.columns[::-1]],
    "pandas, nullable": lambda t: t.convert_dtypes(),
    "pandas, category": lambda t: t.astype(dict.fromkeys(CATEGORIES, "category")),
    "pandas, category in another order": lambda t: t.assign(
        town=pd.Categorical(t["town"], categories=["Wien", "Rom", "Paris", "Köln"])
    ),
    "objects": lambda t: t.astype(dict.fromkeys(CATEGORIES, object)),
    "polars": pl.from_pandas,
    "polars, categorical": lambda t: pl.from_pandas(t).with_columns(pl.col("town").cast(pl.Categorical)),
    "pyarrow": lambda t: pl.from_pandas(t).to_arrow(),
    "array of objects": lambda t: t.astype(object).to_numpy(),
    "list of lists": lambda t: t.astype(object).to_numpy().tolist(),
}


@pytest.mark.parametrize("door", DOORS)
def test_categories_match_by_value_through_every_door(door):
    model = of_mixed_types()
    ensemble = load_model(model)
    np.testing.assert_array_equal(ensemble.predict(DOORS[door](TABLE)), model.predict(TABLE))
    np.testing.assert_array_equal(
        TreeExplainer(ensemble).shap_values(DOORS[door](TABLE)), TreeExplainer(ensemble).shap_values(TABLE)
    )


def test_one_row_of_mixed_types():
    model = of_mixed_types()
    want = model.predict(TABLE)
    for given in (TABLE.iloc[7], TABLE.astype(object).iloc[7].tolist(), TABLE.astype(object).to_numpy()[7]):
        assert load_model(model).predict(given) == want[7]


def test_categories_of_a_frames_dtypes():
    if "from_dtype" not in str(HistGradientBoostingRegressor().get_params()["categorical_features"]):
        model = HistGradientBoostingRegressor(**SMALL, categorical_features="from_dtype")
    else:
        model = HistGradientBoostingRegressor(**SMALL)
    typed = TABLE.astype({"town": "category", "size": "category"})
    model.fit(typed, TARGET)
    assert set(load_model(model).schema.categories) == {1, 2}
    np.testing.assert_array_equal(load_model(model).predict(typed), model.predict(typed))
    np.testing.assert_array_equal(load_model(model).predict(TABLE), model.predict(typed))


def test_none_is_a_category_where_the_encoder_saw_it_and_nan_is_missing():
    town = TABLE["town"].to_numpy(object).copy()
    town[::7] = None
    rows = np.column_stack([TABLE["x"].to_numpy(object), town])
    model = HistGradientBoostingRegressor(**SMALL, categorical_features=[1]).fit(rows, TARGET)
    assert load_model(model).schema.categories[1].values[-1] is None
    rows[1, 1] = np.nan
    np.testing.assert_array_equal(load_model(model).predict(rows), model.predict(rows))
    table = pl.DataFrame({"0": TABLE["x"].to_numpy(), "1": [None if v is None else v for v in town]})
    np.testing.assert_array_equal(load_model(model).predict(table)[2:], model.predict(rows)[2:])


def test_a_model_of_texts_alone_takes_an_array_of_texts():
    texts = np.column_stack([rng.choice(["a", "b", "c"], N), rng.choice(["x", "yy"], N)])
    model = HistGradientBoostingRegressor(**SMALL, categorical_features=[0, 1]).fit(texts, TARGET)
    np.testing.assert_array_equal(load_model(model).predict(texts), model.predict(texts))


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (TABLE.astype(str).to_numpy(str), "an array of text, but the model compares column 0 as a number"),
        (TABLE.astype(object).assign(x="?").to_numpy(), r"column 0 holds '\?' \(str\), but the model compares it"),
        (
            TABLE.astype(object).assign(town=3).to_numpy(),
            "column 1 holds numbers such as 3, but the model's categories",
        ),
        (TABLE.assign(town=3), "column 'town' holds numbers such as 3, but the model's categories are text: 'Köln'"),
        (TABLE.assign(x="?"), "the column 'x' has dtype"),
        (TABLE.assign(town=pd.to_datetime("2020-01-01")), "the column 'town' has dtype datetime"),
    ],
)
def test_values_of_another_kind_are_refused_with_the_column(given, text):
    model = of_mixed_types()
    with pytest.raises(DataError, match=text):
        load_model(model).predict(given)


def test_categories_that_no_file_can_hold_are_refused_by_name():
    days = pd.to_datetime(rng.choice(["2020-01-01", "2021-01-01"], N))
    model = HistGradientBoostingRegressor(**SMALL, categorical_features=[1]).fit(
        pd.DataFrame({"x": TABLE["x"], "day": days}), TARGET
    )
    with pytest.raises(UnsupportedModelError, match=r"trained with categories such as .*; supported are texts"):
        load_model(model)
