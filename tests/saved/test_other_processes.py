"""Pickles of models and explainers, also those of joblib and cloudpickle: the same bits in another process, and no library."""

import copy
import json
import pickle
import subprocess
import sys

import cloudpickle
import ferroshap
import joblib
import lightgbm
import numpy as np
import pyarrow as pa
import pytest
import xgboost
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingRegressor, RandomForestClassifier

rng = np.random.default_rng(51)
X = rng.normal(size=(300, 4))
y = X[:, 0] + np.sin(X[:, 1]) * X[:, 2]
three = np.array(["low", "mid", "top"])[np.digitize(y, [-1, 1])]
NAMES = list("abcd")
LIBRARIES = ("xgboost", "lightgbm", "sklearn", "catboost", "shap", "pandas", "polars")
WRITERS = {
    "pickle": lambda thing, path: path.write_bytes(pickle.dumps(thing)),
    "oldest pickle": lambda thing, path: path.write_bytes(pickle.dumps(thing, protocol=2)),
    "cloudpickle": lambda thing, path: path.write_bytes(cloudpickle.dumps(thing)),
    "joblib": joblib.dump,
    "compressed joblib": lambda thing, path: joblib.dump(thing, path, compress=3),
}
# What another process makes of a folder of pickles: prediction, values and batches of each, and what it has imported.
SCRIPT = """
import json, pickle, sys
from pathlib import Path
import numpy as np
folder, reader = Path(sys.argv[1]), sys.argv[2]
if reader == "pickle":
    load = lambda path: pickle.loads(path.read_bytes())
else:
    import joblib
    load = joblib.load
x, found = np.load(folder / "x.npy"), {}
for path in sorted(folder.glob("*.pkl")):
    model, explainer, batches = load(path)
    bits = [model.predict(x), explainer.shap_values(x), explainer(x).values, explainer.expected_value]
    found[path.stem] = [repr(model), repr(explainer), *(np.asarray(part).tobytes().hex() for part in bits)]
imported = [name for name in sys.argv[3].split() if name in sys.modules]
import pyarrow as pa
for path in sorted(folder.glob("*.pkl")):
    batches = load(path)[2]
    batch = batches(pa.RecordBatch.from_arrays([pa.array(c) for c in x.T], names=list("abcd")))
    found[path.stem] += [batches.rows, batches.worst_gap, *(c.to_numpy().tobytes().hex() for c in batch.columns)]
print(json.dumps([imported, found]))
"""


def trained():
    small = {"n_estimators": 6, "max_depth": 4, "random_state": 0}
    frame = pa.table(dict(zip(NAMES, X.T, strict=True))).to_pandas()
    codes = np.digitize(y, [-1, 1])
    stump = ferroshap.Tree(
        left=[1, -1, -1],
        right=[2, -1, -1],
        feature=[1, 0, 0],
        threshold=[0.1, 0, 0],
        value=[0, 1, 3.3],
        cover=[3, 1, 2],
    )
    return {
        "xgboost": xgboost.XGBClassifier(**small, n_jobs=1).fit(frame, codes),
        "lightgbm": lightgbm.LGBMRegressor(**small, n_jobs=1, verbose=-1).fit(frame, y),
        "forest": RandomForestClassifier(**small).fit(frame, three),
        "gradient": GradientBoostingClassifier(**small, loss="exponential").fit(X, y > 0),
        "histogram": HistGradientBoostingRegressor(max_iter=6, random_state=0).fit(frame, y),
        "custom": ferroshap.build_ensemble([stump], feature_names=NAMES),
    }


@pytest.fixture(scope="module")
def objects():
    """(model, explainer, batch explainer that has seen the rows once) by name."""
    made = {}
    for name, source in trained().items():
        model = ferroshap.load_model(source)
        explainer = ferroshap.TreeExplainer(model, threads=2, dtype="float32" if name == "forest" else "float64")
        made[name] = model, explainer, batches_of(explainer)
    for name in ("xgboost", "histogram", "custom"):
        model, weights = made[name][0], np.arange(200.0) % 7
        explainer = ferroshap.TreeExplainer(model, X[100:], weights=weights, threads=2)
        made[f"{name} against a background"] = model, explainer, batches_of(explainer)
    return made


def batches_of(explainer):
    batches = ferroshap.BatchExplainer(explainer, keep=["a"], dtype="float64")
    batches(batch_of(X))
    return batches


def batch_of(rows):
    return pa.RecordBatch.from_arrays([pa.array(column) for column in rows.T], names=NAMES)


def described(model, explainer, batches):
    bits = [model.predict(X), explainer.shap_values(X), explainer(X).values, explainer.expected_value]
    batches = copy.deepcopy(batches)
    batch = batches(batch_of(X))
    return [
        repr(model), repr(explainer), *(np.asarray(part).tobytes().hex() for part in bits),
        batches.rows, batches.worst_gap, *(column.to_numpy().tobytes().hex() for column in batch.columns),
    ]  # fmt: skip


@pytest.mark.parametrize("writer", WRITERS)
def test_another_process_has_the_same_bits_and_imports_no_library(objects, writer, tmp_path):
    np.save(tmp_path / "x.npy", X)
    for name, things in objects.items():
        WRITERS[writer](things, tmp_path / f"{name}.pkl")
    reader = "joblib" if "joblib" in writer else "pickle"
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, tmp_path, reader, " ".join(LIBRARIES)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.stderr
    imported, found = json.loads(done.stdout)
    assert imported == []
    assert found.keys() == objects.keys()
    for name, things in objects.items():
        assert found[name] == described(*things), name


def test_the_workers_of_joblib_explain_parts_with_the_same_bits(objects):
    for name in ("xgboost", "forest"):
        explainer = objects[name][1]
        parts = joblib.Parallel(n_jobs=2)(joblib.delayed(explainer.shap_values)(X[at::3]) for at in range(3))
        for at, part in enumerate(parts):
            assert part.tobytes() == explainer.shap_values(X[at::3]).tobytes()


def test_a_callable_progress_stays_with_its_process(objects, capsys):
    """Lambdas and open bars do not pickle, and what does would report to nobody."""
    model, seen = objects["xgboost"][0], []
    explainer = ferroshap.TreeExplainer(model, progress=lambda done, total: seen.append((done, total)))
    want = explainer.shap_values(X)
    assert seen[-1] == (300, 300)
    told = len(seen)
    for again in (
        pickle.loads(pickle.dumps(explainer)),
        cloudpickle.loads(cloudpickle.dumps(explainer)),
        copy.deepcopy(explainer),
        pickle.loads(pickle.dumps(ferroshap.BatchExplainer(explainer))).explainer,
    ):
        assert again.shap_values(X).tobytes() == want.tobytes()
    assert len(seen) == told
    explainer.shap_values(X)
    assert len(seen) > told
    assert not capsys.readouterr().err


def test_a_line_of_progress_is_pickled_as_it_needs_nothing(objects, capsys):
    explainer = pickle.loads(pickle.dumps(ferroshap.TreeExplainer(objects["xgboost"][0], progress=True)))
    explainer.shap_values(X)
    assert "300 of 300 rows" in capsys.readouterr().err
