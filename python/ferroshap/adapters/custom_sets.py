"""The categories of custom trees as category sets: those listed for a node go left, everything else right."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ferroshap.errors import ModelError

from .arrays import no_sets
from .tree_columns import starts_of

CATEGORIES = 1 << 24
"""float32 counts no further, and a set is as long as its largest code: two megabytes here."""


def category_sets(trees: Sequence[Any], sizes: NDArray[np.int64], inner: NDArray[np.bool_]) -> dict[str, Any]:
    """`category_set`, `set_starts` and `set_words` of all nodes; `inner` (v) marks the nodes with children."""
    fields = no_sets(inner.size)
    words: list[NDArray[np.uint32]] = []
    for index, (tree, first) in enumerate(zip(trees, starts_of(sizes)[:-1].tolist(), strict=True)):
        if tree.categories is None:
            continue
        if not isinstance(tree.categories, Mapping):
            kind = type(tree.categories).__name__
            raise ModelError(f"tree {index}: categories is a {kind}, expected a mapping from nodes to category codes")
        for node, codes in tree.categories.items():
            whole = isinstance(node, int | np.integer) and 0 <= node < sizes[index]
            if not whole or not inner[first + node]:
                raise ModelError(f"tree {index}: categories has the key {node!r}, expected a node with children")
            fields["category_set"][first + node] = len(words)
            words.append(_bits(index, int(node), codes))
    if words:
        fields["set_starts"] = starts_of(np.array([part.size for part in words], np.int64))
        fields["set_words"] = np.concatenate(words)
    return fields


def _bits(index: int, node: int, codes: Any) -> NDArray[np.uint32]:
    try:
        listed = np.asarray(list(codes))
    except (TypeError, ValueError):
        listed = np.zeros((1, 1))
    if listed.size == 0:
        return np.zeros(0, np.uint32)
    if listed.dtype.kind not in "iu" or listed.ndim != 1 or listed.min() < 0 or listed.max() >= CATEGORIES:
        raise ModelError(
            f"tree {index}, node {node}: categories are {str(codes)[:80]}, expected whole numbers from 0 to"
            f" {CATEGORIES - 1:,}"
        )
    bits = np.zeros(int(listed.max()) // 32 + 1, np.uint32)
    np.bitwise_or.at(bits, listed >> 5, np.uint32(1) << (listed & 31).astype(np.uint32))
    return bits
