"""`ferroshap check`: the model file and the training library, side by side."""

import re
import subprocess
import sys

import catboost
import lightgbm
import numpy as np
import pandas as pd
import pytest
import xgboost
from ferroshap import load_model
from ferroshap.cli.app import run
from sklearn.tree import DecisionTreeRegressor

TABLE = re.compile(
    r"""model         (?P<model>.+)
library       (?P<library>.+)
rows          (?P<rows>[0-9,]+)

              worst gap   allowed     rows beyond
prediction    (?P<prediction>\S+) +(?P<reading>same bits|[0-9.e-]+) +(?P<unequal>[0-9,]+)
base \+ Σφ     (?P<sum>\S+) +(?P<allowed>\S+) +(?P<outside>[0-9,]+)
"""
)


def found(done):
    assert TABLE.fullmatch(done.stdout), done.stdout + done.stderr
    facts = TABLE.fullmatch(done.stdout).groupdict()
    assert (facts["reading"] == "same bits") == (not facts["library"].startswith("CatBoost"))
    return facts


def test_a_lightgbm_model_with_text_categories_is_compared_row_by_row(ferroshap, model, data):
    done = ferroshap("check", model, data)
    assert done.returncode == 0, done.stderr
    facts = found(done)
    assert facts["model"] == "LightGBM text v4"
    assert facts["library"] == f"LightGBM {lightgbm.__version__}"
    assert (facts["rows"], facts["prediction"], facts["unequal"], facts["outside"]) == ("3,000", "0", "0", "0")
    assert 0 < float(facts["sum"]) <= float(facts["allowed"]) < 1e-10


def test_an_xgboost_model_is_compared_within_float32(check, flights_like, tmp_path):
    rows = flights_like[["delay", "distance"]].astype("float64")
    booster = xgboost.train({"max_depth": 3, "nthread": 1}, xgboost.DMatrix(rows, rows["distance"]), 10)
    booster.save_model(tmp_path / "model.ubj")
    rows.to_parquet(tmp_path / "rows.parquet", index=False)
    facts = found(check(tmp_path / "model.ubj", tmp_path / "rows.parquet"))
    assert facts["library"] == f"XGBoost {xgboost.__version__}"
    assert (facts["prediction"], facts["unequal"], facts["outside"]) == ("0", "0", "0")
    assert 1e-9 < float(facts["sum"]) <= float(facts["allowed"])


CATBOOST = {"depth": 4, "verbose": 0, "thread_count": 1, "allow_writing_files": False}


def test_a_catboost_model_is_compared_as_its_library_reads_the_file(check, tmp_path):
    """Which does not round decimal numbers to the nearest: from its own file, CatBoost predicts other bits than before."""
    random = np.random.default_rng(3)
    rows = pd.DataFrame(random.normal(size=(600, 5)), columns=list("abcde"))
    target = np.digitize(rows["a"] * rows["b"] + rows["c"], [-0.5, 0.5])
    model = catboost.CatBoostClassifier(iterations=30, loss_function="MultiClass", **CATBOOST).fit(rows, target)
    model.save_model(tmp_path / "model.json", format="json")
    rows.to_parquet(tmp_path / "rows.parquet")
    done = check(tmp_path / "model.json", tmp_path / "rows.parquet")
    assert done.returncode == 0, done.stderr
    facts = found(done)
    assert facts["library"] == f"CatBoost {catboost.__version__}"
    assert (facts["unequal"], facts["outside"]) == ("0", "0")
    assert 0 < float(facts["prediction"]) <= float(facts["reading"]) < 1e-11
    read = catboost.CatBoost().load_model(str(tmp_path / "model.json"), format="json")
    raw = [one.predict(rows, prediction_type="RawFormulaVal") for one in (model, read)]
    assert not np.array_equal(*raw)
    np.testing.assert_array_equal(load_model(tmp_path / "model.json").predict(rows), raw[0])


