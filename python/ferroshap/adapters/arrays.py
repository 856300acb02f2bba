"""Stage 2 of a model: a tree ensemble of any family as plain arrays with one meaning a field."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

DEFAULT_LEFT = 1
ZERO_IS_MISSING = 2
OUT_OF_SET_LEFT = 4
NEGATIVE_LEFT = 8

Accumulation = Literal[
    "f32-from-base", "f32-from-zero-then-base", "f64-from-base", "f64-from-zero-then-base", "f64-mean"
]


@dataclass(frozen=True)
class EnsembleArrays:
    """A tree ensemble as C-contiguous arrays: `t` trees, `v` nodes over all trees, `o` outputs, `s` category sets.

    Nothing is checked here beyond what the adapters need; `_native.Ensemble(**vars(arrays))` validates it. Nodes that no
    root reaches may be present.
    """

    n_features: int
    n_outputs: int
    tree_starts: NDArray[np.int64]
    """(t + 1): tree `i` owns the nodes `tree_starts[i]:tree_starts[i + 1]`; the first of them is its root."""
    tree_outputs: NDArray[np.int32]
    """(t): the output a tree adds to; -1: its leaves are vectors over all outputs."""
    left: NDArray[np.int32]
    """(v): left child, counted within the tree; -1 at a leaf."""
    right: NDArray[np.int32]
    """(v): right child, counted within the tree; -1 at a leaf."""
    feature: NDArray[np.int32]
    """(v): the column that an inner node tests."""
    threshold: NDArray[np.float64]
    """(v): a numeric split sends x left if `x <= threshold`; NaN: never."""
    flags: NDArray[np.uint8]
    """(v): DEFAULT_LEFT missing goes left; ZERO_IS_MISSING NaN and |x| <= 1e-35 (float32) are missing;
    OUT_OF_SET_LEFT and NEGATIVE_LEFT where a category beyond the set, or a negative one, goes left."""
    category_set: NDArray[np.int32]
    """(v): -1 for a numeric split, else the index of its category set; a set bit sends its category left."""
    set_starts: NDArray[np.int64]
    """(s + 1): set `i` owns the words `set_starts[i]:set_starts[i + 1]`."""
    set_words: NDArray[np.uint32]
    """32 categories a word, least significant bit first."""
    values: NDArray[np.float64]
    """(v, 1), or (v, o) where leaves are vectors; only the rows of leaves are read. Tree weights (DART) are in it."""
    cover: NDArray[np.float64] | None
    """(v): the training weight that reached a node; None: the model holds none."""
    base: NDArray[np.float64]
    """(o): what every prediction starts from, in the units of the raw output."""
    accumulation: Accumulation
    """In which precision and order the library adds its trees up."""
    divisor: float
    """"f64-mean": what the sum is divided by, last: the number of trees, or the sum of their weights. Otherwise 1."""
    round_to_float32: bool
    """Inputs are rounded to float32 (XGBoost, scikit-learn trees)."""
    flush_tiny: bool
    """|x| <= 1e-35 (float32) becomes 0 (LightGBM)."""
    truncate_category_first: bool
    """A category is truncated before the test for negatives, so that -0.5 is category 0 (LightGBM)."""
    linear_starts: NDArray[np.int64] | None = None
    """(v + 1), or None without linear leaves: the terms of node `i` are `linear_starts[i]:linear_starts[i + 1]`. A leaf with
    terms is `linear_constants[i] + Σ coefficient · x`, or its value where an x is missing."""
    linear_features: NDArray[np.int32] | None = None
    """The column of each term."""
    linear_coefficients: NDArray[np.float64] | None = None
    """What the column is multiplied by."""
    linear_constants: NDArray[np.float64] | None = None
    """(v): what the terms are added to, in their order."""


def no_sets(n_nodes: int) -> dict[str, Any]:
    """The three set fields of an ensemble without categorical splits."""
    return {
        "category_set": np.full(n_nodes, -1, np.int32),
        "set_starts": np.zeros(1, np.int64),
        "set_words": np.zeros(0, np.uint32),
    }
