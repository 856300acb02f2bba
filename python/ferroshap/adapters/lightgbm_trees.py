"""LightGBM's trees as canonical arrays. Inner nodes come first in each tree, then its leaves."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .arrays import DEFAULT_LEFT, ZERO_IS_MISSING
from .lightgbm_linear import linear_fields
from .tree_columns import TreeColumns, starts_of

# decision_type: bit 0 categorical, bit 1 missing goes left, bits 2 and 3 the kind of missing value.
CATEGORICAL, MISSING_LEFT = 1, 2
MISSING_NONE, MISSING_ZERO, MISSING_NAN = 0, 1, 2
LARGEST = 2**31 - 1


def tree_fields(trees: TreeColumns) -> dict[str, Any]:
    """The fields of `EnsembleArrays` that depend on the trees, `tree_outputs` apart."""
    n_leaves = trees.whole("num_leaves", least=1)
    leaf_value = trees.floats("leaf_value", n_leaves)
    grown = n_leaves > 1
    splits = _Splits(trees.only(grown), n_leaves[grown])

    sizes = 2 * n_leaves - 1
    starts = starts_of(sizes)
    local = np.arange(starts[-1]) - np.repeat(starts[:-1], sizes)
    inner = local < np.repeat(n_leaves - 1, sizes)

    def at_inner(values: NDArray[Any], elsewhere: Any) -> NDArray[Any]:
        nodes = np.full(inner.size, elsewhere, values.dtype)
        nodes[inner] = values
        return nodes

    values = np.zeros((inner.size, 1))
    values[~inner, 0] = leaf_value
    return {
        "tree_starts": starts,
        "left": at_inner(splits.child("left_child"), -1),
        "right": at_inner(splits.child("right_child"), -1),
        "feature": at_inner(splits.feature, 0),
        "threshold": at_inner(splits.threshold, 0.0),
        "flags": at_inner(splits.flags(), 0),
        "category_set": at_inner(splits.category_set, -1),
        "set_starts": splits.set_starts,
        "set_words": splits.set_words,
        "values": values,
        "cover": _cover(trees, n_leaves, inner, sizes),
        **linear_fields(trees, n_leaves, ~inner, values),
    }


class _Splits:
    """The inner nodes of all trees that have some, one tree after another."""

    def __init__(self, trees: TreeColumns, n_leaves: NDArray[np.int64]) -> None:
        self.trees, self.n_leaves, self.lengths = trees, n_leaves, n_leaves - 1
        self.feature = trees.integers("split_feature", self.lengths, 0, LARGEST).astype(np.int32)
        self.threshold = trees.floats("threshold", self.lengths)
        self.decision = self.trees.integers("decision_type", self.lengths, 0, 15)
        self.categorical = (self.decision & CATEGORICAL) != 0
        self.set_starts, self.set_words = np.zeros(1, np.int64), np.zeros(0, np.uint32)
        self.category_set = self._category_sets()

    def child(self, field: str) -> NDArray[np.int32]:
        """Children by node of the tree; stored are inner nodes as they are and leaves as their complement."""
        stored = self.trees.integers(field, self.lengths, -LARGEST, LARGEST)
        n = np.repeat(self.n_leaves, self.lengths)
        known = (stored >= -n) & (stored < n - 1)
        self.trees.require(
            known, self.lengths, field, stored, "an inner node, or the complement of a leaf, of the tree"
        )
        return np.where(stored >= 0, stored, n - 1 + ~stored).astype(np.int32)

    def flags(self) -> NDArray[np.uint8]:
        """Where a missing value goes. Without missing values NaN is 0, whose side is known here."""
        kind = self.decision >> 2
        known = self.categorical | (kind <= MISSING_NAN)
        self.trees.require(
            known, self.lengths, "decision_type", self.decision, "a missing type of 0, 1 or 2 in bits 2 and 3"
        )
        left = np.where(kind == MISSING_NONE, self.threshold >= 0.0, (self.decision & MISSING_LEFT) != 0)
        flags = left * DEFAULT_LEFT + (kind == MISSING_ZERO) * ZERO_IS_MISSING
        return np.where(self.categorical, 0, flags).astype(np.uint8)  # a missing category is in no set: right

    def _category_sets(self) -> NDArray[np.int32]:
        """The set of each node, -1 for none; the words of the sets are stored as they are needed."""
        n_sets = self.trees.whole("num_cat", 0)
        with_sets = self.trees.only(n_sets > 0)
        counts = n_sets[n_sets > 0]
        bounds = with_sets.integers("cat_boundaries", counts + 1, 0, LARGEST)
        words = with_sets.lengths("cat_threshold")
        first, last = starts_of(counts + 1)[:-1], np.cumsum(counts + 1) - 1
        tiled = np.ones(bounds.size, np.bool_)
        tiled[1:] = np.diff(bounds) >= 0
        tiled[first] = bounds[first] == 0
        tiled[last] &= bounds[last] == words
        expected = "ascending numbers from 0 to the length of cat_threshold"
        with_sets.require(tiled, counts + 1, "cat_boundaries", bounds, expected)
        self.set_words = with_sets.integers("cat_threshold", words, 0, 2**32 - 1).astype(np.uint32)
        is_end = np.ones(bounds.size, np.bool_)
        is_end[first] = False
        ends = bounds[is_end] + np.repeat(starts_of(words)[:-1], counts)
        self.set_starts = np.concatenate(([0], ends), dtype=np.int64)

        index = np.where(self.categorical, self.threshold, 0.0)
        limit = np.repeat(n_sets, self.lengths)
        known = ~self.categorical | ((index >= 0) & (index < limit) & (index == np.floor(index)))
        self.trees.require(
            known, self.lengths, "threshold", self.threshold, "a category set of the tree, below num_cat"
        )
        offset = np.repeat(starts_of(n_sets)[:-1], self.lengths)
        return np.where(self.categorical, index.astype(np.int64) + offset, -1).astype(np.int32)


def _cover(
    trees: TreeColumns, n_leaves: NDArray[np.int64], inner: NDArray[np.bool_], sizes: NDArray[np.int64]
) -> NDArray[np.float64] | None:
    """Rows by node as counted in training (of the sample, with bagging); None where a tree holds no counts."""
    grown = n_leaves > 1
    counted = trees.only(grown)
    if not all("leaf_count" in record and "internal_count" in record for record in counted.records):
        return None
    cover = np.zeros(inner.size)  # a tree of a single leaf needs none, and often has none
    cover[inner] = counted.floats("internal_count", n_leaves[grown] - 1)
    cover[~inner & np.repeat(grown, sizes)] = counted.floats("leaf_count", n_leaves[grown])
    return cover
