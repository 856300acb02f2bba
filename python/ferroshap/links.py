"""Links: what turns a model's raw output into the prediction that its library hands out."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from .errors import UnsupportedModelError

Kind = Literal["identity", "logistic", "exponential", "softmax"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class Link:
    """What turns the raw output of a model into its library's own prediction on the scale of the target.

    kind
        `"identity"`: they are the same; `"logistic"`: each output is the log-odds of a probability (of the positive class,
        or one of several labels that need not sum to 1); `"exponential"`: each is a logarithm; `"softmax"`: the outputs are
        those of classes, whose probabilities sum to 1. None: not known, or none of these.
    scale
        What the raw output is multiplied by first; not 1 for LightGBM's `sigmoid=` and some losses of scikit-learn.
    reason
        Where `kind` is None: why, for people.
    predicts_target
        Of the identity: whether the output is a prediction of the target itself, its mean or median, so that the squared
        error of it means something; not of quantiles, scores for ranking, logarithms and probabilities.
    """

    kind: Kind | None
    scale: float = 1.0
    reason: str | None = None
    predicts_target: bool = False

    def prediction(self, margins: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """The prediction for raw outputs `(n, o)`, in their shape and float64; also `(n,)` of a single output.

        It is what the library's `predict` gives for regressions, and `predict_proba` for classifiers: one column, the
        probability of the positive class, where there is one output. Numbers beyond float64 become infinite. Raises
        `UnsupportedModelError` where `kind` is None.
        """
        if self.kind is None:
            raise UnsupportedModelError(f"the prediction is not known from the raw output: {self.reason}")
        scaled = np.asarray(margins, np.float64) * self.scale
        return FORMULAS[self.kind](scaled)


def unknown(reason: str) -> Link:
    """No link that is supported, and why; the reason is the rest of a sentence."""
    return Link(None, reason=reason)


def _identity(margins: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return margins


def _logistic(margins: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    small = np.exp(-np.abs(margins))  # at most 1, whatever the sign
    return np.where(margins < 0.0, small, 1.0) / (1.0 + small)


def _exponential(margins: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    with np.errstate(over="ignore"):
        return np.exp(margins)


def _softmax(margins: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    shares = np.exp(margins - margins.max(axis=-1, keepdims=True))
    normed: npt.NDArray[np.float64] = shares / shares.sum(axis=-1, keepdims=True)
    return normed


FORMULAS: dict[Kind, Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]] = {
    "identity": _identity,
    "logistic": _logistic,
    "exponential": _exponential,
    "softmax": _softmax,
}

IDENTITY = Link("identity")
OF_TARGET = Link("identity", predicts_target=True)
LOGISTIC = Link("logistic")
EXPONENTIAL = Link("exponential")
SOFTMAX = Link("softmax")
