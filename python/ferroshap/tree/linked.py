"""A model behind a link: what is explained as a function of its margins, and what the background has of it."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from ferroshap import _native
from ferroshap.ensemble import TreeEnsemble
from ferroshap.errors import DataError
from ferroshap.inputs import SparseArrays

from .background import BackgroundRows
from .model_output import ModelOutput

Floats = npt.NDArray[np.floating[Any]]
Floats64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Rule:
    """How an output space is computed.

    by
        The weights of pairs, by the core's name.
    slope
        The term of the loss that is linear in margin and label: slope · label · margin. 0: no loss.
    steepest
        The most that a secant is, where that is one number.
    """

    by: str
    slope: float
    steepest: float | None


RULES = {
    "logistic": Rule("logistic", 0.0, 0.25),
    "exponential": Rule("exponential", 0.0, None),
    "softmax": Rule("softmax", 0.0, 1.0),
    "logistic log-loss": Rule("logistic loss", -1.0, 1.0),
    "softmax log-loss": Rule("softmax loss", -1.0, 1.0),
    "squared error": Rule("squared error", -2.0, None),
}


@dataclass(frozen=True)
class Linked:
    """A model, its output space, and the background that values are against."""

    model: TreeEnsemble
    output: ModelOutput
    background: BackgroundRows
    threads: int | None

    @property
    def rule(self) -> Rule:
        """How the output space is computed."""
        return RULES[self.output.kind]

    @property
    def of_softmax(self) -> bool:
        """Whether all margins of a row decide together."""
        return self.rule.by in {"softmax", "softmax loss"}

    @property
    def n_outputs(self) -> int:
        """Outputs of what is explained."""
        return 1 if self.rule.by == "softmax loss" else self.model.n_outputs

    def margins(self, chunk: Floats | SparseArrays) -> Floats64:
        """`(n, outputs of the model)` float64, times the link's own scale."""
        return self.model.predict_rows(chunk, exact=True, threads=self.threads) * self.output.scale

    def values(self, margins: Floats64, labels: Floats64 | None = None) -> Floats64:
        """`(n, o)`: what is explained, a loss with its labels' terms where there are labels."""
        if self.rule.by == "softmax":
            shifted = np.exp(margins - margins.max(axis=1, keepdims=True))
            found: Floats64 = shifted / shifted.sum(axis=1, keepdims=True)
        elif self.rule.by == "softmax loss":
            top = margins.max(axis=1, keepdims=True)
            found = top + np.log(np.exp(margins - top).sum(axis=1, keepdims=True))
        else:
            found = _native.link_values(self.rule.by, margins.reshape(-1)).reshape(margins.shape)
        return found if labels is None else found + self.of_labels(margins, labels)

    def of_labels(self, margins: Floats64, labels: Floats64) -> Floats64:
        """`(n, 1)`: the terms of a loss that hold the labels, of margins `(n, …)` or `(…,)` for all rows."""
        return self.rule.slope * self.at_labels(margins, labels) + self.free_of_margins(labels)

    def at_labels(self, margins: Floats64, labels: Floats64) -> Floats64:
        """`(n, 1)`: label · margin, for softmax the margin of the label."""
        rows = np.broadcast_to(margins, (len(labels), margins.shape[-1]))
        if self.of_softmax:
            return rows[np.arange(len(labels)), labels.astype(np.intp)][:, None]
        product: Floats64 = rows * labels[:, None]
        return product

    def free_of_margins(self, labels: Floats64) -> Floats64:
        """`(n, 1)` or 0: y² of the squared error (m − y)² = m² − 2 y m + y²."""
        return np.square(labels)[:, None] if self.output.kind == "squared error" else np.zeros(1)

    @cached_property
    def background_margins(self) -> Floats64:
        """`(b, outputs of the model)`."""
        margins = self.margins(self.background.numbers)
        if not np.isfinite(margins).all():
            raise DataError("a prediction of the background is not finite, and has no values in another output space")
        return margins

    def _mean(self, of_background: Floats64) -> Floats64:
        mean: Floats64 = np.average(of_background, axis=0, weights=self.background.weights)
        return mean

    @cached_property
    def base(self) -> Floats64:
        """`(o,)`: the weighted mean of what is explained over the background; of a loss without the labels' terms."""
        return self._mean(self.values(self.background_margins))

    @cached_property
    def mean_margins(self) -> Floats64:
        """`(outputs of the model,)`: the weighted mean margins of the background."""
        return self._mean(self.background_margins)

    def base_of(self, labels: Floats64 | None) -> Floats64:
        """What values are measured from: `(o,)`, of a loss `(n, 1)`."""
        return self.base if labels is None else self.base + self.of_labels(self.mean_margins, labels)

    def scale_of(self, margins: Floats64, predicted: Floats64, base: Floats64, labels: Floats64 | None) -> Floats64:
        """`(n, o)`: raw scale · steepest secant + |prediction| + |base|, what roundings are measured in."""
        steepest = self._steepest(margins, predicted)
        if labels is not None:
            steepest = steepest + abs(self.rule.slope) * (1.0 if self.of_softmax else np.abs(labels)[:, None])
        raw = self.model.rounding_scale * abs(self.output.scale)
        own = raw.sum() if self.of_softmax else raw
        scale: Floats64 = own * steepest + np.abs(predicted) + np.abs(base)
        return scale

    def _steepest(self, margins: Floats64, predicted: Floats64) -> Any:
        if self.rule.steepest is not None:
            return self.rule.steepest
        if self.rule.by == "exponential":  # a secant is at most the slope at the larger margin
            return np.maximum(predicted, np.exp(self.background_margins.max(axis=0)))
        return np.abs(margins) + np.abs(self.background_margins).max(axis=0)
