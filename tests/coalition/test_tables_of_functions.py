"""Tables of every kind: what the model gets, and which values count as identical."""

import datetime as dt

import ferroshap
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse
from oracle import coalitions


def exact(model, rows, background, **options):
    return np.stack([coalitions.of_row(model, x, background, **options)[:, 0] for x in np.atleast_2d(rows)])


def mixed_frame():
    return pd.DataFrame(
        {
            "number": [1.5, np.nan, 2.5, 1.5, 0.5],
            "count": pd.array([1, None, 3, 1, 2], dtype="Int64"),
            "whole": np.array([2**53 + 1, 2**53, 5, 7, 9]),
            "flag": [True, False, True, True, False],
            "kind": pd.Categorical(["b", "a", "b", "c", "a"], categories=["c", "b", "a", "unused"]),
            "text": ["x", "yy", None, "zzz", "x"],
            "when": pd.to_datetime(["2020-01-01", None, "2021-01-01", "2020-01-01", "2022-05-05"]),
            "zoned": pd.to_datetime(["2020-01-01", "2020-01-02", None, "2020-01-01", "2020-01-03"]).tz_localize("UTC"),
            "month": pd.PeriodIndex(["2020-01", "2020-02", "2020-01", "2020-03", "2020-01"], freq="M"),
        }
    )


def encoded(frame):
    """Numbers made of every column of `mixed_frame`, in a way that needs its dtypes."""
    whole = (frame["whole"] - 2**53).to_numpy().astype(float)
    return (
        frame["number"].fillna(-1).to_numpy()
        + frame["count"].fillna(-2).to_numpy(dtype=float)
        * np.where(np.abs(whole) < 5, whole, 0.5)
        * (frame["flag"].astype(float).to_numpy() + 1)
        + frame["kind"].cat.codes.to_numpy().astype(float) * frame["text"].str.len().fillna(4).to_numpy()
        + frame["when"].dt.year.fillna(2000).to_numpy() / 1000
        + frame["zoned"].dt.day.fillna(9).to_numpy()
        + frame["month"].dt.month.to_numpy()
    )


def test_a_pandas_frame_keeps_its_dtypes_names_and_categories():
    frame = mixed_frame()
    seen = set()

    def model(rows):
        assert type(rows) is pd.DataFrame
        seen.add(tuple((name, str(dtype)) for name, dtype in rows.dtypes.items()))
        assert list(rows["kind"].cat.categories) == ["c", "b", "a", "unused"]
        assert isinstance(rows.index, pd.RangeIndex)
        return encoded(rows)

    explainer = ferroshap.KernelExplainer(model, frame[:3])
    explanation = explainer(frame[3:])
    assert len(seen) == 1
    assert dict(next(iter(seen))) == {name: str(dtype) for name, dtype in frame.dtypes.items()}
    assert list(explanation.feature_names) == list(frame.columns)

    def by_position(rows):  # positions in the frame, as numbers
        return encoded(
            pd.concat(
                [frame[[name]].iloc[rows[:, at].astype(int)].reset_index(drop=True) for at, name in enumerate(frame)],
                axis=1,
            )
        )

    positions = np.repeat(np.arange(5.0)[:, None], frame.shape[1], axis=1)
    expected = exact(by_position, positions[3:], positions[:3])
    np.testing.assert_allclose(explanation.values, expected, rtol=0, atol=1e-9 * np.abs(expected).max())
    np.testing.assert_allclose(
        explainer.expected_value + explanation.values.sum(axis=1), encoded(frame[3:]), rtol=1e-12
    )


def test_columns_of_a_frame_match_by_name(cases):
    frame = pd.DataFrame(cases.X, columns=cases.names)
    explainer = ferroshap.KernelExplainer(lambda rows: cases.one(rows[cases.names]), frame[:8])
    in_order = explainer.shap_values(frame[8:12])
    np.testing.assert_array_equal(explainer.shap_values(frame[8:12][cases.names[::-1]]), in_order)
    np.testing.assert_array_equal(explainer.shap_values(cases.rows), in_order)
    with pytest.raises(ferroshap.FeatureMismatchError, match="- extra"):
        explainer.shap_values(frame.assign(extra=1.0))
    with pytest.raises(ferroshap.FeatureMismatchError, match="of the background that are missing:\n- c"):
        explainer.shap_values(frame.drop(columns="c"))
    with pytest.raises(ferroshap.FeatureMismatchError) as raised:
        explainer.shap_values(frame.rename(columns={"c": "C"}))
    assert str(raised.value) == (
        "The columns should be those of the background.\n"
        "Columns that the background does not have:\n- C\n"
        "Columns of the background that are missing:\n- c\n"
        "Did you mean: 'C' for 'c'? Rename the columns to its names."
    )
    with pytest.raises(ferroshap.FeatureMismatchError, match="5 columns, but the background has 6"):
        explainer.shap_values(cases.rows[:, :5])
    with pytest.raises(ferroshap.DataError, match="pass both in one kind"):
        explainer.shap_values(pl.from_pandas(frame))


