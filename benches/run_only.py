"""The run alone: by an explainer that is there, without its check, at levels of vector instructions; and what making it takes."""

import time
from collections.abc import Callable
from statistics import median

import ferroshap
import numpy as np
from ferroshap import _native

BUILDINGS = 7


def runs_alone(definition: dict, explainer: ferroshap.TreeExplainer) -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    """Ours by an explainer that is there, without the check, at the levels of vector instructions asked for."""
    runs: dict[str, Callable[[np.ndarray], np.ndarray]] = {}
    for asked in levels_of(definition):
        if "level" not in asked:
            runs["run only"] = lambda some: explainer.shap_values(some, check_additivity=False)
            continue
        plan = _native.Plan(explainer.model._core, level=asked["level"])  # a level is no option of users

        def run(some: np.ndarray, plan: _native.Plan = plan) -> np.ndarray:
            out = np.empty((*some.shape, 1))
            plan.run(some, out, threads=1)
            return out[:, :, 0]

        runs[f"run only, {asked['level']}"] = run
    return runs


def levels_of(definition: dict) -> list[dict]:
    """The runs alone that this machine has the vector instructions for."""
    available = ferroshap.build_info()["simd_available"]
    return [asked for asked in definition.get("run_only", []) if asked.get("level", available[0]) in available]


def building(model: ferroshap.TreeEnsemble) -> dict[str, float]:
    """What making the explainer of a loaded model takes: the median of `BUILDINGS`, since one meets what else the machine does."""
    seconds = []
    for _ in range(BUILDINGS):
        start = time.perf_counter()
        explainer = ferroshap.TreeExplainer(model, threads=1)
        seconds.append(time.perf_counter() - start)
    return {"building_seconds": median(seconds), "building_bytes": explainer.describe()["bytes"]}


def large_plans(case: dict, most: dict[str, float]) -> list[str]:
    return [
        f"{case['peer']}, {case['case']}: building takes {case[f'building_{unit}']:.3g} {unit}, at most {limit:g}"
        for unit, limit in most.items()
        if case[f"building_{unit}"] > limit
    ]
