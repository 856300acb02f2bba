"""The weights of pairs of output spaces, by the definition, in decimal numbers of 60 digits: nothing cancels.

A value in another output space is Σ_z ω_z Σ_j W_kj(x, z) φ_j(x, z), φ_j(x, z) the raw values of x against the one row z. W is the
secant of the link, (g(x) − g(z)) / (x − z); for softmax, with the logarithmic mean L(a, b) = (a − b) / (log a − log b),
W_kj = L(p_k(x), p_k(z)) (δ_kj − L_j / L_D), L_j that of e^{m_j}, L_D that of their sums.
"""

from decimal import Decimal, localcontext

import numpy as np

DIGITS = 60


def weights_of_pairs(kind, x, z, y, scale=1):
    """`(n, b, k, o)`: W of the raw outputs `(n, o)` of rows and `(b, o)` of the background; `y` are the labels `(n,)` of losses.

    `kind`: "logistic", "exponential", "logistic loss", "squared error", "softmax", "softmax loss". `scale`: what raw outputs are
    multiplied by first.
    """
    with localcontext(prec=DIGITS):
        rows, background = ([[Decimal(scale) * Decimal(m) for m in row] for row in raw.tolist()] for raw in (x, z))
        labels = [Decimal(label) for label in np.asarray(y).tolist()]
        pairs = [[_pair(kind, a, b, label) for b in background] for a, label in zip(rows, labels, strict=True)]
        return scale * np.array(pairs, dtype=float)


def _pair(kind, a, b, y):
    if kind in ("softmax", "softmax loss"):
        return _softmax(kind, a, b, int(y))
    (m,), (t,), (g, slope) = a, b, LINKS[kind]
    return [[slope(m, y) if m == t else (g(m, y) - g(t, y)) / (m - t)]]


def _softmax(kind, a, b, y):
    ea, eb = [m.exp() for m in a], [m.exp() for m in b]
    share = [_log_mean(*pair) / _log_mean(sum(ea), sum(eb)) for pair in zip(ea, eb, strict=True)]
    if kind == "softmax loss":
        return [[one - (j == y) for j, one in enumerate(share)]]
    of_class = [_log_mean(p / sum(ea), q / sum(eb)) for p, q in zip(ea, eb, strict=True)]
    return [[mean * ((k == j) - one) for j, one in enumerate(share)] for k, mean in enumerate(of_class)]


def _log_mean(a, b):
    return a if a == b else (a - b) / (a.ln() - b.ln())


def _logistic(m):
    return 1 / (1 + (-m).exp())


LINKS = {  # of a margin and a label: the function, its slope
    "logistic": (lambda m, _: _logistic(m), lambda m, _: _logistic(m) * _logistic(-m)),
    "exponential": (lambda m, _: m.exp(), lambda m, _: m.exp()),
    "logistic loss": (lambda m, y: (1 + m.exp()).ln() - y * m, lambda m, y: _logistic(m) - y),
    "squared error": (lambda m, y: (m - y) ** 2, lambda m, y: 2 * (m - y)),
}
