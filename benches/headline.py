"""3,000,000 rows against 5,000,000 background rows: values of 127 features, 100 trees of depth 6, summed up on the way.

`python benches/headline.py [--scale 0.1] [--threads 2]`. Synthetic data, made block by block from the seed below; what is
timed is all that ferroshap does: reading the model, folding the background, making the tables, explaining and checking every
row, statistics of each feature. Making the numbers is not. Exit status 1: slower or larger than `MOST_SECONDS`, `MOST_BYTES`.
"""

import argparse
import json
import resource
import sys
import time
from collections.abc import Iterator

import ferroshap
import numpy as np
import xgboost
from data import Data
from engines import train_xgboost, trained

ROWS, BACKGROUND, FEATURES = 3_000_000, 5_000_000, 127
BLOCK = 100_000
SEED = 127
MOST_SECONDS, MOST_BYTES = 16.0, 8e9


def block(number: int) -> np.ndarray:
    """Rows `number · BLOCK` and so on, float32, standard normal."""
    return np.random.default_rng([SEED, number]).standard_normal((BLOCK, FEATURES), dtype=np.float32)


def training() -> Data:
    X = block(10**6)[:50_000]
    rng = np.random.default_rng(SEED)
    y = X[:, :40] @ rng.normal(size=40) + X[:, 40] * X[:, 41] + np.abs(X[:, 42]) * (X[:, 43] > 0)
    return Data(X, y.astype(np.float32), X[:1])


class Rows:
    """Blocks of rows, made when they are asked for; `seconds` is what that took."""

    def __init__(self, n: int) -> None:
        self.n, self.seconds = n, 0.0

    def __iter__(self) -> Iterator[np.ndarray]:
        for first in range(0, self.n, BLOCK):
            start = time.perf_counter()
            rows = block(first // BLOCK)[: self.n - first]
            self.seconds += time.perf_counter() - start
            yield rows


def background(n: int) -> np.ndarray:
    rows = np.empty((n, FEATURES), np.float32)
    for first in range(0, n, BLOCK):
        rows[first : first + BLOCK] = block(10**4 + first // BLOCK)[: n - first]
    rows.setflags(write=False)  # kept as it is, not copied
    return rows


def measure(n: int, b: int, threads: int) -> dict[str, float]:
    path = trained(train_xgboost, {"trees": 100, "depth": 6}, training(), f"xgboost-{xgboost.__version__}", ".ubj")
    against = background(b)
    start = time.perf_counter()
    explainer = ferroshap.TreeExplainer(path, against, threads=threads, expected_rows=n)
    folded = time.perf_counter() - start
    rows = Rows(n)
    start = time.perf_counter()
    found = explainer.aggregate(iter(rows))
    explained = time.perf_counter() - start - rows.seconds
    gap = check(explainer, against, float(found.mean.sum()), n)
    return {
        "rows": n,
        "background_rows": b,
        "leaves": explainer.model.n_leaves,
        "threads": threads,
        "fold_seconds": folded,
        "explain_seconds": explained,
        "seconds": folded + explained,
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "gap": gap,
    }


def check(explainer: ferroshap.TreeExplainer, against: np.ndarray, mean: float, n: int) -> float:
    """How far apart the mean values and the mean prediction are, and the halves of a small background from the whole."""
    predicted = sum(float(explainer.model.predict(rows, dtype="float64").sum()) for rows in Rows(n)) / n
    few = against[:2000]
    halves = [ferroshap.TreeExplainer(explainer.model, few[at::2]).shap_values(few[:100]) for at in (0, 1)]
    whole = ferroshap.TreeExplainer(explainer.model, few).shap_values(few[:100])
    gap = max(abs(mean + explainer.expected_value - predicted), float(np.abs(sum(halves) / 2 - whole).max()))
    if not gap < 1e-12 * explainer.scale[0]:
        sys.exit(f"wrong by {gap:.1e}")
    return gap


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--scale", type=float, default=1.0, help="this share of the rows and of the background")
    options.add_argument("--threads", type=int, default=2)
    chosen = options.parse_args()
    result = measure(int(ROWS * chosen.scale), int(BACKGROUND * chosen.scale), chosen.threads)
    print(json.dumps(result, indent=1))
    if result["seconds"] > MOST_SECONDS or result["peak_bytes"] > MOST_BYTES:
        sys.exit(f"MISSED: at most {MOST_SECONDS:g} s and {MOST_BYTES / 1e9:g} GB")


if __name__ == "__main__":
    main()
