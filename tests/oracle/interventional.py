"""Exact interventional SHAP values straight from `EnsembleArrays`, coalition by coalition, by the definition.

The game: v(S) = Σ_z w_z f(x on S, z elsewhere) / Σ_z w_z, for background rows z of weights w. The Shapley value of feature g
is the mean of v(S + g) - v(S) with the weights |S|! (m - 1 - |S|)! / m! over all S without g, m the number of features that
a tree tests; the others never change a prediction. 2^m predictions for each pair of row and background row.
"""

from math import comb

import numpy as np

from .predict import predict

MOST = 9  # features that the trees test


def shap_values(a, rows, background, missing=None, weights=None):
    """SHAP values (n, f, o) and expected value (o,), float64."""
    rows, background = np.asarray(rows, np.float64), np.asarray(background, np.float64)
    used = np.unique(a.feature[a.left >= 0])
    assert len(used) <= MOST, "one prediction for each coalition is too many"
    weights = np.ones(len(background)) if weights is None else np.asarray(weights, float)
    game = [_payoff(a, rows, background, missing, weights, used[_members(s, used)]) for s in range(2 ** len(used))]
    phi = np.zeros((len(rows), a.n_features, a.n_outputs))
    m = len(used)
    for s in range(2**m):
        for at, g in enumerate(used):
            if not s >> at & 1:
                phi[:, g] += (game[s | 1 << at] - game[s]) / (m * comb(m - 1, s.bit_count()))
    return phi, game[0][0] if len(rows) else _payoff(a, background[:1], background, missing, weights, used[:0])[0]


def _members(s, used):
    return [at for at in range(len(used)) if s >> at & 1]


def _payoff(a, rows, background, missing, weights, known):
    """(n, o): v of the features `known`, for each row."""
    mixed = np.repeat(background[None], len(rows), axis=0)
    mixed[:, :, known] = rows[:, None, known]
    predicted = predict(a, mixed.reshape(-1, rows.shape[1]), missing, exact=True)
    return np.average(predicted.reshape(len(rows), len(background), -1), axis=1, weights=weights)
