"""Threads of Python beside each other and threads of the library: the same bits, and as many as were asked for."""

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from ferroshap import OptionError, TreeExplainer, build_info, load_model

VARIABLES = ("FERROSHAP_NUM_THREADS", "RAYON_NUM_THREADS", "OMP_NUM_THREADS")
PATIENCE = 60  # seconds
STARTED = """
import sys, pathlib, numpy, ferroshap
explainer = ferroshap.TreeExplainer(sys.argv[1])
explainer.shap_values(numpy.zeros((3_000, explainer.model.n_features)))
names = [task.read_text() for task in pathlib.Path("/proc/self/task").glob("*/comm")]
print(sum(name.startswith("ferroshap-") for name in names))
"""


def run(script, *arguments, **environment):
    """What a new process prints that has these variables of the three and no others."""
    kept = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.run(
        command, env=kept | environment, capture_output=True, text=True, check=True, timeout=PATIENCE
    ).stdout.strip()


def test_calls_from_several_python_threads_give_the_same_bits(model_file, rows, values):
    explainers = [TreeExplainer(model_file, threads=threads) for threads in (1, 2, 2, 3)]
    together = threading.Barrier(8)

    def work(index):
        together.wait(PATIENCE)
        return [explainers[(index + call) % 4].shap_values(rows) for call in range(4)]

    with ThreadPoolExecutor(8) as pool:
        for found in pool.map(work, range(8), timeout=PATIENCE):
            np.testing.assert_array_equal(found, [values] * 4)


def test_models_are_read_and_predict_in_several_python_threads(model_file, rows):
    want = load_model(model_file).predict(rows, threads=1)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda threads: load_model(model_file).predict(rows, threads=threads), (1, 2, 3, 4) * 4):
            np.testing.assert_array_equal(found, want)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("call", ["shap_values", "predict"])
def test_other_python_threads_go_on_while_one_is_explaining(model_file, rows, call, threads):
    explainer = TreeExplainer(model_file, threads=threads)
    if call == "shap_values":
        many, work = np.tile(rows, (15, 1)), lambda x: explainer.shap_values(x, check_additivity=False)
    else:
        many, work = np.tile(rows, (50, 1)), lambda x: explainer.model.predict(x, threads=threads)
    busy = threading.Thread(target=work, args=(many,))
    breaths = 0
    busy.start()
    while busy.is_alive():
        time.sleep(0.001)
        breaths += 1
    assert breaths >= 10  # were the interpreter's lock held, one or two before and after


@pytest.mark.parametrize(
    ("variables", "threads"),
    [
        ({"FERROSHAP_NUM_THREADS": "3"}, 3),
        ({"RAYON_NUM_THREADS": "3"}, 3),
        ({"OMP_NUM_THREADS": "3"}, 3),
        ({"FERROSHAP_NUM_THREADS": "5", "RAYON_NUM_THREADS": "6", "OMP_NUM_THREADS": "7"}, 5),
        ({"RAYON_NUM_THREADS": "6", "OMP_NUM_THREADS": "7"}, 6),
        ({"OMP_NUM_THREADS": "4,2"}, 4),
        ({"FERROSHAP_NUM_THREADS": " 2 "}, 2),
        ({"FERROSHAP_NUM_THREADS": "100000"}, 1024),
        *[({"FERROSHAP_NUM_THREADS": wrong, "OMP_NUM_THREADS": "7"}, 7) for wrong in ("0", "-1", "2.5", "all", "")],
    ],
)
def test_the_environment_names_the_number_of_threads(monkeypatch, variables, threads):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert build_info()["threads"] == threads


@pytest.mark.parametrize("name", VARIABLES)
def test_as_many_threads_start_as_the_environment_names(model_file, name):
    assert run(STARTED, model_file, **{name: "3"}) == "3"
    assert run(STARTED, model_file, **{name: "1"}) == "0"  # the calling thread does the work


def test_without_a_number_the_processors_of_the_process_are_used(model_file):
    mine = sorted(os.sched_getaffinity(0))
    for processors in (mine[:1], mine[:2]):
        pinned = f"import os; os.sched_setaffinity(0, {processors})\n"
        threads = int(run(pinned + "import ferroshap; print(ferroshap.build_info()['threads'])"))
        assert 1 <= threads <= len(processors)  # a cgroup may allow less than the affinity does
        assert int(run(pinned + STARTED, model_file)) == (threads if threads > 1 else 0)


def test_importing_starts_no_threads():
    count = "import pathlib, numpy\ncount = lambda: len(list(pathlib.Path('/proc/self/task').iterdir()))\n"
    assert run(count + "before = count(); import ferroshap; print(count() - before)") == "0"


@pytest.mark.parametrize("threads", [0, -1, 1.5, 2.0, "2", "all", True, np.nan, 1025, 10**6, 2**63, 2**64])
def test_what_is_no_number_of_threads_is_refused(model_file, threads):
    with pytest.raises(OptionError, match=r"threads is .*; expected a whole number of at (least 1|most 1,024)"):
        TreeExplainer(model_file, threads=threads)
    with pytest.raises(OptionError, match=r"threads is .*; expected a whole number of at (least 1|most 1,024)"):
        load_model(model_file).predict(np.zeros((1, 6)), threads=threads)


@pytest.mark.parametrize("threads", [np.int64(2), 7, 100])
def test_more_threads_than_processors_give_the_same_bits(model_file, rows, values, threads):
    np.testing.assert_array_equal(TreeExplainer(model_file, threads=threads).shap_values(rows), values)