def test_names_of_columns_may_be_anything(cases):
    frame = pd.DataFrame(cases.X, columns=pd.MultiIndex.from_product([["a", "b"], [1, 2, 3]]))

    def model(rows):
        assert rows.columns.equals(frame.columns)
        return cases.one(rows)

    found = ferroshap.KernelExplainer(model, frame[:8]).shap_values(frame[8:12])
    np.testing.assert_array_equal(found, ferroshap.KernelExplainer(cases.one, cases.background).shap_values(cases.rows))


def test_a_polars_frame_keeps_its_dtypes():
    frame = pl.DataFrame(
        {
            "number": [1.5, None, 2.5, 1.5],
            "kind": pl.Series(["b", "a", "b", "c"], dtype=pl.Enum(["a", "b", "c"])),
            "free": pl.Series(["b", "a", "b", "c"], dtype=pl.Categorical),
            "day": [dt.date(2020, 1, day) for day in (1, 2, 3, 1)],
            "list": [[1, 2], [1], [1, 2], [3]],
        }
    )
    schemas = []

    def model(rows):
        schemas.append(rows.schema)
        return (
            rows["number"].fill_null(7).to_numpy() * (rows["kind"].to_physical().to_numpy() + 1.0)
            + rows["free"].cast(pl.String).eq("a").to_numpy() * rows["day"].dt.day().to_numpy()
            + rows["list"].list.sum().to_numpy()
        )

    explainer = ferroshap.KernelExplainer(model, frame[:2])
    found = explainer.shap_values(frame[2:])
    assert all(schema == frame.schema for schema in schemas)
    np.testing.assert_allclose(explainer.expected_value + found.sum(axis=1), model(frame[2:]), rtol=1e-12)
    assert explainer(frame[2:]).data.shape == (2, 5)


def test_an_arrow_table_stays_one(cases):
    table = pa.table(dict(zip(cases.names, cases.X.T, strict=True)))

    def model(rows):
        assert type(rows) is pa.Table
        return cases.one(np.column_stack([rows[name].to_numpy() for name in cases.names]))

    found = ferroshap.KernelExplainer(model, table.slice(0, 8)).shap_values(table.slice(8, 4))
    np.testing.assert_array_equal(found, ferroshap.KernelExplainer(cases.one, cases.background).shap_values(cases.rows))


def test_other_frames_are_refused_by_name(cases):
    class Table:
        __module__ = "modin.pandas"

        def __arrow_c_stream__(self, requested_schema=None):
            raise NotImplementedError

        shape = (2, 2)

    with pytest.raises(ferroshap.DataError, match=r"modin.*expected a numpy array, a pandas, polars or pyarrow table"):
        ferroshap.KernelExplainer(cases.one, Table())


def test_categories_that_only_the_rows_have_follow_those_of_the_background():
    background = pd.DataFrame({"kind": pd.Categorical(["b", "a"], categories=["b", "a"]), "x": [1.0, 2.0]})
    rows = pd.DataFrame({"kind": pd.Categorical(["new", "a"]), "x": [1.0, 3.0]})
    codes = []

    def model(frame):
        codes.append(list(frame["kind"].cat.categories))
        return frame["kind"].cat.codes.to_numpy() * 10.0 + frame["x"].to_numpy()

    found = ferroshap.KernelExplainer(model, background).shap_values(rows)
    assert codes[-1] == ["b", "a", "new"]
    np.testing.assert_allclose(found, [[15, -0.5], [5, 1.5]], rtol=0, atol=1e-12)
    ordered = background.assign(kind=background["kind"].cat.as_ordered())
    with pytest.raises(ferroshap.DataError, match="has 'new' in the rows, which has no place in that order"):
        ferroshap.KernelExplainer(model, ordered).shap_values(rows)


def test_whole_numbers_in_the_background_do_not_truncate_the_rows():
    background = np.array([[1, 2, 3], [4, 5, 6]])
    rows = np.array([[1.25, 2.5, 7.75]])
    coefficients = np.array([1.0, 2.0, 3.0])
    found = ferroshap.KernelExplainer(lambda X: X @ coefficients, background).shap_values(rows)
    np.testing.assert_allclose(found, (rows - background.mean(axis=0)) * coefficients, rtol=0, atol=1e-12)
    frame = pd.DataFrame(background, columns=list("abc"))
    found = ferroshap.KernelExplainer(lambda X: X.to_numpy() @ coefficients, frame).shap_values(
        pd.DataFrame(rows, columns=list("abc"))
    )
    np.testing.assert_allclose(found, (rows - background.mean(axis=0)) * coefficients, rtol=0, atol=1e-12)


