"""The training tables and targets of the conformance run, drawn anew in each run from fixed seeds.

All numbers are multiples of 1/8, so that they are the same in float32, and behind every door.
"""

from functools import cache

import numpy as np
import pandas as pd

N, F = 240, 10
NAMES = [f"x{i}" for i in range(F)]
SENTINEL = -77.0
# Columns that hold categories where a case has them, and their texts.
CATEGORIES = {1: ["blue", "green", "grey", "red", "violet"], 4: [f"shop {i}" for i in range(40)]}
CHAINED = 6  # the column that makes deep trees deep


@cache
def numbers(missing, *, categorical):
    """(n, f) float64: NaN or `SENTINEL` where a value is missing, codes in the columns of `CATEGORIES` if asked for."""
    random = np.random.default_rng(3)
    X = random.integers(-24, 25, (N, F)) / 8
    X[:, 2] = np.round(X[:, 2])
    X[random.random(N) < 0.2, 3] = 0.0
    X[:, CHAINED] = random.permutation(N) / 8 - 15
    if categorical:
        for column, names in CATEGORIES.items():
            X[:, column] = random.zipf(1.5, N) % len(names)
    if missing != "none":
        holes = random.random(X.shape) < 0.12
        if categorical:
            holes[:, list(CATEGORIES)] &= missing == "NaN"
        X[holes] = SENTINEL if missing == "value" else np.nan
    return X


def frame(X, *, categorical, texts=False):
    """A pandas frame of such a table, its categories of pandas' type or, with `texts`, as texts."""
    table = pd.DataFrame(X, columns=NAMES)
    for column, names in CATEGORIES.items() if categorical else ():
        codes = np.where(np.isnan(X[:, column]), -1, X[:, column]).astype(int)
        values = pd.Categorical.from_codes(codes, names)
        table[NAMES[column]] = values.astype(object) if texts else values
    return table


def signal(X):
    """What the targets follow: interactions and steps; missing entries count."""
    x = np.where(np.isnan(X) | (X == SENTINEL), 0.5, X)
    noise = np.random.default_rng(5).normal(size=len(X))
    return x[:, 0] * x[:, 2] / 4 + np.sin(2 * x[:, 1]) + (x[:, 3] > 0) * x[:, 5] + np.cos(x[:, 4]) + 0.7 * noise


def chained(depth, X, falls, scale):
    """(signs, weights) by the order of one column, such that a tree splits group after group off; None if not so deep.

    A tree of 240 rows has no reason to be 30 levels deep unless each split leaves one group less.
    """
    if depth < 16:
        return None
    group = np.argsort(np.argsort(np.nan_to_num(X[:, CHAINED]), kind="stable"), kind="stable") // 7
    return np.where(group % 2, 1.0, -1.0), scale * falls**group


TARGETS = {
    "real": lambda s: s,
    "positive": lambda s: np.exp(s / 3),
    "counts": lambda s: np.floor(np.exp(s / 2)),
    "binary": lambda s: (s > 0).astype(float),
    "shares": lambda s: 1 / (1 + np.exp(-s)),
    "classes": lambda s: np.digitize(s, [-1, 1]).astype(float),
    "several": lambda s: np.column_stack([s, -2 * s + np.sin(3 * s), s**2]),
    "labels": lambda s: np.column_stack([s > 0, s > 1, np.sin(3 * s) > 0]).astype(float),
}


def target(kind, depth, X, *, falls=0.4, scale=1e9):
    """(label, weight or None) for a table and a depth; weights of a chain start at `scale` and fall by `falls`."""
    chain = chained(depth, X, falls, scale)
    if chain is None:
        return TARGETS[kind](signal(X)), None
    signs, weights = chain
    return TARGETS[kind](2 * signs + 0.05 * signal(X)), weights
