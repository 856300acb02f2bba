"""Every failure is one clear line and a number that jobs can act on; nothing is left behind."""

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest


def check(done: subprocess.CompletedProcess[str], code: int, *said: str) -> None:
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    (line,) = [line for line in done.stderr.splitlines() if not line.startswith("ferroshap: ignored")]
    for words in said:
        assert words in line


def check_nothing_left(out) -> None:
    assert list(out.parent.iterdir()) == []


def test_without_arguments_the_help_is_shown(ferroshap):
    done = ferroshap()
    assert done.returncode == 2
    assert "explain" in done.stdout + done.stderr


def test_the_version_is_printed(ferroshap):
    done = ferroshap("--version")
    assert (done.returncode, done.stdout) == (0, "ferroshap, version 0.1.0\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ["explain"],
        ["explain", "model", "data"],
        ["explain", "m", "d", "-o", "o", "--dtype", "int8"],
        ["explain", "m", "d", "-o", "o", "--max-memory", "much"],
        ["explain", "m", "d", "-o", "o", "--threads", "0"],
        ["explian"],
    ],
)
def test_wrong_usage_is_2(ferroshap, arguments):
    done = ferroshap(*arguments)
    assert done.returncode == 2
    assert "Usage:" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_memory_budget_for_no_rows_is_2(ferroshap, model, data, out):
    check(ferroshap("explain", model, data, "-o", out, "--max-memory", "100"), 2, "--max-memory", "at least")
    check_nothing_left(out)


def test_a_folder_of_data_is_2(ferroshap, model, out):
    check(ferroshap("explain", model, out.parent, "-o", out), 2, "is a folder; expected one Parquet file")
    check_nothing_left(out)


def test_the_output_cannot_be_the_data(ferroshap, model, data):
    before = data.read_bytes()
    check(ferroshap("explain", model, data, "-o", data, "--overwrite"), 2, "is the data itself")
    assert data.read_bytes() == before


def test_a_kept_column_called_like_a_result_is_2(ferroshap, model, flights_like, out, tmp_path):
    data = tmp_path / "collision.parquet"
    flights_like.assign(base_value=1.0).to_parquet(data, index=False)
    check(
        ferroshap("explain", model, data, "-o", out, "--keep", "base_value"), 2, "'base_value' has the name of a result"
    )
    check_nothing_left(out)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "No such file"),
        (b"", ""),
        (b"not a model\n", ""),
        (b"\x80\x04\x95pickled", ""),
        (b"tree\nversion=v4\n", ""),
    ],
)
@pytest.mark.parametrize("command", ["explain", "inspect"])
def test_a_model_that_cannot_be_read_is_3(ferroshap, data, out, tmp_path, content, said, command):
    model = tmp_path / "broken.model"
    if content is not None:
        model.write_bytes(content)
    rest = [data, "-o", out] if command == "explain" else []
    check(ferroshap(command, model, *rest), 3, "broken.model", said)
    check_nothing_left(out)


def test_a_model_cut_short_is_3(ferroshap, model, data, out):
    model.write_bytes(model.read_bytes()[:2_000])
    check(ferroshap("explain", model, data, "-o", out), 3, "model.txt")
    check_nothing_left(out)


def test_data_that_does_not_exist_is_4(ferroshap, model, out, tmp_path):
    check(ferroshap("explain", model, tmp_path / "absent.parquet", "-o", out), 4, "absent.parquet", "No such file")
    check_nothing_left(out)


def test_data_in_another_format_is_4(ferroshap, model, out, tmp_path):
    data = tmp_path / "rows.csv"
    data.write_text("delay,carrier,distance\n1,UA,2\n")
    check(ferroshap("explain", model, data, "-o", out), 4, "rows.csv is not a Parquet file")
    check_nothing_left(out)


def test_data_cut_short_is_4(ferroshap, model, data, out):
    data.write_bytes(data.read_bytes()[:-100])
    check(ferroshap("explain", model, data, "-o", out), 4, "damaged Parquet file")
    check_nothing_left(out)


def test_data_damaged_in_the_middle_is_4(ferroshap, model, data, out):
    content = bytearray(data.read_bytes())
    start = pq.read_metadata(data).row_group(2).column(1).data_page_offset
    content[start : start + 64] = bytes(64)
    data.write_bytes(content)
    check(ferroshap("explain", model, data, "-o", out), 4, "damaged Parquet file")
    check_nothing_left(out)


