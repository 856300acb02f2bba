"""XGBoost's categorical splits as category sets. The file lists the categories that go right; everything else goes left."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ferroshap.errors import ModelError

from .arrays import no_sets
from .tree_columns import TreeColumns, starts_of

CATEGORIES = 1 << 24
"""XGBoost's limit on category codes: float32 counts no further."""
ALL_LEFT = np.uint32(0xFFFFFFFF)


def category_sets(
    trees: TreeColumns, sizes: NDArray[np.int64], inner: NDArray[np.bool_], allowance: int
) -> dict[str, Any]:
    """`category_set`, `set_starts` and `set_words` of all nodes; `inner` (v) marks the nodes with children.

    Sets are as long as their largest listed category needs. Raises ModelError if they would take more than `allowance`
    bytes: one listed category of 16,777,215 costs two megabytes.
    """
    if not any("split_type" in record for record in trees.records):  # before 1.3
        for tree, record in enumerate(trees.records):
            listed = record.fields.get("categories_nodes")
            if isinstance(listed, (list, np.ndarray)) and len(listed):
                trees.fail(tree, "split_type", None, "a list: categories are listed")
        return no_sets(inner.size)
    categorical = trees.integers("split_type", sizes, 0, 1) == 1
    per_tree = trees.lengths("categories_nodes")
    if not (categorical.any() or per_tree.any()):
        return no_sets(inner.size)
    nodes = _listed_nodes(trees, sizes, per_tree)
    listed = np.zeros(inner.size, np.bool_)
    listed[nodes] = True
    trees.require(
        listed | ~(categorical & inner), sizes, "split_type", categorical.astype(int), "0: no categories are listed"
    )
    trees.require(categorical | ~listed, sizes, "split_type", categorical.astype(int), "1: categories are listed")

    counts, codes = _listed_categories(trees, per_tree)
    words = _words_needed(counts, codes)
    starts = starts_of(words)
    if int(starts[-1]) * 4 > allowance:
        raise ModelError(
            f"categories: the {words.size} categorical splits need {int(starts[-1]) * 4} bytes of category sets, expected"
            f" at most {allowance} for a file of this size: the largest category code is {int(codes.max())}"
        )
    bits = np.full(int(starts[-1]), ALL_LEFT, np.uint32)
    word_of_code = np.repeat(starts[:-1], counts) + (codes >> 5)
    np.bitwise_and.at(bits, word_of_code, ~(np.uint32(1) << (codes & 31).astype(np.uint32)))
    category_set = np.full(inner.size, -1, np.int32)
    category_set[nodes] = np.arange(nodes.size, dtype=np.int32)
    return {"category_set": category_set, "set_starts": starts, "set_words": bits}


def _listed_nodes(trees: TreeColumns, sizes: NDArray[np.int64], per_tree: NDArray[np.int64]) -> NDArray[np.int64]:
    """The nodes that list categories, counted over all trees."""
    nodes = trees.integers("categories_nodes", per_tree, 0, 2**31 - 1)
    below = np.repeat(sizes, per_tree)
    trees.require(nodes < below, per_tree, "categories_nodes", nodes, "a node of the tree")
    nodes = nodes + np.repeat(starts_of(sizes)[:-1], per_tree)
    order = np.argsort(nodes, kind="stable")
    once = np.ones(nodes.size, np.bool_)
    once[order[1:]] = np.diff(nodes[order]) > 0
    trees.require(once, per_tree, "categories_nodes", nodes, "each node once")
    return nodes


def _listed_categories(trees: TreeColumns, per_tree: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How many categories each listed node has, and all of them one after another."""
    in_tree = trees.lengths("categories")
    counts = trees.integers("categories_sizes", per_tree, 0, CATEGORIES)
    segments = trees.integers("categories_segments", per_tree, 0, 2**62)
    totals = np.zeros(len(trees), np.int64)
    np.add.at(totals, np.repeat(np.arange(len(trees)), per_tree), counts)
    for tree in np.flatnonzero(totals != in_tree)[:1]:
        expected = f"{totals[tree]}, the sum of categories_sizes"
        trees.fail(int(tree), "length of categories", int(in_tree[tree]), expected)
    # XGBoost writes the segments one after another; anything else could list the same numbers many times over.
    before = np.cumsum(counts) - counts - np.repeat(starts_of(in_tree)[:-1], per_tree)
    trees.require(segments == before, per_tree, "categories_segments", segments, "the end of the segment before")
    return counts, trees.integers("categories", in_tree, 0, CATEGORIES - 1)


def _words_needed(counts: NDArray[np.int64], codes: NDArray[np.int64]) -> NDArray[np.int64]:
    words = np.zeros(counts.size, np.int64)
    filled = counts > 0
    if filled.any():
        first = (np.cumsum(counts) - counts)[filled]
        words[filled] = (np.maximum.reduceat(codes, first) >> 5) + 1
    return words
