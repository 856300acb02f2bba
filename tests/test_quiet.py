"""The package writes nothing: what it has to say goes to the logger `ferroshap`, or is a warning."""

import ast
import logging
import subprocess
import sys
from pathlib import Path

import ferroshap
import numpy as np
import pytest
from sklearn.ensemble import RandomForestRegressor

PACKAGE = Path(ferroshap.__file__).parent

SCRIPT = """
import numpy, ferroshap
explainer = ferroshap.Explainer("{model}")
x = numpy.zeros((3_000, explainer.model.n_features))
explainer(x), explainer.shap_values(x[0]), explainer.model.predict(x), ferroshap.supports("{model}")
repr(explainer), explainer.describe(), ferroshap.sample(x, 5), ferroshap.build_info()
"""


def calls_of_print(path):
    """(function, line) of every call of print, and every use of sys.stdout and sys.stderr."""
    for outer in ast.walk(ast.parse(path.read_text())):
        if not isinstance(outer, ast.FunctionDef):
            continue
        for node in ast.walk(outer):
            is_print = isinstance(node, ast.Call) and ast.unparse(node.func) in {"print", "pprint"}
            if is_print or (isinstance(node, ast.Attribute) and ast.unparse(node) in {"sys.stdout", "sys.stderr"}):
                yield f"{path.relative_to(PACKAGE)}: {outer.name}"


def test_only_what_is_asked_for_is_printed():
    found = {place for path in PACKAGE.rglob("*.py") if "cli" not in path.parts for place in calls_of_print(path)}
    assert found == {"versions.py: show_versions", "progress.py: __init__"}


def test_a_whole_run_writes_nothing(tmp_path):
    random = np.random.default_rng(0)
    X = random.normal(size=(50, 3))
    model = RandomForestRegressor(n_estimators=3, random_state=0).fit(X, X[:, 0])
    ferroshap.load_model(model).save(tmp_path / "model")
    command = [sys.executable, "-c", SCRIPT.format(model=tmp_path / "model")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.fixture
def explained(caplog):
    caplog.set_level(logging.DEBUG, logger="ferroshap")
    X = np.random.default_rng(0).normal(size=(50, 3))
    explainer = ferroshap.TreeExplainer(RandomForestRegressor(n_estimators=3, random_state=0).fit(X, X[:, 0]))
    explainer.shap_values(X)
    return explainer, caplog.records


def test_the_log_says_what_was_read_and_how_long_it_took(explained):
    explainer, records = explained
    assert [record.name for record in records] == ["ferroshap"] * 3
    assert {record.levelno for record in records} == {logging.DEBUG}
    read, prepared, run = (record.getMessage() for record in records)
    assert read.startswith(f"{explainer.model!r}: read in ")
    assert read.endswith(" ms")
    assert prepared.startswith(f"{explainer!r}: prepared in ")
    assert prepared.endswith(" ms")
    assert run.startswith("50 rows explained in ")
    assert run.endswith(" ms")
