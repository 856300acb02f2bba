"""`data` are the numbers that the model reads, `display_data` what the table shows; both follow what is chosen."""

import pickle

import lightgbm
import numpy as np
import pandas as pd
import polars as pl
import pytest
from ferroshap import TreeExplainer

N = 60


def _frame():
    random = np.random.default_rng(0)
    towns = random.choice(["north", "south", "west"], N).astype(object)
    towns[::7] = None
    return pd.DataFrame(
        {"age": random.normal(size=N), "town": pd.Categorical(towns), "rooms": random.integers(0, 9, N), "owner": random.random(N) > 0.5}
    )  # fmt: skip


FRAME = _frame()
DOORS = {
    "pandas": lambda frame: frame,
    "polars": pl.from_pandas,
    "pyarrow": lambda frame: pl.from_pandas(frame).to_arrow(),
}


@pytest.fixture(scope="module")
def explainer():
    y = FRAME["age"] + (FRAME["town"] == "south") * 2.0 + FRAME["owner"]
    model = lightgbm.LGBMRegressor(n_estimators=4, min_child_samples=3, n_jobs=1, verbose=-1).fit(FRAME, y)
    return TreeExplainer(model)


def expected():
    codes = FRAME["town"].cat.codes.to_numpy().astype(float)
    codes[codes < 0] = np.nan
    return np.column_stack([FRAME["age"], codes, FRAME["rooms"], FRAME["owner"]])


def shown():
    return FRAME.astype(object).where(FRAME.notna(), np.nan).to_numpy()


def plain(array):
    """Missing ones, which are NaN in every library, as None."""
    assert None not in np.asarray(array, dtype=object).ravel().tolist()
    return [
        [None if value is None or value != value else value for value in row]  # noqa: PLR0124
        for row in np.atleast_2d(array).tolist()
    ]


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    "rows", [slice(None), slice(3, 9), slice(None, None, -2), [5, 0, 5], np.arange(N) % 3 == 0, 14, -1]
)
def test_rows_and_features_of_a_frame_follow_what_is_chosen(explainer, door, rows):
    whole = explainer(DOORS[door](FRAME))
    at = np.arange(N)[rows]
    part = whole[rows]
    np.testing.assert_array_equal(part.data, expected()[at])
    assert plain(part.display_data) == plain(shown()[at])
    np.testing.assert_array_equal(part[..., "town"].data, expected()[at, 1])
    assert plain(part[..., "town"].display_data) == plain(shown()[at, 1])
    np.testing.assert_array_equal(part[..., ["rooms", "age"]].data, expected()[at][..., [2, 0]])
    assert part[..., ["rooms", "age"]].display_data is None
    np.testing.assert_array_equal(whole[::-1][rows].data, expected()[::-1][at])
    np.testing.assert_array_equal(whole[rows, ::-1].data, expected()[at][..., ::-1])


@pytest.mark.parametrize("door", DOORS)
def test_a_pickle_holds_the_rows_as_arrays(explainer, door):
    whole = explainer(DOORS[door](FRAME))
    sent = pickle.dumps(whole)
    assert b"narwhals" not in sent
    again = pickle.loads(sent)
    np.testing.assert_array_equal(again.data, whole.data)
    assert plain(again.display_data) == plain(whole.display_data)


def test_display_data_that_are_set_stand_for_those_of_the_frame(explainer):
    whole = explainer(FRAME)
    whole.display_data = shown()[::-1]
    assert plain(whole[2].display_data) == plain(shown()[N - 3])
    np.testing.assert_array_equal(whole[2].data, expected()[2])