def test_longer_texts_are_not_cut():
    background = np.array([["a", "b"], ["b", "c"]])
    rows = np.array([["longer", "b"]])
    found = ferroshap.KernelExplainer(lambda X: np.char.str_len(X).sum(axis=1) * 1.0, background).shap_values(rows)
    np.testing.assert_allclose(found, [[5, 0]], rtol=0, atol=1e-12)


DTYPES = [
    "float32",
    "float64",
    "float16",
    "longdouble",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint64",
    ">f8",
    ">i4",
    "bool",
    "object",
]


@pytest.mark.parametrize("dtype", [*DTYPES, "datetime64[D]", "timedelta64[s]", "complex128"])
def test_the_model_gets_the_dtype_of_the_background(dtype):
    rng = np.random.default_rng(0)
    X = rng.integers(0, 4, size=(9, 4)).astype("int64").astype(dtype)

    def model(rows):
        assert rows.dtype == np.dtype(dtype).newbyteorder("=")
        numbers = rows.real if rows.dtype.kind == "c" else rows
        numbers = numbers.astype("int64") if numbers.dtype.kind in "mM" else numbers
        numbers = numbers.astype(np.float64)
        return numbers[:, 0] * numbers[:, 1] * numbers[:, 2] + numbers[:, 3]

    explainer = ferroshap.KernelExplainer(model, X[:4])
    whole = X.astype("int64") if X.dtype.kind in "mM" else X.real if X.dtype.kind == "c" else X
    whole = whole.astype(np.float64)
    expected = exact(lambda rows: rows[:, 0] * rows[:, 1] * rows[:, 2] + rows[:, 3], whole[4:], whole[:4])
    np.testing.assert_allclose(explainer.shap_values(X[4:]), expected, rtol=0, atol=1e-9)


def counted_evaluations(background, rows):
    explainer = ferroshap.KernelExplainer(lambda X: np.arange(len(X)) * 0.0, background)
    return explainer(rows).details.n_evals.tolist()


def test_small_differences_are_differences():
    assert counted_evaluations(np.array([[1e6, 0.0, 5e-324]]), np.array([[1e6 + 1, 1e-9, 0.0]])) == [6]
    coefficients = np.array([1e-9, 1e9])
    found = ferroshap.KernelExplainer(lambda X: X @ coefficients, np.array([[1e6, 1e-9]])).shap_values(
        [[1e6 + 1, 2e-9]]
    )
    np.testing.assert_allclose(found, [[1e-9, 1.0]], rtol=1e-3)


def test_small_outputs_have_values(cases):
    scale = 2.0**-60
    found = ferroshap.KernelExplainer(lambda X: scale * cases.one(X), cases.background).shap_values(cases.rows)
    right = ferroshap.KernelExplainer(cases.one, cases.background).shap_values(cases.rows)
    np.testing.assert_allclose(found, scale * right, rtol=0, atol=1e-12 * scale * np.abs(right).max())


IDENTICAL = {
    "nan": (np.array([[np.nan, 1.0]]), np.array([[np.nan, 1.0]])),
    "nan of other bits": (np.array([[np.nan, 1.0]]), -np.array([[np.nan, -1.0]])),
    "zeros": (np.array([[-0.0, 1.0]]), np.array([[0.0, 1.0]])),
    "no time": (np.array([["nat", "2020-01-01"]], "M8[D]"), np.array([["nat", "2020-01-01"]], "M8[D]")),
    "objects": (np.array([[None, "a"]], object), np.array([[None, "a"]], object)),
    "object nan": (np.array([[float("nan"), "a"]], object), np.array([[float("nan"), "a"]], object)),
    "NA": (pd.DataFrame({"a": pd.array([None], dtype="Int64")}), pd.DataFrame({"a": pd.array([None], dtype="Int64")})),
    "NaT": (pd.DataFrame({"a": [pd.NaT]}), pd.DataFrame({"a": [pd.NaT]})),
    "missing category": (
        pd.DataFrame({"a": pd.Categorical([None], categories=["x"])}),
        pd.DataFrame({"a": pd.Categorical([None], categories=["x"])}),
    ),
    "null": (pl.DataFrame({"a": [None]}), pl.DataFrame({"a": [None]})),
    "polars nan": (pl.DataFrame({"a": [float("nan")]}), pl.DataFrame({"a": [float("nan")]})),
}


