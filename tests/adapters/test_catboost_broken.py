"""CatBoost documents with a field missing, of another kind, of another length or out of range: a ModelError with the place."""

import copy
import json

import numpy as np
import pytest
from adapters.test_broken_documents import attempts, build, parent
from ferroshap.adapters import parse_model
from ferroshap.errors import ModelError, UnsupportedModelError

# Places that only describe the model: junk in them changes nothing, or only what it is called.
DESCRIPTION = {"model_info", "cat_features_hash", "has_nans", "feature_id", "feature_name", "split_index"}


def document(reference, name, keep=2):
    """A recorded document with few trees and few statistics, so that every place can be spoilt."""
    found = json.loads((reference / "cb12" / f"{name}.json").read_bytes())
    trees = found["oblivious_trees" if "oblivious_trees" in found else "trees"]
    del trees[keep:]
    return found


def as_bytes(found):
    return json.dumps(found).encode()


def shallow(node, depth=2):
    """A tree of nested nodes cut down to `depth` levels."""
    if "split" not in node or depth == 0:
        return {"value": 0.5, "weight": 3}
    return {
        "split": node["split"],
        "left": shallow(node["left"], depth - 1),
        "right": shallow(node["right"], depth - 1),
    }


def reduced(reference, name):
    found = document(reference, name)
    if "trees" in found:
        found["trees"] = [shallow(tree) for tree in found["trees"]]
    return found


@pytest.mark.parametrize(
    ("name", "least"),
    [("reg_depth1", 150), ("cat_mixed", 500), ("cat_counter", 500), ("lossguide_nan", 300), ("multirmse", 200)],
)
def test_any_spoilt_field_is_an_error_of_ours_or_harmless(reference, name, least):
    refused = longest = 0
    whole = reduced(reference, name)
    build(as_bytes(whole))
    for path, broken in attempts(whole):
        try:
            build(as_bytes(broken))
        except (ModelError, UnsupportedModelError) as error:
            refused += 1
            longest = max(longest, len(str(error)))
        except Exception as error:  # noqa: BLE001  (names the place that another error comes from)
            pytest.fail(f"{path}: {error!r}")
    assert refused > least
    assert longest < 600


@pytest.mark.parametrize("name", ["reg_depth1", "cat_ctr_simple", "lossguide_nan"])
def test_a_field_that_the_model_needs_may_not_be_missing(reference, name):
    whole = reduced(reference, name)
    for path in [path for path, _ in attempts(whole)]:
        broken = copy.deepcopy(whole)
        holder = parent(broken, path)
        if DESCRIPTION & set(path) or path[-1] not in holder or isinstance(path[-1], int):
            continue
        if path[-1] in {
            "borders",
            "values",
            "nan_value_treatment",
            "leaf_weights",
            "scale_and_bias",
            "ctrs",
            "target_border_idx",
            "counter_denominator",
            "ctr_target_border_idx",
        }:
            continue  # absent where there is nothing to say, or with a default
        if path[-1] == "border" and holder["split_type"] == "OnlineCtr":
            continue  # its number says the same
        del holder[path[-1]]
        try:
            build(as_bytes(broken))
        except (ModelError, UnsupportedModelError):
            continue
        pytest.fail(f"{path} is not missed")


def spoilt(reference, name, path, value):
    broken = document(reference, name, keep=12)
    parent(broken, path)[path[-1]] = value
    return as_bytes(broken)


TREE = ("oblivious_trees", 1)
FLOAT = ("features_info", "float_features", 1)
CATEGORY = ("features_info", "categorical_features", 0)
CTR = ("features_info", "ctrs", 0)


