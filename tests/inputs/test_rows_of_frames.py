"""Frames: columns by name, numbers with missing values, in every frame library the same."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from ferroshap.errors import DataError, FeatureMismatchError, FerroshapWarning, warn
from ferroshap.inputs import read_rows

NAMES = ("age", "fare", "alone")
COLUMNS = {"age": [22, None, 54], "fare": [7.25, 71.5, None], "alone": [True, False, None]}
EXPECTED = np.array([[22, 7.25, 1], [np.nan, 71.5, 0], [54, np.nan, np.nan]])


def whole(columns):
    """Without a missing boolean, which numpy's booleans cannot hold."""
    return {**columns, "alone": [True, False, True]}


def test_numbers_and_missing_values_are_the_same_from_every_library(make_schema, frame):
    rows = read_rows(frame(whole(COLUMNS)), make_schema(names=NAMES))
    expected = EXPECTED.copy()
    expected[2, 2] = 1
    np.testing.assert_array_equal(rows.values, expected)
    assert rows.columns == NAMES


@pytest.mark.parametrize("library", [pl.DataFrame, pa.table, lambda c: pd.DataFrame(c).convert_dtypes()])
def test_missing_booleans_are_missing(make_schema, library):
    np.testing.assert_array_equal(read_rows(library(COLUMNS), make_schema(names=NAMES)).values, EXPECTED)


def test_columns_match_by_name_in_any_order(make_schema, frame):
    given = whole(COLUMNS)
    shuffled = frame({name: given[name] for name in ("alone", "age", "fare")})
    rows = read_rows(shuffled, make_schema(names=NAMES))
    np.testing.assert_array_equal(rows.values, read_rows(frame(given), make_schema(names=NAMES)).values)
    assert rows.columns == NAMES


def test_columns_match_by_position_where_the_model_knows_no_names(make_schema, frame):
    rows = read_rows(frame({"b": [1.0], "a": [2.0], "c": [3.0]}), make_schema(3))
    np.testing.assert_array_equal(rows.values, [[1, 2, 3]])
    assert rows.columns == ("b", "a", "c")
    with pytest.raises(FeatureMismatchError, match="have 2 columns, but the model expects 3 features"):
        read_rows(frame({"b": [1.0], "a": [2.0]}), make_schema(3))


def test_missing_and_unknown_columns_are_listed_with_a_hint(make_schema, frame):
    given = frame({"Age": [1], "fare": [2.0], "alone": [True], "cabin": [3]})
    with pytest.raises(FeatureMismatchError) as raised:
        read_rows(given, make_schema(names=NAMES))
    assert str(raised.value) == (
        "The feature names should match those that were passed during fit.\n"
        "Feature names unseen at fit time:\n- Age\n- cabin\n"
        "Feature names seen at fit time, yet now missing:\n- age\n"
        "Did you mean: 'Age' for 'age'? Rename the columns to the model's names."
    )


def test_extra_columns_can_be_ignored_with_one_log_line(make_schema, frame, caplog):
    given = frame({"id": [7], **{name: values[:1] for name, values in COLUMNS.items()}, "note": ["x"]})
    with pytest.raises(FeatureMismatchError, match=r"unseen at fit time:\n- id\n- note$"):
        read_rows(given, make_schema(names=NAMES))
    with caplog.at_level("INFO", logger="ferroshap"):
        rows = read_rows(given, make_schema(names=NAMES), extra="ignore")
    np.testing.assert_array_equal(rows.values, EXPECTED[:1])
    assert caplog.messages == ["ignored 2 columns the model does not know: 'id', 'note'"]


def test_lightgbm_names_match_with_spaces_as_underscores(make_schema, frame):
    schema = make_schema(names=["sepal_length", "b_c"], underscores=True)
    rows = read_rows(frame({"b_c": [2.0], "sepal length": [1.0]}), schema)
    np.testing.assert_array_equal(rows.values, [[1, 2]])
    with pytest.raises(FeatureMismatchError, match="'b c' and 'b_c' are the same feature"):
        read_rows(frame({"sepal length": [1.0], "b c": [2.0], "b_c": [2.0]}), schema, extra="ignore")
    with pytest.raises(FeatureMismatchError, match="unseen at fit time:\n- sepal length"):
        read_rows(frame({"sepal length": [1.0]}), make_schema(names=["sepal_length"]))


def test_a_column_name_that_occurs_twice_is_refused(make_schema):
    with pytest.raises(FeatureMismatchError, match="occurs twice"):
        read_rows(pd.DataFrame([[1.0, 2.0]], columns=["a", "a"]), make_schema(2))
    with pytest.raises(FeatureMismatchError, match="occurs twice"):
        read_rows(pd.DataFrame([[1.0, 2.0]], columns=[1, "1"]), make_schema(names=["1"]))


def test_pandas_columns_may_be_named_by_numbers(make_schema):
    rows = read_rows(pd.DataFrame([[1.0, 2.0]], columns=[1, 0]), make_schema(names=["0", "1"]))
    np.testing.assert_array_equal(rows.values, [[2, 1]])


@pytest.mark.parametrize("index", [[3, 1, 2], ["a", "b", "c"]])
def test_the_index_of_a_frame_does_not_matter(make_schema, index):
    rows = read_rows(pd.DataFrame({"a": [1.0, 2.0, 3.0]}, index=index), make_schema(names=["a"]))
    np.testing.assert_array_equal(rows.values, [[1], [2], [3]])


