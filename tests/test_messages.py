"""Errors that are rare: each is raised from outside once, and names the place, what is there and what was expected."""

import io
import json
import pickle
import sys
import zipfile
from pathlib import Path

import ferroshap
import numpy as np
import pyarrow as pa
import pytest
import xgboost
from ferroshap import (
    BatchExplainer,
    DataError,
    FeatureMismatchError,
    ModelError,
    OptionError,
    TreeExplainer,
    load_model,
)
from ferroshap.inputs import InputSchema, read_rows
from sklearn.tree import DecisionTreeRegressor

REFERENCE = Path(__file__).parent / "reference"
X = np.random.default_rng(0).normal(size=(60, 2))


def xgboost_file(change, name="x34/cat_frame.json"):
    """The bytes of a reference model after `change(its gbtree model)`."""
    document = json.loads((REFERENCE / name).read_text())
    change(document["learner"]["gradient_booster"]["model"])
    return json.dumps(document).encode()


def encoder(column, **fields):
    return lambda model: model["cats"]["enc"][column].update(fields)


def trees_of_outputs(*outputs):
    return lambda model: model.update(tree_info=[*outputs, *model["tree_info"][len(outputs) :]])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (encoder(1, offsets=[0, 1, 1, 1], values=[90]), r"cats\.enc\[1\]\.values is .*, expected every category once"),
        (encoder(3, type=99), r"cats\.enc\[3\]\.type is 99, expected one of .*an integer type"),
        (encoder(3, type=9, values=[300]), r"cats\.enc\[3\]\.values is .*, expected numbers of type u?int8"),
        (trees_of_outputs(0, 5), r"tree 1: tree_info is 5, expected an output, 0 to 0"),
    ],
    ids=["twice", "type", "range", "output"],
)
def test_xgboost_documents(change, says):
    with pytest.raises(ModelError, match=says):
        load_model(xgboost_file(change))


def test_a_small_file_that_asks_for_much_memory():
    document = json.loads((REFERENCE / "x34" / "mo.json").read_text())
    document["learner"]["learner_model_param"] |= {"num_target": "60000", "base_score": "0"}
    for tree in document["learner"]["gradient_booster"]["model"]["trees"]:
        tree["tree_param"]["size_leaf_vector"] = "60000"
    with pytest.raises(
        ModelError, match=r"leaf_weights: 147 nodes of 60000 outputs need 70560000 bytes, expected at most"
    ):
        load_model(json.dumps(document).encode())


@pytest.mark.parametrize(
    ("best", "says"),
    [
        ("9", r"attributes\.best_iteration is 9, expected less than 3 iterations"),
        ("many", "best_iteration is 'many', expected a whole"),
    ],
)
def test_an_early_stopping_result_that_cannot_be(best, says):
    model = xgboost.XGBRegressor(n_estimators=3, n_jobs=1).fit(X, X[:, 0])
    model.get_booster().set_attr(best_iteration=best)
    with pytest.raises(ModelError, match=says):
        load_model(model)


@pytest.mark.parametrize(
    ("categories", "says"),
    [
        ('["one", "one"]', "pandas_categorical of column 1 holds a category twice"),
        ('{"a": 1}', "pandas_categorical of column 1 is not a list of texts or numbers"),
        ("[null]", "pandas_categorical of column 1 is not a list of texts or numbers"),
    ],
)
def test_categories_of_a_lightgbm_text(categories, says):
    text = (REFERENCE / "l47" / "frame.txt").read_text()
    broken = text.replace('pandas_categorical:[["one"]', f"pandas_categorical:[{categories}")
    assert broken != text
    with pytest.raises(ModelError, match=says):
        load_model(broken.encode())


def saved_members():
    model = load_model(REFERENCE / "x34" / "cat_frame.json")
    with zipfile.ZipFile(io.BytesIO(model._to_bytes())) as members:
        return {name: members.read(name) for name in members.namelist()}


def as_file(members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as out:
        for name, content in members.items():
            out.writestr(name, content)
    return file.getvalue()


def test_arrays_of_another_version_in_our_own_file():
    newer = io.BytesIO()
    np.lib.format.write_array(newer, np.zeros(3, np.int32), version=(2, 0))
    with pytest.raises(ModelError, match=r"left\.npy is of another version of numpy's format, expected 1\.0"):
        load_model(as_file(saved_members() | {"left.npy": newer.getvalue()}))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            lambda categories: categories.update({"99": categories["1"]}),
            r"categories is an object, expected columns of the",
        ),
        (lambda categories: categories["1"]["values"].append("Z"), r"values is a list, expected every category once"),
    ],
    ids=["column", "twice"],
)
def test_categories_of_our_own_file(change, says):
    members = saved_members()
    header = json.loads(members["ferroshap.json"])
    change(header["schema"]["categories"])
    with pytest.raises(ModelError, match=says):
        load_model(as_file(members | {"ferroshap.json": json.dumps(header)}))


def two_columns(keep=(), dtype="float32", scale=1.0):
    """A batch explainer of a model that knows no names."""
    model = DecisionTreeRegressor(max_depth=2, random_state=0).fit(X, scale * X[:, 0])
    return BatchExplainer(TreeExplainer(model), keep=keep, dtype=dtype)


def test_columns_of_a_batch():
    numbers = pa.float64()
    with pytest.raises(
        FeatureMismatchError, match=r"expects 2 columns, but the data has 4, 3 without the kept ones; keep"
    ):
        two_columns(["id"]).input_columns(pa.schema([(name, numbers) for name in ("id", "a", "b", "c")]))
    with pytest.raises(DataError, match=r"more than one column 'id'; give each a name of its own"):
        two_columns(["id"]).input_columns(pa.schema([(name, numbers) for name in ("id", "id", "a", "b")]))


def test_values_beyond_float32():
    batch = pa.record_batch({"a": X[:, 0], "b": X[:, 1]})
    with pytest.raises(OptionError, match=r"beyond the range of float32; use dtype='float64'"):
        two_columns(scale=1e200)(batch)
    assert two_columns(scale=1e200, dtype="float64")(batch).num_rows == 60


class OfColumns:
    """A table of a library that only speaks Arrow."""

    def __arrow_c_stream__(self, requested_schema=None):
        raise AssertionError


def test_arrow_tables_without_pyarrow(monkeypatch):
    model = load_model(DecisionTreeRegressor(max_depth=2, random_state=0).fit(X, X[:, 0]))
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(
        DataError, match=r"OfColumns without pyarrow: pip install pyarrow, or pass a pandas or polars frame"
    ):
        model.predict(OfColumns())


def test_codes_that_old_versions_of_scikit_learn_confuse():
    schema = InputSchema(
        n_features=2,
        feature_names=None,
        categories={},
        categorical=frozenset({1}),
        missing=None,
        integers_to_float32=False,
        spaces_become_underscores=False,
        codes_below=255,
    )
    assert read_rows([[300.0, 254.0]], schema).values.tolist() == [[300.0, 254.0]]
    with pytest.raises(DataError, match=r"row 0.*column 1.* is 255.*before 1\.4 reads codes from 255 on as others"):
        read_rows([[1.0, 255.0]], schema)


def test_a_file_that_is_refused_is_named(tmp_path):
    path = tmp_path / "model.json"
    path.write_bytes(xgboost_file(trees_of_outputs(7)))
    with pytest.raises(ModelError, match=r"model\.json: tree 0: tree_info is 7"):
        load_model(path)
    found = ferroshap.supports(path)
    assert not found
    assert pickle.loads(pickle.dumps(found)) == found