@pytest.mark.parametrize("kind", IDENTICAL)
def test_identical_values_are_no_players(kind):
    background, rows = IDENTICAL[kind]
    assert counted_evaluations(background, rows) == [0]


def test_what_is_missing_in_two_ways_differs():
    background, rows = np.array([[None, None, 1.0]], object), np.array([[float("nan"), None, 1]], object)
    explainer = ferroshap.KernelExplainer(lambda X: np.array([x[0] is None for x in X]) + 0.0, background)
    np.testing.assert_array_equal(explainer.shap_values(rows), [[-1, 0, 0]])


def sparse_cases():
    rng = np.random.default_rng(3)
    dense = np.zeros((12, 2**16))
    for row in dense:
        row[rng.choice([1, 100, 5000, 40_000, 2**16 - 1], 3, replace=False)] = rng.normal(size=3)
    return scipy.sparse.csr_matrix(dense), dense


def sparse_model(X):
    columns = X[:, [1, 100, 5000, 40_000, 2**16 - 1]]
    columns = columns.toarray() if scipy.sparse.issparse(columns) else columns
    return columns[:, 0] * columns[:, 1] * columns[:, 2] + np.sin(columns[:, 3]) + columns[:, 4]


@pytest.mark.parametrize("kind", ["csr_matrix", "csc_matrix", "csr_array", "lil_matrix"])
def test_wide_sparse_rows_cost_their_entries_only(kind):
    matrix, dense = sparse_cases()
    kinds = []

    def model(X):
        kinds.append((type(X).__name__, X.format, X.shape[1]))
        return sparse_model(X)

    make = getattr(scipy.sparse, kind)
    explanation = ferroshap.KernelExplainer(model, make(matrix[:4]))(make(matrix[4:]))
    used = [1, 100, 5000, 40_000, 2**16 - 1]
    expected = exact(
        lambda X: X[:, 0] * X[:, 1] * X[:, 2] + np.sin(X[:, 3]) + X[:, 4], dense[4:, used], dense[:4, used]
    )
    np.testing.assert_allclose(explanation.values[:, used], expected, rtol=0, atol=1e-9)
    assert not np.delete(explanation.values, used, axis=1).any()
    assert explanation.details.exact.all()
    assert {kept for _, kept, _ in kinds} == {"csr"}
    assert {columns for _, _, columns in kinds} == {2**16}


def test_sparse_and_dense_rows_go_together():
    matrix, dense = sparse_cases()
    matrix, dense = matrix[:, [1, 100, 5000, 40_000, 2**16 - 1]], dense[:, [1, 100, 5000, 40_000, 2**16 - 1]]

    def model(X):
        columns = X.toarray() if scipy.sparse.issparse(X) else X
        return columns[:, 0] * columns[:, 1] * columns[:, 2] + np.sin(columns[:, 3]) + columns[:, 4]

    right = ferroshap.KernelExplainer(model, dense[:4]).shap_values(dense[4:])
    for background, rows in ((dense[:4], matrix[4:]), (matrix[:4], dense[4:]), (matrix[:4], matrix[4:])):
        found = ferroshap.KernelExplainer(model, background).shap_values(rows)
        np.testing.assert_allclose(found, right, rtol=0, atol=1e-12)


def test_explicit_zeros_are_zeros():
    background = scipy.sparse.csr_matrix(np.array([[1.0, 2.0, 3.0]]))
    background.data[1] = 0.0
    rows = scipy.sparse.csr_matrix(np.array([[4.0, 0.0, 3.0]]))
    explanation = ferroshap.KernelExplainer(lambda X: X.toarray().sum(axis=1), background)(rows)
    np.testing.assert_allclose(explanation.values, [[3, 0, 0]], rtol=0, atol=1e-12)
    assert explanation.details.n_evals.tolist() == [0]


def test_sparse_rows_without_an_entry():
    empty = scipy.sparse.csr_matrix((2, 5))
    found = ferroshap.KernelExplainer(lambda X: np.asarray(X.sum(axis=1)).ravel(), empty)(empty)
    assert not found.values.any()
    assert found.details.exact.all()


