"""The same frame into the library's own predict and into ours: the same bits, whatever its dtypes."""

import lightgbm
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import xgboost
from ferroshap import DataError, FerroshapWarning, load_model
from sklearn.ensemble import ExtraTreesRegressor

N = 400
random = np.random.default_rng(5)


def frame():
    """Every dtype of numbers, integers around 2**24 where float32 has gaps, missing values in the nullable ones."""
    big = 2**24 + random.integers(-40, 40, N)
    hole = random.random(N) < 0.2
    return pd.DataFrame(
        {
            "f8": random.normal(size=N),
            "f4": random.normal(size=N).astype("f4"),
            "i8": big,
            "u4": big[::-1].astype("u4"),
            "i2": random.integers(-9, 9, N).astype("i2"),
            "flag": random.random(N) < 0.5,
            "Int64": pd.Series(big, dtype="Int64").mask(hole),
            "boolean": pd.Series(random.random(N) < 0.5, dtype="boolean").mask(hole),
            "Float32": pd.Series(random.normal(size=N), dtype="Float32").mask(hole),
            "arrow": pd.Series(big[::-1], dtype="int64[pyarrow]").mask(hole),
        }
    )


def target(table):
    return table["f8"] + (table["i8"] % 7) + (table["u4"] % 5) + table["flag"] + (table["i2"] > 2)


LIBRARIES = {
    "xgboost": lambda X, y: xgboost.XGBRegressor(n_estimators=20, max_depth=8, n_jobs=1).fit(X, y),
    "lightgbm": lambda X, y: lightgbm.LGBMRegressor(n_jobs=1, n_estimators=20, min_child_samples=2, verbose=-1).fit(
        X, y
    ),
    "scikit-learn": lambda X, y: ExtraTreesRegressor(n_estimators=8, random_state=0, n_jobs=1).fit(X, y),
}


@pytest.mark.parametrize("library", LIBRARIES)
def test_pandas_frames_of_mixed_dtypes(library):
    table = frame()
    if library == "lightgbm":
        table = table.drop(columns="arrow")  # LightGBM refuses these
    model = LIBRARIES[library](table, target(table))
    shuffled = table[table.columns[::-1]]
    np.testing.assert_array_equal(load_model(model).predict(shuffled), model.predict(table))


@pytest.mark.parametrize("library", ["xgboost", "lightgbm"])
def test_polars_and_arrow_frames_of_mixed_dtypes(library):
    table = pl.from_pandas(frame().drop(columns=["Int64", "boolean", "Float32", "arrow"])).with_columns(
        holes=pl.when(pl.col("flag")).then(pl.col("i8")),
        missing_flags=pl.when(pl.col("i2") > 0).then(pl.col("flag")),
    )
    model = LIBRARIES[library](table.to_pandas().astype({"missing_flags": "boolean"}), target(table.to_pandas()))
    expected = model.predict(table.to_pandas().astype({"missing_flags": "boolean"}))
    for given in (table, table.to_arrow(), table.to_arrow().to_batches()[0]):
        np.testing.assert_array_equal(load_model(model).predict(given), expected)


@pytest.mark.parametrize("dtype", ["i8", "u8", "i4", "?", "f2", "f4", "f8", "g"])
@pytest.mark.parametrize("library", LIBRARIES)
def test_arrays_of_every_dtype(library, dtype):
    X = random.normal(size=(N, 3)) if dtype in "f2f4f8g" else 2**24 + random.integers(-40, 40, (N, 3))
    model = LIBRARIES[library](X, X @ [1.0, 2.0, 3.0] % 11)
    X = X.astype(dtype)
    np.testing.assert_array_equal(load_model(model).predict(X), model.predict(X))


@pytest.mark.parametrize("library", ["xgboost", "lightgbm"])
def test_categories_as_the_library_recodes_them(library):
    values = random.choice(["red", "green", "blue", "grey", None], N)
    sizes = random.choice([10, 20, 30], N)
    table = pd.DataFrame({"x": random.normal(size=N), "c": pd.Categorical(values), "s": pd.Categorical(sizes)})
    y = table["x"] + (table["c"] == "blue") * 3.0 + (table["s"] == 20) * 2.0
    if library == "xgboost":
        model = xgboost.XGBRegressor(n_jobs=1, n_estimators=10, enable_categorical=True, max_cat_to_onehot=1).fit(
            table, y
        )
    else:
        model = lightgbm.LGBMRegressor(n_jobs=1, n_estimators=10, min_child_samples=2, verbose=-1).fit(table, y)
    loaded = load_model(model)
    expected = model.predict(table)
    np.testing.assert_array_equal(loaded.predict(table), expected)
    recoded = table.assign(
        c=table["c"].cat.set_categories(["red", "grey", "blue", "green"]), s=table["s"].cat.set_categories([30, 10, 20])
    )
    np.testing.assert_array_equal(model.predict(recoded), expected)
    np.testing.assert_array_equal(loaded.predict(recoded), expected)
    plain = pl.DataFrame({"x": table["x"].to_numpy(), "c": values.tolist(), "s": sizes.tolist()})
    for given in (plain, plain.to_arrow(), plain.with_columns(pl.col("c").cast(pl.Categorical))):
        np.testing.assert_array_equal(loaded.predict(given), expected)
    # XGBoost 3.2 misses an unseen category that sorts before its last one and reads it as the next: we refuse every one.
    unseen = table[:3].assign(c=pd.Categorical(["zinc", "red", "blue"]))
    if library == "xgboost":
        with pytest.raises(xgboost.core.XGBoostError, match="not in the training set"):
            model.predict(unseen)
        for category in ("zinc", "mauve"):
            with pytest.raises(DataError, match=f"'c' holds '{category}'"):
                loaded.predict(unseen.assign(c=category))
    else:
        with pytest.warns(FerroshapWarning, match="'c': 'zinc'"):
            ours = loaded.predict(unseen)
        np.testing.assert_array_equal(ours, model.predict(unseen))


def test_names_with_spaces_match_a_lightgbm_model():
    table = pd.DataFrame({"sepal length": random.normal(size=N), "b c": random.normal(size=N)})
    model = lightgbm.LGBMRegressor(n_jobs=1, n_estimators=5, verbose=-1).fit(table, table["b c"])
    np.testing.assert_array_equal(load_model(model).predict(table[["b c", "sepal length"]]), model.predict(table))
    as_arrow = pa.Table.from_pandas(table)
    np.testing.assert_array_equal(load_model(model).predict(as_arrow), model.predict(table))
