"""`progress=True` writes one line to stderr, for each call its own; nothing is written unless asked for."""

import io
import os
import pickle
import re
import signal
import sys
import threading

import numpy as np
import pytest
from ferroshap import BatchExplainer, TreeExplainer, progress
from ferroshap.progress import Line, reporting
from ferroshap.tree import run


@pytest.fixture
def many(model_named):
    """(explainer's model, so many rows that a call takes several chunks)."""
    trained = model_named("forest classes")
    return trained.model, np.tile(trained.X, (10, 1))


@pytest.mark.parametrize("threads", [1, 2])
def test_the_line_ends_at_all_rows_of_the_call(many, threads, capsys, monkeypatch):
    monkeypatch.setattr(run, "CHUNK_BYTES", 1)
    monkeypatch.setattr(progress, "INTERVAL_OF_A_LOG", 0.0)
    model, rows = many
    quiet = TreeExplainer(model, threads=threads).shap_values(rows)
    assert capsys.readouterr() == ("", "")
    np.testing.assert_array_equal(TreeExplainer(model, threads=threads, progress=True).shap_values(rows), quiet)
    out, written = capsys.readouterr()
    assert out == ""
    assert written.startswith("\r")
    assert written.endswith("\n")
    lines = written.strip("\r\n").split("\r")
    assert len(lines) >= len(rows) // run.CHUNK_ROWS
    assert lines[-1].rstrip() == "explained 3,000 of 3,000 rows"
    done = [int(re.match(r"explained ([0-9,]+) of 3,000 rows", line)[1].replace(",", "")) for line in lines]
    assert done == sorted(done)


def test_every_call_has_a_line_of_its_own(many, capsys):
    model, rows = many
    explainer = TreeExplainer(model, progress=True)
    explainer.shap_values(rows[:300])
    explainer(rows[:1])
    explainer.shap_values(rows[:0])
    last = [line.split("\r")[-1].rstrip() for line in capsys.readouterr().err.split("\n")[:-1]]
    assert last == ["explained 300 of 300 rows", "explained 1 of 1 rows", "explained 0 of 0 rows"]


def test_batches_are_told_too(many, capsys):
    import pyarrow as pa

    model, rows = many
    batch = pa.record_batch({f"x{at}": column for at, column in enumerate(rows.T)})
    BatchExplainer(TreeExplainer(model, progress=True))(batch)
    assert capsys.readouterr().err.endswith("explained 3,000 of 3,000 rows\n")


@pytest.mark.parametrize("nothing", [None, False])
def test_none_and_false_write_nothing(many, nothing, capsys):
    TreeExplainer(many[0], progress=nothing).shap_values(many[1])
    assert capsys.readouterr() == ("", "")


def test_an_error_ends_the_line(many, capsys, monkeypatch):
    explainer = TreeExplainer(many[0], progress=True)

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(explainer.model, "predict_rows", interrupted)
    monkeypatch.setattr(explainer, "_prepared", Told(explainer._prepared))
    with pytest.raises(KeyboardInterrupt):
        explainer.shap_values(many[1])
    assert re.fullmatch(r"\rexplained 7 of 3,000 rows.*\n", capsys.readouterr().err)


@pytest.mark.parametrize("threads", [1, 2])
def test_ctrl_c_ends_a_call_with_a_line(many, threads, capsys):
    endless = np.broadcast_to(many[1][0], (10_000_000, 6))
    explainer = TreeExplainer(many[0], threads=threads, progress=True)
    timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        explainer.shap_values(endless)
    timer.join()
    assert re.search(r"\rexplained [0-9,]+ of 10,000,000 rows.*\n$", capsys.readouterr().err)


class Told:
    """A prepared model that tells its progress once, whatever the time it takes."""

    def __init__(self, prepared):
        self._prepared = prepared

    def __getattr__(self, name):
        return getattr(self._prepared, name)

    def explain(self, rows, out, *, progress, **options):
        progress(7, len(rows))
        self._prepared.explain(rows, out, progress=None, **options)


def test_the_line_is_written_now_and_then_with_the_seconds_left(monkeypatch):
    stream, now = io.StringIO(), [0.0]
    monkeypatch.setattr(sys, "stderr", stream)
    line = Line(clock=lambda: now[0])
    for seconds, done in [(0.0, 0), (0.5, 10), (2.0, 2_000), (2.5, 4_000), (8.0, 10_000)]:
        now[0] = seconds
        line.write(done, 10_000)
    line.end()
    assert [text.rstrip() for text in stream.getvalue().split("\r")] == [
        "",
        "explained 0 of 10,000 rows",
        "explained 2,000 of 10,000 rows, 8 s left",
        "explained 10,000 of 10,000 rows",
    ]
    widths = [len(text.rstrip("\n")) for text in stream.getvalue().split("\r")]
    assert widths[3] >= widths[2]  # nothing of a longer line stays


def test_a_process_without_stderr_works_on(many, monkeypatch):
    closed = io.StringIO()
    closed.close()
    for stream in (None, closed):
        monkeypatch.setattr(sys, "stderr", stream)
        assert np.isfinite(TreeExplainer(many[0], progress=True).shap_values(many[1])).all()


def test_threads_that_share_an_explainer_have_lines_of_their_own():
    with reporting(True) as first, reporting(True) as second:
        assert first.__self__ is not second.__self__
    with reporting(None) as nothing:
        assert nothing is None


def test_an_explainer_with_a_line_can_be_pickled_and_shared(many, capsys):
    explainer = pickle.loads(pickle.dumps(TreeExplainer(many[0], progress=True)))
    found = []
    busy = [threading.Thread(target=lambda: found.append(explainer.shap_values(many[1]))) for _ in range(3)]
    for thread in busy:
        thread.start()
    for thread in busy:
        thread.join()
    assert len(found) == 3
    assert capsys.readouterr().err.count("\n") == 3
