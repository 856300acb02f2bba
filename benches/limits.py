"""Single numbers: what a user waits for besides the values, what an option or a larger background costs, the memory of a whole file's job."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import ferroshap
import numpy as np
import xgboost
from data import DATA
from engines import FOLDER, train_xgboost, trained
from sklearn.ensemble import RandomForestRegressor
from small_calls import grid, one_row

ROOT = Path(__file__).parent.parent
DEMO = ROOT / "build" / "demo"
REPETITIONS = 5
ROWS = 20_000
TIMED_IMPORT = "import time; start = time.perf_counter(); import ferroshap; print(time.perf_counter() - start)"
# A process between: the peak that the system counts for a process starts from that of the one it was started by.
PEAK = (
    "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, stdout=sys.stderr); "
    "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
)


def load_ubjson() -> float:
    return median(load_seconds(large_model()) for _ in range(REPETITIONS))


def load_json() -> float:
    path = large_model().with_suffix(".json")
    xgboost.Booster(model_file=path.with_suffix(".ubj")).save_model(path)
    return median(load_seconds(path) for _ in range(REPETITIONS))


def load_seconds(path: Path) -> float:
    start = time.perf_counter()
    model = ferroshap.load_model(path)
    seconds = time.perf_counter() - start
    if (model.n_trees, model.max_depth) != (1000, 8):
        sys.exit(f"{model!r} is not the model of 1000 trees of depth 8")
    return seconds


def large_model() -> Path:
    kind = {"trees": 1000, "depth": 8}
    return trained(train_xgboost, kind, DATA["synthetic50"](1), f"xgboost-{xgboost.__version__}", ".ubj")


def import_seconds() -> float:
    """The import alone, in a new interpreter, its byte code compiled before, as an installation leaves it."""
    return median([float(python("-c", TIMED_IMPORT)) for _ in range(REPETITIONS + 1)][1:])


def memory() -> float:
    """Megabytes, of the whole command; the demo makes its own files where they are missing."""
    model, rows, out = DEMO / "arrival_delay.txt", DEMO / "flights.parquet", FOLDER / "shap.parquet"
    if not (model.exists() and rows.exists()):
        python("demo/run.py")
    FOLDER.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "ferroshap.cli", "explain", str(model), str(rows), "-o", str(out), "--overwrite"]
    return float(python("-c", PEAK, *command)) * 1024 / 1e6


def python(*arguments: str) -> str:
    """What another process of this interpreter prints, with a user's defaults; its messages pass through."""
    ours = {"OMP_NUM_THREADS", "PYTHONDONTWRITEBYTECODE"}
    environment = {name: value for name, value in os.environ.items() if name not in ours}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, check=True).stdout.decode()


def probability() -> float:
    """The whole of it for probabilities of 20,000 rows over the whole of it for raw values; the medians of alternating runs."""
    data = DATA["synthetic50"](ROWS)
    answers = xgboost.DMatrix(data.X, data.y > 0)
    settings = {"max_depth": 6, "eta": 0.1, "objective": "binary:logistic", "nthread": 2, "seed": 1}
    model = ferroshap.load_model(xgboost.train(settings, answers, 100))
    seconds: dict[str, list[float]] = {"raw": [], "probability": []}
    for _ in range(REPETITIONS):
        for output, taken in seconds.items():
            start = time.perf_counter()
            ferroshap.TreeExplainer(model, data.X[-ROWS:], output, threads=1).shap_values(data.rows)  # and checks them
            taken.append(time.perf_counter() - start)
    return median(seconds["probability"]) / median(seconds["raw"])


def background() -> float:
    """A run against 100,000 background rows over a run against 1,000; the medians of alternating runs."""
    data = DATA["synthetic50"](ROWS)
    kind = {"trees": 100, "depth": 6}
    path = trained(train_xgboost, kind, data, f"xgboost-{xgboost.__version__}", ".ubj")
    many = np.concatenate([data.X, data.X[::-1]])
    explainers = [ferroshap.TreeExplainer(path, rows, threads=1) for rows in (many[:1000], many)]
    seconds: list[list[float]] = [[], []]
    for _ in range(2 * REPETITIONS):
        for explainer, taken in zip(explainers, seconds, strict=True):
            start = time.perf_counter()
            explainer.shap_values(data.rows)
            taken.append(time.perf_counter() - start)
    return median(seconds[1]) / median(seconds[0])


def leaf() -> float:
    """Nanoseconds of a run per leaf and row, 20,000 rows against 20,000 background rows: geometric mean over the data sets."""
    found = []
    kind = {"trees": 100, "depth": 6}
    for make in DATA.values():
        data = make(ROWS)
        path = trained(train_xgboost, kind, data, f"xgboost-{xgboost.__version__}", ".ubj")
        model = ferroshap.load_model(path)
        explainer = ferroshap.TreeExplainer(model, data.X[-ROWS:], threads=1, expected_rows=ROWS)
        out = np.empty(data.rows.shape)
        seconds = []
        for _ in range(REPETITIONS + 1):
            start = time.perf_counter()
            explainer.shap_values(data.rows, out=out)  # and checks them
            seconds.append(time.perf_counter() - start)
        found.append(median(seconds[1:]) / len(data.rows) / model.n_leaves * 1e9)
    return float(np.exp(np.mean(np.log(found))))


def forest12() -> float:
    return forest_nanoseconds(12, 10)


def forest() -> float:
    return forest_nanoseconds(None, 1)


def forest_nanoseconds(depth: int | None, trees: int) -> float:
    """Nanoseconds per leaf and row for 20,000 rows against 20,000, making the explainer included."""
    data = DATA["synthetic50"](ROWS)
    forest = RandomForestRegressor(trees, max_depth=depth, max_features=1 / 3, n_jobs=2, random_state=1)
    model = ferroshap.load_model(forest.fit(data.X[:5000], data.y[:5000]))
    start = time.perf_counter()
    ferroshap.TreeExplainer(model, data.X[-ROWS:], threads=1).shap_values(data.rows)
    return (time.perf_counter() - start) / ROWS / model.n_leaves * 1e9


MEASURES: dict[str, Callable[[], float]] = {
    "load_json": load_json,
    "load_ubjson": load_ubjson,
    "import": import_seconds,
    "probability": probability,
    "leaf": leaf,
    "forest12": forest12,
    "forest": forest,
    "background": background,
    "small_call": one_row,
    "small_calls": grid,
    "memory": memory,
}
