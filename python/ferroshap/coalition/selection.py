"""`l1_reg`: players whose values are set to 0, what they had given to the others. A bias that the user asked for by name."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ferroshap.errors import OptionError, warn
from ferroshap.inputs.names import counted

from .estimated import Estimated
from .l1_path import Knot, kernel_mass, misfit, path

Floats = npt.NDArray[np.float64]

FEW = 0.2  # of the coalitions; below, "auto" selects


@dataclass(frozen=True)
class Selection:
    """How players are selected, of each output by itself.

    rule
        `"num_features"`: the first that the path of the lasso takes up, `number` of them; `"penalty"`: those of the lasso with
        scikit-learn's `alpha=number`; `"aic"`, `"bic"`: the point of the path where that criterion is least; `"auto"`: as `"aic"` for rows
        of which fewer than a fifth of the coalitions were evaluated, none for the others.
    text
        As the user wrote it.
    """

    rule: Literal["num_features", "penalty", "aic", "bic", "auto"]
    number: float
    text: str

    def apply(self, found: Estimated, references: int) -> None:
        """Selects in the estimates of all rows, of a background of so many rows; raises `OptionError` where no player is left."""
        changed = 0
        for row, varying in enumerate(found.varying):
            samples = 2.0 * found.n_evals[row] / references
            if len(varying) < 2 or (self.rule == "auto" and _are_many(found, row, len(varying), samples / 2)):
                continue
            changed += self._select(found, row, varying.astype(np.intp), samples)
        if changed:
            warn(
                f"l1_reg={self.text} set values to 0 in {counted(changed, 'row')} and gave what they were to the players that are left: the "
                "values are biased, whatever the budget, and have no standard errors. Without l1_reg they are not"
            )

    def _select(self, found: Estimated, row: int, varying: npt.NDArray[np.intp], samples: float) -> bool:
        """Whether a value of the row became 0."""
        dropped = False
        for output in range(found.values.shape[2]):
            values = found.values[row, varying, output]
            if not np.isfinite(values).all() or not values.any():
                continue
            noise = _noise(found.standard_errors[row, varying, output]) if len(found.standard_errors) else 0.0
            kept = self._kept(values, noise, samples)
            if not len(kept):
                of = f"row {row}" if found.values.shape[2] == 1 else f"row {row}, output {output}"
                raise OptionError(
                    f"l1_reg={self.text} leaves no player of {of}, and base value plus values would not be its prediction; leave l1_reg "
                    "out, or ask for less of it"
                )
            if not np.delete(values, kept).any():
                continue
            refitted = np.zeros(len(values))
            refitted[kept] = values[kept] + np.delete(values, kept).sum() / len(kept)
            found.values[row, varying, output] = refitted
            found.unknown_errors(row, output)
            dropped = True
        return dropped

    def _kept(self, values: Floats, noise: float, samples: float) -> npt.NDArray[np.intp]:
        """Which players keep a value; `noise` is the variance of an estimate, `samples` the rows of the augmented regression."""
        if self.rule == "num_features":
            return _first(values, lambda knot: len(knot.entered) == self.number)
        if self.rule == "penalty":
            # α of 1/(2n) |y − Xβ|² + α |β|₁, with weights of sum 1 in X
            least = self.number * samples * kernel_mass(len(values))
            return _first(values, lambda knot: knot.penalty <= least)
        if noise == 0.0:  # exact: every player counts that has a value
            return np.flatnonzero(values)
        price = math.log(samples) if self.rule == "bic" else 2.0
        best = min(path(values), key=lambda knot: misfit(knot.coefficients, values) / noise + price * len(knot.entered))
        return np.array(best.entered, np.intp)


def selection_of(l1_reg: Any) -> Selection | None:
    """The selection that `l1_reg` names, None for False; raises `OptionError`."""
    if l1_reg is None or l1_reg is False:
        return None
    if isinstance(l1_reg, str):
        if l1_reg in {"aic", "bic", "auto"}:
            return Selection(l1_reg, 0.0, repr(l1_reg))  # type: ignore[arg-type]
        number = re.fullmatch(r"num_features\((\d+)\)", l1_reg)
        if number and int(number[1]):
            return Selection("num_features", int(number[1]), repr(l1_reg))
    elif isinstance(l1_reg, (int, float, np.integer, np.floating)) and not isinstance(l1_reg, (bool, np.bool_)):
        if l1_reg == 0:
            return None
        if 0 < l1_reg < np.inf:
            return Selection("penalty", float(l1_reg), repr(l1_reg))
    raise OptionError(
        f"l1_reg is {l1_reg!r}; expected False, or to set values to 0 'num_features(k)' with k from 1 on, 'aic', 'bic', 'auto', or a positive "
        "number, the penalty"
    )


def _first(values: Floats, wanted: Callable[[Knot], bool]) -> npt.NDArray[np.intp]:
    """The players with a coefficient at the first such knot, or at the end of the path."""
    knot = None
    for knot in path(values):
        if wanted(knot):
            break
    return np.array(() if knot is None else knot.entered, np.intp)


def _noise(standard_errors: Floats) -> float:
    """σ², where estimates have the covariance σ² (I − 11'/m): that of a regression with Gram matrix I + c 11' and a known sum."""
    m = len(standard_errors)
    return float((standard_errors**2).mean()) * m / (m - 1)


def _are_many(found: Estimated, row: int, players: int, samples: float) -> bool:
    return bool(found.exact[row]) or samples >= FEW * 2.0**players