@pytest.mark.parametrize("form", ["array", "list", "fortran"])
def test_rows_of_an_array_are_as_given(form):
    X = np.random.default_rng(0).integers(0, 9, size=(N, 3))
    model = lightgbm.LGBMRegressor(n_estimators=2, min_child_samples=3, n_jobs=1, verbose=-1).fit(X, X[:, 0])
    given = {"array": X, "list": X.tolist(), "fortran": np.asfortranarray(X)}[form]
    whole = TreeExplainer(model)(given)
    np.testing.assert_array_equal(whole.data, X, strict=True)
    assert whole.display_data is None
    one = TreeExplainer(model)(given[3])
    assert one.axes == ("feature",)
    np.testing.assert_array_equal(one.data, X[3])
    assert isinstance(one.base_values, np.float64)
    np.testing.assert_array_equal(one.values, whole[3].values)


def test_an_array_with_categories_is_shown_as_given_and_holds_the_numbers_that_the_model_reads():
    from sklearn.ensemble import HistGradientBoostingRegressor

    rows = np.array([[at / 2, "pqr"[at % 3]] for at in range(N)], dtype=object)
    rows[3, 1] = np.nan
    model = HistGradientBoostingRegressor(max_iter=2, categorical_features=[1], min_samples_leaf=2).fit(
        rows, np.arange(N)
    )
    explainer = TreeExplainer(model)
    whole = explainer(rows)
    codes = np.arange(N) % 3 + 0.0
    codes[3] = np.nan
    np.testing.assert_array_equal(whole.data, np.column_stack([np.arange(N) / 2, codes]), strict=True)
    assert plain(whole.display_data) == plain(rows)
    np.testing.assert_array_equal(whole[:, 1][2:5].data, codes[2:5])
    assert plain(whole[:, 1][2:5].display_data) == plain(rows[2:5, 1])
    assert explainer(rows[4]).data.tolist() == [2.0, 1.0]
    assert explainer(rows[4]).display_data.tolist() == [2.0, "q"]


def test_sparse_rows_are_shown_dense(explainer):
    from scipy import sparse

    X = np.random.default_rng(0).integers(0, 2, size=(N, 3)).astype(float)
    model = lightgbm.LGBMRegressor(n_estimators=2, min_child_samples=3, n_jobs=1, verbose=-1).fit(X, X[:, 0])
    whole = TreeExplainer(model)(sparse.csr_matrix(X))
    np.testing.assert_array_equal(whole[2:5, [1, 0]].data, X[2:5][:, [1, 0]])
    np.testing.assert_array_equal(whole.data, X)
    assert whole.display_data is None


def test_a_series_is_one_row(explainer):
    row = FRAME[["age", "rooms"]].astype(float)
    model = lightgbm.LGBMRegressor(n_estimators=2, min_child_samples=3, n_jobs=1, verbose=-1).fit(row, FRAME["age"])
    one = TreeExplainer(model)(row.iloc[4])
    assert one.axes == ("feature",)
    assert one.feature_names == ("age", "rooms")
    np.testing.assert_array_equal(one.data, row.iloc[4].to_numpy())
    assert "1 row" not in repr(one)


@pytest.mark.parametrize("classes", [2, 3])
def test_an_explainer_names_its_outputs_model_and_axes(classes):
    X = np.random.default_rng(0).normal(size=(N, 2))
    labels = np.array(["low", "mid", "high"])[np.arange(N) % classes]
    from sklearn.ensemble import RandomForestClassifier

    explainer = TreeExplainer(
        RandomForestClassifier(n_estimators=2, max_depth=2, random_state=0, n_jobs=1).fit(X, labels)
    )
    whole = explainer(X)
    assert whole.axes == ("row", "feature", "output")
    assert whole.output_names == tuple(sorted(set(labels)))
    assert whole.model == explainer.model.source
    assert (whole[0].axes, explainer(X[0]).axes) == (("feature", "output"),) * 2
    np.testing.assert_array_equal(explainer(X[0]).base_values, explainer.expected_value)
    total = whole[:, :, "low"].base_values + whole[:, :, "low"].values.sum(1)
    np.testing.assert_allclose(
        total, explainer.model.predict(X)[:, whole.output_names.index("low")], rtol=0, atol=1e-12
    )
