"""K7, K8: what is exact, and how many model rows exactness takes for discrete columns."""

import math
import warnings
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import ferroshap
import numpy as np

from .cases import case
from .peers import ours, shap_kernel
from .readings import Counted, Floats, Reading


def exact_values(definition: dict[str, Any]) -> Iterator[Reading]:
    """Enumerated games against the definition, Tree SHAP and a linear model; sums of estimates against predictions."""
    for ways in definition["orders"]:
        for p in definition["players"]:
            yield Reading("brute_force", f"{ways}-way games of {p} players", _games(ways, p, definition["games"]))
    given = case(definition["data"], 10, 30)
    explainer = ferroshap.KernelExplainer(given.predict, given.background, nsamples=2 ** given.rows.shape[1])
    truth = given.truth()
    gap = np.abs(explainer.shap_values(given.rows) - truth).max() / np.abs(truth).max()
    yield Reading("tree_shap", f"{given.name}, enumerated", float(gap))
    yield Reading("linear", "50 columns, estimated", _linear())
    for name in definition["estimated"]:
        given = case(name, 10, 30)
        predicted = given.predict(given.rows)
        for design in ("per_reference", "shared"):
            gaps = []
            for multiple in (0.5, 2, 5, 20):
                m = int(multiple * given.rows.shape[1])
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # of few samples
                    explainer = ferroshap.KernelExplainer(given.predict, given.background, nsamples=m, design=design)
                    sums = explainer.expected_value + explainer.shap_values(given.rows).sum(axis=1)
                gaps.append(np.abs(sums - predicted) / np.maximum(1, np.abs(predicted)))
            yield Reading("additivity", f"{name}, {design}", float(np.max(gaps)))


def _games(ways: int, p: int, count: int) -> float:
    """The largest relative difference from Shapley's sum over coalitions of games with terms of `ways` players."""
    rng = np.random.default_rng([ways, p])
    terms = [np.array(term) for term in combinations(range(p), ways)]
    members = (np.arange(2**p)[:, None] >> np.arange(p)) & 1 == 1
    worst = 0.0
    for _ in range(count):
        chosen = rng.choice(len(terms), min(20, len(terms)), replace=False)
        weights = rng.normal(size=len(chosen))

        def game(masks: Floats, chosen: Floats = chosen, weights: Floats = weights) -> Floats:
            return np.column_stack([masks[:, terms[at]].all(axis=1) for at in chosen]) @ weights

        expected = _shapley(game(members), p)
        found = ferroshap.kernel_shap(game, p, nsamples=2**p)
        assert found.details.exact
        worst = max(worst, float(np.abs(found.values - expected).max() / np.abs(expected).max()))
    return worst


def _shapley(values: Floats, p: int) -> Floats:
    """By the definition, from the values of all coalitions, numbered by their bits."""
    coalitions = np.arange(2**p)
    sizes = np.bitwise_count(coalitions)
    shares = np.array([1 / (p * math.comb(p - 1, size)) for size in range(p)])
    result = np.empty(p)
    for player in range(p):
        without = coalitions[coalitions >> player & 1 == 0]
        result[player] = shares[sizes[without]] @ (values[without | 1 << player] - values[without])
    return result


def _linear() -> float:
    rng = np.random.default_rng(2)
    rows, background, weights = rng.normal(size=(5, 50)), rng.normal(size=(30, 50)), rng.normal(size=50)
    truth = (rows - background.mean(axis=0)) * weights
    return float(
        np.abs(ours(lambda some: some @ weights, background, rows, nsamples=200) - truth).max() / np.abs(truth).max()
    )


def discrete(definition: dict[str, Any]) -> Iterator[Reading]:
    """Our model rows for exact values over those of shap's estimate; and how many rows were exact."""
    for asked in definition["cases"]:
        given = case(asked["data"], asked.get("rows", definition["rows"]), definition["background"])
        theirs = Counted(given.predict)
        shap_kernel(theirs, given.background, given.rows[:1], "auto")
        budget = {} if "times" not in asked else {"max_evals": int(asked["times"] * theirs.rows)}
        explainer = ferroshap.KernelExplainer(given.predict, given.background, **budget)
        found = explainer(given.rows)
        truth = given.truth()
        share = found.details.n_evals.mean() / theirs.rows
        apart = np.abs(found.values - truth).max() / np.abs(truth).max()
        details = {"rows": float(found.details.n_evals.mean()), "peer_rows": theirs.rows, "apart": float(apart)}
        details["most_rows"] = int(found.details.n_evals.max())
        if asked.get("bar", True):
            yield Reading("share", given.name, float(share), details)
            yield Reading("exact", given.name, float(found.details.exact.mean()))
            yield Reading("apart", given.name, float(apart))
        else:
            yield Reading(
                "uniform", f"{given.name}, {found.details.exact.mean():.0%} of rows exact", float(share), details
            )
