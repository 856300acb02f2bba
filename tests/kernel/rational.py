"""Path-dependent SHAP values of one row in exact rational arithmetic: for paths so long that float64 needs a judge.

The game of a leaf is a product over the features of its path (see `oracle/shap.py`). Covers of siblings add up to
2**BITS and leaf values are whole, so that everything but the last division happens in whole numbers.
"""

from fractions import Fraction
from math import factorial, prod

import numpy as np
from oracle.predict import as_compared, goes_left

BITS = 4


def shap_values(a, row):
    """(f): the values of the only tree's only output, as `Fraction`s."""
    leaves = list(_leaves(a, row))
    longest = max(len(path) for _, path, _ in leaves)
    deepest = max(depth for _, _, depth in leaves)
    factorials = [factorial(k) for k in range(longest + 1)]
    phi = [0] * a.n_features  # in units of 1 / (longest! 2**(BITS deepest))
    for value, path, depth in leaves:
        d = len(path)
        held = {g: (share, one) for g, (satisfied, share, one) in path.items() if satisfied}
        rest = prod(share for satisfied, share, _ in path.values() if not satisfied)
        unit = value * rest * (factorials[longest] // factorials[d]) << BITS * (deepest - depth)
        weights = [factorials[k] * factorials[d - 1 - k] for k in range(d)]
        product = [1]
        for share, one in held.values():
            product = [share * c + one * b for c, b in zip([*product, 0], [0, *product], strict=True)]
        of_a_broken_one = -unit * sum(map(int.__mul__, product, weights))
        for g in path:
            if g in held:
                share, one = held[g]
                phi[g] += (one - share) * unit * sum(map(int.__mul__, _without(product, share, one), weights))
            else:
                phi[g] += of_a_broken_one
    return [Fraction(numerator, factorials[longest] << BITS * deepest) for numerator in phi]


def _leaves(a, row):
    """(value, feature -> (row satisfies its edges, W, 1; both times 2**(BITS edges)), depth) of every leaf."""
    x = as_compared(a, row[None])[0]
    left = goes_left(a, np.arange(len(a.left)), x[a.feature])
    pending = [(0, {}, 0)]
    while pending:
        node, path, depth = pending.pop()
        if a.left[node] < 0:
            assert a.values[node, 0].is_integer()
            yield int(a.values[node, 0]), path, depth
            continue
        g, children = int(a.feature[node]), (a.left[node], a.right[node])
        assert sum(a.cover[child] for child in children) == 2**BITS
        satisfied, share, one = path.get(g, (True, 1, 1))
        for child, goes in zip(children, (bool(left[node]), not left[node]), strict=True):
            edges = (satisfied and goes, share * int(a.cover[child]), one << BITS)
            pending.append((int(child), {**path, g: edges}, depth + 1))


def _without(product, share, one):
    """The coefficients of product / (share + one y); `one` is a power of two."""
    quotient, carry, bits = [0] * (len(product) - 1), 0, one.bit_length() - 1
    for k in range(len(quotient) - 1, -1, -1):
        carry = (product[k + 1] - share * carry) >> bits
        quotient[k] = carry
    return quotient
