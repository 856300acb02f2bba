"""`ferroshap explain --aggregate`: a small table of statistics, those of the library; every failure in one line."""

import json

import lightgbm as lgb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ferroshap import TreeExplainer

STATISTICS = ["mean_abs", "mean", "min", "max"]
NAMES = ["delay", "carrier", "distance"]


def test_statistics_are_those_of_the_library(ferroshap, model, data, out, booster, features):
    done = ferroshap("explain", model, data, "-o", out, "--aggregate", "--max-memory", "200kB")
    assert done.returncode == 0, done.stderr
    table, want = pd.read_parquet(out), TreeExplainer(booster).aggregate(features)
    assert list(table.columns) == ["feature", "rows", *STATISTICS]
    assert table["feature"].tolist() == NAMES
    assert (table["rows"] == len(features)).all()
    for name in STATISTICS:
        assert table[name].dtype == np.float64
        np.testing.assert_allclose(table[name], getattr(want, name), rtol=1e-13, atol=0)
    assert "3,000 rows aggregated, 3 features" in done.stderr


def test_memory_and_threads_do_not_show_in_extremes(ferroshap, model, data, out):
    tables = []
    for options in (["--max-memory", "50kB"], ["--threads", 1], ["--threads", 2, "--max-memory", "1GB"]):
        assert ferroshap("explain", model, data, "-o", out, "--aggregate", "--overwrite", *options).returncode == 0
        tables.append(pd.read_parquet(out))
    for table in tables:
        np.testing.assert_array_equal(table[["rows", "min", "max"]], tables[0][["rows", "min", "max"]])
        np.testing.assert_allclose(table["mean"], tables[0]["mean"], rtol=1e-13)


@pytest.mark.parametrize("column", ["carrier", "delay_sign", "day", "code", "when", "flag"])
def test_groups_of_a_column(ferroshap, model, out, booster, features, flights_like, tmp_path, column):
    """Texts, a feature or not, dictionaries, whole numbers that are too large for float64, dates, truth values; missing ones."""
    rows = flights_like.assign(
        delay_sign=pd.Categorical(np.where(flights_like["delay"] > 0, "late", "early")),
        day=pd.Series(flights_like["id"] % 4, dtype="Int32").mask(flights_like["id"] % 5 == 0),
        code=pd.Series(2**60 + flights_like["id"] % 3, dtype="Int64").mask(flights_like["id"] % 7 == 0),
        when=(pd.Timestamp("2026-03-01") + pd.to_timedelta(flights_like["id"] % 3, unit="D")).where(
            flights_like["id"] > 9
        ),
        flag=pd.Series(flights_like["id"] % 2 == 0, dtype="boolean").mask(flights_like["id"] % 3 == 0),
    )
    rows.to_parquet(tmp_path / "grouped.parquet", index=False, row_group_size=700)
    done = ferroshap(
        "explain", model, tmp_path / "grouped.parquet", "-o", out, "--aggregate", "--by", column, "--max-memory", "60kB"
    )
    assert done.returncode == 0, done.stderr
    assert f"'{column}'" not in done.stderr  # no column that was ignored
    table, source = pq.read_table(out), pq.read_schema(tmp_path / "grouped.parquet").field(column).type
    assert table.column_names == [column, "feature", "rows", *STATISTICS]
    assert table.schema.field(column).type == (source.value_type if pa.types.is_dictionary(source) else source)
    labels = table[column].to_pylist()[::3]
    there = [label for label in labels if label is not None]
    assert there == sorted(set(there))
    assert labels == there + [None] * int(rows[column].isna().any())
    values, given = (
        TreeExplainer(booster, expected_rows=len(features)).shap_values(features),
        pq.read_table(tmp_path / "grouped.parquet")[column].to_pylist(),
    )
    frame = table.to_pandas()
    for at, label in enumerate(labels):
        mine = values[[other == label for other in given]]
        part = frame[3 * at : 3 * at + 3]
        assert part["feature"].tolist() == NAMES
        assert (part["rows"] == len(mine)).all()
        np.testing.assert_allclose(part["mean"], mine.mean(axis=0), rtol=0, atol=1e-13)
        np.testing.assert_allclose(part["mean_abs"], np.abs(mine).mean(axis=0), rtol=1e-13)
        np.testing.assert_array_equal(part["min"], mine.min(axis=0))
        np.testing.assert_array_equal(part["max"], mine.max(axis=0))


