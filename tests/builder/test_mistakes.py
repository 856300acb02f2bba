"""Each mistake in a custom ensemble is refused, and the message names the tree, the node and the field."""

import re

import numpy as np
import pytest
from ferroshap import ModelError, OptionError, Tree, build_ensemble

MISTAKES = {
    "too short": ({"right": [2, -1]}, "right has 2 entries, expected 3, as many as left"),
    "too long": ({"cover": [4.0, 3, 1, 1]}, "cover has 4 entries, expected 3"),
    "no nodes": ({"left": []}, "left is empty, expected an entry a node"),
    "a table": ({"left": [[1, -1, -1]]}, "left has shape (1, 3), expected (nodes)"),
    "three dimensions": (
        {"value": np.zeros((3, 1, 1))},
        "value has shape (3, 1, 1), expected (nodes) or (nodes, outputs)",
    ),
    "texts": ({"threshold": ["a", "b", "c"]}, "threshold is a list, expected an array of numbers"),
    "objects": ({"threshold": np.array([None, 1, 2])}, "threshold is object, expected an array of numbers"),
    "ragged": ({"value": [[1.0], [1.0, 2.0], [1.0]]}, "value is a list, expected an array of numbers"),
    "nothing": ({"feature": None}, "feature is null, expected an array of numbers"),
    "a fraction": ({"left": [1.5, -1, -1]}, "node 0: left is 1.5, expected a whole number"),
    "not a number": ({"right": [np.nan, -1, -1]}, "node 0: right is nan, expected a whole number"),
    "too large a number": ({"feature": [2**40, -1, -1]}, f"node 0: feature is {2**40}, expected a whole number"),
    "a child out of range": ({"left": [3, -1, -1]}, "node 0: left child is 3, expected below 3"),
    "one child": ({"right": [-1, -1, -1]}, "node 0: right child is -1, expected a node"),
    "a leaf with a right child": ({"right": [2, 2, -1]}, "node 1: right child is 2, expected -1"),
    "two parents": ({"right": [1, -1, -1]}, "node 0: right child is 1, expected a node without another parent"),
    "a cycle": (
        {"left": [1, 0, -1], "right": [2, 2, -1], "feature": [0] * 3},
        "node 1: left child is 0, expected a node without another",
    ),
    "a node without a parent": (
        {field: [0] * 3 for field in ("feature", "threshold", "value")} | {"left": [-1] * 3, "right": [-1] * 3},
        "node 1: the node is the child of none",
    ),
    "a feature out of range": ({"feature": [2, -1, -1]}, "node 0: feature is 2, expected below 2"),
    "a negative feature": ({"feature": [-3, -1, -1]}, "node 0: feature is -3, expected below 2"),
    "a threshold that is no number": ({"threshold": [np.nan, 0, 0]}, "node 0: threshold is nan, expected a number"),
    "a threshold that float64 has not": ({"threshold": [2**53 + 1, 0, 0]}, "threshold has whole numbers beyond 2^53"),
    "an infinite leaf": ({"value": [0, np.inf, 3]}, "node 1: leaf value is inf, expected a finite number"),
    "a leaf that is no number": ({"value": [0, 1, np.nan]}, "node 2: leaf value is NaN, expected a finite number"),
    "an output of a leaf that is no number": (
        {"value": [[0, 0], [1, np.nan], [2, 3]]},
        "node 1: leaf value is NaN in output 1, expected a finite number",
    ),
    "a cover that is no number": ({"cover": [4, 3, np.nan]}, "node 2: cover is NaN, expected a finite number"),
    "a feature that is no number": ({"feature": [np.nan, 0, 0]}, "node 0: feature is nan, expected a whole number"),
    "a category that is no number": ({"categories": {0: [np.nan]}}, "node 0: categories are [nan], expected whole"),
    "a negative cover": ({"cover": [2.0, 3.0, -1.0]}, "node 2: cover is -1, expected a finite number, 0 or more"),
    "covers of leaves only": (
        {"cover": [0.0, 3.0, 1.0]},
        "node 0: cover is 0, expected about 4, what its children have",
    ),
    "numbers for truth values": (
        {"default_left": [1, 0, 0]},
        "default_left is of int64, expected true or false a node",
    ),
    "a short default_left": ({"default_left": [True]}, "default_left has 1 entries, expected 3"),
    "an output that is no number": ({"output": "yes"}, "output is 'yes', expected a whole number from 0"),
    "an output beside vectors": (
        {"value": np.zeros((3, 2)), "output": 0},
        "output is 0, expected None: its leaves have 2",
    ),
    "no numbers a leaf": ({"value": np.zeros((3, 0))}, "value has 0 numbers a node, expected at least one"),
    "categories without nodes": ({"categories": [1, 2]}, "categories is a list, expected a mapping"),
    "categories of a leaf": ({"categories": {1: [0]}}, "categories has the key 1, expected a node with children"),
    "categories of no node": ({"categories": {3: [0]}}, "categories has the key 3, expected a node with children"),
    "a negative category": ({"categories": {0: [0, -1]}}, "node 0: categories are [0, -1], expected whole numbers"),
    "a category too large": (
        {"categories": {0: [1 << 24]}},
        "node 0: categories are [16777216], expected whole numbers",
    ),
    "categories that are none": ({"categories": {0: None}}, "node 0: categories are None, expected whole numbers"),
    "masked entries": ({"value": np.ma.masked_equal([0.0, 1, 3], 1.0)}, "value has masked entries, expected a number"),
    "categories that are texts": (
        {"categories": {0: ["red"]}},
        "node 0: categories are ['red'], expected whole numbers",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_broken_tree_is_refused_with_its_place(stump, mistake):
    changed, says = MISTAKES[mistake]
    ahead = {"left": [-1], "right": [-1], "feature": [0], "threshold": [0], "value": [2.0], "cover": [9]}
    if "default_left" in changed:
        ahead["default_left"] = True
    if mistake in ("an output beside vectors", "an output of a leaf that is no number"):
        ahead["value"] = [[2.0, 2.0]]
    first = [] if mistake == "no numbers a leaf" else [Tree(**ahead)]
    with pytest.raises(ModelError, match=re.escape(says)) as raised:
        build_ensemble([*first, stump(**changed)], n_features=2)
    assert str(raised.value).startswith(f"tree {len(first)}")


@pytest.mark.parametrize(
    ("second", "says"),
    [
        ({"cover": None}, "tree 1: cover is missing, but tree 0 has it"),
        ({"default_left": True}, "tree 0: default_left is missing, but tree 1 has it"),
        ({"value": np.zeros((3, 2))}, "tree 1: value has 2 numbers a node, expected 1, as tree 0"),
        ({"output": 1}, "tree 0: output is None, expected one of 0 to 1"),
    ],
)
def test_trees_that_do_not_go_together_are_refused(stump, second, says):
    with pytest.raises(ModelError, match=f"^{re.escape(says)}"):
        build_ensemble([stump(), stump(**second)], n_features=2)


@pytest.mark.parametrize(
    ("option", "says"),
    [
        ({"n_features": None}, "n_features is None; expected the number of columns of a row, or feature_names"),
        ({"n_features": 0}, "n_features is 0; expected a whole number of at least 1"),
        ({"n_features": 2.0}, "n_features is 2.0; expected a whole number"),
        ({"n_features": True}, "n_features is True; expected a whole number"),
        ({"feature_names": ["a"]}, "feature_names has 1 names; expected 2, as n_features says"),
        ({"feature_names": "ab"}, "feature_names is 'ab'; expected a list of names"),
        ({"feature_names": 2}, "feature_names is 2; expected a list of names"),
        ({"feature_names": {"b", "a"}}, "feature_names is {"),
        ({"source": None}, "source is None; expected a text"),
        ({"base": 1j}, "base is 1j; expected a finite number"),
        ({"feature_names": ["a", "a"]}, "feature_names has 'a' more than once"),
        ({"output_names": []}, "output_names is []; expected a list of names"),
        ({"base": [1.0, 2.0], "output_names": ["a"]}, "tree 0: output is None, expected one of 0 to 1"),
        ({"base": np.nan}, "base is nan; expected a finite number"),
        ({"base": "high"}, "base is 'high'; expected a finite number"),
        ({"base": []}, "base is []; expected a finite number"),
        ({"comparison": ">"}, "comparison is '>'; expected one of '<=', '<'"),
        ({"comparison": None}, "comparison is None; expected one of"),
        ({"input_dtype": "float16"}, "input_dtype is 'float16'; expected one of 'float64', 'float32'"),
        ({"output_space": "euros"}, "output_space is 'euros'; expected one of 'margin', 'probability'"),
        ({"average": "yes"}, "average is 'yes'; expected True or False"),
    ],
)
def test_an_option_that_is_not_accepted_is_named(stump, option, says):
    kind = ModelError if says.startswith("tree") else OptionError
    with pytest.raises(kind, match=f"^{re.escape(says)}"):
        build_ensemble([stump()], **{"n_features": 2} | option)


def test_outputs_that_do_not_agree_are_refused(stump):
    two = stump(value=np.zeros((3, 2)))
    with pytest.raises(OptionError, match="output_names has 3 names; expected 2"):
        build_ensemble([two], n_features=1, output_names=["a", "b", "c"])
    for base in ([1.0, 2.0, 3.0], [1.0]):
        with pytest.raises(OptionError, match=f"base has {len(base)} numbers; expected one, or 2"):
            build_ensemble([two], n_features=1, base=base)
    with pytest.raises(OptionError, match=r"the outputs have \[2, 1\] trees; expected the same number each"):
        build_ensemble([stump(output=k) for k in (0, 1, 0)], n_features=1, average=True)


def test_trees_that_are_none_are_refused():
    with pytest.raises(OptionError, match="trees is empty; expected at least one Tree"):
        build_ensemble([], n_features=1)
    with pytest.raises(OptionError, match=r"trees\[0\] is a dict; expected a ferroshap.Tree"):
        build_ensemble([{"left": [-1]}], n_features=1)
    with pytest.raises(TypeError, match="threshhold"):
        Tree(left=[-1], right=[-1], feature=[0], threshhold=[0], value=[0])


JUNK = [
    None, True, -1, 2**31, 2**70, 1.5, np.nan, "x", b"x", [], {}, object(), [1, 2, 3], [None] * 3, ["a"] * 3, [[1, 2], [3], [4]],
    [2**70, 0, 0], [np.inf, -1, -1], np.zeros((3, 2)), np.zeros((3, 0)), np.zeros(3, complex), np.zeros(3, "M8[s]"), np.array(3), np.float16([1, 2, 3]),
    np.zeros(3, np.longdouble), np.array([2**63, 0, 0], np.uint64), {0: 5}, {0: [[1]]}, {"a": [1]}, {0: [2**70]}, {True: [1]},
]  # fmt: skip


@pytest.mark.parametrize(
    "field", ["left", "right", "feature", "threshold", "value", "cover", "default_left", "output", "categories"]
)
def test_whatever_stands_in_a_field_it_is_accepted_or_a_model_error(stump, field):
    said = []
    for junk in JUNK:
        try:
            build_ensemble([stump(**{field: junk})], n_features=2).predict([[0.0, 0.0]])
        except ModelError as error:
            said.append(str(error))
    assert len(said) >= 20
    assert all(text.startswith("tree 0") and len(text) < 200 for text in said)


@pytest.mark.parametrize(
    "option", ["base", "n_features", "feature_names", "output_names", "output_space", "comparison", "average"]
)
def test_whatever_an_option_is_it_is_accepted_or_named(stump, option):
    said = []
    for junk in JUNK:
        try:
            build_ensemble([stump()], **{"n_features": 2, option: junk})
        except (OptionError, ModelError) as error:
            said.append(str(error))
    assert len(said) >= 20
    assert all(option in text or "output is None" in text for text in said)
