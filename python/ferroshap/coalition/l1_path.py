"""The path of the lasso for the regression that Shapley values solve.

shap selects players by the lasso of an augmented regression: each coalition z with weight w(M − s) on (z, v(z) − v(∅)) and with
weight w s on (z − 1, v(z) − v(N)), which tells the regression of the constraint Σφ = Δ. Over all coalitions with the kernel's
weights w = 1/(C(M, s) s (M − s)), counting gives its normal equations: Gram matrix G = I + c 11', c = (M − 2)/M, and right side
φ + c Δ 1 = G φ with the Shapley values φ themselves. So all that the lasso needs of the game is φ, or the best estimate there is.

A solution at the penalty λ is β_j = soft(φ_j + t, λ), the shrinkage by λ towards 0, with t = c (Δ − Σβ). Between two entries t is
linear in λ, of slope c Σ(signs)/(1 + c |active|), which is below 1; so nothing that is active shrinks as λ falls, no player leaves, and
the steps of least angle regression (Efron, Hastie, Johnstone and Tibshirani 2004, "Least angle regression", Annals of Statistics 32)
are those of the lasso.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Knot:
    """The path where a player enters, or at its end.

    penalty
        λ, in units in which G has 1 + c on its diagonal.
    entered
        Players with a coefficient here, in the order in which they entered.
    coefficients
        β, `(m,)`.
    """

    penalty: float
    entered: tuple[int, ...]
    coefficients: Floats


def path(values: Floats) -> Iterator[Knot]:
    """Knots from the penalty at which no player has a coefficient down to 0, for `values` `(m,)` of at least two players.

    Of players that would enter at once the lowest is first. Each knot takes O(m).
    """
    c = coupling(len(values))
    shift, slope = c * float(values.sum()), 0.0  # t, and how it changes with the penalty
    signs = np.zeros(len(values))
    penalty = float(np.abs(values + shift).max())
    entered: list[int] = []
    while penalty > 0.0:
        yield Knot(penalty, tuple(entered), _coefficients(values, signs, shift, penalty))
        along = values + shift
        waiting = signs == 0.0
        steps = np.where(waiting, np.minimum((penalty - along) / (1 - slope), (penalty + along) / (1 + slope)), np.inf)
        # the one that enters here is at distance 0, up to rounding
        player = int(steps.argmin())
        if not np.isfinite(steps[player]):
            break
        signs[player] = 1.0 if along[player] > 0 else -1.0
        entered.append(player)
        slope = c * float(signs.sum()) / (1 + c * len(entered))
        waiting[player] = False
        steps = np.minimum((penalty - along) / (1 - slope), (penalty + along) / (1 + slope))[waiting]
        step = min(max(float(steps.min(initial=np.inf)), 0.0), penalty)
        penalty, shift = penalty - step, shift - slope * step
    yield Knot(0.0, tuple(entered), np.where(signs != 0.0, values, 0.0))


def coupling(m: int) -> float:
    """c, for m players."""
    return (m - 2) / m


def misfit(coefficients: Floats, values: Floats) -> float:
    """(β − φ)' G (β − φ): what the sum of squares of the regression is above its least."""
    off = coefficients - values
    return float(off @ off + coupling(len(values)) * off.sum() ** 2)


def kernel_mass(m: int) -> float:
    """The sum of the kernel's weights over all coalitions of m players but the empty and the full one."""
    sizes = np.arange(1, m)
    return float((1.0 / (sizes * (m - sizes))).sum())


def _coefficients(values: Floats, signs: Floats, shift: float, penalty: float) -> Floats:
    return np.where(signs != 0.0, values + shift - signs * penalty, 0.0)
