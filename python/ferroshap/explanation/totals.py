"""What an `Aggregate` is made of: sums with their rounding errors, and extremes, which can be added to."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

# The first axis: what is added up, each sum before its rounding error, and the extremes.
SUM, SUM_ABS, LEAST, LARGEST = 0, 2, 4, 5
STATISTICS = 6


def no_totals(*shape: int) -> Floats:
    """The totals of no rows, `(6, *shape)`: sums of 0, +∞ as the least and -∞ as the largest value."""
    totals = np.zeros((STATISTICS, *shape))
    totals[LEAST], totals[LARGEST] = np.inf, -np.inf
    return totals


def totals_of(values: Floats) -> Floats:
    """The totals of rows whose values are at hand, `(n, *shape)`."""
    totals = no_totals(*values.shape[1:])
    totals[SUM], totals[SUM_ABS] = values.sum(axis=0), np.abs(values).sum(axis=0)
    totals[LEAST], totals[LARGEST] = values.min(axis=0, initial=np.inf), values.max(axis=0, initial=-np.inf)
    return totals


def add_totals(totals: Floats, more: Floats) -> None:
    """Adds `more` to `totals`. What a sum loses by the addition, which is a float64, is added to its rounding error."""
    for at in (SUM, SUM_ABS):
        before = totals[at].copy()
        totals[at] += more[at]
        added = totals[at] - before
        totals[at + 1] += (before - (totals[at] - added)) + (more[at] - added) + more[at + 1]
    totals[LEAST] = np.minimum(totals[LEAST], more[LEAST])
    totals[LARGEST] = np.maximum(totals[LARGEST], more[LARGEST])
