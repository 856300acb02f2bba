"""What ferroshap raises and warns.

Every class is also the built-in kind a caller would expect, so `except ValueError` keeps working.
Messages say what was given, what was expected and what to do.
"""

import sys
import warnings
from types import FrameType

__all__ = [
    "AdditivityError",
    "ConvergenceWarning",
    "DataError",
    "FeatureMismatchError",
    "FerroshapError",
    "FerroshapWarning",
    "ModelError",
    "OptionError",
    "PlanError",
    "UnsupportedModelError",
]


class FerroshapError(Exception):
    """Any error of ferroshap's own."""


class UnsupportedModelError(FerroshapError, ValueError):
    """The model, or what is asked of it, is sound but not something ferroshap explains exactly.

    The message says what it is, what stands in the way, and the nearest that is supported.
    """


class ModelError(FerroshapError, ValueError):
    """The model is broken: the message names where (byte or line, or tree, node and field)."""


class DataError(FerroshapError, ValueError):
    """The rows cannot be read as this model's input: the message names the column and the value or dtype."""


class FeatureMismatchError(DataError):
    """The columns of the rows are not the features of the model: the message lists what is missing, unknown or double."""


class OptionError(FerroshapError, ValueError):
    """An argument has a value that is not accepted: the message says which values are."""


class PlanError(FerroshapError, ValueError):
    """The model is beyond a limit of the compiled plan: the message names which, and the way out."""


class AdditivityError(FerroshapError, ArithmeticError):
    """Base value plus SHAP values is not the prediction: a defect of ferroshap, please report it."""


class FerroshapWarning(UserWarning):
    """Something the caller should know, though the result is right."""


class ConvergenceWarning(FerroshapWarning):
    """An estimate stopped before reaching the accuracy asked for."""


def warn(message: str, category: type[FerroshapWarning] = FerroshapWarning) -> None:
    """Warns at the line of the user's code that called into ferroshap."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001
    level = 2  # of `frame`
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "ferroshap":
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)
