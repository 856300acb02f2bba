"""The user's model: called on the caller's thread, one call at a time, and every answer checked."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from ferroshap.errors import ModelError, OptionError

from .budget import MOST
from .outputs import read_outputs

Floats = npt.NDArray[np.float64]
NanPolicy = Literal["raise", "propagate"]

STAND_IN = 0.5  # for what is not finite, so that the rest goes its way; a number that all usual links are defined for
SHOWN = 12  # values of a row that a message shows


def name_of(function: Any) -> str:
    """What a message calls the model."""
    name = getattr(function, "__qualname__", None) or getattr(function, "__name__", None)
    return str(name).rpartition("<locals>.")[2] if name else type(function).__name__


def nan_policy_option(policy: Any) -> NanPolicy:
    """`policy`, if it is one; raises `OptionError`."""
    if policy not in get_args(NanPolicy):
        raise OptionError(f"nan_policy is {policy!r}; expected 'raise' or 'propagate'")
    chosen: NanPolicy = policy
    return chosen


@dataclass(frozen=True)
class Answers:
    """What the model returned for some rows: `values`, `(n, k)` float64, and which of them are `bad`, not finite."""

    values: Floats
    bad: npt.NDArray[np.bool_] | None


class Model:
    """A callable with the number of outputs that it has shown.

    Attributes
    ----------
    n_outputs
        How many outputs a row has.
    has_output_axis
        Whether the model returns `(n, k)`, and not `(n,)`.
    """

    most_rows = MOST  # of one call

    def __init__(self, function: Callable[[Any], Any], nan_policy: NanPolicy) -> None:
        self.function = function
        self.nan_policy = nan_policy
        self.name = name_of(function)
        self.n_outputs = 0  # not called yet
        self.has_output_axis = False

    def __call__(self, rows: Any, count: int, what: str) -> Answers:
        """The answers for `count` rows, which are `what` in messages.

        What the function raises goes through unchanged, with a note. Raises `TypeError` and `ModelError` for answers that are
        none.
        """
        try:
            returned = self.function(rows)
        except BaseException as error:
            if isinstance(error, Exception):
                array = isinstance(rows, np.ndarray)
                error.add_note(
                    f"ferroshap called {self.name} with {count:,} rows ({what}) as {_kind(rows)}"
                    + ("" if array else "; the model gets tables of the kind that `data` is")
                )
            raise
        values, has_axis = read_outputs(returned, count, self.name)
        del returned
        self._check_same(values.shape[1], has_axis=has_axis)
        finite = np.isfinite(values)
        if finite.all():
            return Answers(values, None)
        bad = ~finite
        if self.nan_policy == "raise":
            self._refuse(rows, bad, values, what)
        values[bad] = STAND_IN
        return Answers(values, bad)

    def _check_same(self, outputs: int, *, has_axis: bool) -> None:
        if not self.n_outputs:
            self.n_outputs, self.has_output_axis = outputs, has_axis
        elif outputs != self.n_outputs:
            raise ModelError(
                f"{self.name} returned {outputs} outputs a row, but {self.n_outputs} before; the number must not depend on the rows"
            )

    def _refuse(self, rows: Any, bad: npt.NDArray[np.bool_], values: Floats, what: str) -> None:
        row, output = (int(at) for at in np.argwhere(bad)[0])
        which = f" in output {output}" if self.has_output_axis else ""
        raise ModelError(
            f"{self.name} returned {values[row, output]}{which} for row {row} of {len(values):,} ({what}), and for "
            f"{int(bad.any(axis=1).sum()):,} of these rows in all; such values have no SHAP values. The row: {_shown(rows, row)}. Let "
            "the model answer such mixtures of rows, or pass nan_policy='propagate' (--nan-policy propagate): NaN for the rows and outputs "
            "concerned"
        )


def _kind(rows: Any) -> str:
    kind = type(rows)
    return f"{kind.__module__.partition('.')[0]}.{kind.__name__}"


def _shown(rows: Any, row: int) -> str:
    """One row of what the model was given, shortened."""
    try:
        if isinstance(rows, np.ndarray):
            values = rows[row].ravel().tolist()
        elif hasattr(rows, "tocsr"):
            values = rows.tocsr()[row].toarray().ravel().tolist()
        elif hasattr(rows, "iloc"):
            values = rows.iloc[row].tolist()
        elif hasattr(rows, "row"):
            values = list(rows.row(row))
        else:
            values = list(rows.slice(row, 1).to_pylist()[0].values())
    except Exception:  # noqa: BLE001  (a message must not fail)
        return "not shown"
    more = f", … {len(values) - SHOWN} more" if len(values) > SHOWN else ""
    return f"[{', '.join(f'{value!r}' for value in values[:SHOWN])}{more}]"
