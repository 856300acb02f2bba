"""`model_output`: which function of the raw output is explained."""

import reprlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from ferroshap.ensemble import TreeEnsemble
from ferroshap.errors import OptionError, UnsupportedModelError


@dataclass(frozen=True)
class ModelOutput:
    """What is explained, as a function of the raw outputs m of a row.

    kind
        `"identity"`: m; `"logistic"`, `"exponential"`: 1 / (1 + e^(−s m)), e^(s m) of each output by itself; `"softmax"`:
        the shares of e^(s m) of all outputs. Of a row whose label is y: `"logistic log-loss"` and `"softmax log-loss"`: −log
        of the probability of y, one output; `"squared error"`: (y − m)².
    scale
        s: what m is multiplied by first.
    unit
        The `output_space` of the values.
    """

    kind: Literal[
        "identity",
        "logistic",
        "exponential",
        "softmax",
        "logistic log-loss",
        "softmax log-loss",
        "squared error",
    ]
    scale: float
    unit: str


def output_of(model: TreeEnsemble, model_output: Any) -> ModelOutput:
    """What the option `model_output` means for a model.

    `"raw"`: the sum of the trees. `"probability"`: of a classifier's classes (of two the positive one). `"predict"`: what the
    model's own library predicts on the scale of the target: `"probability"` for classifiers. `"log_loss"`: the loss of a
    prediction, for classifiers the log-loss, for regressions the squared error.

    Raises OptionError for anything else, and UnsupportedModelError for an output that the model has not; it names those that
    it has.
    """
    if not isinstance(model_output, str) or model_output not in RULES:
        raise OptionError(
            f"model_output is {reprlib.repr(model_output)}; expected 'raw' (the sum of the trees), 'probability', 'predict' "
            "(what the library predicts) or 'log_loss'"
        )
    found = RULES[model_output](model)
    if isinstance(found, ModelOutput):
        return found
    others = [repr(name) for name, rule in RULES.items() if isinstance(rule(model), ModelOutput)]
    named = model.source if model.objective is None else f"{model.source}, objective {model.objective}"
    raise UnsupportedModelError(
        f"model_output={model_output!r} is not for this model ({named}): {found}; what can be explained is "
        f"{' or '.join(others)}"
    )


def _raw(model: TreeEnsemble) -> ModelOutput:
    return ModelOutput("identity", 1.0, model.output_space)


def _probability(model: TreeEnsemble) -> ModelOutput | str:
    link = model.link
    if model.output_space == "probability":  # whatever is known of the link
        return _raw(model)
    if link.kind in ("logistic", "softmax"):
        return ModelOutput(link.kind, link.scale, "probability")
    if link.kind is None:
        return _unknown(model)
    return "it predicts no probability"


def _predict(model: TreeEnsemble) -> ModelOutput | str:
    link = model.link
    if link.kind is None:
        return _unknown(model)
    if link.kind == "identity":
        return _raw(model)
    if link.kind == "exponential":
        return ModelOutput(link.kind, link.scale, "prediction")
    return _probability(model)


def _log_loss(model: TreeEnsemble) -> ModelOutput | str:
    link = model.link
    if link.kind is None:
        return _unknown(model)
    if link.kind == "softmax":
        return ModelOutput("softmax log-loss", link.scale, "log-loss")
    if link.kind == "exponential":
        return "its loss with a logarithmic link has no values that are supported"
    if link.kind == "identity" and not link.predicts_target:
        if model.output_space == "probability":
            return "its trees add up to a probability, and the log-loss of a probability of 0 is infinite"
        return "its prediction is none of the target itself, whose squared error would be its loss"
    if model.n_outputs > 1:
        return f"its {model.n_outputs} outputs have a target each, and the loss is that of one"
    if link.kind == "logistic":
        return ModelOutput("logistic log-loss", link.scale, "log-loss")
    return ModelOutput("squared error", 1.0, "squared error")


def _unknown(model: TreeEnsemble) -> str:
    return f"its prediction is not known from its raw output: {model.link.reason}"


RULES: dict[str, Callable[[TreeEnsemble], ModelOutput | str]] = {
    "raw": _raw,
    "probability": _probability,
    "predict": _predict,
    "log_loss": _log_loss,
}
