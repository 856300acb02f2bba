"""Models, tables and the command itself, run as a process of its own."""

import subprocess
import sys
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest


@pytest.fixture(scope="session")
def flights_like() -> pd.DataFrame:
    """3,000 rows with numbers, missing values, a text category and columns the model does not know."""
    random = np.random.default_rng(11)
    n = 3_000
    table = pd.DataFrame(
        {
            "id": np.arange(n),
            "delay": random.normal(size=n),
            "carrier": random.choice(["AA", "B6", "DL", "UA"], size=n),
            "distance": random.integers(100, 3_000, size=n),
            "note": "not a feature",
        }
    )
    table.loc[::7, "delay"] = np.nan
    return table


@pytest.fixture(scope="session")
def features(flights_like) -> pd.DataFrame:
    """The model's columns of that table, as LightGBM wants them."""
    return flights_like[["delay", "carrier", "distance"]].astype({"carrier": "category"})


@pytest.fixture(scope="session")
def booster(features) -> lgb.Booster:
    target = features["delay"].fillna(2) * (features["carrier"] == "UA") + features["distance"] / 1_000
    settings = {"objective": "regression", "num_leaves": 15, "verbose": -1, "num_threads": 1, "min_data_per_group": 10}
    return lgb.train(settings, lgb.Dataset(features, target), num_boost_round=20)


@pytest.fixture
def model(booster, tmp_path) -> Path:
    path = tmp_path / "model.txt"
    booster.save_model(path)
    return path


@pytest.fixture
def data(flights_like, tmp_path) -> Path:
    path = tmp_path / "rows.parquet"
    flights_like.to_parquet(path, index=False, row_group_size=1_000)
    return path


@pytest.fixture
def out(tmp_path) -> Path:
    """Where the output goes: a folder of its own, so that what is left behind shows."""
    folder = tmp_path / "out"
    folder.mkdir()
    return folder / "shap.parquet"


@pytest.fixture(scope="session")
def ferroshap():
    """Runs the command with these arguments; returns the finished process."""

    def run(*arguments: object, **options) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "ferroshap.cli", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, **options)

    return run
