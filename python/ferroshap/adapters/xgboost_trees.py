"""XGBoost's trees as canonical arrays."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ferroshap.errors import ModelError

from .arrays import DEFAULT_LEFT, NEGATIVE_LEFT, OUT_OF_SET_LEFT
from .limits import allowance
from .tree_columns import TreeColumns, starts_of
from .xgboost_splits import category_sets

LARGEST = 2**31 - 1


def tree_fields(
    trees: TreeColumns, outputs: NDArray[np.int64], weights: NDArray[np.float32], n_outputs: int, file_bytes: int
) -> dict[str, Any]:
    """The fields of `EnsembleArrays` that depend on the trees.

    `outputs` (t) is the file's `tree_info`, `weights` (t) the DART weight of each tree. A node is a leaf if it has no left
    child; what pruning left behind looks like that too, and no root reaches it.
    """
    sizes = trees.lengths("left_children")
    _check_declared_sizes(trees, sizes)
    left = trees.integers("left_children", sizes, -1, LARGEST)
    right = trees.integers("right_children", sizes, -1, LARGEST)
    inner = left >= 0
    feature = trees.integers("split_indices", sizes, -LARGEST - 1, 2**62)  # deleted nodes hold 2**31 - 1 or -1
    feature[~inner] = 0
    trees.require((feature >= 0) & (feature <= LARGEST), sizes, "split_indices", feature, "a feature")
    condition = trees.floats("split_conditions", sizes, np.float32)
    sets = category_sets(trees, sizes, inner, allowance(file_bytes))
    flags = trees.integers("default_left", sizes, 0, 1).astype(np.uint8) * np.uint8(DEFAULT_LEFT)
    flags[sets["category_set"] >= 0] |= np.uint8(OUT_OF_SET_LEFT | NEGATIVE_LEFT)

    width = _vector_width(trees, n_outputs)
    if width > 1:
        values, right = _vector_leaves(trees, sizes, left, right, width, allowance(file_bytes))
    else:
        values = np.where(inner, np.float32(0), condition)[:, np.newaxis].astype(np.float64)
    # float32 x float32 is exact in float64: rounding it back gives XGBoost's own float32 product.
    values *= np.repeat(weights.astype(np.float64), sizes)[:, np.newaxis]
    return {
        "tree_starts": starts_of(sizes),
        "tree_outputs": np.full(len(trees), -1, np.int32) if width > 1 else outputs.astype(np.int32),
        "left": left.astype(np.int32),
        "right": right.astype(np.int32),
        "feature": feature.astype(np.int32),
        "threshold": _thresholds(condition),
        "flags": flags,
        **sets,
        "values": values,
        "cover": _cover(trees, sizes, width),
    }


def _check_declared_sizes(trees: TreeColumns, sizes: NDArray[np.int64]) -> None:
    for tree, (record, size) in enumerate(zip(trees.records, sizes.tolist(), strict=True)):
        declared = record.record("tree_param").whole("num_nodes", size)
        if declared != size or size == 0:
            trees.fail(tree, "length of left_children", size, f"{declared or 'at least 1'}, the number of nodes")


def _thresholds(condition: NDArray[np.float32]) -> NDArray[np.float64]:
    """`x < c` on float32 is `x <= t` for the float32 just below c; nothing is below -inf: NaN, which sends nothing left."""
    with np.errstate(all="ignore"):
        below = np.nextafter(condition, np.float32(-np.inf))
    return np.where(condition == -np.inf, np.float32(np.nan), below).astype(np.float64)


def _vector_width(trees: TreeColumns, n_outputs: int) -> int:
    """1, or the length of the leaves' vectors: all trees alike, one element an output."""
    width = 1
    for tree, record in enumerate(trees.records):
        found = max(record.record("tree_param").whole("size_leaf_vector", 1), 1)
        if tree == 0:
            width = found
        if found != width or found not in (1, n_outputs):
            trees.fail(tree, "tree_param.size_leaf_vector", found, f"{width if tree else n_outputs}")
    return width


def _vector_leaves(
    trees: TreeColumns,
    sizes: NDArray[np.int64],
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    width: int,
    allowance: int,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The leaves' vectors by node, and the right children with -1 at leaves.

    Up to 3.1 a vector stands at its node's place in `base_weights`; from 3.2 on in `leaf_weights`, at the place that the
    leaf's right child names.
    """
    if not all("leaf_weights" in record for record in trees.records):
        stored = trees.floats("base_weights", sizes * width, np.float32)
        return stored.reshape(-1, width).astype(np.float64), right
    if left.size * width * 8 > allowance:
        raise ModelError(
            f"leaf_weights: {left.size} nodes of {width} outputs need {left.size * width * 8} bytes, expected at most"
            f" {allowance} for a file of this size"
        )
    lengths = trees.lengths("leaf_weights")
    stored = trees.floats("leaf_weights", lengths, np.float32)
    for tree in np.flatnonzero(lengths % width)[:1]:
        trees.fail(int(tree), "length of leaf_weights", int(lengths[tree]), f"a multiple of {width}")
    leaf = left < 0
    vectors = np.repeat(lengths // width, sizes)
    known = leaf & (right >= 0) & (right < vectors)  # deleted nodes name none; a live one without is refused as NaN
    row = right + np.repeat(starts_of(lengths // width)[:-1], sizes)
    values = np.full((left.size, width), np.nan)
    values[known] = stored.reshape(-1, width)[row[known]]
    return values, np.where(leaf, -1, right)


def _cover(trees: TreeColumns, sizes: NDArray[np.int64], width: int) -> NDArray[np.float64] | None:
    """Sums of hessians; vector leaves of 2.0 to 3.1 were stored without."""
    if width > 1 and not any("sum_hessian" in record for record in trees.records):
        return None
    return trees.floats("sum_hessian", sizes, np.float32).astype(np.float64)
