"""XGBoost's `base_score`: its storage forms, and what each objective makes of it."""

import re
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ferroshap.errors import ModelError

from .float32_math import expm1f, logf

NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|[+-]?(inf|infinity|nan)", re.IGNORECASE)

# `base_score` is a probability, or a mean, here; everywhere else, custom objectives included, it is a margin.
PROBABILITY = frozenset({"binary:logistic", "reg:logistic"})
LOGARITHM = frozenset({"count:poisson", "reg:gamma", "reg:tweedie", "survival:cox", "survival:aft"})

EPSILON = np.float32(1e-6)
ONE = np.float32(1)


def base_margin(stored: str, objective: str, n_outputs: int, version: tuple[int, ...]) -> NDArray[np.float64]:
    """(o): what every prediction starts from, a float32 margin held in float64.

    `stored` is the text of `learner_model_param.base_score`: one number ("5E-1"), or since 3.1 a list of one or `o`.
    """
    scores = _parse(stored)
    if scores.size not in (1, n_outputs):
        raise ModelError(f"base_score is {stored[:80]!r}, expected one number or {n_outputs}, the number of outputs")
    with np.errstate(all="ignore"):
        if objective in PROBABILITY:
            margins = _each(scores, lambda p: _logit(p, clip=version >= (3, 2)))
        elif objective in LOGARITHM:
            margins = _each(scores, logf)
        elif objective == "reg:expectileerror" and scores.size > 1:
            margins = _expectiles(scores)
        else:
            margins = scores
    return np.ascontiguousarray(np.broadcast_to(margins, n_outputs), np.float64)


def _parse(stored: str) -> NDArray[np.float32]:
    inner = stored.strip()
    if inner[:1] in ("[", "(") and inner[-1:] in ("]", ")"):
        inner = inner[1:-1]
    parts = [part.strip() for part in inner.split(",")]
    if not all(NUMBER.fullmatch(part) for part in parts):
        raise ModelError(f"base_score is {stored[:80]!r}, expected a number or a list of numbers")
    with np.errstate(over="ignore"):
        return np.array([float(part) for part in parts], np.float64).astype(np.float32)


def _each(scores: NDArray[np.float32], link: Callable[[np.float32], np.float32]) -> NDArray[np.float32]:
    return np.array([link(score) for score in scores], np.float32)


def _logit(p: np.float32, *, clip: bool) -> np.float32:
    # The clip came with 3.2; it depends on the running library, and the file's version is the best known of it.
    if clip:
        p = min(max(p, EPSILON), ONE - EPSILON)
    return -logf(ONE / p - ONE)


def _expectiles(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    # Expectiles are stored as levels and predicted as a first level plus positive steps softplus(margin) + epsilon.
    steps = scores.copy()
    for j in range(1, scores.size):
        step = max(scores[j] - scores[j - 1] - EPSILON, EPSILON)
        steps[j] = step + logf(-expm1f(-step))  # the inverse of softplus
    return steps