def test_another_model_than_that_of_catboost_is_5(check, tmp_path, monkeypatch):
    rows = pd.DataFrame({"a": np.arange(50.0), "b": np.arange(50.0) % 7})
    model = catboost.CatBoostRegressor(iterations=5, **CATBOOST).fit(rows, rows["b"])
    model.save_model(tmp_path / "model.json", format="json")
    rows.to_parquet(tmp_path / "rows.parquet")
    own = catboost.CatBoost.predict
    monkeypatch.setattr(catboost.CatBoost, "predict", lambda *given, **options: own(*given, **options) + 1e-9)
    done = check(tmp_path / "model.json", tmp_path / "rows.parquet")
    assert done.returncode == 5
    assert found(done)["unequal"] == "50"


@pytest.fixture
def check(capsys):
    """Runs the command in this process; returns the exit code and what it wrote, as a finished process has them."""

    def check(*arguments):
        code = run(["check", *map(str, arguments)])
        written = capsys.readouterr()
        return subprocess.CompletedProcess(arguments, code, written.out, written.err)

    return check


@pytest.mark.parametrize(("asked", "compared"), [(1, "1"), (1_500, "1,500"), (10**6, "3,000")])
def test_only_the_first_rows_are_compared_where_that_is_asked_for(check, model, data, asked, compared):
    assert found(check(model, data, "--rows", asked))["rows"] == compared


def test_rows_beyond_a_batch_are_compared_too(check, model, data, monkeypatch):
    monkeypatch.setattr("ferroshap.cli.check.BATCH_BYTES", 8 * 3 * 700)
    sizes = []
    own = lightgbm.Booster.predict
    monkeypatch.setattr(
        lightgbm.Booster, "predict", lambda self, rows, **options: sizes.append(len(rows)) or own(self, rows, **options)
    )
    assert found(check(model, data, "--rows", 2_000))["rows"] == "2,000"
    assert sizes == [700, 700, 600]


@pytest.mark.parametrize(("by", "outside"), [(1.0, "1"), (np.nan, "1"), (2e-15, "0")])
def test_a_prediction_of_the_library_that_is_another_one_is_5(check, model, data, by, outside, monkeypatch):
    own = lightgbm.Booster.predict

    def predict(self, rows, **options):
        return own(self, rows, **options) + np.where(np.arange(len(rows)) == 5, by, 0.0)

    monkeypatch.setattr(lightgbm.Booster, "predict", predict)
    done = check(model, data)
    assert done.returncode == 5
    facts = found(done)
    assert (facts["unequal"], facts["outside"]) == ("1", outside)
    (line,) = [line for line in done.stderr.splitlines() if not line.startswith("ferroshap: ignored")]
    assert "of 3,000 rows, 1 predictions are not the library's" in line


def test_a_library_that_is_not_installed_is_named(check, model, data, monkeypatch):
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    done = check(model, data)
    assert (done.returncode, done.stdout) == (2, "")
    assert "pip install lightgbm" in done.stderr


def test_a_file_of_ferroshaps_own_has_no_library_to_compare_with(check, tmp_path):
    rows = pd.DataFrame({"a": np.arange(50.0), "b": np.arange(50.0) % 7})
    load_model(DecisionTreeRegressor(max_depth=3).fit(rows, rows["a"])).save(tmp_path / "model.ferroshap")
    rows.to_parquet(tmp_path / "rows.parquet", index=False)
    done = check(tmp_path / "model.ferroshap", tmp_path / "rows.parquet")
    assert (done.returncode, done.stdout) == (2, "")
    assert "not at hand" in done.stderr


@pytest.mark.parametrize(
    ("broken", "code", "said"), [("model", 3, "model.txt"), ("data", 4, "damaged"), ("columns", 4, "distance")]
)
def test_what_cannot_be_read_is_said_as_elsewhere(check, model, data, flights_like, broken, code, said):
    if broken == "model":
        model.write_bytes(model.read_bytes()[:2_000])
    elif broken == "data":
        data.write_bytes(data.read_bytes()[:-100])
    else:
        flights_like.drop(columns="distance").to_parquet(data, index=False)
    done = check(model, data)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr
