"""Estimates of rows, gathered: values, their accuracy, and what the user should know of them."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from ferroshap.errors import ConvergenceWarning, warn
from ferroshap.explanation import Details
from ferroshap.inputs.names import counted
from ferroshap.options import empty_output

Floats = npt.NDArray[np.float64]

FEWER = "explain fewer rows at a time"


class Estimated:
    """The estimates of `n` rows for `p` players and `k` outputs.

    values, standard_errors, background_se
        `(n, p, k)` float64; without `errors` the last two are `(0, p, k)`.
    n_evals
        `(n,)` int64; `converged`, `exact`, `low_budget`: `(n,)` bool.
    varying
        Of each row the players in which it differs from some background row, lowest first.
    """

    def __init__(self, n: int, p: int, k: int, *, errors: bool = True) -> None:
        rows = n if errors else 0
        self.values: Floats = empty_output((n, p, k), np.float64, instead=FEWER)
        self.standard_errors: Floats = empty_output((rows, p, k), np.float64, instead=FEWER)
        self.background_se: Floats = empty_output((rows, p, k), np.float64, instead=FEWER)
        for array in (self.values, self.standard_errors, self.background_se):
            array.fill(0.0)
        self.n_evals = np.zeros(n, np.int64)
        self.converged = np.zeros(n, np.bool_)
        self.exact = np.zeros(n, np.bool_)
        self.low_budget = np.zeros(n, np.bool_)
        self.tells_of_background = True
        self.varying: list[npt.NDArray[np.integer[Any]]] = [np.empty(0, np.intp)] * n

    def put(self, estimates: "Iterable[Any]", active: npt.NDArray[np.intp] | None) -> None:
        """Puts estimates of the engine at their rows; `active` are the players that it knew, None for all."""
        players = slice(None) if active is None else active
        for estimate in estimates:
            row = estimate.row
            self.values[row, players] = estimate.values
            if len(self.standard_errors):
                self.standard_errors[row, players] = estimate.standard_errors
                self.background_se[row, players] = of_background = estimate.background_se
                self.tells_of_background &= not np.isnan(of_background).any()
            self.n_evals[row], self.converged[row] = estimate.n_evals, estimate.converged
            self.exact[row], self.low_budget[row] = estimate.exact, estimate.low_budget
            self.varying[row] = estimate.varying if active is None else active[estimate.varying]

    def without(self, bad: npt.NDArray[np.bool_]) -> None:
        """NaN for the rows and outputs that are `bad`, `(n, k)`."""
        if not bad.any():
            return
        for array in (self.values, self.standard_errors, self.background_se):
            if len(array):
                np.moveaxis(array, 1, 2)[bad] = np.nan

    def unknown_errors(self, row: int, output: int) -> None:
        """The values of an output of a row are no estimates of the engine any more."""
        self.exact[row] = False
        for array in (self.standard_errors, self.background_se):
            if len(array):
                array[row, :, output] = np.nan

    def warn(self, *, tol: float | None) -> None:
        """Warns of rows whose budget was too small, or did not reach `tol`."""
        low = int(self.low_budget.sum())
        if low:
            warn(
                f"{_rows(low)} had fewer than 2 coalitions for each player and background row: the values are estimates with large "
                "errors that standard_errors understates; raise nsamples or max_evals, or put columns into groups"
            )
        short = 0 if tol is None else int((~self.converged).sum())
        if short:
            warn(
                f"{_rows(short)} did not reach tol={tol:g} within the budget; raise nsamples or max_evals, or accept the standard "
                "errors in explanation.details",
                ConvergenceWarning,
            )

    def details(self, part: Any, *, output_axis: bool) -> Details:
        """The accuracy of one row (`part` is 0) or of all, as an explanation has it."""

        def own(array: Floats) -> Any:
            return array[part] if output_axis else array[part][..., 0]

        return Details(
            standard_errors=own(self.standard_errors),
            background_se=own(self.background_se) if self.tells_of_background else None,
            n_evals=self.n_evals[part],
            converged=self.converged[part],
            exact=self.exact[part],
        )


def _rows(count: int) -> str:
    return counted(count, "row")
