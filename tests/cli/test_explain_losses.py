"""`ferroshap explain --model-output log_loss --labels`: the loss of each row, and statistics of it; failures in one line."""

import json

import lightgbm
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from ferroshap import TreeExplainer

VALUES = ["shap_delay", "shap_carrier", "shap_distance"]


@pytest.fixture(scope="module")
def late(features):
    """A classifier of the rows, and their labels."""
    y = (features["distance"] % 3 == 0).to_numpy().astype(int)
    settings = {"objective": "binary", "num_leaves": 7, "verbose": -1, "num_threads": 1}
    return lightgbm.train(settings, lightgbm.Dataset(features, y), 5), y


@pytest.fixture
def run(ferroshap, late, flights_like, out, tmp_path):
    booster, y = late
    booster.save_model(tmp_path / "late.txt")
    flights_like.assign(late=y).to_parquet(tmp_path / "labelled.parquet", index=False, row_group_size=1_000)
    flights_like[:200].to_parquet(tmp_path / "few.parquet", index=False)

    def call(*options, background=("--background", tmp_path / "few.parquet")):
        return ferroshap(
            "explain", tmp_path / "late.txt", tmp_path / "labelled.parquet", "-o", out, *background, *options
        )

    return call


def test_losses_are_those_of_the_library(run, late, features, out):
    booster, y = late
    done = run("--model-output", "log_loss", "--labels", "late", "--dtype", "float64")
    assert done.returncode == 0, done.stderr
    assert "'late'" not in done.stderr  # no column that was ignored
    table = pd.read_parquet(out)
    assert list(table) == [*VALUES, "base_value"]
    explainer = TreeExplainer(booster, features[:200], "log_loss", expected_rows=len(features))
    np.testing.assert_array_equal(table[VALUES], explainer.shap_values(features, y))
    p = booster.predict(features)
    np.testing.assert_allclose(table.sum(axis=1), -np.log(np.where(y, p, 1 - p)), rtol=0, atol=1e-12)
    stored = {key.decode(): value.decode() for key, value in pq.read_metadata(out).metadata.items()}
    assert stored["ferroshap.output_space"] == "log-loss"
    assert stored["ferroshap.base_values"] == "null"
    assert json.loads(stored["ferroshap.options"])["labels"] == "late"


def test_statistics_of_losses(run, late, features, out):
    booster, y = late
    done = run("--model-output", "log_loss", "--labels", "late", "--aggregate", "--by", "late")
    assert done.returncode == 0, done.stderr
    values = TreeExplainer(booster, features[:200], "log_loss", expected_rows=len(features)).shap_values(features, y)
    table = pd.read_parquet(out)
    assert table["late"].tolist() == [0, 0, 0, 1, 1, 1]
    for label in (0, 1):
        np.testing.assert_allclose(table["mean"][table["late"] == label], values[y == label].mean(axis=0), rtol=1e-12)


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--model-output", "log_loss"], 2, "name the column of labels with --labels"),
        (["--labels", "late"], 2, "ask for --model-output log_loss"),
        (["--model-output", "log_loss", "--labels", "later"], 4, "no column 'later' of labels"),
        (
            ["--model-output", "log_loss", "--labels", "id"],
            4,
            "of the rows from 0 on: y of row 2 is 2; expected a label",
        ),
        (["--model-output", "log_loss", "--labels", "id", "--aggregate"], 4, "of the rows from 0 on: y of row 2 is 2"),
        (["--model-output", "log_loss", "--labels", "note"], 4, "y holds something that is no number"),
        (["--model-output", "log_loss", "--labels", "late", "--interactions"], 3, "interaction values of the log-loss"),
    ],
)
def test_failures_are_one_line(run, out, options, code, said):
    done = run(*options)
    assert done.returncode == code, done.stderr
    assert said in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert list(out.parent.iterdir()) == []


def test_a_loss_needs_a_background(run):
    done = run("--model-output", "log_loss", "--labels", "late", background=())
    assert done.returncode == 2
    assert "name a file of them with --background" in done.stderr
