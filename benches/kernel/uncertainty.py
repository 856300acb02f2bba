"""K9: standard errors against the errors that there are, over many seeds."""

from collections.abc import Iterator
from typing import Any

import ferroshap
import numpy as np

from .cases import case
from .readings import Reading

NORMAL_95 = 1.959964


def calibration(definition: dict[str, Any]) -> Iterator[Reading]:
    """Root mean squares of the standard errors over those of the errors, and how many intervals hold the exact value."""
    for asked in definition["cases"]:
        given = case(asked["data"], definition["rows"], definition["background"])
        b, p = given.background.shape
        for kind in ("uniform", "uneven"):
            weights = np.ones(b) if kind == "uniform" else np.random.default_rng(5).gamma(1.0, size=b)
            trees = ferroshap.TreeExplainer(given.trees, given.background, weights=weights)
            truth = trees.shap_values(given.rows)
            for multiple in asked["multiples"]:
                errors, spreads = [], []
                for seed in range(definition["seeds"]):
                    explainer = ferroshap.KernelExplainer(
                        given.predict, given.background, weights=weights, nsamples=multiple * p, seed=seed, threads=1
                    )
                    found = explainer(given.rows)
                    errors.append(found.values - truth)
                    spreads.append(found.details.standard_errors)
                e, s = np.array(errors), np.array(spreads)
                name = f"{given.name}, m={multiple}M, {kind} weights"
                bias = np.abs(e.mean(axis=0)).max() / np.abs(truth).max()
                ratio = float(np.sqrt((s**2).mean() / (e**2).mean()))
                yield Reading("ratio", name, ratio, {"largest_mean_error": float(bias)})
                yield Reading("coverage", name, float((np.abs(e) <= NORMAL_95 * s).mean()))
