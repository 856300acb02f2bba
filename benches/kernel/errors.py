"""K3, K4, K13: errors at equal model rows, of values whose exact ones Tree SHAP knows."""

import warnings
from collections.abc import Iterator
from typing import Any

import ferroshap
import numpy as np

from .cases import Case, case
from .peers import Function, ours, shap_kernel, shap_permutation
from .readings import Counted, Floats, Reading, check, relative_error, rms


def per_reference(definition: dict[str, Any]) -> Iterator[Reading]:
    """Ours by default over shap's three ways."""
    for asked in definition["cases"]:
        given = case(asked["data"], definition["rows"], definition["background"])
        truth, p = given.truth(), given.rows.shape[1]
        for m in asked["nsamples"]:
            errors = errors_of(
                given, truth, m, range(definition["seeds"]), ("ours", "kernel", "default", "permutation")
            )
            name = f"{given.name}, m={m}"
            details = {"errors": errors}
            yield Reading("odd" if p % 2 else "even", name, errors["ours"] / errors["kernel"], details)
            yield Reading("permutation", name, errors["ours"] / errors["permutation"])
            if p >= 20 and m >= 3 * p:
                yield Reading("default", name, errors["ours"] / errors["default"])
            if p >= 50 and m >= 10 * p:
                yield Reading("default_wide", name, errors["ours"] / errors["default"])


def shared(definition: dict[str, Any]) -> Iterator[Reading]:
    """The shared design, first of the identity, whose exact values are known for any number of columns, then of the logit."""
    for asked in definition["cases"]:
        given = case(asked["data"], definition["rows"], definition["background"])
        truth, p = given.truth(), given.rows.shape[1]
        for m in asked["nsamples"]:
            errors = errors_of(given, truth, m, range(definition["seeds"]), ("shared", "kernel"))
            bar = "odd" if p % 2 else "even" if p <= 50 else "wide"
            yield Reading(bar, f"{given.name}, m={m}", errors["shared"] / errors["kernel"], {"errors": errors})
    for asked in definition["logit"]:
        yield from _logit(definition, asked)


def _logit(definition: dict[str, Any], asked: dict[str, Any]) -> Iterator[Reading]:
    given = case(asked["data"], definition["rows"], definition["background"])
    scale = np.abs(given.predict(given.background)).max()

    def probability(rows: Floats) -> Floats:
        return 1 / (1 + np.exp(-3 * given.predict(rows) / scale))

    args = probability, given.background, given.rows
    p = given.rows.shape[1]
    truth = ours(*args, link="logit", nsamples=2**p)
    for m in asked["nsamples"]:
        seeds = range(definition["seeds"])
        mine = [relative_error(ours(*args, link="logit", nsamples=m, seed=seed), truth) for seed in seeds]
        theirs = [relative_error(shap_kernel(*args, m, seed, link="logit"), truth) for seed in seeds]
        errors = {"shared": rms(mine), "kernel": rms(theirs)}
        bar = "odd" if p % 2 else "even"
        yield Reading(bar, f"{given.name}, logit, m={m}", errors["shared"] / errors["kernel"], {"errors": errors})


def small_budget(definition: dict[str, Any]) -> Iterator[Reading]:
    """Fewer than `2 M` coalitions: finite, additive, a warning, no more error than the shared design or shap."""
    for name in definition["data"]:
        given = case(name, definition["rows"], definition["background"])
        truth, m = given.truth(), given.rows.shape[1]
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            errors = errors_of(given, truth, m, range(definition["seeds"]), ("ours", "shared", "kernel"))
        told = sum("fewer than 2 coalitions" in str(warning.message) for warning in caught)
        yield Reading("warnings", name, told / (2 * definition["seeds"]))
        yield Reading("shared", name, errors["ours"] / errors["shared"], {"errors": errors})
        yield Reading("shap", name, errors["ours"] / errors["kernel"])


def errors_of(given: Case, truth: Floats, m: int, seeds: range, ways: tuple[str, ...]) -> dict[str, float]:
    """RMS relative errors over rows and seeds. Ours must not take more model rows than the peer that it is compared with."""
    counted = Counted(given.predict)
    found: dict[str, float] = {}
    mine = 0
    for way in ways:  # ours first
        samples = m
        while True:
            counted.forget()
            found[way] = rms([relative_error(_estimate(way, given, counted, samples, seed), truth) for seed in seeds])
            if way != "permutation" or counted.rows >= mine:
                break
            samples = int(samples * 1.05 * mine / counted.rows) + 1  # it leaves out columns of one value
        if way in {"ours", "shared"}:
            mine = max(mine, counted.rows)
        else:
            check(mine / counted.rows, 1.02, f"{given.name}, m={m}: our model rows over those of shap's {way}")
    return found


def _estimate(way: str, given: Case, function: Function, m: int, seed: int) -> Floats:
    p = given.rows.shape[1]
    if way == "permutation":
        return shap_permutation(function, given.background, given.rows, -(-m // (2 * p)), seed)
    if way in {"kernel", "default"}:
        return shap_kernel(function, given.background, given.rows, m, seed, selects=way == "default")
    design = "shared" if way == "shared" else "auto"
    explainer = ferroshap.KernelExplainer(function, given.background, nsamples=m, design=design, seed=seed, threads=1)
    values = explainer.shap_values(given.rows)
    predicted = given.predict(given.rows)
    gap = np.abs(explainer.expected_value + values.sum(axis=1) - predicted) / np.maximum(1, np.abs(predicted))
    check(float(gap.max()), 1e-12, f"{given.name}, m={m}: sums of estimates apart from the prediction")
    return values
