"""The options of `load_model` on every command that reads a model, and `--approximate`: values are those of the library."""

import json

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import xgboost
from ferroshap import TreeExplainer


@pytest.fixture(scope="module")
def boosted():
    """A model whose missing value is −999, and rows that have it."""
    random = np.random.default_rng(5)
    rows = pd.DataFrame(random.normal(size=(300, 3)), columns=["a", "b", "c"]).mask(
        random.random((300, 3)) < 0.2, -999.0
    )
    target = rows["a"].clip(-3) * rows["b"].clip(-3) + rows["c"].clip(-3)
    model = xgboost.XGBRegressor(n_estimators=12, max_depth=3, missing=-999.0, n_jobs=1).fit(rows, target)
    return model, rows


@pytest.fixture
def files(boosted, tmp_path):
    model, rows = boosted
    model.get_booster().save_model(tmp_path / "model.json")
    rows.to_parquet(tmp_path / "rows.parquet")
    return tmp_path / "model.json", tmp_path / "rows.parquet"


@pytest.mark.parametrize("against", [False, True], ids=["path-dependent", "a background"])
def test_values_of_some_iterations_with_another_missing_value(ferroshap, boosted, files, out, against):
    booster, (model, data), rows = boosted[0].get_booster(), files, boosted[1]
    options = ["--missing", -999, "--iteration-range", 2, 8, "--dtype", "float64"]
    options += ["--background", data] if against else []
    done = ferroshap("explain", model, data, "-o", out, *options)
    assert done.returncode == 0, done.stderr
    reading = {"missing": -999, "iteration_range": (2, 8), "expected_rows": len(rows)}
    want = TreeExplainer(booster, rows if against else None, **reading).shap_values(rows)
    found = pd.read_parquet(out)
    np.testing.assert_array_equal(found[["shap_a", "shap_b", "shap_c"]], want)
    assert np.abs(want - TreeExplainer(booster, iteration_range=(2, 8)).shap_values(rows)).max() > 0.01
    own = booster.predict(xgboost.DMatrix(rows, missing=-999.0), output_margin=True, iteration_range=(2, 8))
    np.testing.assert_allclose(found.sum(axis=1), own, rtol=0, atol=1e-5)
    stored = json.loads(pq.read_metadata(out).metadata[b"ferroshap.options"])
    assert (stored["missing"], stored["iteration_range"]) == ("-999.0", [2, 8])


def test_statistics_with_the_options(ferroshap, boosted, files, out):
    booster, (model, data), rows = boosted[0].get_booster(), files, boosted[1]
    done = ferroshap("explain", model, data, "-o", out, "--aggregate", "--missing", -999, "--iteration-range", 0, 3)
    assert done.returncode == 0, done.stderr
    want = TreeExplainer(booster, missing=-999, iteration_range=(0, 3)).aggregate(rows)
    np.testing.assert_allclose(pd.read_parquet(out)["mean_abs"], want.mean_abs, rtol=1e-12)


def test_the_facts_of_some_iterations(ferroshap, files):
    done = ferroshap("inspect", files[0], "--json", "--iteration-range", 0, 5, "--missing", -999)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["trees"] == 5


def test_a_comparison_with_the_library_reads_the_model_as_asked(ferroshap, files):
    model, data = files
    done = ferroshap("check", model, data, "--missing", -999, "--iteration-range", 0, 5)
    assert done.returncode == 0, done.stderr
    assert "same bits   0" in done.stdout


@pytest.mark.parametrize(
    ("command", "options", "said"),
    [
        ("explain", ["--iteration-range", 3, 99], "iteration_range=(3, 99): expected 0 <= begin < end <= 12"),
        ("inspect", ["--iteration-range", 3, 99], "iteration_range=(3, 99): expected 0 <= begin < end <= 12"),
        ("check", ["--iteration-range", 3, 99], "iteration_range=(3, 99): expected 0 <= begin < end <= 12"),
        ("inspect", ["--iteration-range", 3], "requires 2 arguments"),
        ("check", ["--missing", "none"], "'none' is not a valid float"),
    ],
)
def test_what_does_not_fit_is_wrong_usage(ferroshap, files, out, command, options, said):
    model, data = files
    arguments = {"explain": [model, data, "-o", out], "inspect": [model], "check": [model, data]}[command]
    done = ferroshap(command, *arguments, *options)
    assert done.returncode == 2
    assert said in done.stderr
    assert not out.exists()


def test_a_missing_value_of_another_library_is_refused(ferroshap, model):
    done = ferroshap("inspect", model, "--missing", -999)
    assert done.returncode == 2
    assert "only XGBoost models take another missing value than NaN, this is a LightGBM model" in done.stderr


def test_saabas_values_say_what_they_are(ferroshap, model, data, out, booster, features):
    done = ferroshap("explain", model, data, "-o", out, "--approximate", "--dtype", "float64")
    assert done.returncode == 0, done.stderr
    want = TreeExplainer(booster).shap_values(features, approximate=True)
    np.testing.assert_array_equal(pd.read_parquet(out)[["shap_delay", "shap_carrier", "shap_distance"]], want)
    assert pq.read_metadata(out).metadata[b"ferroshap.algorithm"] == b"saabas"


def test_statistics_of_saabas_values(ferroshap, model, data, out, booster, features):
    done = ferroshap("explain", model, data, "-o", out, "--approximate", "--aggregate")
    assert done.returncode == 0, done.stderr
    want = np.abs(TreeExplainer(booster).shap_values(features, approximate=True)).mean(axis=0)
    np.testing.assert_allclose(pd.read_parquet(out)["mean_abs"], want, rtol=1e-12)
    assert pq.read_metadata(out).metadata[b"ferroshap.algorithm"] == b"saabas"


def test_saabas_values_against_a_background_are_refused(ferroshap, model, data, out):
    done = ferroshap("explain", model, data, "-o", out, "--approximate", "--background", data)
    assert done.returncode == 2
    assert done.stderr == (
        "ferroshap: --approximate gives Saabas values, which know no background; leave one of the two out\n"
    )
