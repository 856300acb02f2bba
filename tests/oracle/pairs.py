"""Exact interventional SHAP values straight from `EnsembleArrays`, leaf by leaf and pair by pair: for models of any size.

For a leaf of value v, a row x and a background row z, let A be the features of its path whose edges only x satisfies, and B
those that only z does; where neither satisfies one, no mixture of the two reaches the leaf. A coalition reaches it if it has
all of A and none of B: the game is v [A in S] [S and B disjoint], in which each of A has (|A| - 1)! |B|! / (|A| + |B|)! v and
each of B the negative of |A|! (|B| - 1)! / (|A| + |B|)! v. `interventional.py` is the definition that it is compared with.
"""

from math import comb

import numpy as np

from .predict import as_compared, goes_left


def shap_values(a, rows, background, missing=None, weights=None):
    """SHAP values (n, f, o) and expected value (o,), float64."""
    n, b = len(rows), len(background)
    x = as_compared(a, np.concatenate([np.asarray(rows, float), np.asarray(background, float)]), missing)
    weights = np.full(b, 1 / b) if weights is None else np.asarray(weights) / np.sum(weights)
    phi = np.zeros((n, a.n_features, a.n_outputs))
    expected = np.zeros(a.n_outputs)
    for tree, output in enumerate(a.tree_outputs):
        columns = np.arange(a.n_outputs) if output < 0 else [output]
        for path, value in _leaves(a, a.tree_starts[tree], x):
            own = np.array(list(path.values()), bool).reshape(
                -1, n + b
            )  # (d, n + b): all edges on the feature satisfied
            expected[columns] += weights @ own[:, n:].all(axis=0) * value
            unit = _leaf_values(own[:, :n, None], own[:, None, n:]) @ weights  # (d, n)
            for g, values in zip(path, unit, strict=True):
                phi[:, g, columns] += values[:, None] * value
    return phi / a.divisor, (expected + a.base) / a.divisor


def _leaf_values(of_x, of_z):
    """(d, n, b): the value of each feature for a leaf of value 1 and each pair."""
    alive = (of_x | of_z).all(axis=0)
    only_x, only_z = of_x & ~of_z, of_z & ~of_x
    p, q = only_x.sum(axis=0), only_z.sum(axis=0)
    side = range(len(of_x) + 1)
    # 1 / (p C(p + q, p)) is (p - 1)! q! / (p + q)!
    share = np.array([[1 / (max(p, 1) * comb(p + q, p)) for q in side] for p in side])
    return (only_x * share[p, q] - only_z * share[q, p]) * alive


def _leaves(a, first, x):
    """(feature -> who satisfies all edges on it, value) of every leaf of the tree whose root is `first`."""
    pending = [(first, {})]
    while pending:
        node, path = pending.pop()
        if a.left[node] < 0:
            yield path, a.values[node]
            continue
        g = int(a.feature[node])
        side = goes_left(a, np.full(len(x), node), x[:, g]).astype(bool)
        above = path.get(g, np.ones(len(x), bool))
        pending += [
            (first + a.left[node], {**path, g: above & side}),
            (first + a.right[node], {**path, g: above & ~side}),
        ]
