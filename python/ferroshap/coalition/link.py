"""Links: what is explained is `link(mean output)`, so that SHAP values add up in the unit of the link."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ferroshap.errors import DataError, OptionError

from .model import name_of

Floats = npt.NDArray[np.float64]

CLIP = 1e-15  # as shap does: the log-odds of 0 and 1 become -34.5 and 34.5
BEYOND = 1e-6  # how far a probability may be outside [0, 1] by rounding


@dataclass(frozen=True)
class GameLink:
    """A link of the game: `function` of mean outputs, `inverse` of what SHAP values add up to.

    name
        `"identity"`, `"logit"` or the name of the callable.
    """

    name: str
    function: Callable[[Floats], Floats] | None
    inverse: Callable[[Any], Any]

    @property
    def is_identity(self) -> bool:
        return self.function is None

    @property
    def output_space(self) -> str:
        """The unit of values."""
        if self.is_identity:
            return "model output"
        return "log-odds" if self.name == "logit" else f"{self.name} of the model output"

    def __call__(self, values: Floats) -> Floats:
        """The link of `values`, in their shape. Raises `DataError` where it is not defined, or not finite."""
        if self.function is None:
            return values
        linked = np.asarray(self.function(values), np.float64)
        if linked.shape != values.shape:
            raise OptionError(
                f"link {self.name} turned the shape {values.shape} into {linked.shape}; expected the same"
            )
        bad = np.isfinite(values) & ~np.isfinite(linked)
        if bad.any():
            raise DataError(f"link {self.name} of {values[bad][0]:g} is {linked[bad][0]:g}; it has to be finite")
        return linked

    # shap's names
    @property
    def f(self) -> Callable[[Any], Any]:
        """The link itself."""
        return self.function or _same

    @property
    def finv(self) -> Callable[[Any], Any]:
        """The inverse of the link."""
        return self.inverse

    def __str__(self) -> str:
        return self.name


def link_of(link: Any) -> GameLink:
    """The link given by name, as a callable with `.inverse`, or as shap's object; raises `OptionError`."""
    if isinstance(link, GameLink):
        return link
    if isinstance(link, str):
        if link not in LINKS:
            raise OptionError(f"link is {link!r}; expected 'identity', 'logit' or a callable with an attribute inverse")
        return LINKS[link]
    if _is_of_shap(link):
        name = str(link) if not callable(link) else str(getattr(link, "__name__", ""))
        if name in LINKS:
            return LINKS[name]
    if not callable(link) or not callable(getattr(link, "inverse", None)):
        raise OptionError(
            f"link is {link!r}; expected 'identity', 'logit' or a callable with an attribute inverse, the function back"
        )
    return GameLink(name_of(link), link, link.inverse)


def saturated(values: Floats) -> int:
    """How many probabilities are so close to 0 or 1 that logit clips them."""
    return int(((values < CLIP) | (values > 1.0 - CLIP)).sum())


def _is_of_shap(link: Any) -> bool:
    module = getattr(link, "__module__", None) or type(link).__module__
    return str(module).partition(".")[0] == "shap"


def _same(values: Any) -> Any:
    return values


def _logit(values: Floats) -> Floats:
    given = np.asarray(values, np.float64)
    outside = (given < -BEYOND) | (given > 1.0 + BEYOND)
    if outside.any():
        raise DataError(
            f"link='logit' takes probabilities, but the model gave {given[outside][0]:g}; pass a function that returns "
            "probabilities (predict_proba), or link='identity'"
        )
    clipped = np.clip(given, CLIP, 1.0 - CLIP)
    return np.log(clipped / (1.0 - clipped))


def _expit(values: Any) -> Any:
    given = np.asarray(values, np.float64)
    small = np.exp(-np.abs(given))
    return np.where(given < 0.0, small, 1.0) / (1.0 + small)


LINKS = {"identity": GameLink("identity", None, _same), "logit": GameLink("logit", _logit, _expit)}