@pytest.mark.parametrize(
    ("name", "path", "value", "says"),
    [
        ("reg", ("features_info",), [1], "features_info is .*expected an object"),
        ("reg", ("scale_and_bias",), [1], "scale_and_bias is .*expected a scale and a bias"),
        ("reg", ("scale_and_bias",), [1, 0.5], "scale_and_bias is .*expected a list of biases"),
        ("reg", (*TREE, "splits", 0, "split_index"), 8e38, "split_index is 8e.38, expected a whole number"),
        ("reg", (*TREE, "splits", 0, "border"), 0.5, "border is 0.5, expected .*, as its split_index says"),
        ("reg", ("scale_and_bias",), [1, ["x"]], "scale_and_bias is .*numbers"),
        ("reg", ("scale_and_bias",), [2, [0]], "has the scale 2"),
        ("reg", ("scale_and_bias",), [1, [0, 1]], "hold 1 values, expected 2, one an output"),
        ("reg", ("oblivious_trees",), {}, "oblivious_trees is an object, expected a list"),
        ("reg", TREE, 3, "tree 1 is 3, expected an object"),
        ("reg", (*TREE, "leaf_values"), [0.5], "tree 1: leaf_values is an array, expected a multiple of 64 numbers"),
        ("reg", (*TREE, "leaf_values"), [], "tree 1: leaf_values"),
        ("reg", (*TREE, "leaf_weights"), [1, 2], "tree 1: leaf_weights is an array, expected 64 numbers"),
        ("reg", (*TREE, "splits"), [{}] * 17, "tree 1: splits is a list, expected at most 16"),
        ("reg", (*TREE, "splits", 0), None, r"tree 1: splits\[0\] is null, expected an object"),
        ("reg", (*TREE, "splits", 0, "border"), "x", r"tree 1: splits\[0\].*border is 'x', expected a number"),
        (
            "reg",
            (*TREE, "splits", 0, "float_feature_index"),
            6,
            r"float_feature_index is 6, expected 4, the feature of its split_index",
        ),
        ("reg", (*TREE, "splits", 0, "split_type"), "Estimated", "is a split on Estimated"),
        ("reg", (*FLOAT, "flat_feature_index"), 0, "features_info holds the columns"),
        (
            "reg",
            (*FLOAT, "nan_value_treatment"),
            "Mean",
            r"float_features\[1\].nan_value_treatment is 'Mean', expected",
        ),
        ("reg", (*FLOAT, "feature_index"), -1, r"float_features\[1\].feature_index is -1, expected a whole number"),
        ("multirmse", (*TREE, "leaf_values"), [0.5] * 64, r"the trees hold \[1, 3\] values a leaf"),
        (
            "cat_onehot",
            (*CATEGORY, "values"),
            [0.5],
            r"categorical_features\[0\].values is an array, expected an array of whole",
        ),
        ("cat_counter", (*CTR, "ctr_type"), "Mean", r"ctrs\[0\] is a statistic of type Mean, which is not supported"),
        ("cat_counter", (*CTR, "identifier"), "x", "ctr_data is null, expected an object"),
        ("cat_counter", (*CTR, "prior_numerator"), None, r"ctrs\[0\].prior_numerator is null, expected a number"),
        ("cat_counter", (*CTR, "elements"), [], "combination"),
        ("cat_counter", (*CTR, "borders"), [], "split_index is [0-9]+, expected less than [0-9]+, the tests"),
        ("cat_counter", (*CTR, "borders", 0), 77.0, "border is .*expected 77, as its split_index says"),
        ("cat_counter", ("ctr_data",), None, "ctr_data is null, expected an object"),
    ],
)
def test_the_error_names_the_place(reference, name, path, value, says):
    with pytest.raises((ModelError, UnsupportedModelError), match=says):
        build(spoilt(reference, name, path, value))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda table: table["hash_map"].pop(), "hash_map is .*keys and 1 counts each"),
        (lambda table: table["hash_map"].__setitem__(0, "x"), "hash_map is .*expected whole numbers"),
        (lambda table: table["hash_map"].__setitem__(0, None), "hash_map is .*keys and 1 counts each"),
        (lambda table: table.__setitem__("hash_stride", 0), "hash_stride is 0"),
        (lambda table: table.pop("counter_denominator"), "counter_denominator is missing"),
        (lambda table: table.__setitem__("hash_map", {}), "hash_map is an object"),
    ],
)
def test_a_damaged_table_of_counts_is_named(reference, change, says):
    broken = document(reference, "cat_counter", keep=12)
    for table in broken["ctr_data"].values():
        change(table)
    with pytest.raises(ModelError, match=says):
        build(as_bytes(broken))


def test_nodes_that_are_no_nodes_are_named_with_their_tree(reference):
    for value, says in (
        ({}, "tree 1: left of node 0.*value is missing, expected a number"),
        (7, "tree 1: left of node 0 is 7, expected an object"),
        ({"value": 1.5}, "tree 1: left of node 0.*weight is missing"),
        ({"value": "x", "weight": 1}, "value is 'x'"),
        ({"value": [1.5, 2.5], "weight": 1}, "tree 1: its leaves hold .*1, 2. values"),
    ):
        broken = document(reference, "depthwise")
        broken["trees"][1]["left"] = value
        with pytest.raises(ModelError, match=says):
            build(as_bytes(broken))


def test_a_deep_chain_of_nodes_is_read_or_refused_without_a_crash(reference):
    broken = document(reference, "depthwise", keep=1)
    split = broken["trees"][0]["split"]
    for depth in (40, 20_000):
        head, tail = f'{{"split":{json.dumps(split)},"right":{{"value":1,"weight":1}},"left":', "}"
        tree = head * depth + '{"value":1,"weight":1}' + tail * depth
        rest = {key: value for key, value in broken.items() if key != "trees"}
        data = (json.dumps(rest)[:-1] + f',"trees":[{tree}]}}').encode()
        if depth == 40:
            assert parse_model(data).arrays.left.size == 81
        else:
            with pytest.raises(ModelError, match="nest"):
                parse_model(data)


def test_trees_outside_the_range_are_not_read(reference):
    broken = document(reference, "reg", keep=6)
    broken["oblivious_trees"][5] = {}
    data = as_bytes(broken)
    assert len(parse_model(data, iteration_range=(0, 5)).arrays.tree_outputs) == 5
    with pytest.raises(ModelError, match="tree 5"):
        parse_model(data)
    with pytest.raises(ModelError, match="tree 5"):
        parse_model(data, iteration_range=(4, 6))


def test_a_model_without_trees_is_its_bias(reference, predict):
    empty = document(reference, "multirmse", keep=0)
    parsed = parse_model(as_bytes(empty))
    assert parsed.arrays.n_outputs == 3
    np.testing.assert_array_equal(predict(parsed, np.zeros((2, 6))), np.repeat(parsed.arrays.base[None], 2, axis=0))


@pytest.mark.parametrize("number", [2**64 - 1, 2**63, 2**63 - 1, 10**19, 7])
def test_options_of_training_beyond_signed_numbers_are_no_error(reference, number):
    found = document(reference, "reg_depth1")
    found["model_info"] = {
        "params": {"ctr_leaf_count_limit": number, "random_seed": number, "note": '":18446744073709551615'}
    }
    assert parse_model(as_bytes(found)).arrays.left.size == 6
    found["scale_and_bias"] = [1, [number]]
    if number <= 2**53:
        assert parse_model(as_bytes(found)).arrays.base[0] == number
    else:
        with pytest.raises(ModelError, match=r"beyond 64 bits|whole numbers up to 2\^53"):
            parse_model(as_bytes(found))
