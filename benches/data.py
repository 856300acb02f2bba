"""The three data sets of the benchmarks: real, continuous, discrete. The same numbers on every machine."""

import runpy
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

DEMO = Path(__file__).parent.parent / "demo"
SEED = 20_130_101
ROWS = 50_000


@dataclass(frozen=True)
class Data:
    """float32 arrays: rows and answers to train on, `(m, f)` and `(m,)`, and the rows to explain, `(n, f)`, C order."""

    X: np.ndarray
    y: np.ndarray
    rows: np.ndarray


def flights(n: int) -> Data:
    """Arrival delay of `n` flights drawn from all of 2013, cancelled ones among the rows to explain (they hold NaN)."""
    demo = runpy.run_path(str(DEMO / "flights.py"))
    frame = demo["read_flights"]()
    for name in demo["CATEGORIES"]:
        frame[name] = frame[name].astype("category").cat.codes
    X = frame[list(demo["FEATURES"])].to_numpy(np.float32)
    y = frame[demo["TARGET"]].to_numpy(np.float32)
    order = np.random.default_rng(SEED).permutation(len(X))
    known = order[~np.isnan(y[order])][: 2 * ROWS]
    return Data(X[known], y[known], X[order[-n:]])


def synthetic50(n: int) -> Data:
    """50,000 rows of 50 normal columns; the answer bends with a third of them and crosses some."""
    rng = np.random.default_rng(SEED)
    X = rng.standard_normal((ROWS, 50), dtype=np.float32)
    weights = rng.normal(size=16)
    y = np.sin(X[:, :16]) @ weights + X[:, 16] * X[:, 17] + np.abs(X[:, 18]) * (X[:, 19] > 0)
    return Data(X, (y + rng.normal(0, 0.5, ROWS)).astype(np.float32), X[:n])


def discrete14(n: int) -> Data:
    """50,000 rows of 14 columns of 2 to 16 whole numbers; the answer is a table look-up in each column and in pairs."""
    rng = np.random.default_rng(SEED)
    sizes = (2, 2, 2, 3, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16)
    X = np.column_stack([rng.integers(size, size=ROWS) for size in sizes])
    y = rng.normal(0, 0.5, ROWS)
    for at, size in enumerate(sizes):
        y += rng.normal(size=size)[X[:, at]]
        y += rng.normal(size=(size, sizes[at - 1]))[X[:, at], X[:, at - 1]]
    floats = np.ascontiguousarray(X, dtype=np.float32)
    return Data(floats, y.astype(np.float32), floats[:n])


DATA: dict[str, Callable[[int], Data]] = {"flights": flights, "synthetic50": synthetic50, "discrete14": discrete14}
