"""Ctrl-C and errors in `progress` end a call at once, as what they are, and do no harm to the next one."""

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from ferroshap import TreeExplainer

AT_ONCE = 2.0  # seconds, on a busy machine; work looks up every 0.05
PATIENCE = 60
CALLS = {
    "shap_values": lambda explainer, x: explainer.shap_values(x),
    "explanation": lambda explainer, x: explainer(x),
    "predict": lambda explainer, x: explainer.model.predict(x, threads=explainer._threads),
    "batch": lambda explainer, x: explainer.values_and_target(x),
}
SCRIPT = """
import sys, numpy, ferroshap
explainer = ferroshap.TreeExplainer(sys.argv[1], threads=int(sys.argv[2]), progress=lambda *_: print(flush=True))
explainer.shap_values(numpy.broadcast_to(0.5, (10_000_000, explainer.model.n_features)))
"""


class Stop(BaseException):
    """Nothing that anyone else raises or catches."""


@pytest.fixture(params=[1, 2])
def threads(request):
    return request.param


@pytest.fixture
def explainer(model_file, rows, values, threads):
    """An explainer that gives the same bits after the test."""
    explainer = TreeExplainer(model_file, threads=threads)
    yield explainer
    np.testing.assert_array_equal(explainer.shap_values(rows), values)


@pytest.fixture
def later():
    """Sends a signal to this process a little later; returns a list that will hold the time it did."""
    timers = []

    def send(number, seconds=0.1):
        sent = []
        timers.append(threading.Timer(seconds, lambda: (sent.append(time.monotonic()), os.kill(os.getpid(), number))))
        timers[-1].start()
        return sent

    yield send
    for timer in timers:
        timer.cancel()
        timer.join()


@pytest.fixture
def handle():
    """Handles a signal in this way until the test ends."""
    before = {}

    def install(number, handler):
        before[number] = signal.signal(number, handler)

    yield install
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("call", CALLS)
def test_ctrl_c_ends_a_long_call_and_the_next_one_works(explainer, endless, later, call):
    sent = later(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        CALLS[call](explainer, endless)
    assert time.monotonic() - sent[0] < AT_ONCE


def test_ctrl_c_ends_a_process(model_file, threads):
    command = [sys.executable, "-c", SCRIPT, model_file, str(threads)]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert running.stdout.readline() == "\n"  # explaining by now
        running.send_signal(signal.SIGINT)
        sent = time.monotonic()
        said = running.communicate(timeout=PATIENCE)[1]
        assert time.monotonic() - sent < AT_ONCE
        assert running.returncode == -signal.SIGINT
        assert said.splitlines()[-1] == "KeyboardInterrupt"
    finally:
        running.kill()
        running.wait()


def test_what_a_signal_handler_raises_comes_out_unchanged(explainer, endless, later, handle):
    stop = Stop()

    def handler(number, frame):
        raise stop

    handle(signal.SIGUSR1, handler)
    sent = later(signal.SIGUSR1)
    with pytest.raises(Stop) as caught:
        explainer.shap_values(endless)
    assert caught.value is stop
    assert time.monotonic() - sent[0] < AT_ONCE


def test_a_signal_handler_that_returns_lets_the_work_go_on(explainer, rows, values, later, handle):
    heard = []
    handle(signal.SIGUSR1, lambda *which: heard.append(which[0]))
    later(signal.SIGUSR1, seconds=0.05)
    found = explainer.shap_values(np.tile(rows, (20, 1)))
    while not heard:  # on a fast machine the work may be done before
        time.sleep(0.01)
    np.testing.assert_array_equal(found, np.tile(values, (20, 1)))


def test_ctrl_c_in_the_main_thread_leaves_the_work_of_another_alone(explainer, rows, values, later):
    found = []
    busy = threading.Thread(target=lambda: found.append(explainer.shap_values(np.tile(rows, (20, 1)))))
    busy.start()
    later(signal.SIGINT, seconds=0.05)
    with pytest.raises(KeyboardInterrupt):
        time.sleep(PATIENCE)
    busy.join(PATIENCE)
    np.testing.assert_array_equal(found[0], np.tile(values, (20, 1)))


@pytest.mark.parametrize("error", [ValueError("full"), SystemExit(3), Stop()], ids=repr)
@pytest.mark.parametrize("at", [1, 3])
def test_what_progress_raises_comes_out_unchanged(explainer, model_file, endless, threads, error, at):
    seen = []

    def progress(done, total):
        seen.append(done)
        if len(seen) == at:
            raise error

    loud = TreeExplainer(model_file, threads=threads, progress=progress)
    with pytest.raises(type(error)) as caught:
        loud.shap_values(endless)
    assert caught.value is error
    assert len(seen) == at
    assert seen == sorted(seen)
    assert seen[-1] < len(endless)
    assert at == 1 or seen[-1] > 0


def test_a_call_that_progress_ended_can_be_made_again(model_file, rows, values, endless, threads):
    ending = [True]

    def progress(done, total):
        if ending:
            raise Stop

    explainer = TreeExplainer(model_file, threads=threads, progress=progress)
    for _ in range(3):
        with pytest.raises(Stop):
            explainer.shap_values(endless)
    ending.clear()
    np.testing.assert_array_equal(explainer.shap_values(rows), values)


def test_an_error_in_one_threads_progress_leaves_the_work_of_another_alone(
    explainer, model_file, rows, values, threads
):
    def progress(done, total):
        raise Stop

    loud, found = TreeExplainer(model_file, threads=threads, progress=progress), []
    many = np.tile(rows, (20, 1))
    busy = threading.Thread(target=lambda: found.append(explainer.shap_values(many)))
    busy.start()
    while busy.is_alive():
        with pytest.raises(Stop):
            loud.shap_values(many)
    np.testing.assert_array_equal(found[0], np.tile(values, (20, 1)))


@pytest.mark.parametrize("call", ["shap_values", "values_and_target"])
@pytest.mark.parametrize("n", [0, 1, 127, 3_000, 40_001])
def test_progress_grows_and_ends_at_the_number_of_rows(model_file, rows, threads, n, call):
    seen = []
    explainer = TreeExplainer(model_file, threads=threads, progress=lambda *counts: seen.append(counts))
    getattr(explainer, call)(np.resize(rows, (n, rows.shape[1])))
    assert {total for _, total in seen} == {n}
    done = [count for count, _ in seen]
    assert done == sorted(done)
    assert done[-1] == n
    assert all(0 <= count <= n and type(count) is int for count in done)


def test_progress_may_explain_something_itself(model_file, rows, values, threads):
    inner, found = TreeExplainer(model_file, threads=threads), []

    def progress(done, total):
        found.append(inner.shap_values(rows[:300]))

    many = np.tile(rows, (20, 1))
    outer = TreeExplainer(model_file, threads=threads, progress=progress)
    np.testing.assert_array_equal(outer.shap_values(many), np.tile(values, (20, 1)))
    for each in found:
        np.testing.assert_array_equal(each, values[:300])
