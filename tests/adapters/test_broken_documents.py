"""Documents with a field missing, of another kind, of another length or out of range: always a ModelError with the place.

The files are valid JSON or text, so that it is the adapters that see them; `tests/formats` breaks the bytes themselves.
"""

import copy
import json
import re
import tracemalloc

import numpy as np
import pytest
from ferroshap import _native
from ferroshap.adapters import parse_model
from ferroshap.errors import FerroshapError, ModelError, OptionError, UnsupportedModelError

JUNK = [None, True, -1, 10**9, 2**40, 1.5, float("nan"), "", "x", [], {}, [1, 2], [1.5], ["x"], [None], [[1]], {"a": 1}]
MIB = 2**20


def build(source):
    """Both stages that look at the numbers."""
    return _native.Ensemble(**vars(parse_model(source).arrays))


def xgboost_document(reference, name="x32/cat_partition_nan.json"):
    return json.loads((reference / name).read_text())


def as_bytes(document):
    return json.dumps(document).encode()


def places(value, path=()):
    """Every place in a document whose keys are texts, the first two elements of lists of objects included."""
    if isinstance(value, dict):
        for key, below in value.items():
            yield (*path, key)
            yield from places(below, (*path, key))
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for index in range(min(2, len(value))):
            yield (*path, index)
            yield from places(value[index], (*path, index))


def parent(document, path):
    for key in path[:-1]:
        document = document[key]
    return document


def attempts(document):
    """Copies of a document with one place removed, replaced by junk, shortened, lengthened or spoilt in one element."""
    for path in places(document):
        original = parent(document, path)[path[-1]]
        changes = list(JUNK)
        if isinstance(original, list) and original and not isinstance(original[0], dict):
            changes += [original[:-1], [*original, original[-1]], [*original[:-1], 10**9], [*original[:-1], -7]]
            changes += [[*original[:-1], 0.5], [*original[:-1], "x"], [2**60, *original[1:]]]
        for change in changes:
            broken = copy.deepcopy(document)
            parent(broken, path)[path[-1]] = change
            yield path, broken
        broken = copy.deepcopy(document)
        del parent(broken, path)[path[-1]]
        yield path, broken


@pytest.mark.parametrize(
    "name", ["x32/mo.json", "x32/cat_partition_nan.json", "x32/dart.json", "x34/cat_frame.json", "x20/mo.json"]
)
def test_any_spoilt_field_of_an_xgboost_document_is_an_error_of_ours_or_harmless(reference, name):
    refused = longest = 0
    document = xgboost_document(reference, name)
    model = document["learner"]["gradient_booster"]
    model = model.get("gbtree", model)["model"]
    keep = 2  # trees: enough to tell them apart
    model["trees"], model["tree_info"] = model["trees"][:keep], model["tree_info"][:keep]
    model["iteration_indptr"] = list(range(keep + 1))
    model["gbtree_model_param"]["num_trees"] = str(keep)
    model.pop("weight_drop", None)
    document["learner"]["gradient_booster"].pop("weight_drop", None)
    for path, broken in attempts(document):
        try:
            build(as_bytes(broken))
        except (ModelError, UnsupportedModelError) as error:
            refused += 1
            longest = max(longest, len(str(error)))
        except FerroshapError as error:
            pytest.fail(f"{path}: {error!r}")
    assert refused > 300
    assert longest < 600


def without_sizes(text):
    """A LightGBM text to be edited: without the lengths of its trees, as LightGBM reads it too."""
    return re.sub(r"(?m)^tree_sizes=.*\n", "", text)


def spoilt_texts(text):
    lines = without_sizes(text).split("\n")
    for number, line in enumerate(lines[:45]):
        key, equals, value = line.partition("=")
        if not equals:
            continue
        words = value.split(" ")
        changes = [
            "",
            "x",
            "-1",
            "1000000000",
            "99999999999999999999",
            "nan",
            "1.5",
            " ".join(words[:-1]),
            value + " 1",
        ]
        changes += [
            " ".join([*words[:-1], "1000000"]),
            " ".join(["-1000000", *words[1:]]),
            " ".join(["3.5", *words[1:]]),
        ]
        for change in changes:
            yield "\n".join([*lines[:number], f"{key}={change}", *lines[number + 1 :]])
        yield "\n".join([*lines[:number], *lines[number + 1 :]])


@pytest.mark.parametrize("name", ["l47/cat_multi.txt", "l47/frame.txt", "l47/rf_reg.txt", "l231/cat.txt"])
def test_any_spoilt_line_of_a_lightgbm_text_is_an_error_of_ours_or_harmless(reference, name):
    refused = longest = 0
    for text in spoilt_texts((reference / name).read_text()):
        try:
            build(text.encode())
        except (ModelError, UnsupportedModelError) as error:
            refused += 1
            longest = max(longest, len(str(error)))
    assert refused > 60
    assert longest < 600


