"""The main job on real data, as a user would do it: a trained model's file, a data file, one command.

Trains a LightGBM model of the arrival delay of flights on the rows that have one, saves it as text, explains every
row with `ferroshap explain`, and checks the result against LightGBM's own predictions. Everything is in build/demo/.
"""

import json
import subprocess
import sys
import time
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from flights import CATEGORIES, FEATURES, TARGET, read_flights

FOLDER = Path("build/demo")
MODEL = FOLDER / "arrival_delay.txt"
DATA = FOLDER / "flights.parquet"
OUT = FOLDER / "shap.parquet"
KEEP = ("carrier", "flight", "dest", TARGET)
SETTINGS = {
    "objective": "regression",
    "num_leaves": 63,
    "learning_rate": 0.05,
    "seed": 7,
    "deterministic": True,
    "force_row_wise": True,
    "verbose": -1,
}
TREES = 300
STRONGEST = 10
BAR = 40


def train(flights: pd.DataFrame) -> lgb.Booster:
    known = flights.loc[flights[TARGET].notna()]
    features = known[list(FEATURES)].astype(dict.fromkeys(CATEGORIES, "category"))
    return lgb.train(SETTINGS, lgb.Dataset(features, known[TARGET], free_raw_data=False), num_boost_round=TREES)


def predict(booster: lgb.Booster, flights: pd.DataFrame) -> np.ndarray:
    """LightGBM's own raw predictions; its categories are matched by value, as in training."""
    features = flights[list(FEATURES)].astype(dict.fromkeys(CATEGORIES, "category"))
    return booster.predict(features, raw_score=True)


def explain() -> float:
    """Runs the command and returns its seconds, process start included."""
    command = [sys.executable, "-m", "ferroshap.cli", "explain", MODEL, DATA, "-o", OUT, "--keep", ",".join(KEEP)]
    command += ["--dtype", "float64", "--overwrite"]
    print("\n$ ferroshap", *map(str, command[3:]), flush=True)
    started = time.perf_counter()
    if code := subprocess.run(command, check=False).returncode:
        sys.exit(code)
    return time.perf_counter() - started


def bar_chart(strength: pd.Series) -> str:
    width = max(map(len, strength.index))
    full = strength.iloc[0]
    return "\n".join(
        f"  {name:>{width}} {'█' * max(1, round(BAR * value / full)):<{BAR}} {value:6.2f}"
        for name, value in strength.items()
    )


def report(seconds: float, predictions: np.ndarray) -> None:
    result = pq.read_table(OUT).to_pandas()
    values = result[[f"shap_{name}" for name in FEATURES]].set_axis(list(FEATURES), axis="columns")
    gap = np.abs(result["base_value"] + values.sum(axis="columns") - predictions).max()
    stored = json.loads(pq.read_metadata(OUT).metadata[b"ferroshap.worst_additivity_gap"])
    strength = values.abs().mean().nlargest(STRONGEST)
    print(f"\nrows explained          {len(result):,}")
    print(
        f"rows per second         {len(result) / seconds:,.0f}  (whole command: start, reading, explaining, checking, writing)"
    )
    print(
        f"worst additivity gap    {gap:.1e} minutes against LightGBM's own raw predictions ({stored:.1e} against ferroshap's)"
    )
    print(f"base value              {result['base_value'].iloc[0]:.2f} minutes, what the model expects of a flight\n")
    print("mean |SHAP value|, in minutes of arrival delay")
    print(bar_chart(strength))
    print("\nNext, the model itself:\n  .venv/bin/ferroshap inspect", MODEL)


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    flights = read_flights()
    print(
        f"training LightGBM ({TREES} trees of {SETTINGS['num_leaves']} leaves) on {int(flights[TARGET].notna().sum()):,} flights that arrived",
        flush=True,
    )
    booster = train(flights)
    booster.save_model(MODEL)
    flights.to_parquet(DATA, index=False)
    print(f"wrote {MODEL} and {DATA} ({len(flights):,} rows)")
    report(explain(), predict(booster, flights))


if __name__ == "__main__":
    main()
