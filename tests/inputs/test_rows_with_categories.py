"""Categories match by value: whatever order, codes or library the frame has."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from ferroshap.errors import DataError, FerroshapWarning
from ferroshap.inputs import read_rows
from ferroshap.inputs.categories import Categories

COLOURS = Categories(("red", "green", "blue"), unseen="missing")
SIZES = Categories((10, 20, 30), unseen="error", dtype="int64")
FLAGS = Categories((False, True), unseen="missing")


def columns(values):
    """The same values as every kind of column that holds them."""
    present = list(dict.fromkeys(v for v in values if v is not None))
    arrow = pa.array(values)
    yield "pandas category", pd.DataFrame({"c": pd.Categorical(values)})
    yield "pandas category, reversed", pd.DataFrame({"c": pd.Categorical(values, categories=present[::-1])})
    yield "pandas category, ordered", pd.DataFrame({"c": pd.Categorical(values, categories=present, ordered=True)})
    yield "pandas objects", pd.DataFrame({"c": pd.Series(values, dtype=object)})
    yield "pandas", pd.DataFrame({"c": values}).convert_dtypes()
    yield "pandas Arrow", pd.DataFrame({"c": pd.Series(values, dtype=pd.ArrowDtype(arrow.type))})
    yield "polars", pl.DataFrame({"c": values})
    yield "pyarrow", pa.table({"c": values})
    yield "record batch", pa.RecordBatch.from_pydict({"c": values})
    if not isinstance(present[0], bool):
        dictionary = arrow.dictionary_encode()
        yield "pyarrow dictionary", pa.table({"c": dictionary})
        yield (
            "pyarrow dictionaries that differ",
            pa.table({"c": pa.chunked_array([arrow[:2].dictionary_encode(), arrow[2:].dictionary_encode()])}),
        )
        yield (
            "pandas Arrow dictionary",
            pd.DataFrame({"c": pd.Series(dictionary, dtype=pd.ArrowDtype(dictionary.type))}),
        )
    if isinstance(present[0], str):
        yield "polars categorical", pl.DataFrame({"c": values}).cast(pl.Categorical)
        yield "polars enum", pl.DataFrame({"c": values}).cast(pl.Enum(present[::-1]))
        yield "large text", pa.table({"c": pa.array(values, pa.large_string())})
    if isinstance(present[0], int) and not isinstance(present[0], bool):
        yield "floats", pl.DataFrame({"c": [None if v is None else float(v) for v in values]})
        yield "floats with NaN", pd.DataFrame({"c": [np.nan if v is None else float(v) for v in values]})


CASES = {
    f"{type(values[0]).__name__}, {name}": (given, stored, codes)
    for stored, values, codes in [
        (COLOURS, ["blue", None, "red", "green"], [2, np.nan, 0, 1]),
        (SIZES, [20, None, 10, 10], [1, np.nan, 0, 0]),
        (FLAGS, [True, None, False, True], [1, np.nan, 0, 1]),
    ]
    for name, given in columns(values)
}


@pytest.mark.parametrize("case", CASES)
def test_values_become_the_stored_codes(make_schema, case):
    given, stored, codes = CASES[case]
    rows = read_rows(given, make_schema(names=["c"], categories={0: stored}))
    np.testing.assert_array_equal(rows.values[:, 0], codes)


@pytest.mark.parametrize(
    "given",
    [
        pd.DataFrame({"c": pd.Categorical(["red", "pink", "mauve", None])}),
        pl.DataFrame({"c": ["red", "pink", "mauve", None]}),
        pa.table({"c": pa.array(["red", "pink", "mauve", None]).dictionary_encode()}),
    ],
)
def test_an_unseen_category_is_missing_with_one_warning_or_refused_as_the_library_does(make_schema, given):
    with pytest.warns(FerroshapWarning, match="count as missing.*'c': 'mauve', 'pink'") as caught:
        rows = read_rows(given, make_schema(names=["c"], categories={0: COLOURS}))
    assert len(caught) == 1
    np.testing.assert_array_equal(rows.values[:, 0], [0, np.nan, np.nan, np.nan])
    strict = Categories(COLOURS.values, unseen="error")
    with pytest.raises(DataError, match="'c' holds 'mauve', 'pink', which the model did not see"):
        read_rows(given, make_schema(names=["c"], categories={0: strict}))


def test_a_category_that_no_row_has_does_not_count_as_unseen(make_schema):
    given = pd.DataFrame({"c": pd.Categorical(["red"], categories=["pink", "red"])})
    strict = Categories(COLOURS.values, unseen="error")
    assert read_rows(given, make_schema(names=["c"], categories={0: strict})).values[0, 0] == 0


@pytest.mark.parametrize(
    ("given", "stored", "text"),
    [
        (pd.DataFrame({"c": [0, 1]}), COLOURS, "holds numbers such as 0, but the model's categories are text: 'red'"),
        (pl.DataFrame({"c": ["10"]}), SIZES, "holds text such as '10', but the model's categories are numbers"),
        (pl.DataFrame({"c": [True]}), Categories((0, 1), "missing"), "holds booleans such as True"),
        (pl.DataFrame({"c": [1]}), FLAGS, "holds numbers such as 1"),
        (pd.DataFrame({"c": pd.Categorical([True])}), Categories((0, 1), "missing"), "holds booleans such as True"),
        (pd.DataFrame({"c": pd.to_datetime(["2020-01-01"])}), COLOURS, "dtype datetime64.*'red', 'green', 'blue'"),
        (pd.DataFrame({"c": pd.Series([[1]], dtype=object)}), COLOURS, "cannot be categories"),
    ],
)
def test_values_of_another_kind_are_refused(make_schema, given, stored, text):
    with pytest.raises(DataError, match=f"the column 'c' .*{text}"):
        read_rows(given, make_schema(names=["c"], categories={0: stored}))


def test_a_column_without_values_is_missing_whatever_its_type(make_schema):
    schema = make_schema(names=["c"], categories={0: COLOURS})
    for given in (
        pl.DataFrame({"c": [None]}),
        pa.table({"c": pa.nulls(1)}),
        pd.DataFrame({"c": [np.nan]}),
        pd.DataFrame({"c": pd.Categorical([None])}),
    ):
        np.testing.assert_array_equal(read_rows(given, schema).values, [[np.nan]])


def test_a_model_that_stores_an_empty_list_of_categories_sees_none_of_them(make_schema):
    with pytest.warns(FerroshapWarning, match="'red'"):
        rows = read_rows(
            pl.DataFrame({"c": ["red"]}), make_schema(names=["c"], categories={0: Categories((), "missing")})
        )
    np.testing.assert_array_equal(rows.values, [[np.nan]])


def test_without_stored_categories_the_frames_own_codes_are_read(make_schema):
    schema = make_schema(names=["c"], categorical={0})
    values = ["b", None, "a"]
    for given in (
        pd.DataFrame({"c": pd.Categorical(values, categories=["a", "b"])}),
        pl.DataFrame({"c": values}).cast(pl.Enum(["a", "b"])),
        pd.DataFrame({"c": [1, np.nan, 0]}),
    ):
        np.testing.assert_array_equal(read_rows(given, schema).values, [[1], [np.nan], [0]])


@pytest.mark.parametrize(
    "given",
    [
        pl.DataFrame({"c": ["b", "a"]}).cast(pl.Categorical),
        pa.table({"c": pa.array(["b", "a"]).dictionary_encode()}),
        pd.DataFrame({"c": pd.Series(["b"], dtype=pd.ArrowDtype(pa.dictionary(pa.int8(), pa.string())))}),
    ],
)
def test_codes_whose_order_depends_on_the_rows_are_refused(make_schema, given):
    with pytest.raises(DataError, match=r"the column 'c' has dtype .*stores no categories to match by value"):
        read_rows(given, make_schema(names=["c"], categorical={0}))


def test_arrays_hold_codes(make_schema):
    schema = make_schema(1, categories={0: SIZES})
    np.testing.assert_array_equal(read_rows(np.array([[2.0], [-1.0], [99.0]]), schema).values, [[2], [-1], [99]])
