"""`ferroshap explain --interactions`: the upper triangles of the library's matrices, checked, in bounded memory."""

import json

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from ferroshap import TreeExplainer, load_model
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier

PAIRS = [
    "interaction_delay__delay",
    "interaction_delay__carrier",
    "interaction_delay__distance",
    "interaction_carrier__carrier",
    "interaction_carrier__distance",
    "interaction_distance__distance",
]
UPPER = np.triu_indices(3)


@pytest.mark.parametrize("against", [False, True], ids=["path-dependent", "interventional"])
def test_values_are_those_of_the_library(
    ferroshap, model, data, flights_like, out, booster, features, tmp_path, against
):
    flights_like[1::20].to_parquet(tmp_path / "background.parquet")
    background = ["--background", tmp_path / "background.parquet"] if against else []
    done = ferroshap(
        "explain", model, data, "-o", out, "--interactions", "--dtype", "float64", "--keep", "id", *background
    )
    assert done.returncode == 0, done.stderr
    assert "× 6 interaction values" in done.stderr
    table, explainer = pd.read_parquet(out), TreeExplainer(booster, features[1::20] if against else None)
    assert list(table.columns) == ["id", *PAIRS, "base_value"]
    matrices = explainer.shap_interaction_values(features)
    np.testing.assert_array_equal(table[PAIRS], matrices[:, *UPPER])
    times = np.where(UPPER[0] == UPPER[1], 1, 2)
    predicted = load_model(booster).predict(features, dtype="float64")
    added = table["base_value"] + table[PAIRS].to_numpy() @ times
    np.testing.assert_allclose(added, predicted, rtol=0, atol=1e-12 * explainer.scale[0])
    stored = pq.read_metadata(out).metadata
    assert stored[b"ferroshap.algorithm"].decode() == explainer.algorithm
    assert json.loads(stored[b"ferroshap.options"])["interactions"] is True
    assert 0 < json.loads(stored[b"ferroshap.worst_additivity_gap"]) <= 1e-12 * explainer.scale[0]


def test_several_outputs_and_names_by_the_table(ferroshap, out, tmp_path):
    X, y = load_iris(return_X_y=True, as_frame=True)
    X.columns = ["a", "b", "c", "d"]
    X.to_parquet(tmp_path / "rows.parquet")
    forest = RandomForestClassifier(n_estimators=5, max_depth=4, random_state=0).fit(X.to_numpy(), y)
    load_model(forest).save(tmp_path / "forest")
    done = ferroshap("explain", tmp_path / "forest", tmp_path / "rows.parquet", "-o", out, "--interactions")
    assert done.returncode == 0, done.stderr
    table = pd.read_parquet(out)
    assert table.shape == (150, 3 * 10 + 3)
    assert (table.dtypes == np.float32).all()
    matrices = TreeExplainer(forest).shap_interaction_values(X.to_numpy())
    for at, label in enumerate(forest.classes_):
        want = matrices[:, 1, 3, at].astype(np.float32)
        np.testing.assert_array_equal(table[f"interaction_{label}__b__d"], want)


def test_memory_in_flight_counts_the_pairs(ferroshap, out, tmp_path):
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(300, 200)), columns=[f"x{at}" for at in range(200)])
    X.to_parquet(tmp_path / "rows.parquet")
    forest = RandomForestClassifier(n_estimators=2, max_depth=3, random_state=0).fit(X, X["x0"] > 0)
    load_model(forest).save(tmp_path / "forest")
    command = ["explain", tmp_path / "forest", tmp_path / "rows.parquet", "-o", out, "--max-memory", "8MiB"]
    done = ferroshap(*command, "--interactions")
    assert (done.returncode, "64 rows of this model need at least" in done.stderr) == (2, True), done.stderr
    assert ferroshap(*command).returncode == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--approximate"], "Saabas values, which have no interactions"),
        (["--aggregate"], "aggregate='mean_abs'"),
    ],
)
def test_what_does_not_go_together_is_refused(ferroshap, model, data, out, options, said):
    done = ferroshap("explain", model, data, "-o", out, "--interactions", *options)
    assert done.returncode == 2
    assert said in done.stderr
    assert not out.exists()


def test_interactions_of_probabilities_are_refused(ferroshap, data, features, out, tmp_path):
    import lightgbm as lgb

    settings = {"objective": "binary", "num_leaves": 7, "verbose": -1, "num_threads": 1}
    model = lgb.train(settings, lgb.Dataset(features, features["distance"] > 1_000), num_boost_round=5)
    model.save_model(tmp_path / "binary.txt")
    done = ferroshap(
        "explain",
        tmp_path / "binary.txt",
        data,
        "-o",
        out,
        "--interactions",
        "--background",
        data,
        "--model-output",
        "probability",
    )
    assert done.returncode == 3, done.stderr
    assert "binary.txt: interaction values of the probability are not supported" in done.stderr
