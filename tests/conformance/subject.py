"""What a case of the conformance run trains."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np


class UntrainableError(Exception):
    """The training library itself does not train such a case."""


@dataclass
class Subject:
    """A trained model and what its library says about rows.

    live
        The model as ferroshap is given it.
    raw
        The library's own raw output of a table of numbers (n, f), missing entries NaN or a sentinel: (n,) or (n, o).
    own
        The library's own SHAP values of such a table, (n, f + 1, o), the base last; None where it has none.
    step
        The type in which the library compares: rows one step of it beside a threshold are checked too.
    options
        What `load_model` is told.
    categorical
        Whether the columns of `CATEGORIES` hold categories, and whether an array holds their codes.
    may_refuse
        What a refusal says where one is right, either of them; empty: the model has to be explained.
    last_bits
        Why predictions may differ from the library's by a few roundings; empty: they have to be bit-equal.
    defect
        What is known to be wrong with the library's own values of this model; empty: nothing.
    """

    live: Any
    raw: Callable[[np.ndarray], np.ndarray]
    own: Callable[[np.ndarray], np.ndarray | None] = lambda _: None
    step: type = np.float32
    options: dict = field(default_factory=dict)
    categorical: bool = False
    codes_in_arrays: bool = True
    takes_sparse: bool = True
    takes_infinity: bool = True
    dmatrix: Callable[[np.ndarray], Any] | None = None
    may_refuse: tuple[str, ...] = ()
    last_bits: str = ""
    defect: str = ""


@dataclass(frozen=True)
class Family:
    """A training library.

    axes
        The values of each axis.
    usual
        Axes that the product of all values keeps at their first value; the pairs vary them too.
    fits
        Whether a combination of values exists at all.
    train
        The model of a case. Raises `UntrainableError`.
    own_gap
        How far the library's own SHAP values may be from the exact ones, as a part of the largest; None: it has none.
    """

    name: str
    versions: str
    axes: dict
    usual: tuple
    fits: Callable[[dict], bool]
    train: Callable[[dict], Subject]
    own_gap: float | None
    step: type
