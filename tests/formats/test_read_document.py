"""`read_document`: which Python objects stand for the values of a model file, and which exceptions for its defects."""

import threading

import numpy as np
import pytest
from ferroshap import _native
from ferroshap.errors import ModelError, UnsupportedModelError


def ubjson(members):
    """An XGBoost-like UBJSON file whose `learner` holds these encoded values."""

    def text(key):
        return b"L" + len(key).to_bytes(8, "big") + key.encode()

    inner = b"".join(text(key) + value for key, value in members.items())
    return b"{" + text("learner") + b"{" + inner + b"}}"


def test_json_values_become_plain_python_and_numpy_objects():
    form, document = _native.read_document(
        b'{"learner": {"none": null, "yes": true, "int": 9007199254740993, "float": 5E-1, "text": "\\u00fc",'
        b' "empty": [], "texts": ["a", ""], "mixed": [1, null, {"a": []}], "object": {}}, "version": [3, 2, 0]}'
    )
    assert form == "xgboost-json"
    np.testing.assert_array_equal(document.pop("version"), [3, 2, 0])
    assert document == {
        "learner": {
            "none": None,
            "yes": True,
            "int": 9007199254740993,
            "float": 0.5,
            "text": "ü",
            "empty": [],
            "texts": ["a", ""],
            "mixed": [1, None, {"a": []}],
            "object": {},
        }
    }


@pytest.mark.parametrize(
    ("written", "dtype", "values"),
    [
        ("[1, -2]", "int64", [1, -2]),
        ("[1, 2.5]", "float64", [1.0, 2.5]),
        ("[NaN, Infinity, -Infinity, 1E-1]", "float64", [np.nan, np.inf, -np.inf, 0.1]),
        ("[true, false]", "bool", [True, False]),
        (str(list(range(1000))), "int64", list(range(1000))),
    ],
)
def test_json_lists_of_numbers_become_arrays(written, dtype, values):
    _, document = _native.read_document(f'{{"learner": {written}}}'.encode())
    array = document["learner"]
    assert array.dtype == dtype
    assert array.flags.writeable
    assert array.flags.c_contiguous
    np.testing.assert_array_equal(array, values)


@pytest.mark.parametrize(("marker", "dtype"), [("i", "i1"), ("U", "u1"), ("I", "i2"), ("l", "i4"), ("L", "i8")])
@pytest.mark.parametrize("length", [0, 3, 500])
def test_typed_integer_arrays_keep_their_dtype(marker, dtype, length):
    values = np.arange(-2, length - 2).astype(dtype)
    data = b"[$" + marker.encode() + b"#L" + length.to_bytes(8, "big") + values.astype(">" + dtype).tobytes()
    form, document = _native.read_document(ubjson({"a": data}))
    assert form == "xgboost-ubjson"
    assert document["learner"]["a"].dtype == np.dtype(dtype)
    np.testing.assert_array_equal(document["learner"]["a"], values)


@pytest.mark.parametrize(("marker", "dtype"), [("d", "f4"), ("D", "f8")])
def test_typed_float_arrays_keep_every_bit(marker, dtype):
    values = np.array([0.1, -0.0, np.inf, np.finfo(dtype).smallest_subnormal], dtype)
    data = b"[$" + marker.encode() + b"#L" + len(values).to_bytes(8, "big") + values.astype(">" + dtype).tobytes()
    _, document = _native.read_document(ubjson({"a": data}))
    assert document["learner"]["a"].dtype == np.dtype(dtype)
    assert document["learner"]["a"].tobytes() == values.tobytes()


def test_lightgbm_text_becomes_header_trees_parameters_and_categories():
    form, document = _native.read_document(
        b"tree\nnum_class=1\naverage_output\n\nTree=0\nnum_leaves=2\nnum_cat=0\nsplit_feature=3\nthreshold=inf\n"
        b"decision_type=2\nleft_child=-1\nright_child=-2\nleaf_value=0.1 -2\nshrinkage=1\n\nend of trees\n\n"
        b'parameters:\n[seed: 7]\nend of parameters\n\npandas_categorical:[["a", "b"], [1, 2]]\n'
    )
    assert form == "lightgbm-text"
    assert document["header"] == {"num_class": "1", "average_output": True}
    assert document["parameters"] == {"seed": "7"}
    strings, integers = document["pandas_categorical"]
    assert strings == ["a", "b"]
    np.testing.assert_array_equal(integers, [1, 2])
    (tree,) = document["trees"]
    assert (tree["num_leaves"], tree["num_cat"], tree["shrinkage"]) == (2, 0, 1.0)
    for key, dtype, values in [
        ("split_feature", "int64", [3]),
        ("threshold", "float64", [np.inf]),
        ("leaf_value", "float64", [0.1, -2.0]),
    ]:
        assert tree[key].dtype == dtype
        np.testing.assert_array_equal(tree[key], values)


def test_a_broken_file_is_a_model_error_with_its_place():
    with pytest.raises(ModelError, match=r"^XGBoost JSON: found ';', expected ',' or ']' at byte 13$"):
        _native.read_document(b'{"learner":[1;2]}')
    with pytest.raises(ModelError, match=r"'leaf_value': found 'x' as element 1, expected a number at line 4$"):
        _native.read_document(b"tree\nTree=0\nnum_leaves=2\nleaf_value=1 x\nend of trees\n")


def test_another_format_is_an_unsupported_model_with_a_way_out():
    with pytest.raises(
        UnsupportedModelError, match=r"old binary format is not readable: load it with XGBoost 1\.6 to 3\.0"
    ):
        _native.read_document(b"binf\0\0\0\x3f")


def test_other_threads_run_while_a_file_is_parsed():
    data = b'{"learner": [' + b"0.12345678901234567890," * 2_000_000 + b"1]}"
    ticks, stop = [], threading.Event()

    def tick():
        while not stop.wait(0.001):
            ticks.append(1)

    thread = threading.Thread(target=tick)
    thread.start()
    try:
        before = len(ticks)
        _native.read_document(data)
        during = len(ticks) - before
    finally:
        stop.set()
        thread.join()
    assert during >= 5
