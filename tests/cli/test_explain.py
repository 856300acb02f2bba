"""`ferroshap explain`: the output file, its columns, its numbers and what it says about itself."""

import hashlib
import json

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import xgboost as xgb

VALUES = ["shap_delay", "shap_carrier", "shap_distance"]


def test_kept_columns_come_first_then_values_then_the_base_value(ferroshap, model, data, out, flights_like):
    done = ferroshap("explain", model, data, "-o", out, "--keep", "note, id")
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    table = pq.read_table(out)
    assert table.column_names == ["note", "id", *VALUES, "base_value"]
    assert [str(table.schema.field(name).type) for name in (*VALUES, "base_value")] == ["float"] * 4
    assert table["id"].to_pylist() == flights_like["id"].tolist()


def test_values_add_up_to_lightgbms_own_prediction(ferroshap, model, data, out, features, booster):
    done = ferroshap("explain", model, data, "-o", out, "--dtype", "float64")
    assert done.returncode == 0, done.stderr
    table = pd.read_parquet(out)
    total = table["base_value"] + table[VALUES].sum(axis=1)
    own = booster.predict(features, raw_score=True)
    np.testing.assert_allclose(total, own, rtol=0, atol=1e-12 * np.abs(own).max() * 20)
    contributions = booster.predict(features, pred_contrib=True)
    np.testing.assert_allclose(table[VALUES], contributions[:, :-1], rtol=0, atol=1e-11)


def test_float32_values_are_the_float64_ones_rounded_once(ferroshap, model, data, out):
    exact = out.with_name("exact.parquet")
    assert ferroshap("explain", model, data, "-o", out).returncode == 0
    assert ferroshap("explain", model, data, "-o", exact, "--dtype", "float64").returncode == 0
    narrow, wide = pd.read_parquet(out), pd.read_parquet(exact)
    for name in VALUES:
        assert (narrow[name] == wide[name].astype("float32")).all()


def test_the_file_says_where_it_comes_from(ferroshap, model, data, out):
    assert ferroshap("explain", model, data, "-o", out, "--keep", "id").returncode == 0
    stored = {key.decode(): value.decode() for key, value in pq.read_metadata(out).metadata.items()}
    assert stored["ferroshap.model_sha256"] == hashlib.sha256(model.read_bytes()).hexdigest()
    assert stored["ferroshap.algorithm"] == "path-dependent"
    assert stored["ferroshap.output_space"] == "margin"
    assert stored["ferroshap.dtype"] == "float32"
    assert json.loads(stored["ferroshap.feature_names"]) == ["delay", "carrier", "distance"]
    assert json.loads(stored["ferroshap.options"])["keep"] == ["id"]
    assert 0 <= json.loads(stored["ferroshap.worst_additivity_gap"]) < 1e-12
    (base,) = json.loads(stored["ferroshap.base_values"])
    assert np.float32(base) == pd.read_parquet(out)["base_value"].iloc[0]


def test_values_are_stored_as_byte_streams_under_zstd(ferroshap, model, data, out):
    assert ferroshap("explain", model, data, "-o", out, "--keep", "id").returncode == 0
    group = pq.read_metadata(out).row_group(0)
    columns = {group.column(at).path_in_schema: group.column(at) for at in range(group.num_columns)}
    assert {column.compression for column in columns.values()} == {"ZSTD"}
    assert all("BYTE_STREAM_SPLIT" in columns[name].encodings for name in VALUES)


def test_the_same_bits_come_out_for_any_batch_size_and_thread_count(ferroshap, model, data, out):
    files = []
    for at, options in enumerate([[], ["--max-memory", "40KiB"], ["--threads", "1"], ["--threads", "3"]]):
        files.append(out.with_name(f"{at}.parquet"))
        done = ferroshap("explain", model, data, "-o", files[-1], "--dtype", "float64", *options)
        assert done.returncode == 0, done.stderr
    first, *others = map(pq.read_table, files)
    assert pq.read_metadata(files[1]).num_row_groups > 3
    assert all(first.equals(other) for other in others)


def test_several_outputs_have_a_column_each(ferroshap, data, out, flights_like, tmp_path):
    matrix = flights_like[["delay", "distance"]]
    target = np.arange(len(matrix)) % 3
    settings = {"objective": "multi:softprob", "num_class": 3, "max_depth": 3}
    booster = xgb.train(settings, xgb.DMatrix(matrix, target), num_boost_round=5)
    model = tmp_path / "classes.ubj"
    booster.save_model(model)
    done = ferroshap("explain", model, data, "-o", out, "--dtype", "float64")
    assert done.returncode == 0, done.stderr
    table = pd.read_parquet(out)
    assert list(table) == [f"shap_{k}__{name}" for k in range(3) for name in matrix] + [
        f"base_value_{k}" for k in range(3)
    ]
    own = booster.predict(xgb.DMatrix(matrix), output_margin=True)
    for k in range(3):
        total = table[f"base_value_{k}"] + table[[f"shap_{k}__{name}" for name in matrix]].sum(axis=1)
        np.testing.assert_allclose(total, own[:, k], rtol=0, atol=1e-6)


def test_a_model_without_names_takes_the_columns_that_are_not_kept(ferroshap, flights_like, out, tmp_path):
    features = flights_like[["delay", "distance"]].to_numpy()
    booster = xgb.train({"max_depth": 3}, xgb.DMatrix(features, features[:, 1]), num_boost_round=5)
    model, data = tmp_path / "nameless.json", tmp_path / "rows.parquet"
    booster.save_model(model)
    flights_like[["id", "delay", "distance"]].to_parquet(data, index=False)
    done = ferroshap("explain", model, data, "-o", out, "--keep", "id")
    assert done.returncode == 0, done.stderr
    assert pq.read_schema(out).names == ["id", "shap_delay", "shap_distance", "base_value"]


def test_columns_that_are_not_features_are_named_in_one_line(ferroshap, model, data, out):
    done = ferroshap("explain", model, data, "-o", out, "--max-memory", "40KiB", "--keep", "id,carrier")
    assert done.stderr.count("ignored") == 1
    assert "ignored 1 column the model does not know: 'note'" in done.stderr


def test_a_file_of_no_rows_gives_a_file_of_no_rows(ferroshap, model, out, flights_like, tmp_path):
    data = tmp_path / "none.parquet"
    flights_like[:0].to_parquet(data, index=False)
    done = ferroshap("explain", model, data, "-o", out)
    assert done.returncode == 0, done.stderr
    assert pq.read_table(out).num_rows == 0


def test_an_output_that_exists_is_replaced_only_with_overwrite(ferroshap, model, data, out):
    out.write_text("mine")
    refused = ferroshap("explain", model, data, "-o", out)
    assert (refused.returncode, out.read_text()) == (7, "mine")
    assert "--overwrite" in refused.stderr
    assert ferroshap("explain", model, data, "-o", out, "--overwrite").returncode == 0
    assert pq.read_table(out).num_rows == 3_000


def test_the_summary_tells_rows_speed_gap_and_memory(ferroshap, model, data, out):
    last = ferroshap("explain", model, data, "-o", out).stderr.splitlines()[-1]
    assert "3,000 rows × 3 features" in last
    assert "rows/s" in last
    assert "worst additivity gap" in last
    assert "peak memory" in last
