"""Saabas values straight from `EnsembleArrays`, row by row, by the definition."""

import numpy as np

from .predict import as_compared, goes_left


def saabas_values(a, rows, missing=None):
    """Values (n, f, o) and expected value (o,), float64. O(rows * nodes)."""
    x = as_compared(a, rows, missing)
    phi = np.zeros((len(x), a.n_features, a.n_outputs))
    expected = np.array(a.base, dtype=float)

    def mean(first, node):
        if a.left[node] < 0:
            return a.values[node]
        left, right = first + a.left[node], first + a.right[node]
        total = a.cover[left] + a.cover[right]
        share = a.cover[left] / total if total > 0 else 0.5
        return share * mean(first, left) + (1 - share) * mean(first, right)

    for tree, output in enumerate(a.tree_outputs):
        first = a.tree_starts[tree]
        columns = np.arange(a.n_outputs) if output < 0 else [output]
        expected[columns] += mean(first, first)
        for row in range(len(x)):
            node = first
            while a.left[node] >= 0:
                g = int(a.feature[node])
                left = goes_left(a, np.array([node]), x[row : row + 1, g])[0]
                child = first + (a.left[node] if left else a.right[node])
                phi[row, g, columns] += mean(first, child) - mean(first, node)
                node = child
    return phi / a.divisor, expected / a.divisor
