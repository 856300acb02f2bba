"""Model files are read and explained in an environment that holds numpy and ferroshap, and nothing else."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from oracle import recorded

REFERENCE = Path(__file__).resolve().parent / "reference"
NEEDED = ("numpy", "narwhals", "ferroshap")  # the wheel's dependencies and the package itself
ABSENT = ("xgboost", "lightgbm", "sklearn", "catboost", "shap", "pandas", "polars", "pyarrow", "scipy", "click", "rich")

SCRIPT = """
import importlib.util, json, sys
sys.path.insert(0, sys.argv[1])
assert not [name for name in json.loads(sys.argv[2]) if importlib.util.find_spec(name)]
import numpy as np, ferroshap
values = {}
for path, rows in json.loads(sys.argv[3]):
    for source in (path, open(path, "rb").read()):
        explainer = ferroshap.TreeExplainer(source)
        x = np.load(rows)
        values.setdefault(path, []).append((explainer.model.predict(x).tobytes().hex(), explainer(x).values.tobytes().hex()))
print(json.dumps(values))
"""


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """A folder of packages that holds what the wheel depends on."""
    folder = tmp_path_factory.mktemp("packages")
    for name in NEEDED:
        package = Path(importlib.util.find_spec(name).origin).parent
        for part in (package, package.with_name(f"{name}.libs")):
            if part.exists():
                (folder / part.name).symlink_to(part)
    return folder


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """(model under a name that says nothing or the wrong thing, its rows, the file it is a copy of)."""
    folder = tmp_path_factory.mktemp("models")
    copies = {
        "xgboost.txt": "x32/dart.json",
        "xgboost.json": "x32/cat_partition_nan.ubj",
        "lightgbm.ubj": "l47/rf_multi.txt",
        "model": "l47/cat_multi.txt",
    }
    found = []
    for name, original in copies.items():
        copy = folder / name
        copy.write_bytes((REFERENCE / original).read_bytes())
        np.save(folder / f"{name}.npy", recorded.rows(REFERENCE / original, None))
        found.append((copy, folder / f"{name}.npy", REFERENCE / original))
    return found


def test_files_are_explained_where_no_library_is_installed(bare, sources):
    import ferroshap

    asked = json.dumps([[str(copy), str(rows)] for copy, rows, _ in sources])
    command = [sys.executable, "-I", "-S", "-c", SCRIPT, str(bare), json.dumps(ABSENT), asked]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    values = json.loads(done.stdout)
    for copy, rows, original in sources:
        model, x = ferroshap.load_model(original), np.load(rows)
        predicted = model.predict(x).tobytes().hex()
        explained = ferroshap.TreeExplainer(model).shap_values(x).tobytes().hex()
        assert values[str(copy)] == [[predicted, explained]] * 2
