"""Slow predictions straight from `EnsembleArrays`: the canonical decision rule, written down once more, in numpy.

Nothing here is shared with the package: an error in both would have to be made twice.
"""

import numpy as np

DEFAULT_LEFT, ZERO_IS_MISSING, OUT_OF_SET_LEFT, NEGATIVE_LEFT = 1, 2, 4, 8
TINY = float(np.float32(1e-35))


def as_compared(a, rows, missing=None):
    """The rows as the library compares them, float64."""
    with np.errstate(over="ignore"):
        x = np.asarray(rows, np.float32 if a.round_to_float32 else np.float64).astype(np.float64)
    if missing is not None:
        x = np.where(x == missing, np.nan, x)
    return np.where(np.abs(x) <= TINY, 0.0, x) if a.flush_tiny else x


def goes_left(a, node, x):
    """For each pair of node (counted over all trees) and value: does it go left?"""
    flag = a.flags[node]
    missing = np.isnan(x) | ((flag & ZERO_IS_MISSING != 0) & (np.abs(x) <= TINY))
    left = np.where(missing, flag & DEFAULT_LEFT != 0, x <= a.threshold[node])
    for i in np.flatnonzero(a.category_set[node] >= 0):
        words = a.set_words[slice(*a.set_starts[a.category_set[node[i]] :][:2])]
        if np.isnan(x[i]):
            left[i] = flag[i] & DEFAULT_LEFT
        elif (np.trunc(x[i]) if a.truncate_category_first else x[i]) < 0:
            left[i] = flag[i] & NEGATIVE_LEFT
        elif x[i] >= 32 * len(words):
            left[i] = flag[i] & OUT_OF_SET_LEFT
        else:
            left[i] = words[int(x[i]) // 32] >> np.uint32(int(x[i]) % 32) & 1
    return left


def leaves(a, tree, x):
    """(n): the leaf, counted over all trees, that each row reaches."""
    first = a.tree_starts[tree]
    node = np.full(len(x), first)
    while (at := np.flatnonzero(a.left[node] >= 0)).size:
        left = goes_left(a, node[at], x[at, a.feature[node[at]]])
        node[at] = first + np.where(left, a.left[node[at]], a.right[node[at]])
    return node


def leaf_values(a, node, x):
    """(n, 1) or (n, o): what the rows add up at the leaves they reached."""
    values = a.values[node].copy()
    for row, leaf in enumerate(node) if a.linear_starts is not None else ():
        terms = slice(*a.linear_starts[leaf : leaf + 2])
        known = x[row, a.linear_features[terms]]
        if known.size and not np.isnan(known).any():
            total = a.linear_constants[leaf]
            for coefficient, value in zip(a.linear_coefficients[terms], known, strict=True):
                total = total + coefficient * value
            values[row] = total
    return values


def predict(a, rows, missing=None, *, exact=False):
    """(n, o) float64: the library's raw output in its own arithmetic, or with `exact` the float64 sum."""
    x = as_compared(a, rows, missing)
    number = np.float32 if a.accumulation.startswith("f32") and not exact else np.float64
    base_last = a.accumulation.endswith("from-zero-then-base")
    total = np.zeros((len(x), a.n_outputs), number) + (0 if base_last else a.base.astype(number))
    for tree, output in enumerate(a.tree_outputs):
        columns = slice(None) if output < 0 else slice(output, output + 1)
        with np.errstate(invalid="ignore"):
            total[:, columns] += leaf_values(a, leaves(a, tree, x), x).astype(number)
    return (total + (a.base.astype(number) if base_last else 0)).astype(np.float64) / a.divisor
