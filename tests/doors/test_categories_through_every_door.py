"""Models that store their categories: the same values through every kind of column, in any order and any library."""

import lightgbm
import numpy as np
import pandas as pd
import polars as pl
import pytest
import xgboost
from ferroshap import DataError, FerroshapWarning, TreeExplainer, load_model
from sklearn.ensemble import HistGradientBoostingRegressor

random = np.random.default_rng(21)
N = 300
WORDS = ["blue", "green", "red", "violet"]
TABLE = pd.DataFrame(
    {
        "x": random.integers(-20, 20, N) / 4,
        "colour": pd.Categorical(random.choice(WORDS, N)),
        "size": pd.Categorical(random.choice([5, 10, 40], N)),
    }
)
TABLE.loc[random.random(N) < 0.1, "colour"] = np.nan
TARGET = TABLE["x"] + (TABLE["colour"] == "red") * 3 - (TABLE["size"].astype(int) == 10) * 2
SMALL = {"n_estimators": 15, "n_jobs": 1, "max_depth": 5}
MODELS = {
    "xgboost": lambda: xgboost.XGBRegressor(**SMALL, enable_categorical=True, max_cat_to_onehot=1),
    "lightgbm": lambda: lightgbm.LGBMRegressor(**SMALL, verbose=-1, min_child_samples=2, min_data_per_group=2),
    "histogram": lambda: HistGradientBoostingRegressor(
        max_iter=15, min_samples_leaf=3, categorical_features=["colour", "size"]
    ),
}


def with_colours(column):
    return TABLE.assign(colour=column)


def plain(table):
    return table.astype({"colour": object, "size": int})


def arrow(table):
    return pl.from_pandas(plain(table)).to_arrow()


DOORS = {
    "pandas category": lambda: TABLE,
    "columns in another order": lambda: TABLE[["size", "x", "colour"]],
    "categories in another order": lambda: with_colours(TABLE["colour"].cat.reorder_categories(WORDS[::-1])),
    "more categories": lambda: with_colours(TABLE["colour"].cat.set_categories(["aqua", *WORDS, "zinc"])),
    "ordered categories": lambda: with_colours(TABLE["colour"].cat.as_ordered()),
    "pandas texts": lambda: with_colours(TABLE["colour"].astype("str").where(TABLE["colour"].notna())),
    "pandas string": lambda: with_colours(TABLE["colour"].astype("string")),
    "pandas objects": lambda: with_colours(TABLE["colour"].astype(object)),
    "pandas Arrow": lambda: with_colours(TABLE["colour"].astype("string[pyarrow]")),
    "polars": lambda: pl.from_pandas(plain(TABLE)),
    "polars Categorical": lambda: pl.from_pandas(plain(TABLE)).with_columns(pl.col("colour").cast(pl.Categorical)),
    "polars Enum": lambda: pl.from_pandas(plain(TABLE)).with_columns(pl.col("colour").cast(pl.Enum(WORDS[::-1]))),
    "pyarrow": lambda: arrow(TABLE),
    "pyarrow dictionary": lambda: arrow(TABLE).set_column(
        1, "colour", arrow(TABLE).column("colour").dictionary_encode()
    ),
    "record batch": lambda: arrow(TABLE).combine_chunks().to_batches()[0],
}


@pytest.fixture(scope="module", params=MODELS)
def fitted(request):
    return MODELS[request.param]().fit(TABLE, TARGET)


@pytest.mark.parametrize("door", DOORS)
def test_predictions_and_values_are_those_of_the_training_frame(fitted, door):
    explainer = TreeExplainer(fitted)
    assert set(explainer.model.schema.categories) == {1, 2}
    given = DOORS[door]()
    np.testing.assert_array_equal(explainer.model.predict(given), fitted.predict(TABLE))
    np.testing.assert_array_equal(explainer.shap_values(given), explainer.shap_values(TABLE))


def test_one_row_as_a_series(fitted):
    want = fitted.predict(TABLE)
    for row in (0, 7):
        assert load_model(fitted).predict(TABLE.iloc[row]) == want[row]


def test_unseen_categories_are_counted_in_one_warning_or_refused_as_the_library_does(fitted):
    given = with_colours(pd.Categorical(["pink", "mauve", "pink", *TABLE["colour"][3:]]))
    given["size"] = pd.Categorical([7, *TABLE["size"][1:]])
    model = load_model(fitted)
    if isinstance(fitted, xgboost.XGBModel):
        with pytest.raises(DataError, match="the column 'colour' holds 'mauve', 'pink', which the model did not see"):
            model.predict(given)
        return
    with pytest.warns(
        FerroshapWarning, match=r"count as missing.*'colour': 'mauve', 'pink' \(3 rows\); 'size': 7 \(1 row\)"
    ) as caught:
        ours = model.predict(given)
    assert len(caught) == 1
    np.testing.assert_array_equal(ours, fitted.predict(given))
