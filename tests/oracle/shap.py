"""Exact path-dependent SHAP values straight from `EnsembleArrays`, leaf by leaf, by the definition.

A leaf of value v with the d features g on its path is the game v * prod_g [g in S ? s_g : W_g], where s_g says whether the
row satisfies all edges on g and W_g is the product of their cover shares. Its Shapley value is
    phi_g = v (s_g - W_g) sum_k k! (d-1-k)! / d! c_k,   c_k the coefficient of y^k in prod_{h != g} (W_h + s_h y).
All terms are added, none divided: exact to a few float64 roundings. O(leaves * d^3) numpy operations on all rows at once.
"""

from math import comb

import numpy as np

from .predict import as_compared, goes_left


def shap_values(a, rows, missing=None):
    """SHAP values (n, f, o) and expected value (o,), float64."""
    assert a.cover is not None, "path-dependent values need covers"
    x = as_compared(a, rows, missing)
    phi = np.zeros((len(x), a.n_features, a.n_outputs))
    expected = np.zeros(a.n_outputs)
    for tree, output in enumerate(a.tree_outputs):
        columns = np.arange(a.n_outputs) if output < 0 else [output]
        for path, share, value in _leaves(a, a.tree_starts[tree], x):
            expected[columns] += share * value
            for g, unit in _leaf_values(path):
                phi[:, g, columns] += unit[:, None] * value
    return phi / a.divisor, (expected + a.base) / a.divisor


def _leaves(a, first, x):
    """(feature -> (s, W), product of all W, value) of every leaf of the tree whose root is `first`."""
    pending = [(first, {}, 1.0)]
    while pending:
        node, path, share = pending.pop()
        if a.left[node] < 0:
            yield path, share, a.values[node]
            continue
        left, right, g = first + a.left[node], first + a.right[node], int(a.feature[node])
        side = goes_left(a, np.full(len(x), node), x[:, g])
        total = a.cover[left] + a.cover[right]
        to_left = a.cover[left] / total if total > 0 else 0.5
        s, w = path.get(g, (np.ones(len(x), bool), 1.0))
        for child, satisfied, part in ((left, side, to_left), (right, ~side, 1 - to_left)):
            pending.append((child, {**path, g: (s & satisfied, w * part)}, share * part))


def _leaf_values(path):
    """The Shapley value of each feature for a leaf of value 1: pairs (g, (n,))."""
    d = len(path)
    weights = np.array([1 / (d * comb(d - 1, k)) for k in range(d)])
    for g, (s, w) in path.items():
        c = np.zeros((len(s), d))
        c[:, 0] = 1.0
        for h, (s_h, w_h) in path.items():
            if h != g:
                c[:, 1:] = c[:, 1:] * w_h + c[:, :-1] * s_h[:, None]
                c[:, 0] *= w_h
        yield g, (s - w) * (c @ weights)