def edited(document, path, value):
    document = copy.deepcopy(document)
    parent(document, path)[path[-1]] = value
    return as_bytes(document)


MODEL = ("learner", "gradient_booster", "model")
TREE = (*MODEL, "trees", 2)


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        (("learner",), [1], "learner is .*expected an object"),
        (("learner", "objective", "name"), 3, r"learner\.objective\.name is 3, expected a text"),
        (("learner", "learner_model_param", "num_class"), "-1", "num_class is '-1', expected a whole number"),
        (
            ("learner", "learner_model_param", "base_score"),
            "0.5,0.5",
            "base_score is '0.5,0.5', expected one number or 1",
        ),
        (("learner", "learner_model_param", "base_score"), "abc", "base_score is 'abc', expected a number"),
        (("learner", "feature_names"), ["a"], "feature_names holds 1 texts, expected num_feature = 4"),
        (("learner", "gradient_booster", "name"), "gbforest", "name is 'gbforest'"),
        ((*MODEL, "tree_info"), [0, 0, 0, 0, 1, 0], "tree 4: tree_info is 1"),
        ((*MODEL, "tree_info"), [0], "length of .*tree_info is 1, expected 6 trees"),
        ((*MODEL, "iteration_indptr"), [0, 2, 1, 6], "iteration_indptr is .*ascending"),
        ((*MODEL, "gbtree_model_param", "num_trees"), "7", "holds 6 trees, expected num_trees = 7"),
        ((*TREE, "split_conditions"), [1.0], "tree 2: length of split_conditions is 1, expected"),
        ((*TREE, "sum_hessian"), "x", "tree 2: sum_hessian is 'x', expected an array of numbers"),
        ((*TREE, "tree_param", "num_nodes"), "3", "tree 2: length of left_children is .*expected 3"),
        ((*TREE, "categories_sizes"), [], "tree 2: length of categories_sizes is 0"),
        ((*TREE, "categories"), [], "tree 2: length of categories is 0"),
    ],
)
def test_the_error_names_tree_and_field(reference, path, value, says):
    with pytest.raises(ModelError, match=says):
        parse_model(edited(xgboost_document(reference), path, value))


def test_a_missing_field_is_named_as_missing(reference):
    document = xgboost_document(reference)
    del document["learner"]["gradient_booster"]["model"]["trees"][1]["split_indices"]
    with pytest.raises(ModelError, match="tree 1: split_indices is missing, expected an array of numbers"):
        parse_model(as_bytes(document))


def test_single_elements_out_of_range_are_found(reference):
    tree = xgboost_document(reference)["learner"]["gradient_booster"]["model"]["trees"][2]
    for field, at, value in (
        ("default_left", 1, 2),
        ("left_children", 0, -5),
        ("split_type", 0, 7),
        ("categories", 0, 2**24),
    ):
        spoilt = list(tree[field])
        spoilt[at] = value
        with pytest.raises(ModelError, match=re.escape(f"tree 2: {field}[{at}] is {value}, expected")):
            parse_model(edited(xgboost_document(reference), (*TREE, field), spoilt))


def test_children_out_of_the_tree_are_found_by_the_next_stage(reference):
    tree = xgboost_document(reference)["learner"]["gradient_booster"]["model"]["trees"][2]
    spoilt = [10**6, *tree["left_children"][1:]]
    with pytest.raises(ModelError, match="tree 2, node 0: left child is 1000000"):
        build(edited(xgboost_document(reference), (*TREE, "left_children"), spoilt))


def replace_line(text, key, value, occurrence=0):
    text = without_sizes(text)
    found = list(re.finditer(rf"(?m)^{key}=.*$", text))[occurrence]
    return (text[: found.start()] + f"{key}={value}" + text[found.end() :]).encode()


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("num_tree_per_iteration", "2", "num_tree_per_iteration is '2', expected 3, as num_class says"),
        ("num_tree_per_iteration", "0", "num_tree_per_iteration is '0', expected a whole number"),
        ("max_feature_idx", "7", r"feature_names holds 6 names, expected max_feature_idx \+ 1 = 8"),
        ("leaf_count", "1 2", "tree 0.*leaf_count.* 2 "),
        ("decision_type", "12 12 12 12 12 12 12 12 12", "tree 0: decision_type.* is 12"),
        ("left_child", "1 2 3 4 5 6 7 8 9", r"tree 0: left_child\[8\] is 9"),
        ("right_child", "-11 2 3 4 5 6 7 8 8", r"tree 0: right_child\[0\] is -11"),
        ("split_feature", "-1 0 0 0 0 0 0 0 0", r"tree 0: split_feature\[0\] is -1"),
    ],
)
def test_the_error_names_tree_and_field_of_a_lightgbm_text(reference, key, value, says):
    text = (reference / "l47" / "cat_multi.txt").read_text()
    with pytest.raises(ModelError, match=says):
        parse_model(replace_line(text, key, value))