@pytest.mark.parametrize("dtype", ["f4", "i1", "u1", "i2", "u2", "f2", "bool"])
def test_a_frame_that_float32_holds_exactly_becomes_float32(make_schema, dtype):
    assert read_rows(pd.DataFrame({"a": np.ones(2, dtype)}), make_schema(1)).values.dtype == np.float32


@pytest.mark.parametrize("dtype", ["f8", "i4", "u4", "i8", "u8", "Int64", "int64[pyarrow]"])
def test_wider_columns_become_float64_unless_the_model_rounds(make_schema, dtype):
    given = pd.DataFrame({"a": np.ones(2, "f4"), "b": pd.Series([2**24 + 1, 1]).astype(dtype)})
    assert read_rows(given, make_schema(2)).values[0, 1] == 2**24 + 1
    assert read_rows(given, make_schema(2, integers=True)).values.dtype == np.float64  # as LightGBM with pandas
    rounded = read_rows(given, make_schema(2), round_to_float32=True).values
    assert rounded.dtype == np.float32
    assert rounded[0, 1] == 2**24


def test_integers_of_a_frame_are_rounded_once(make_schema):
    given = pd.DataFrame({"a": [2**55 + 2**31 + 1]})
    assert read_rows(given, make_schema(1), round_to_float32=True).values[0, 0] == 2**55 + 2**32


def test_values_beyond_float32_become_infinity_without_a_warning(make_schema, frame):
    rows = read_rows(frame({"a": [1e300, -1e300]}), make_schema(1), round_to_float32=True)
    np.testing.assert_array_equal(rows.values, [[np.inf], [-np.inf]])


def test_a_column_without_values_is_missing(make_schema):
    for given in (pl.DataFrame({"a": [None, None]}), pa.table({"a": pa.nulls(2)})):
        np.testing.assert_array_equal(read_rows(given, make_schema(1)).values, [[np.nan], [np.nan]])


def test_frames_without_rows_are_read(make_schema, frame):
    given = frame({"a": [1.5]})
    empty = given.slice(0, 0) if hasattr(given, "slice") else given.iloc[:0]
    assert read_rows(empty, make_schema(1)).values.shape == (0, 1)


def test_chunked_and_sliced_arrow_columns_are_read(make_schema):
    table = pa.table({"a": pa.chunked_array([[1, None], [3, 4]]), "b": pa.chunked_array([[True], [None, False, True]])})
    rows = read_rows(table.slice(1, 3), make_schema(2))
    np.testing.assert_array_equal(rows.values, [[np.nan, np.nan], [3, 0], [4, 1]])


REFUSED = {
    "text": (pd.DataFrame({"a": ["x", "y"]}), "dtype str"),
    "objects": (pd.DataFrame({"a": pd.Series([True, None], dtype=object)}), "dtype object"),
    "dates": (pd.DataFrame({"a": pd.to_datetime(["2020-01-01"])}), r"dtype datetime64"),
    "complex": (pd.DataFrame({"a": [1j]}), "dtype complex128"),
    "category": (pd.DataFrame({"a": pd.Categorical(["x"])}), "dtype category.*not a category in training"),
    "polars text": (pl.DataFrame({"a": ["x"]}), "dtype String"),
    "polars date": (pl.DataFrame({"a": [0]}).cast(pl.Date), "dtype Date"),
    "polars duration": (pl.DataFrame({"a": [0]}).cast(pl.Duration), "dtype Duration"),
    "polars decimal": (pl.DataFrame({"a": [0]}).cast(pl.Decimal(5, 2)), "dtype Decimal.*convert it to float64"),
    "polars int128": (pl.DataFrame({"a": [0]}).cast(pl.Int128), "dtype Int128.*convert it to float64"),
    "polars list": (pl.DataFrame({"a": [[1, 2]]}), "dtype List"),
    "polars enum": (pl.DataFrame({"a": ["x"]}).cast(pl.Enum(["x"])), "dtype Enum"),
    "arrow text": (pa.table({"a": ["x"]}), "dtype string"),
    "arrow dictionary": (pa.table({"a": pa.array(["x"]).dictionary_encode()}), "dtype dictionary"),
    "arrow binary": (pa.table({"a": [b"x"]}), "dtype binary"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_column_that_is_no_number_is_refused_by_name_and_dtype(make_schema, case):
    given, text = REFUSED[case]
    with pytest.raises(DataError, match=rf"the column 'a' has {text}"):
        read_rows(given, make_schema(1))


@pytest.mark.parametrize(
    ("given", "instead"),
    [
        (pd.Series([1.0, 2.0]), "a pandas Series of 2 values, which is read as one row, but the model expects 1"),
        (pl.Series([1.0]), r"df\[:1\]"),
        (pa.array([1.0]), "pass a table"),
        (pl.LazyFrame({"a": [1.0]}), r"frame\.collect\(\)"),
        (pa.chunked_array([[1.0]]), "pass a table"),
    ],
)
def test_series_and_lazy_frames_are_refused_with_what_to_pass(make_schema, given, instead):
    with pytest.raises(DataError, match=instead):
        read_rows(given, make_schema(1))


def test_the_table_for_display_keeps_the_users_values(make_schema, frame):
    given = frame({"b": [1.5, None], "a": [1, 2]})
    shown = read_rows(given, make_schema(names=["a", "b"])).table.to_numpy()
    np.testing.assert_array_equal(shown, [[1, 1.5], [2, np.nan]])


def test_a_warning_points_at_the_line_that_called():
    with pytest.warns(FerroshapWarning, match="hello") as caught:
        warn("hello")
    assert caught[0].filename == __file__
