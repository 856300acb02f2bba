"""K12: Ctrl-C while a model runs."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ferroshap
import numpy as np

from .cases import case, classifier
from .readings import Floats, Reading

PAGE = os.sysconf("SC_PAGE_SIZE")
SOON = 0.3  # seconds after the start


def ctrl_c(definition: dict[str, Any]) -> Iterator[Reading]:
    """Calls of the model begun after the signal, memory that stays, and values of the same explainer afterwards."""
    given = case(definition["data"], definition["rows"], definition["background"])
    calls: list[float] = []

    def model(rows: Floats) -> Floats:
        calls.append(time.perf_counter())
        return given.predict(rows)

    for threads in (1, 2):
        explainer = ferroshap.KernelExplainer(model, given.background, threads=threads)
        expected = explainer.shap_values(given.rows[:2])
        sent, came, kept = _interrupted(explainer, given.rows)
        name = f"a function, {threads} threads"
        yield Reading("calls", name, float(sum(at > sent for at in calls)))
        yield Reading("kept", name, kept)
        yield Reading("others", name, float((explainer.shap_values(given.rows[:2]) != expected).sum()))
        yield Reading("seconds", name, came - sent)
    trees = classifier(definition["data"], definition["rows"], definition["background"])
    native = ferroshap.KernelExplainer(trees.trees, trees.background, model_output="probability", threads=2)
    sent, came, _ = _interrupted(native, np.tile(trees.rows, (20, 1)))
    yield Reading("seconds", "trees in the core", came - sent)


def _interrupted(explainer: ferroshap.KernelExplainer, rows: Floats) -> tuple[float, float, float]:
    """When the signal was sent, when the call ended, and the MiB that were there more afterwards."""
    sent: list[float] = []

    def send() -> None:
        sent.append(time.perf_counter())
        os.kill(os.getpid(), signal.SIGINT)

    before = resident()
    timer = threading.Timer(SOON, send)
    timer.start()
    try:
        explainer.shap_values(rows)
    except KeyboardInterrupt:
        came = time.perf_counter()
    else:
        timer.cancel()
        raise AssertionError("the call ended before the signal: explain more rows")
    return sent[0], came, (resident() - before) / (1 << 20)


def resident() -> int:
    """Bytes of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE
