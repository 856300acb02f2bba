"""Arrays: any real dtype and memory order, or a refusal that names what is wrong."""

import numpy as np
import pytest
from ferroshap.errors import DataError, FeatureMismatchError
from ferroshap.inputs import read_rows

X = np.array([[1.0, -2.5, np.nan], [3.0, np.inf, 0.0]])


def in_records(x):
    records = np.zeros(len(x), dtype=[("flag", "i1"), ("x", x.dtype, x.shape[1])])
    records["x"] = x
    return records["x"]


LAYOUTS = {
    "C order": np.ascontiguousarray,
    "Fortran order": np.asfortranarray,
    "every second column": lambda x: np.repeat(x, 2, axis=1)[:, ::2],
    "reversed": lambda x: np.ascontiguousarray(x[::-1, ::-1])[::-1, ::-1],
    "big-endian": lambda x: x.astype(x.dtype.newbyteorder(">")),
    "inside records": in_records,
    "unmasked array": np.ma.masked_array,
}


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_floats_keep_value_and_dtype_in_every_layout(make_schema, layout, dtype):
    rows = read_rows(LAYOUTS[layout](X.astype(dtype)), make_schema())
    assert rows.values.dtype == np.dtype(dtype)
    assert rows.values.dtype.isnative
    assert rows.values.flags.aligned
    np.testing.assert_array_equal(rows.values, X.astype(dtype))


@pytest.mark.parametrize("layout", ["C order", "Fortran order", "every second column", "reversed"])
def test_floats_are_not_copied(make_schema, layout):
    given = LAYOUTS[layout](X)
    assert np.shares_memory(read_rows(given, make_schema()).values, given)


def test_read_only_rows_are_read(make_schema):
    given = X.copy()
    given.flags.writeable = False
    assert np.shares_memory(read_rows(given, make_schema()).values, given)


@pytest.mark.parametrize("dtype", ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "?", "f2", "g"])
@pytest.mark.parametrize("to_float32", [True, False])
def test_other_dtypes_become_float32_where_the_library_does_so(make_schema, dtype, to_float32):
    given = np.array([[0, 1, 1], [1, 0, 1]], dtype=dtype)
    rows = read_rows(given, make_schema(integers=to_float32))
    assert rows.values.dtype == (np.float32 if to_float32 else np.float64)
    np.testing.assert_array_equal(rows.values, given.astype(float))


def test_integers_are_rounded_once(make_schema):
    # By way of float64 this integer would land half-way between two float32 values and round down.
    just_above = 2**55 + 2**31 + 1
    given = np.array([[just_above, 2**24 + 1, 3]])
    expected = np.array([[2**55 + 2**32, 2**24, 3]], dtype=np.float32)
    np.testing.assert_array_equal(read_rows(given, make_schema(integers=True)).values, expected)
    np.testing.assert_array_equal(read_rows(given, make_schema(), round_to_float32=True).values, expected)
    assert read_rows(given, make_schema()).values[0, 1] == 2**24 + 1


def test_a_longdouble_beyond_float32_becomes_infinity_without_a_warning(make_schema):
    rows = read_rows(np.array([[1e300, 0, 0]], dtype="g"), make_schema(integers=True))
    assert rows.values[0, 0] == np.inf


def test_lists_of_numbers_are_rows(make_schema):
    np.testing.assert_array_equal(read_rows([[1, 2.5, 3], (4, 5, 6)], make_schema()).values, [[1, 2.5, 3], [4, 5, 6]])


def test_no_rows_are_rows(make_schema):
    rows = read_rows(np.empty((0, 3)), make_schema())
    assert rows.values.shape == (0, 3)
    assert len(rows) == 0


def test_one_row_may_come_without_a_row_axis(make_schema):
    rows = read_rows(np.array([1.0, 2.0, 3.0]), make_schema())
    assert rows.one_row
    assert rows.values.shape == (1, 3)
    assert not read_rows(np.ones((1, 3)), make_schema()).one_row


REFUSED = {
    "complex": (np.ones((2, 3), complex), "complex numbers"),
    "text": (np.array([["a", "b", "c"]]), "text"),
    "bytes": (np.array([[b"a", b"b", b"c"]]), "bytes"),
    "dates": (np.zeros((2, 3), "M8[s]"), "dates"),
    "time differences": (np.zeros((2, 3), "m8[s]"), "time differences"),
    "records": (np.zeros(3, dtype=[("a", "f8"), ("b", "f8")]), "records"),
    "objects": (np.array([[1, 2.0, "red"]], dtype=object), r"column 2 holds 'red' \(str\)"),
    "None": (np.array([[1, None, 2]], dtype=object), r"column 1 holds None"),
    "numbers as objects": (np.ones((2, 3), dtype=object), r"X\.astype\(np\.float64\)"),
    "masked": (np.ma.masked_array(X, mask=X > 2), r"X\.filled\(np\.nan\)"),
    "ragged": ([[1, 2, 3], [4, 5]], "do not form a table"),
    "a scalar": (np.float64(3.0), r"shape \(\)"),
    "three dimensions": (np.ones((2, 3, 3)), r"shape \(2, 3, 3\)"),
    "a word": ("rows.csv", "str"),
    "nothing": (None, "NoneType"),
    "a dict": ({"a": [1]}, "dict"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_table_of_numbers_is_refused_by_name(make_schema, case):
    given, text = REFUSED[case]
    with pytest.raises(DataError, match=text):
        read_rows(given, make_schema())


@pytest.mark.parametrize("given", [np.ones((2, 2)), np.ones((2, 4)), np.ones(4), [[1, 2]], np.empty((0, 2))])
def test_a_wrong_number_of_columns_says_found_and_expected(make_schema, given):
    found = np.shape(given)[-1]
    with pytest.raises(FeatureMismatchError, match=rf"have {found} columns?, but the model expects 3 features"):
        read_rows(given, make_schema())
