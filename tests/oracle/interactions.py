"""Exact SHAP interaction values straight from `EnsembleArrays`, by the definition: path-dependent and interventional.

The Shapley interaction index of g and h is the mean of v(S + gh) - v(S + g) - v(S + h) + v(S) with the weights
|S|! (m - 2 - |S|)! / (m - 1)! over all S without the two; an entry off the diagonal is half of it, and the diagonal is what
is left of the SHAP value. For a leaf, the game of `shap.py`, the index is
    phi_gh = v (s_g - W_g) (s_h - W_h) sum_k k! (d-2-k)! / (d-1)! c_k,   c_k of y^k in prod_{others} (W + s y).
"""

from itertools import combinations
from math import comb

import numpy as np

from . import interventional, shap
from .predict import as_compared


def path_dependent(a, rows, missing=None):
    """Interaction values (n, f, f, o), float64."""
    x = as_compared(a, rows, missing)
    pairs = np.zeros((len(x), a.n_features, a.n_features, a.n_outputs))
    for tree, output in enumerate(a.tree_outputs):
        columns = np.arange(a.n_outputs) if output < 0 else [output]
        for path, _, value in shap._leaves(a, a.tree_starts[tree], x):
            d = len(path)
            weights = np.array([1 / ((d - 1) * comb(d - 2, k)) for k in range(d - 1)])
            for g, h in combinations(path, 2):
                c = np.zeros((len(x), max(d - 1, 1)))
                c[:, 0] = 1.0
                for s, w in (state for feature, state in path.items() if feature not in (g, h)):
                    c[:, 1:] = c[:, 1:] * w + c[:, :-1] * s[:, None]
                    c[:, 0] *= w
                (s_g, w_g), (s_h, w_h) = path[g], path[h]
                index = (s_g - w_g) * (s_h - w_h) * (c @ weights)
                pairs[:, g, h, columns] += index[:, None] * value
    pairs /= a.divisor
    return _matrices(pairs + pairs.transpose(0, 2, 1, 3), shap.shap_values(a, rows, missing)[0])


def against(a, rows, background, missing=None, weights=None):
    """Interaction values (n, f, f, o) against the background, float64."""
    rows, background = np.asarray(rows, np.float64), np.asarray(background, np.float64)
    used = np.unique(a.feature[a.left >= 0])
    weights = np.ones(len(background)) if weights is None else np.asarray(weights, float)
    m = len(used)
    payoff, members = interventional._payoff, interventional._members
    game = [payoff(a, rows, background, missing, weights, used[members(s, used)]) for s in range(2**m)]
    pairs = np.zeros((len(rows), a.n_features, a.n_features, a.n_outputs))
    for (at, g), (of, h) in combinations(enumerate(used), 2):
        one, other = 1 << at, 1 << of
        for s in range(2**m):
            if not s & (one | other):
                delta = game[s | one | other] - game[s | one] - game[s | other] + game[s]
                pairs[:, g, h] += delta / ((m - 1) * comb(m - 2, s.bit_count()))
    phi = interventional.shap_values(a, rows, background, missing, weights)[0]
    return _matrices(pairs + pairs.transpose(0, 2, 1, 3), phi)


def _matrices(indices, phi):
    values = indices / 2
    diagonal = np.arange(phi.shape[1])
    values[:, diagonal, diagonal] = phi - values.sum(axis=2)
    return values