def test_rows_of_several_axes_go_to_the_model_in_their_shape():
    rng = np.random.default_rng(5)
    X = rng.normal(size=(8, 2, 3))
    shapes = set()

    def model(images):
        shapes.add(images.shape[1:])
        return images[:, 0].prod(axis=1) + images[:, 1, 0] * images[:, 0, 2]

    explainer = ferroshap.KernelExplainer(model, X[:3])
    found = explainer.shap_values(X[3:])
    assert shapes == {(2, 3)}
    expected = exact(lambda rows: model(rows.reshape(-1, 2, 3)), X[3:].reshape(5, 6), X[:3].reshape(3, 6))
    np.testing.assert_allclose(found, expected.reshape(5, 2, 3), rtol=0, atol=1e-9)
    assert explainer(X[3:]).values.shape == (5, 6)
    assert explainer.feature_names == ["0,0", "0,1", "0,2", "1,0", "1,1", "1,2"]
    np.testing.assert_array_equal(explainer.shap_values(X[3]), found[0])
    with pytest.raises(ferroshap.FeatureMismatchError, match=r"shape \(5, 3, 2\); expected \(rows, 2, 3\)"):
        explainer.shap_values(X[3:].transpose(0, 2, 1))


def test_one_row_without_an_axis(cases):
    explainer = ferroshap.KernelExplainer(cases.two, cases.background)
    all_rows = explainer.shap_values(cases.rows)
    np.testing.assert_array_equal(explainer.shap_values(cases.rows[0]), all_rows[0])
    np.testing.assert_array_equal(explainer.shap_values(list(cases.rows[0])), all_rows[0])
    explanation = explainer(cases.rows[0])
    assert explanation.values.shape == (6, 2)
    assert explanation.base_values.shape == (2,)
    frame = pd.DataFrame(cases.X, columns=cases.names)
    of_frames = ferroshap.KernelExplainer(cases.two, frame[:8])
    np.testing.assert_array_equal(of_frames.shap_values(frame.iloc[8]), all_rows[0])
    np.testing.assert_array_equal(explainer.shap_values(frame.iloc[8]), all_rows[0])


def test_no_rows_give_no_values(cases):
    explainer = ferroshap.KernelExplainer(cases.two, cases.background)
    assert explainer.shap_values(cases.rows[:0]).shape == (0, 6, 2)
    assert explainer(cases.rows[:0]).base_values.shape == (0, 2)
    frame = pd.DataFrame(cases.X, columns=cases.names)
    assert ferroshap.KernelExplainer(cases.one, frame[:8]).shap_values(frame[:0]).shape == (0, 6)


def test_labels_of_the_background_where_the_index_is_kept(cases):
    frame = pd.DataFrame(cases.X, columns=cases.names, index=[f"row {at}" for at in range(len(cases.X))])
    labels = set()

    def model(rows):
        labels.update(rows.index)
        return cases.one(rows)

    ferroshap.KernelExplainer(model, frame[:8], keep_index=True).shap_values(frame[8:9])
    assert labels == {f"row {at}" for at in range(9)}


def test_frames_in_the_order_of_the_index_have_their_answers_put_back(cases):
    labels = [f"row {at * 7 % 30:02}" for at in range(30)]
    frame = pd.DataFrame(cases.X, columns=cases.names, index=labels)
    sorted_calls = []

    def model(rows):
        sorted_calls.append(rows.index.is_monotonic_increasing)
        return cases.two(rows)

    options = {"keep_index": True, "keep_index_ordered": True}
    found = ferroshap.KernelExplainer(model, frame[:8], **options).shap_values(frame[8:12])
    assert len(sorted_calls) > 2
    assert all(sorted_calls)
    whole = ferroshap.KernelExplainer(cases.two, cases.X[:8]).shap_values(cases.X[8:12])
    np.testing.assert_allclose(found, whole, rtol=0, atol=1e-12)
    two_levels = frame.set_index(pd.MultiIndex.from_arrays([labels, range(30)]))
    one = ferroshap.KernelExplainer(lambda rows: pd.Series(cases.one(rows)), two_levels[:8], **options)
    np.testing.assert_allclose(one.shap_values(two_levels[8:12]), whole[:, :, 0], rtol=0, atol=1e-12)
    # without an index to keep there is nothing to sort by
    other = ferroshap.KernelExplainer(cases.two, frame[:8], keep_index_ordered=True)
    np.testing.assert_allclose(other.shap_values(frame[8:12]), whole, rtol=0, atol=1e-12)


@pytest.mark.parametrize("rows", ["text", 3.0, {"a": [1.0]}, {1, 2}])
def test_what_is_no_table_is_refused_by_name(cases, rows):
    with pytest.raises(ferroshap.DataError, match=f"X is {type(rows).__name__}; expected rows"):
        ferroshap.KernelExplainer(cases.one, cases.background).shap_values(rows)
    with pytest.raises(ferroshap.DataError, match=f"background, is {type(rows).__name__}; expected rows"):
        ferroshap.KernelExplainer(cases.one, rows)
