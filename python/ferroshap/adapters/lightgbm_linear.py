"""LightGBM's linear trees (`linear_tree`): leaves that are linear functions of the features on their path.

A leaf is `leaf_const + Σ leaf_coeff · x`, added in the order of the file, or `leaf_value` where one of its x is missing. A
leaf without features is its constant.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .tree_columns import TreeColumns, starts_of

LARGEST = 2**31 - 1


def linear_fields(
    trees: TreeColumns, n_leaves: NDArray[np.int64], leaves: NDArray[np.bool_], values: NDArray[np.float64]
) -> dict[str, Any]:
    """The linear fields of `EnsembleArrays`, none where no tree is linear. Sets the `values` of leaves that are constants."""
    linear = np.array([bool(record.whole("is_linear", 0)) for record in trees.records], np.bool_)
    if not linear.any():
        return {}
    part, sizes = trees.only(linear), n_leaves[linear]
    counts = part.integers("num_features", sizes, 0, LARGEST)
    tree_counts = np.add.reduceat(counts, starts_of(sizes)[:-1]) if counts.size else counts
    features = part.integers("leaf_features", tree_counts, 0, LARGEST)
    coefficients = part.floats("leaf_coeff", tree_counts)
    constant = part.floats("leaf_const", sizes)

    node = np.flatnonzero(leaves)[np.repeat(linear, n_leaves)]  # of each leaf of a linear tree
    terms = np.zeros(leaves.size, np.int64)
    terms[node] = counts
    constants = np.zeros(leaves.size)
    constants[node] = constant
    values[node[counts == 0], 0] = constant[counts == 0]
    return {
        "linear_starts": starts_of(terms),
        "linear_features": features.astype(np.int32),
        "linear_coefficients": coefficients,
        "linear_constants": constants,
    }
