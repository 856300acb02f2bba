"""scikit-learn's HistGradientBoosting with categorical features: bit for bit, whatever comes in.

Since 1.4 the model encodes values itself; before, it read codes below 256. The tests of both hold what both can do.
"""

from functools import cache

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from ferroshap import DataError, FerroshapWarning, TreeEnsemble, TreeExplainer, UnsupportedModelError, load_model
from ferroshap.adapters import parse_model
from oracle.shap import shap_values
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

ENCODES = tuple(map(int, sklearn.__version__.split(".")[:2])) >= (1, 4)
encodes = pytest.mark.skipif(not ENCODES, reason="before 1.4 scikit-learn reads no categories but codes")

rng = np.random.default_rng(40)
N = 400
CODES = np.column_stack(
    [rng.normal(size=N), rng.integers(0, 40, N), rng.normal(size=N).round(1), rng.integers(0, 7, N)]
).astype(float)
CODES[CODES[:, 1] == 13, 1] = 200  # not one after the other
CODES[rng.random(N) < 0.1, 3] = np.nan
CODES[rng.random(N) < 0.1, 0] = np.nan
y = np.nan_to_num(CODES[:, 0]) + np.sin(CODES[:, 1]) * 3 + (np.nan_to_num(CODES[:, 3], nan=9) % 3)
SMALL = {"max_iter": 20, "min_samples_leaf": 3, "random_state": 0, "early_stopping": False}
MODELS = {
    "regression": (HistGradientBoostingRegressor(**SMALL, categorical_features=[1, 3]), y),
    "one of them": (HistGradientBoostingRegressor(**SMALL, categorical_features=[3]), y),
    "all by mask": (HistGradientBoostingRegressor(**SMALL, categorical_features=[False, True, True, True]), y),
    "binary": (HistGradientBoostingClassifier(**SMALL, categorical_features=[1, 3]), y > 1),
    "multiclass": (HistGradientBoostingClassifier(**SMALL, categorical_features=[3, 1]), np.digitize(y, [-1, 1])),
}


def training_rows(name):
    rows = CODES.copy()
    if name == "all by mask":
        rows[:, 2] = np.abs(10 * rows[:, 2])
    return rows


@pytest.fixture(scope="module", params=MODELS)
def fitted(request):
    model, target = MODELS[request.param]
    rows = training_rows(request.param)
    return model.fit(rows, target), rows


def raw(model, rows):
    return model._raw_predict(rows)


def odd(rows):
    """Unseen, fractional, negative and missing categories."""
    rows = rows[:40].copy()
    rows[:8, 1] = [77, 13, -1, -0.5, 2.5, 6.99, np.nan, 199]
    rows[8:14, 3] = [7, 9, -3, 0.25, 6.5, np.nan]
    return rows


@pytest.mark.filterwarnings("ignore::ferroshap.FerroshapWarning")
def test_predictions_are_bit_equal_to_the_raw_output(fitted):
    model, rows = fitted
    ensemble = load_model(model)
    for given in (rows, odd(rows), np.asfortranarray(rows[::3])):
        np.testing.assert_array_equal(ensemble.predict(given).reshape(len(given), -1), raw(model, given))
    assert len(ensemble.predict(rows[:0])) == 0


@pytest.mark.filterwarnings("ignore::ferroshap.FerroshapWarning")
def test_values_are_those_of_the_definition(fitted):
    model, rows = fitted
    parsed = parse_model(model)
    assert (parsed.arrays.category_set >= 0).any()
    ensemble = TreeEnsemble(parsed)
    given = np.concatenate([rows[:30], odd(rows)])
    want, expected = shap_values(parsed.arrays, ensemble.read_rows(given).values)
    explainer = TreeExplainer(ensemble)
    np.testing.assert_allclose(
        explainer.shap_values(given).reshape(want.shape), want, rtol=0, atol=1e-12 * np.abs(want).max()
    )
    assert (np.abs(explainer.expected_value - expected) <= 1e-12 * explainer.scale).all()


def test_columns_keep_their_places(fitted):
    """The trees of 1.4 and later number the categorical columns first; the values are in the user's order."""
    model, rows = fitted
    explainer = TreeExplainer(model)
    full = explainer.shap_values(rows).reshape(N, 4, -1)
    for column in range(4):
        changed = rows.copy()
        changed[:, column] = rows[0, column]
        if (full[:, column] == 0).all():
            np.testing.assert_array_equal(load_model(model).predict(changed), load_model(model).predict(rows))
    assert (np.abs(full[:, 1]).max() > 0) == (1 in parse_model(model).arrays.feature)


def test_a_saved_model_reads_the_same_rows(fitted, tmp_path):
    model, rows = fitted
    load_model(model).save(tmp_path / "model")
    np.testing.assert_array_equal(load_model(tmp_path / "model").predict(rows), load_model(model).predict(rows))


@encodes
def test_what_the_encoder_does_not_know_is_missing_with_one_warning():
    model = MODELS["regression"][0].fit(CODES, y)
    with pytest.warns(
        FerroshapWarning, match=r"column 1: -0\.5, -1\.0, 13\.0, .* \(7 rows\); column 3: .* \(5 rows\)"
    ) as caught:
        load_model(model).predict(odd(CODES))
    assert len(caught) == 1


@pytest.mark.skipif(ENCODES, reason="since 1.4 a category is never a code")
def test_codes_that_the_library_would_wrap_around_are_refused():
    model = MODELS["regression"][0].fit(CODES, y)
    rows = CODES[:5].copy()
    rows[2, 1] = 258
    with pytest.raises(DataError, match="row 2, column 1 is 258, but it is a category"):
        load_model(model).predict(rows)
    frame = pd.DataFrame(CODES[:5]).astype({1: "category"})
    with pytest.raises(DataError, match="'1' has dtype category"):
        load_model(model).predict(frame)


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


@encodes
@pytest.mark.parametrize("door", DOORS)
def test_categories_match_by_value_through_every_door(door):
    model = of_mixed_types()
    ensemble = load_model(model)
    np.testing.assert_array_equal(ensemble.predict(DOORS[door](TABLE)), model.predict(TABLE))
    np.testing.assert_array_equal(
        TreeExplainer(ensemble).shap_values(DOORS[door](TABLE)), TreeExplainer(ensemble).shap_values(TABLE)
    )


@encodes
def test_one_row_of_mixed_types():
    model = of_mixed_types()
    want = model.predict(TABLE)
    for given in (TABLE.iloc[7], TABLE.astype(object).iloc[7].tolist(), TABLE.astype(object).to_numpy()[7]):
        assert load_model(model).predict(given) == want[7]


@encodes
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


@encodes
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


@encodes
def test_a_model_of_texts_alone_takes_an_array_of_texts():
    texts = np.column_stack([rng.choice(["a", "b", "c"], N), rng.choice(["x", "yy"], N)])
    model = HistGradientBoostingRegressor(**SMALL, categorical_features=[0, 1]).fit(texts, TARGET)
    np.testing.assert_array_equal(load_model(model).predict(texts), model.predict(texts))


@encodes
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


@encodes
def test_categories_that_no_file_can_hold_are_refused_by_name():
    days = pd.to_datetime(rng.choice(["2020-01-01", "2021-01-01"], N))
    model = HistGradientBoostingRegressor(**SMALL, categorical_features=[1]).fit(
        pd.DataFrame({"x": TABLE["x"], "day": days}), TARGET
    )
    with pytest.raises(UnsupportedModelError, match=r"trained with categories such as .*; supported are texts"):
        load_model(model)
