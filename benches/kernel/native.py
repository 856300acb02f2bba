"""K11: tree models whose probabilities are explained without a call of anyone's Python."""

from collections.abc import Iterator
from typing import Any

import ferroshap
import numpy as np

from .cases import classifier
from .readings import Reading, alternating


def trees_in_the_core(definition: dict[str, Any]) -> Iterator[Reading]:
    """Seconds of XGBoost for as many rows over all of ours, masks and estimates included; and those of the same by its callback."""
    for name in definition["data"]:
        given = classifier(name, definition["rows"], definition["background"])
        function = given.callback()
        native = ferroshap.KernelExplainer(given.trees, given.background, model_output="probability", threads=1)
        called = ferroshap.KernelExplainer(function, given.background, threads=1)
        function.forget()
        (mine, theirs), values = alternating(
            definition["repetitions"],
            lambda native=native, given=given: native.shap_values(given.rows),
            lambda called=called, given=given: called.shap_values(given.rows),
        )
        model = function.seconds / definition["repetitions"]
        rows = function.rows / definition["repetitions"]
        details = {"ns_per_row": mine / rows * 1e9, "xgboost_ns_per_row": model / rows * 1e9, "callback": theirs / mine}
        yield Reading(f"per_reference_{ferroshap.build_info()['simd']}", name, model / mine, details)
        gap = np.abs(values[0] - values[1]).max() / np.abs(values[1]).max()
        yield Reading("apart", name, float(gap))
        routed = ferroshap.KernelExplainer(
            given.trees, given.background, threads=1
        )  # of raw values: Tree SHAP, all of them
        (exact,), _ = alternating(
            definition["repetitions"], lambda routed=routed, given=given: routed.shap_values(given.rows)
        )
        yield Reading("routed", f"{name}, raw values exactly", model / exact)