def test_a_missing_feature_is_4_and_named(ferroshap, model, flights_like, out, tmp_path):
    data = tmp_path / "short.parquet"
    flights_like.rename(columns={"distance": "Distance"}).to_parquet(data, index=False)
    check(ferroshap("explain", model, data, "-o", out), 4, "distance", "Did you mean: 'Distance'")
    check_nothing_left(out)


def test_a_feature_of_a_wrong_type_is_4_and_named(ferroshap, model, flights_like, out, tmp_path):
    data = tmp_path / "typed.parquet"
    flights_like.assign(delay=[[1.0]] * len(flights_like)).to_parquet(data, index=False)
    check(ferroshap("explain", model, data, "-o", out), 4, "delay")
    check_nothing_left(out)


def test_a_kept_column_that_is_not_there_is_4(ferroshap, model, data, out):
    check(ferroshap("explain", model, data, "-o", out, "--keep", "identity"), 4, "no column 'identity' to keep")
    check_nothing_left(out)


def test_an_output_in_a_folder_that_is_not_there_is_7(ferroshap, model, data, out):
    check(ferroshap("explain", model, data, "-o", out.parent / "absent" / "shap.parquet"), 7, "No such file")


def test_an_output_that_is_a_folder_is_7(ferroshap, model, data, out):
    check(ferroshap("explain", model, data, "-o", out.parent, "--overwrite"), 7, "is a folder")


def test_an_output_that_is_a_device_is_7_and_survives(ferroshap, model, data):
    check(ferroshap("explain", model, data, "-o", "/dev/null", "--overwrite"), 7, "not a regular file")
    assert not Path("/dev/null").is_file()


def test_a_full_disk_is_7(ferroshap, model, data, out):
    def limit() -> None:  # a file may not grow beyond this: the same error path as a full disk
        resource.setrlimit(resource.RLIMIT_FSIZE, (4_096, 4_096))

    check(ferroshap("explain", model, data, "-o", out, preexec_fn=limit), 7, "cannot be written")
    check_nothing_left(out)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_run_at_once_and_leaves_nothing(model, out, tmp_path, number, code):
    data = tmp_path / "long.parquet"
    n = 4_000_000
    table = pa.table({"delay": np.zeros(n), "carrier": pa.array(["UA"] * n), "distance": np.arange(n) % 3_000})
    pq.write_table(table, data)
    command = [
        sys.executable,
        "-m",
        "ferroshap.cli",
        "explain",
        model,
        data,
        "-o",
        out,
        "--threads",
        "1",
        "--max-memory",
        "200KiB",
    ]
    running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    while not any(out.parent.iterdir()):
        time.sleep(0.01)
        assert running.poll() is None
    time.sleep(0.3)
    running.send_signal(number)
    sent = time.monotonic()
    said = running.communicate(timeout=20)[1]
    assert running.returncode == code, said
    assert time.monotonic() - sent < 2
    assert "Traceback" not in said
    assert f"interrupted by {number.name}" in said
    check_nothing_left(out)


def test_without_its_libraries_the_command_says_what_to_install(tmp_path):
    (tmp_path / "click.py").write_text("raise ModuleNotFoundError('no click', name='click')")
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-m", "ferroshap.cli", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    check(done, 2, "pip install 'ferroshap[cli]'")


def test_a_defect_shows_its_traceback_and_is_1(monkeypatch, capsys, tmp_path):
    from ferroshap.cli import app

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr(app, "inspect_model", broken)
    assert app.run(["inspect", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert "ZeroDivisionError: a defect" in said
    assert "please report it" in said


def test_values_that_do_not_add_up_are_5(monkeypatch, capsys, model, data, out):
    from ferroshap import additivity
    from ferroshap.cli import app

    monkeypatch.setattr(additivity, "RELATIVE", -1.0)
    assert app.run(["explain", str(model), str(data), "-o", str(out)]) == 5
    assert "defect of ferroshap" in capsys.readouterr().err
    check_nothing_left(out)


def test_pandas_is_not_needed(model, data, out):
    code = (
        "import sys; sys.modules.update(dict.fromkeys(['pandas', 'lightgbm', 'xgboost', 'sklearn', 'polars']))\n"
        "from ferroshap.cli import main; sys.exit(main())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "explain", model, data, "-o", out], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert isinstance(pd.read_parquet(out), pd.DataFrame)
