"""`supports`: whether a model can be explained, and if not, why."""

import warnings
from dataclasses import dataclass
from typing import Any

from .ensemble import load_model
from .errors import FerroshapWarning, ModelError, PlanError, UnsupportedModelError


@dataclass(frozen=True)
class Support:
    """True or false, with the reason.

    Attributes
    ----------
    supported : bool
        Whether `TreeExplainer(model)` works; the object itself is true or false like it.
    reason : str
        What the model is, if it is supported; else what stands in the way and what to do.
    """

    supported: bool
    reason: str

    def __bool__(self) -> bool:
        return self.supported


def supports(model: Any) -> Support:
    """Whether `TreeExplainer(model)` gives values, found by preparing it: costs what reading the model costs.

    `model` is anything `load_model` takes. Nothing is raised for a model that is broken or not supported; a path that
    cannot be opened is an `OSError`.

    Examples
    --------
    >>> import ferroshap
    >>> from sklearn.linear_model import LinearRegression
    >>> support = ferroshap.supports(LinearRegression())
    >>> bool(support)
    False
    >>> print(support.reason.partition(";")[0])
    sklearn.linear_model._base.LinearRegression is not a model that ferroshap explains
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FerroshapWarning)
            ensemble = load_model(model)
        ensemble.plan()
    except (UnsupportedModelError, ModelError, PlanError) as error:
        return Support(supported=False, reason=str(error))
    return Support(supported=True, reason=repr(ensemble))
