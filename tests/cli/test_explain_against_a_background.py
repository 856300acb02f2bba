"""`ferroshap explain --background`: values against a file of rows, those of the library; every failure in one line."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from ferroshap import TreeExplainer, load_model
from sklearn.ensemble import RandomForestRegressor

VALUES = ["shap_delay", "shap_carrier", "shap_distance"]


@pytest.fixture
def background(flights_like, tmp_path):
    """Half of the rows in small row groups, columns in another order, with weights."""
    path = tmp_path / "background.parquet"
    part = flights_like[1::2].assign(weight=lambda t: np.arange(len(t)) % 5)
    part[part.columns[::-1]].to_parquet(path, index=False, row_group_size=100)
    return path


def test_values_are_those_of_the_library(ferroshap, model, data, background, out, booster, features):
    done = ferroshap("explain", model, data, "-o", out, "--background", background, "--dtype", "float64")
    assert done.returncode == 0, done.stderr
    table, explainer = pd.read_parquet(out), TreeExplainer(booster, features[1::2], expected_rows=len(features))
    np.testing.assert_array_equal(table[VALUES], explainer.shap_values(features))
    assert (table["base_value"] == explainer.expected_value).all()


def test_weights_are_a_column_of_the_background(ferroshap, model, data, background, out, booster, features):
    options = ["--background", background, "--weights", "weight", "--dtype", "float64", "--threads", 1]
    done = ferroshap("explain", model, data, "-o", out, *options)
    assert done.returncode == 0, done.stderr
    assert "'weight'" not in done.stderr  # no column that was ignored
    part = features[1::2]
    explainer = TreeExplainer(booster, part, weights=np.arange(len(part)) % 5, expected_rows=len(features))
    np.testing.assert_array_equal(pd.read_parquet(out)[VALUES], explainer.shap_values(features))


def test_the_file_says_what_the_values_are_against(ferroshap, model, data, background, out):
    assert (
        ferroshap("explain", model, data, "-o", out, "--background", background, "--weights", "weight").returncode == 0
    )
    stored = {key.decode(): value.decode() for key, value in pq.read_metadata(out).metadata.items()}
    assert stored["ferroshap.algorithm"] == "interventional"
    assert stored["ferroshap.background_rows"] == "1500"
    assert stored["ferroshap.background_sha256"] == hashlib.sha256(background.read_bytes()).hexdigest()
    options = json.loads(stored["ferroshap.options"])
    assert (options["background"], options["weights"]) == (str(background), "weight")


def test_a_model_without_covers_is_explained_against_a_background(ferroshap, out, tmp_path):
    model = Path(__file__).resolve().parents[1] / "reference" / "x20" / "mo.json"
    n_features = load_model(model, iteration_range=(0, 0)).n_features
    rows = pd.DataFrame(np.random.default_rng(0).normal(size=(50, n_features))).rename(columns=str)
    rows.to_parquet(tmp_path / "rows.parquet")
    arguments = ["explain", model, tmp_path / "rows.parquet", "-o", out]
    done = ferroshap(*arguments)
    assert done.returncode == 3
    assert "pass background rows" in done.stderr
    done = ferroshap(*arguments, "--background", tmp_path / "rows.parquet")
    assert done.returncode == 0, done.stderr
    assert np.ptp(pd.read_parquet(out).filter(like="shap_").to_numpy()) > 0


@pytest.fixture
def nameless(flights_like, tmp_path):
    """A model that knows no names, as a file, and its two columns."""
    rows = flights_like[["distance", "id"]]
    forest = RandomForestRegressor(n_estimators=3, max_depth=3, random_state=0).fit(rows.to_numpy(), rows["id"] % 7)
    load_model(forest).save(tmp_path / "forest")
    rows.to_parquet(tmp_path / "two.parquet", index=False)
    return tmp_path / "forest", forest, rows


def test_a_model_without_names_takes_the_columns_in_their_order(ferroshap, nameless, out, tmp_path):
    model, forest, rows = nameless
    rows[:90].assign(w=1.0).to_parquet(tmp_path / "b.parquet", index=False)
    arguments = ["explain", model, tmp_path / "two.parquet", "-o", out, "--dtype", "float64"]
    done = ferroshap(*arguments, "--background", tmp_path / "b.parquet", "--weights", "w")
    assert done.returncode == 0, done.stderr
    want = TreeExplainer(forest, rows[:90].to_numpy(), weights=np.ones(90)).shap_values(rows.to_numpy())
    np.testing.assert_array_equal(pd.read_parquet(out)[["shap_distance", "shap_id"]], want)
    rows[["id", "distance"]].to_parquet(tmp_path / "turned.parquet", index=False)
    done = ferroshap(*arguments, "--overwrite", "--background", tmp_path / "turned.parquet")
    assert done.returncode == 4
    assert "another order" in done.stderr


def failing(done, code, out, *said):
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert list(out.parent.iterdir()) == []
    line = done.stderr.splitlines()[-1]
    for words in said:
        assert words in line


def test_every_failure_is_one_line(ferroshap, model, data, background, out, tmp_path):
    def run(*options):
        return ferroshap("explain", model, data, "-o", out, *options)

    failing(run("--weights", "weight"), 2, out, "--weights names a column of the background", "--background too")
    failing(run("--background", tmp_path / "none.parquet"), 4, out, "none.parquet cannot be read")
    failing(run("--background", model), 4, out, "is not a Parquet file")
    failing(run("--background", tmp_path), 2, out, "is a folder")
    failing(run("--background", background, "--weights", "w"), 4, out, "background.parquet: there is no column 'w'")
    failing(run("--background", background, "--weights", "note"), 4, out, "'note' has dtype", "weights are numbers")
    table = pd.read_parquet(background)
    broken = tmp_path / "broken.parquet"
    for change, said in (
        (table.drop(columns="delay"), ["broken.parquet", "now missing", "- delay"]),
        (table[:0], ["broken.parquet: there are no rows"]),
        (table.assign(weight=table["weight"].where(table["weight"] != 3)), ["the weight of background row 3 is nan"]),
        (table.assign(distance="far"), ["broken.parquet", "'distance'"]),
    ):
        change.to_parquet(broken, index=False)
        failing(run("--background", broken, "--weights", "weight"), 4, out, *said)


def test_the_output_is_not_the_background(ferroshap, model, data, background):
    done = ferroshap("explain", model, data, "-o", background, "--background", background, "--overwrite")
    assert done.returncode == 2
    assert "is the background itself" in done.stderr


def test_another_output_space_is_that_of_the_library(ferroshap, data, out, features, flights_like, tmp_path):
    import lightgbm

    late = lightgbm.train(
        {"objective": "binary", "num_leaves": 7, "verbose": -1, "num_threads": 1},
        lightgbm.Dataset(features, np.arange(len(features)) % 2),
        5,
    )
    late.save_model(tmp_path / "late.txt")
    flights_like[:200].to_parquet(tmp_path / "few.parquet", index=False)
    options = ["--background", tmp_path / "few.parquet", "--model-output", "probability", "--dtype", "float64"]
    done = ferroshap("explain", tmp_path / "late.txt", data, "-o", out, *options)
    assert done.returncode == 0, done.stderr
    table = pd.read_parquet(out)
    explainer = TreeExplainer(late, features[:200], "probability", expected_rows=len(features))
    np.testing.assert_array_equal(table[VALUES], explainer.shap_values(features))
    np.testing.assert_allclose(table[VALUES].sum(axis=1) + table["base_value"], late.predict(features), rtol=1e-12)
    stored = {key.decode(): value.decode() for key, value in pq.read_metadata(out).metadata.items()}
    assert stored["ferroshap.output_space"] == "probability"
    assert stored["ferroshap.algorithm"] == "interventional-rescaled"


def test_an_output_that_the_model_has_not_is_refused_in_a_line(ferroshap, model, data, out):
    done = ferroshap("explain", model, data, "-o", out, "--model-output", "probability")
    assert done.returncode != 0
    assert "it predicts no probability; what can be explained is 'raw' or 'predict'" in done.stderr
    assert done.stderr.count("\n") == 1


def test_an_output_space_needs_a_background_where_it_is_not_what_the_trees_add_up_to(
    ferroshap, data, out, features, tmp_path, model, booster
):
    import lightgbm

    settings = {"objective": "poisson", "num_leaves": 7, "verbose": -1, "num_threads": 1}
    counts = lightgbm.train(settings, lightgbm.Dataset(features, np.arange(len(features)) % 4), 5)
    counts.save_model(tmp_path / "counts.txt")
    done = ferroshap("explain", tmp_path / "counts.txt", data, "-o", out, "--model-output", "predict")
    assert done.returncode == 2
    assert done.stderr == (
        f"ferroshap: {tmp_path / 'counts.txt'}: --model-output predict is explained against background rows: name a file of "
        "them with --background\n"
    )
    done = ferroshap("explain", model, data, "-o", out, "--model-output", "predict", "--dtype", "float64")
    assert done.returncode == 0, done.stderr
    explainer = TreeExplainer(booster, expected_rows=len(features))
    np.testing.assert_array_equal(pd.read_parquet(out)[VALUES], explainer.shap_values(features))