def test_several_outputs_against_a_background(ferroshap, data, out, features, tmp_path):
    classes = np.arange(len(features)) % 3
    settings = {"objective": "multiclass", "num_class": 3, "num_leaves": 4, "verbose": -1, "num_threads": 1}
    booster = lgb.train(settings, lgb.Dataset(features, classes), num_boost_round=3)
    booster.save_model(tmp_path / "classes.txt")
    done = ferroshap("explain", tmp_path / "classes.txt", data, "-o", out, "--aggregate", "--background", data)
    assert done.returncode == 0, done.stderr
    table = pd.read_parquet(out)
    assert list(table.columns) == ["feature", "output", "rows", *STATISTICS]
    assert table["output"].tolist() == ["0", "1", "2"] * 3
    want = TreeExplainer(booster, features, expected_rows=len(features)).aggregate(features)
    np.testing.assert_array_equal(table["max"].to_numpy().reshape(3, 3), want.max)


def test_the_file_says_where_it_comes_from(ferroshap, model, data, out):
    assert ferroshap("explain", model, data, "-o", out, "--aggregate", "--by", "carrier").returncode == 0
    stored = {key.decode(): value.decode() for key, value in pq.read_metadata(out).metadata.items()}
    assert stored["ferroshap.dtype"] == "float64"
    assert stored["ferroshap.algorithm"] == "path-dependent"
    assert json.loads(stored["ferroshap.feature_names"]) == NAMES
    options = json.loads(stored["ferroshap.options"])
    assert (options["aggregate"], options["by"]) == (True, "carrier")
    assert 0 < json.loads(stored["ferroshap.worst_additivity_gap"]) < 1e-12


def test_no_rows(ferroshap, model, flights_like, out, tmp_path):
    schema = pa.Table.from_pandas(flights_like, preserve_index=False).schema
    pq.write_table(schema.empty_table(), tmp_path / "none.parquet")
    done = ferroshap("explain", model, tmp_path / "none.parquet", "-o", out, "--aggregate")
    assert done.returncode == 0, done.stderr
    table = pd.read_parquet(out)
    assert table["feature"].tolist() == NAMES
    assert (table["rows"] == 0).all()
    assert table[STATISTICS].isna().to_numpy().all()
    options = ["--aggregate", "--by", "carrier", "--overwrite"]
    assert ferroshap("explain", model, tmp_path / "none.parquet", "-o", out, *options).returncode == 0
    assert len(pd.read_parquet(out)) == 0


def failing(done, code, out, *said):
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert not out.parent.exists() or list(out.parent.iterdir()) == []
    line = done.stderr.splitlines()[-1]
    for words in said:
        assert words in line


def test_every_failure_is_one_line(ferroshap, model, data, out, flights_like, tmp_path):
    def run(*options, rows=data):
        return ferroshap("explain", model, rows, "-o", out, *options)

    failing(run("--by", "carrier"), 2, out, "--by names the groups of --aggregate")
    failing(run("--aggregate", "--keep", "id"), 2, out, "--keep is for values of each row")
    failing(run("--aggregate", "--dtype", "float32"), 2, out, "--dtype is for values of each row")
    failing(run("--aggregate", "--by", "plane"), 4, out, "no column 'plane' for the groups (--by)")
    failing(run("--aggregate", "--by", "rows"), 2, out, "would have the name of another one")
    failing(run("--aggregate", "--max-memory", "1kB"), 2, out, "--max-memory is 1000 bytes")
    failing(run("--aggregate", "--by", "id", "--max-memory", "100kB"), 2, out, "'id' has more than", "fewer groups")
    failing(run("--aggregate", "--weights", "w"), 2, out, "--weights names a column of the background")
    lists = pa.table(flights_like).append_column("list", pa.array([[1]] * len(flights_like)))
    pq.write_table(lists, tmp_path / "lists.parquet")
    failing(
        run("--aggregate", "--by", "list", rows=tmp_path / "lists.parquet"),
        4,
        out,
        "'list' has dtype list",
        "no labels of groups",
    )
    done = ferroshap("explain", model, data, "-o", data, "--aggregate", "--overwrite")
    assert done.returncode == 2
    assert "is the data itself" in done.stderr


def test_the_whole_is_never_held(ferroshap, model, out, flights_like, tmp_path):
    """The peak memory of 1,000,000 rows is that of few rows and a little more."""
    few, many = tmp_path / "few.parquet", tmp_path / "many.parquet"
    table = pa.Table.from_pandas(flights_like[["delay", "carrier", "distance"]], preserve_index=False)
    pq.write_table(table, few)
    with pq.ParquetWriter(many, table.schema) as writer:
        for _ in range(300):
            writer.write_table(table)
    peaks = []
    for rows in (few, many):
        done = ferroshap("explain", model, rows, "-o", out, "--aggregate", "--overwrite", "--max-memory", "8MB")
        assert done.returncode == 0, done.stderr
        peaks.append(float(done.stderr.split("peak memory ")[1].split(" MB")[0].replace(",", "")))
    assert (
        peaks[1] - peaks[0] < 30
    )  # the values of 900,000 rows alone take 22 MB, the rows as much, and its Parquet file more
