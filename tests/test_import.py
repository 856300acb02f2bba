"""Importing ferroshap is light: workers of every engine pay for it."""

import logging
import subprocess
import sys

import ferroshap
import ferroshap.versions

HEAVY = {"narwhals", "pandas", "polars", "pyarrow", "sklearn", "scipy", "xgboost", "lightgbm", "shap", "click", "rich"}

SCRIPT = """
import sys, time
import numpy
start = time.perf_counter()
import ferroshap
seconds = time.perf_counter() - start
print(seconds)
print(" ".join(sys.modules))
"""


def run(script):
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout


def test_import_takes_at_most_0_3_seconds_beside_numpy():
    assert min(float(run(SCRIPT).splitlines()[0]) for _ in range(3)) <= 0.3


def test_import_loads_no_frame_or_training_library():
    assert not HEAVY & set(run(SCRIPT).splitlines()[1].split())


def test_predicting_rows_of_an_array_loads_no_frame_library(tmp_path):
    import lightgbm
    import numpy as np

    x = np.arange(40.0).reshape(-1, 1)
    model = lightgbm.train({"verbose": -1, "min_data_in_leaf": 1}, lightgbm.Dataset(x, x[:, 0]), 2)
    model.save_model(tmp_path / "model.txt")
    loaded = run(
        "import sys, numpy, ferroshap\n"
        f"ferroshap.load_model({str(tmp_path / 'model.txt')!r}).predict(numpy.ones((1, 1)))\n"
        "print(' '.join(sys.modules))"
    ).split()
    assert not HEAVY & set(loaded)


def test_nothing_is_printed_and_the_logger_is_silent():
    assert any(isinstance(handler, logging.NullHandler) for handler in logging.getLogger("ferroshap").handlers)
    assert run("import ferroshap") == ""


def test_all_names_that_are_promised_exist():
    for name in ferroshap.__all__:
        assert getattr(ferroshap, name).__doc__


def test_build_info_names_version_level_threads_and_profile():
    info = ferroshap.build_info()
    assert set(info) == {"version", "simd", "simd_available", "threads", "profile"}
    assert info["version"] == ferroshap.__version__
    assert set(info["simd_available"]) <= {"scalar", "avx2", "avx512", "neon"}
    assert info["simd"] in info["simd_available"]
    assert info["threads"] >= 1


def test_show_versions_prints_what_a_bug_report_needs(capsys):
    ferroshap.show_versions()
    printed = capsys.readouterr().out
    for name in ("ferroshap", "simd", "threads", "python", "numpy", "narwhals", "lightgbm"):
        assert f"\n{name} " in f"\n{printed}"


def test_show_versions_leaves_out_what_is_not_installed(capsys, monkeypatch):
    monkeypatch.setattr(ferroshap.versions, "PACKAGES", ("numpy", "no-such-package"))
    ferroshap.show_versions()
    assert "no-such-package" not in capsys.readouterr().out
