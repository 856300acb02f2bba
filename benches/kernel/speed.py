"""K1, K2, K5: what is spent beside the model, and how long the same accuracy takes."""

import time
from collections.abc import Iterator
from statistics import median
from typing import Any

import ferroshap
import numpy as np
from ferroshap import _native

from .cases import Case, case
from .errors import errors_of
from .peers import ours, shap_kernel
from .readings import Floats, Reading, alternating, check

JOB = 10  # rows, of which the designs must be a hundredth


def overhead(definition: dict[str, Any]) -> Iterator[Reading]:
    """Seconds beside the model's own over these, with one thread and with as many as there are; the first call makes the designs."""
    for name in definition["data"]:
        given = case(name, definition["rows"], definition["background"])
        p = given.rows.shape[1]
        truth = given.truth()
        for threads in (1, None):
            first, second, seconds = _overheads(given, threads, truth)
            wide = "wide" if p >= 100 else "narrow"
            case_name = f"{name}, {'one thread' if threads else 'default threads'}"
            details = {"model_us_per_row": seconds[1] / seconds[2] * 1e6, "model_rows": seconds[2]}
            yield Reading(wide, case_name, second / seconds[1], details)
            if threads:
                design = max(0.0, first - second) / (seconds[0] * JOB / len(given.rows))
                yield Reading("design", name, design)


def _overheads(given: Case, threads: int | None, truth: Floats) -> tuple[float, float, tuple[float, float, int]]:
    """Seconds beside the model of the first call and, the median, of later ones; seconds in all and of the model in one of these."""
    function = given.callback()
    explainer = ferroshap.KernelExplainer(function, given.background, threads=threads)
    runs = []
    for _ in range(4):
        function.forget()
        start = time.perf_counter()
        values = explainer.shap_values(given.rows)
        runs.append((time.perf_counter() - start, function.seconds, function.rows))
    check(np.abs(values - truth).max() / np.abs(truth).max(), 0.1, f"{given.name}: values")
    first, *later = [wall - model for wall, model, _ in runs]
    middle = median(later)
    return first, middle, runs[1 + later.index(middle)]


def cheap_model(definition: dict[str, Any]) -> Iterator[Reading]:
    """shap's seconds over ours for a model that takes no time, a product with a vector, and the masking alone."""
    rng = np.random.default_rng(1)
    for p in definition["columns"]:
        rows, background, weights = (
            rng.normal(size=(definition["rows"], p)),
            rng.normal(size=(100, p)),
            rng.normal(size=p),
        )
        truth = (rows - background.mean(axis=0)) * weights

        def model(some: Floats, weights: Floats = weights) -> Floats:
            return some @ weights

        explainer = ferroshap.KernelExplainer(model, background, threads=1)
        explainer.shap_values(rows[:1])
        (mine, theirs), answers = alternating(
            definition["repetitions"],
            lambda explainer=explainer, rows=rows: explainer.shap_values(rows),
            lambda model=model, background=background, rows=rows: shap_kernel(model, background, rows, "auto"),
        )
        for answer, side in zip(answers, ("ours", "shap's"), strict=True):
            check(np.abs(answer - truth).max() / np.abs(truth).max(), 1e-9, f"X @ w, {p} columns, {side}")
        details = {"ms_per_row": mine / len(rows) * 1e3, "peer_ms_per_row": theirs / len(rows) * 1e3}
        yield Reading("wide" if p >= 100 else "narrow", f"X @ w, {p} columns", theirs / mine, details)
        yield Reading("masking", f"{p} columns", masking(rows, background))


def masking(rows: Floats, background: Floats) -> float:
    """Nanoseconds for a number of a mixture, written again and again into 1 MiB."""
    p = rows.shape[1]
    engine = _native.CoalitionEngine(
        np.full(len(background), 1.0), np.zeros((len(background), 1)), n_players=p, threads=1
    )
    masker = _native.MatrixMasker(background, np.arange(p), p)
    engine.add_row(0, np.zeros(1), masker.differs(rows[:1])[0])
    asked = engine.ask((1 << 20) // (8 * p) // 2 * 2)
    out = np.empty((len(asked), p))
    seconds = []
    for _ in range(200):
        start = time.perf_counter()
        masker.fill(asked, rows, 0, out, 1)
        seconds.append(time.perf_counter() - start)
    members = asked.members()
    check(np.abs(out - np.where(members, rows[0], background[asked.references])).max(), 0.0, "mixtures")
    return median(seconds) / out.size * 1e9


def equal_error(definition: dict[str, Any]) -> Iterator[Reading]:
    """The fewest coalitions with which our error is at most shap's; seconds and model rows of both for those."""
    for asked in definition["cases"]:
        given = case(asked["data"], definition["rows"], definition["background"])
        truth, p = given.truth(), given.rows.shape[1]
        seeds = range(definition["seeds"])
        theirs_m = 2 * p + 2048 if asked["nsamples"] == "auto" else asked["nsamples"]
        wanted = errors_of(given, truth, theirs_m, seeds, ("kernel",))["kernel"]
        m, error = 2 * p, np.inf
        while error > wanted:
            m = int(m * 1.05) // 2 * 2 + 2
            error = errors_of(given, truth, m, seeds, ("ours",))["ours"]
        mine, theirs = given.callback(), given.callback()
        seconds, _ = alternating(
            definition["repetitions"],
            lambda mine=mine, given=given, m=m: ours(mine, given.background, given.rows, nsamples=m),
            lambda theirs=theirs, given=given, k=theirs_m: shap_kernel(theirs, given.background, given.rows, k),
        )
        details = {
            "nsamples": [m, theirs_m],
            "errors": [error, wanted],
            "ms_per_row": [taken * 1e3 / len(given.rows) for taken in seconds],
            "model_share": [
                side.seconds / definition["repetitions"] / taken
                for side, taken in zip((mine, theirs), seconds, strict=True)
            ],
        }
        name = f"{given.name}, shap's m={theirs_m}, ours {m}"
        yield Reading("wide" if p >= 50 else "narrow", name, seconds[1] / seconds[0], details)
        yield Reading("rows", name, mine.rows / theirs.rows)
