"""What an estimator knows about its own accuracy."""

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from .positions import Chosen, taken

Array = npt.NDArray[Any]

# The axes that each field may have: all of the explanation's that are named here, or none (one number for all rows).
FIELD_AXES = {
    "standard_errors": ("row", "feature", "output"),
    "background_se": ("row", "feature", "output"),
    "n_evals": ("row",),
    "converged": ("row",),
    "exact": ("row",),
}


@dataclass(frozen=True)
class Details:
    """The accuracy of estimated values; None where an estimator does not tell. Exact values need none.

    standard_errors
        The standard error of each value by the estimator's own randomness, in the shape of `values`.
    background_se
        The standard error of each value by the choice of background rows, in the shape of `values`.
    n_evals
        Evaluations of the model: one number, or one a row.
    converged
        Whether the accuracy asked for was reached: one answer, or one a row.
    exact
        Whether the values are exact after all: one answer, or one a row.
    """

    standard_errors: Any = None
    background_se: Any = None
    n_evals: Any = None
    converged: Any = None
    exact: Any = None

    def __repr__(self) -> str:
        known = {field.name: getattr(self, field.name) for field in fields(self)}
        return (
            f"Details({', '.join(f'{name} {_shortly(value)}' for name, value in known.items() if value is not None)})"
        )

    def arrays(self) -> "list[tuple[str, Array, tuple[str, ...]]]":
        """The fields that have axes: name, array, and the axes it has where the explanation has them."""
        given = [(field, getattr(self, field), axes) for field, axes in FIELD_AXES.items()]
        return [
            (field, np.asarray(value), axes) for field, value, axes in given if value is not None and np.ndim(value)
        ]

    def take(self, axes: tuple[str, ...], chosen: Chosen) -> "Details":
        """Those of the chosen rows, features and outputs of an explanation that has these axes."""
        parts = {
            field: taken(array, tuple(axis for axis in axes if axis in possible), chosen)[()]
            for field, array, possible in self.arrays()
        }
        return replace(self, **parts)


def _shortly(value: Any) -> str:
    """One number, or what is said of all rows in a few words."""
    array = np.asarray(value)
    if not array.ndim or not array.size:
        return f"{value}"
    if array.dtype.kind == "b":
        return f"{int(array.sum())} of {len(array)}"
    least, most = (f"{end:,}" if array.dtype.kind in "iu" else f"{end:.4g}" for end in (array.min(), array.max()))
    return least if least == most else f"{least} to {most}"
