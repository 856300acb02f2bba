"""No import of a training or frame library is tried for model files and arrays: the values recorded by those libraries."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from ferroshap import load_model
from oracle import recorded

REFERENCE = Path(__file__).resolve().parent / "reference"
FILES = (
    *("x13/sqerr.json", "x17/cat_partition_nan.ubj", "x32/softprob.json", "x32/softprob.ubj", "x34/softprob.ubj"),
    *("l231/cat.txt", "l335/rf_reg.txt", "l47/multi.txt", "l400/zero_missing.txt"),
)
WAYS = ("path", "text", "bytes", "wrong extension", "no extension")
SCRIPT = """
import json, pathlib, shutil, sys

MISSING = {"xgboost", "lightgbm", "sklearn", "catboost", "pandas", "polars", "pyarrow", "scipy", "shap", "click", "rich"}

class NotInstalled:
    asked = []

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in MISSING:
            self.asked.append(name)
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, NotInstalled())

import numpy as np
import ferroshap

folder = pathlib.Path(sys.argv[1])
for index, file in enumerate(map(pathlib.Path, sys.argv[2:])):
    rows = np.load(folder / f"{index}.rows.npy")
    wrong = folder / f"{index}{'.json' if file.suffix == '.txt' else '.txt'}"
    sources = [file, str(file), file.read_bytes(), shutil.copy(file, wrong), shutil.copy(file, folder / str(index))]
    for way, source in enumerate(sources):
        explainer = ferroshap.TreeExplainer(source)
        explanation = explainer(rows)
        found = {"raw": explainer.model.predict(rows), "values": explanation.values, "base": explanation.base_values}
        np.savez(folder / f"{index}.{way}.npz", data=explanation.data, **found)

refused = []
for source in (object(), [], ferroshap):
    try:
        ferroshap.load_model(source)
    except ferroshap.UnsupportedModelError as error:
        refused.append(str(error))
json.dump({"asked": NotInstalled.asked, "loaded": sorted(MISSING & set(sys.modules)), "refused": refused}, sys.stdout)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The inputs, and after `said` the results."""
    folder = tmp_path_factory.mktemp("without")
    for index, file in enumerate(FILES):
        path = REFERENCE / file
        np.save(folder / f"{index}.rows.npy", recorded.rows(path, load_model(path, iteration_range=(0, 0)).schema))
    return folder


@pytest.fixture(scope="module")
def said(folder):
    """What a process without these libraries says of itself."""
    command = [sys.executable, "-W", "ignore::UserWarning", "-c", SCRIPT, folder, *(REFERENCE / file for file in FILES)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_no_import_of_theirs_is_tried(said):
    assert said["asked"] == []
    assert said["loaded"] == []


def test_what_is_no_model_is_refused_all_the_same(said):
    assert len(said["refused"]) == 3


@pytest.mark.parametrize("way", range(len(WAYS)), ids=WAYS)
@pytest.mark.parametrize("index", range(len(FILES)), ids=FILES)
def test_predictions_and_values_are_the_recorded_ones(said, folder, index, way):
    path = REFERENCE / FILES[index]
    stored = recorded.outputs(path)
    with np.load(folder / f"{index}.{way}.npz") as found:
        raw, values, base, data = (found[name] for name in ("raw", "values", "base", "data"))
    n, f = values.shape[:2]
    lightgbm = path.suffix == ".txt"
    iterations = 1
    if load_model(path, iteration_range=(0, 0)).output_space == "mean of trees":  # recorded as sums
        iterations = load_model(path).n_trees
    np.testing.assert_array_equal(raw, stored["raw" if lightgbm else "margin"] / iterations)
    own = recorded.contributions(path, f, raw.reshape(n, -1).shape[1]) / iterations
    ours = np.concatenate([values.reshape(n, f, -1), base.reshape(n, 1, -1)], axis=1)
    tolerance = (1e-11 if lightgbm else 2e-6) * max(1.0, np.abs(own).max())
    np.testing.assert_allclose(ours, own, rtol=0, atol=tolerance)
    np.testing.assert_array_equal(data, np.load(folder / f"{index}.rows.npy"))


def test_the_other_forms_of_one_model_give_the_same_bits(said, folder):
    twins = [FILES.index("x32/softprob.json"), FILES.index("x32/softprob.ubj")]
    results = []
    for index in twins:
        for way in range(len(WAYS)):
            with np.load(folder / f"{index}.{way}.npz") as found:
                results.append(found["values"])
    for values in results:
        np.testing.assert_array_equal(values, results[0])
