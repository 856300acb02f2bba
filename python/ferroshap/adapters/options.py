"""What a caller may choose when a model is read: its iterations, and the number that counts as missing."""

import math
import operator
from typing import Any

import numpy as np

from ferroshap.errors import OptionError


def resolve_iterations(iteration_range: Any, n_iterations: int) -> tuple[int, int]:
    """`(begin, end)` with `0 <= begin < end <= n_iterations`; None, and an end of 0 or None, mean all there are.

    Raises OptionError for anything else.
    """
    if iteration_range is None:
        return 0, n_iterations
    try:
        begin, end = iteration_range
        begin, end = operator.index(begin), operator.index(0 if end is None else end)
    except (TypeError, ValueError):
        raise OptionError(
            f"iteration_range={iteration_range!r}: expected two whole numbers (begin, end), end not included"
        ) from None
    stop = end or n_iterations
    if not 0 <= begin < stop <= n_iterations and (begin, stop) != (0, 0):
        raise OptionError(
            f"iteration_range=({begin}, {end}): expected 0 <= begin < end <= {n_iterations}, the iterations of the model"
            " (an end of 0 or None means all)"
        )
    return begin, stop


def resolve_missing(missing: Any) -> float | None:
    """XGBoost's `missing=` as it compares it, rounded to float32; None for NaN, which always is missing.

    Raises OptionError for anything but a number.
    """
    try:
        number = float(missing)
    except (TypeError, ValueError):
        raise OptionError(f"missing={missing!r}: expected a number") from None
    with np.errstate(over="ignore"):
        return None if math.isnan(number) else float(np.float32(number))


def asks_without_init(without_init: Any) -> bool:
    """Whether a model is to be read without its `init` estimator; raises OptionError for anything but True and False."""
    if not isinstance(without_init, bool | np.bool_):
        raise OptionError(f"without_init={without_init!r}: expected True or False")
    return bool(without_init)


def no_init(what: str) -> OptionError:
    """The error where a model is to be read without its `init` estimator and has none."""
    return OptionError(
        f"without_init=True: {what}; leave it out: it is for scikit-learn's GradientBoosting models that start from an"
        " estimator whose predictions differ from row to row"
    )


def refuse_missing(missing: Any, family: str) -> None:
    """Raises OptionError where `missing` is given for a library that has no such option; NaN is what they all do."""
    if missing is not None and resolve_missing(missing) is not None:
        raise OptionError(
            f"missing={missing!r}: only XGBoost models take another missing value than NaN, this is a {family} model;"
            " replace the value by NaN in the rows"
        )


def refuse_iterations(iteration_range: Any, kind: str) -> None:
    """Raises OptionError where `iteration_range` is given for a model without boosting iterations."""
    if iteration_range is not None:
        raise OptionError(
            f"iteration_range={iteration_range!r}: a {kind} has no boosting iterations, expected None; to explain some of"
            " the trees, explain a forest that has only those in estimators_"
        )