def test_a_category_index_beyond_the_sets_of_the_tree_is_found(reference):
    text = (reference / "l47" / "cat.txt").read_text()
    count = len(re.search(r"(?m)^cat_boundaries=(.*)$", text).group(1).split())
    for bad in ("1", "0"):
        with pytest.raises(ModelError, match=r"tree 0.*cat_"):
            parse_model(replace_line(text, "cat_boundaries", " ".join([bad] * count)))
    decisions = re.search(r"(?m)^decision_type=(.*)$", text).group(1).split()
    with pytest.raises(ModelError, match=r"tree 0: threshold.*below num_cat"):
        parse_model(replace_line(text, "decision_type", " ".join("9" for _ in decisions)))


def test_categories_of_an_unclear_column_are_refused(reference):
    text = (reference / "l47" / "frame.txt").read_text()
    with pytest.raises(UnsupportedModelError, match="pandas categories for 3 columns but has 2"):
        parse_model(text.replace("[categorical_feature: 1,2,4]", "[categorical_feature: 1,4]").encode())


@pytest.mark.parametrize("count", [10**9, 2**31 - 1, 2**31, 10**30])
def test_absurd_numbers_of_outputs_are_refused_without_memory(reference, count):
    document = xgboost_document(reference)
    tracemalloc.start()
    try:
        for key in ("num_class", "num_target"):
            with pytest.raises(ModelError, match=key):
                parse_model(edited(document, ("learner", "learner_model_param", key), str(count)))
        text = (reference / "l47" / "multi.txt").read_text()
        with pytest.raises(ModelError):
            parse_model(replace_line(text, "num_tree_per_iteration", count))
        assert tracemalloc.get_traced_memory()[1] < 64 * MIB
    finally:
        tracemalloc.stop()


def test_huge_category_codes_on_many_nodes_are_refused_without_memory():
    n = 2001
    left = [2 * i + 1 if 2 * i + 2 < n else -1 for i in range(n)]
    nodes = [i for i in range(n) if left[i] >= 0]
    tree = {
        "left_children": left,
        "right_children": [c + 1 if c >= 0 else -1 for c in left],
        "split_indices": [0] * n,
        "split_conditions": [0.0] * n,
        "default_left": [0] * n,
        "sum_hessian": [1.0] * n,
        "split_type": [int(c >= 0) for c in left],
        "categories_nodes": nodes,
        "categories_segments": list(range(len(nodes))),
        "categories_sizes": [1] * len(nodes),
        "categories": [2**24 - 1] * len(nodes),
        "tree_param": {"num_nodes": str(n), "size_leaf_vector": "1"},
    }
    model = {"trees": [tree], "tree_info": [0], "gbtree_model_param": {"num_trees": "1"}}
    document = {
        "learner": {
            "learner_model_param": {"base_score": "0", "num_class": "0", "num_feature": "1"},
            "objective": {"name": "reg:squarederror"},
            "gradient_booster": {"name": "gbtree", "model": model},
        },
        "version": [3, 2, 0],
    }
    data = as_bytes(document)
    tracemalloc.start()
    try:
        with pytest.raises(ModelError, match="largest category code is 16777215"):
            parse_model(data)
        assert tracemalloc.get_traced_memory()[1] < 16 * len(data) + 64 * MIB
    finally:
        tracemalloc.stop()
    model["trees"][0]["categories"] = [31] * len(nodes)
    build(as_bytes(document))


def test_segments_that_share_categories_are_refused(reference):
    document = xgboost_document(reference)
    tree = document["learner"]["gradient_booster"]["model"]["trees"][2]
    assert len(tree["categories_segments"]) > 1
    tree["categories_segments"] = [0] * len(tree["categories_segments"])
    with pytest.raises(ModelError, match=r"tree 2: categories_segments\[1\] is 0"):
        parse_model(as_bytes(document))


def test_trees_outside_the_range_are_not_read(reference):
    document = xgboost_document(reference)
    document["learner"]["gradient_booster"]["model"]["trees"][5] = {}
    data = as_bytes(document)
    assert len(parse_model(data, iteration_range=(0, 5)).arrays.tree_outputs) == 5
    with pytest.raises(ModelError, match="tree 5"):
        parse_model(data)
    with pytest.raises(ModelError, match="tree 5"):
        parse_model(data, iteration_range=(4, 6))
    with pytest.raises(OptionError):
        parse_model(data, iteration_range=(4, 7))


def test_a_model_without_trees_is_its_base_score(reference, predict):
    document = xgboost_document(reference, "x32/sqerr.json")
    model = document["learner"]["gradient_booster"]["model"]
    model["trees"], model["tree_info"], model["iteration_indptr"] = [], [], [0]
    model["gbtree_model_param"]["num_trees"] = "0"
    parsed = parse_model(as_bytes(document))
    np.testing.assert_array_equal(predict(parsed, np.zeros((2, 6))), np.repeat(parsed.arrays.base[None], 2, axis=0))
