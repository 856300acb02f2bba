"""Fields that say the same twice, or that a library goes by in a way of its own: where they disagree, the file is refused."""

import json
import re

import lightgbm
import numpy as np
import pytest
from adapters.test_broken_documents import build, edited, without_sizes, xgboost_document
from adapters.test_catboost_broken import TREE, as_bytes, document, spoilt
from ferroshap import TreeExplainer, load_model
from ferroshap.errors import ModelError, UnsupportedModelError

CLASSES = ("model_info", "class_params")
FEATURES = ("features_info", "float_features")


def changed(text, old, new):
    found, count = re.subn(old, new, text, count=1)
    assert count == 1
    return found.encode()


@pytest.mark.parametrize(
    ("name", "old", "new", "says"),
    [
        ("multi", "num_class=3", "num_class=2", "num_tree_per_iteration is '3', expected 2, as num_class says"),
        ("reg", "num_class=1", "num_class=-0", "num_class is '-0', expected a whole number from 1"),
        (
            "reg",
            "tree_sizes=1037 981",
            "tree_sizes=0 981",
            r"tree_sizes\[0\] is '0', expected 1037, the bytes of tree 0",
        ),
        ("reg", "tree_sizes=1037 981", "tree_sizes=1037 NaN", r"tree_sizes\[1\] is 'NaN', expected 981"),
        ("reg", "tree_sizes=1037 981", "tree_sizes=981 1037", r"tree_sizes\[0\] is '981', expected 1037"),
        ("reg", "\ntree_sizes=", "\nend of trees\n=", "neither a tree nor 'tree_sizes' before 'end of trees'"),
        ("reg", "decision_type=", "decision=", r"tree_sizes|tree 0, 'decision_type': missing"),
    ],
)
def test_a_lightgbm_text_that_contradicts_itself_is_refused(reference, name, old, new, says):
    text = (reference / "l47" / f"{name}.txt").read_text()
    with pytest.raises(ModelError, match=says):
        build(changed(text, old, new))


def test_the_lengths_of_trees_may_be_missing_and_count_line_feeds_alone(reference):
    text = (reference / "l47" / "reg.txt").read_text()
    X = np.linspace(-3, 3, 60).reshape(10, 6)
    theirs = lightgbm.Booster(model_str=text).predict(X)
    for same in (text, without_sizes(text), text.replace("\n", "\r\n")):
        np.testing.assert_array_equal(load_model(same.encode()).predict(X), theirs)


def test_features_called_as_a_tree_begins_are_no_tree():
    X = np.arange(40.0).reshape(20, 2)
    options = {"verbose": -1, "min_data_in_leaf": 2, "num_leaves": 4}
    model = lightgbm.train(options, lightgbm.Dataset(X, X[:, 0] ** 2, feature_name=["Tree", "num_leaves"]), 2)
    text = model.model_to_string()
    assert re.search("feature_importances:\nTree=[0-9]", text)
    np.testing.assert_array_equal(load_model(text.encode()).predict(X), model.predict(X))


def test_an_xgboost_dart_model_needs_its_version(reference):
    broken = xgboost_document(reference, "x32/dart.json")
    del broken["version"]
    with pytest.raises(ModelError, match="version is missing, expected the version of XGBoost"):
        build(json.dumps(broken).encode())


def test_an_xgboost_version_that_did_not_write_the_fields_is_refused(reference):
    broken = xgboost_document(reference, "x32/dart.json")
    with pytest.raises(
        ModelError, match=r"version is an array, expected 2\.0 or later: the model holds iteration_indptr"
    ):
        build(edited(broken, ("version",), [1, 3, 0]))


@pytest.mark.parametrize("trees", [slice(0, 1), slice(None)])
def test_categories_of_xgboost_need_the_type_of_their_splits(reference, trees):
    broken = xgboost_document(reference)
    for tree in broken["learner"]["gradient_booster"]["model"]["trees"][trees]:
        del tree["split_type"]
    with pytest.raises(ModelError, match=r"split_type is (missing|null), expected"):
        build(json.dumps(broken).encode())


@pytest.mark.parametrize(
    ("name", "path", "value", "says"),
    [
        ("multiclass", CLASSES, {"class_to_label": [2, 1, 0]}, r"the places \[2, 1, 0\], expected 0 to 3 in order"),
        ("multiclass", CLASSES, {"class_to_label": [0, 60, 2]}, r"the places \[0, 60, 2\]"),
        (
            "multiclass",
            CLASSES,
            {"class_to_label": [0, 1, 0.5]},
            "class_to_label is an array, expected .* whole numbers",
        ),
        (
            "multiclass",
            CLASSES,
            {"class_to_label": [0, 1, 2], "class_names": ["a", "b", "c"]},
            "declares 3 classes and gives the 4 outputs",
        ),
        (
            "multiclass",
            CLASSES,
            {"class_to_label": [0, 1, 2], "classes_count": 5},
            "declares 5 classes and gives the 4 outputs",
        ),
        ("multiclass", ("scale_and_bias",), [True, [0, 0, 0]], "scale_and_bias is .*numbers"),
        ("multiclass", ("scale_and_bias",), [1, [0, 0, True]], "scale_and_bias is .*numbers"),
        ("multiclass", ("scale_and_bias",), [1, [0, 0, [1]]], "scale_and_bias is .*numbers"),
        (
            "reg_depth1",
            (*TREE, "leaf_values"),
            [2**53 + 1, 1],
            r"leaf_values is an array, expected numbers, whole ones up to",
        ),
        (
            "reg_depth1",
            (*TREE, "leaf_values"),
            [2**53 + 1, 0.5],
            "found the whole number 9007199254740993 among others",
        ),
        ("reg_depth1", (*TREE, "leaf_values"), [True, False], "leaf_values is an array, expected an array of numbers"),
        (
            "reg_depth1",
            (*TREE, "leaf_weights"),
            [True, False],
            "leaf_weights is an array, expected an array of numbers",
        ),
        ("depthwise", ("trees", 1, "left"), {"value": True, "weight": 1}, "value is True, expected a number"),
        (
            "depthwise",
            ("trees", 1, "left"),
            {"value": 2**60, "weight": 1},
            r"value is [0-9]+, expected a number, a whole one",
        ),
        ("depthwise", ("trees", 1, "left"), {"value": 1, "weight": True}, "weight is True, expected a number"),
        ("reg_depth1", (*FEATURES, 1, "feature_index"), 0, "feature_index is 0, expected every feature once"),
    ],
)
def test_a_catboost_document_that_catboost_reads_in_another_way_is_refused(reference, name, path, value, says):
    with pytest.raises((ModelError, UnsupportedModelError), match=says):
        build(spoilt(reference, name, path, value))


def test_leaves_that_overflow_are_predicted_and_not_explained(reference):
    broken = document(reference, "reg_depth1")
    for tree in broken["oblivious_trees"]:
        tree["leaf_values"] = [1e308, 1e308]
    model = load_model(as_bytes(broken))
    assert model.predict(np.zeros((1, model.n_features))) == [np.inf]
    with pytest.raises(ModelError, match="largest leaves of the trees sum to more than float64 holds"):
        TreeExplainer(model)
