"""Small calls against background rows as users write them: making the explainer and explaining, both on the clock, each side
with its default arguments, additivity checks included."""

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median

import ferroshap
import numpy as np
import shap
from data import DATA
from sklearn.ensemble import RandomForestRegressor

SIZES = (1, 10, 100, 1_000, 10_000)  # of rows, and of background rows
DEPTHS = (2, 4, 6, 8, 12, 16, None)
TRAINED = 5_000  # rows of the forest, as deep as they make it
TREES = 5
MOST_PAIRS = (
    50_000  # of a row and a background row, of shap; what is beyond is reckoned from as many rows as make these
)
REPEATED_SECONDS = 0.5  # a call is repeated until it has taken so long, and three times at least
TOLERANCE = 1e-5  # of the largest |value|: shap has float32 thresholds


@dataclass(frozen=True)
class SmallCall:
    """Seconds of both sides for `rows` against `background` rows."""

    rows: int
    background: int
    depth: int | None
    ours: float
    peer: float

    @property
    def ratio(self) -> float:
        return self.peer / self.ours


def grid() -> float:
    """The least ratio over all pairs of sizes, of a forest of any depth."""
    return least(measured(None, n, b) for n in SIZES for b in SIZES)


def one_row() -> float:
    """The least ratio of one row against 100 over the depths."""
    return least(measured(depth, 1, 100) for depth in DEPTHS)


def least(calls: Iterator[SmallCall]) -> float:
    found = []
    for call in calls:
        depth = "any depth" if call.depth is None else f"depth {call.depth}"
        print(
            f"  {call.rows:>6} × {call.background:>6}, {depth:<9}{call.ours * 1e3:>10.2f} ms"
            f"{call.peer * 1e3:>12.2f} ms{call.ratio:>9.1f}×",
            flush=True,
        )
        found.append(call.ratio)
    return min(found)


_forests: dict[int | None, RandomForestRegressor] = {}


def forest(depth: int | None) -> RandomForestRegressor:
    if depth not in _forests:
        data = DATA["synthetic50"](max(SIZES))
        made = RandomForestRegressor(TREES, max_depth=depth, max_features=1 / 3, n_jobs=2, random_state=1)
        _forests[depth] = made.fit(data.X[:TRAINED], data.y[:TRAINED]).set_params(n_jobs=1)
    return _forests[depth]


def measured(depth: int | None, n: int, b: int) -> SmallCall:
    """Both sides get the live forest and arrays. shap's run is that of some rows, times how many times as many there are."""
    model, data = forest(depth), DATA["synthetic50"](max(SIZES))
    rows, background = data.rows[:n], data.X[-b:]
    some = rows[: max(1, MOST_PAIRS // b)]

    def ours() -> tuple[float, np.ndarray]:
        start = time.perf_counter()
        values = ferroshap.TreeExplainer(model, background, threads=1).shap_values(rows)
        return time.perf_counter() - start, values

    def theirs() -> tuple[float, np.ndarray]:
        start = time.perf_counter()
        explainer = shap.TreeExplainer(model, shap.maskers.Independent(background, max_samples=b))  # else it takes 100
        made = time.perf_counter() - start
        start = time.perf_counter()
        values = explainer.shap_values(some)
        return made + (time.perf_counter() - start) * len(rows) / len(some), values

    seconds, peer_seconds, values, expected = alternating(ours, theirs)
    gap = np.abs(values[: len(some)] - expected).max() / np.abs(values).max()
    if not gap < TOLERANCE:
        sys.exit(f"{n} rows against {b}, depth {depth}: values {gap:.1e} apart, tolerance {TOLERANCE}")
    return SmallCall(n, b, depth, seconds, peer_seconds)


def alternating(
    ours: Callable[[], tuple[float, np.ndarray]], theirs: Callable[[], tuple[float, np.ndarray]]
) -> tuple[float, float, np.ndarray, np.ndarray]:
    """Medians of both, and their answers."""
    seconds: list[float] = []
    peer_seconds: list[float] = []
    start = time.perf_counter()
    while True:
        taken, values = ours()
        peer_taken, expected = theirs()
        seconds.append(taken)
        peer_seconds.append(peer_taken)
        spent = time.perf_counter() - start
        if spent > 4 * REPEATED_SECONDS or (len(seconds) >= 3 and spent > REPEATED_SECONDS):
            return median(seconds), median(peer_seconds), values, expected
