"""Engines of the core, made with the options of an explainer."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ferroshap import _native

from .budget import Budget, Design


@dataclass(frozen=True)
class Engines:
    """What all calls of an explainer have in common."""

    budget: Budget
    design: Design
    seed: int
    max_memory: int | None
    threads: int | None

    def make(
        self, weights: npt.NDArray[np.float64], reference_outputs: npt.NDArray[np.float64], n_players: int
    ) -> "_native.CoalitionEngine":
        """An engine for the rows of one call, against references of these weights, whose outputs are `(b, k)`."""
        return _native.CoalitionEngine(
            np.ascontiguousarray(weights),
            np.ascontiguousarray(reference_outputs),
            n_players=n_players,
            nsamples=self.budget.nsamples,
            max_evals=self.budget.max_evals,
            tol=self.budget.tol,
            design=self.design,
            seed=self.seed,
            max_memory=self.max_memory or MAX_MEMORY,
            threads=self.threads,
        )

    def evaluations(self, n_references: int, n_players: int) -> int:
        """About how many a row takes at most."""
        if self.budget.max_evals is not None:
            return self.budget.max_evals
        each = self.budget.nsamples or 2 * n_players + 2048
        return int(n_references * min(each, 2 ** min(n_players, 60)))

    @property
    def ahead(self) -> bool:
        """Whether there is a thread to mix rows on while the model runs."""
        return (self.threads or _native.default_threads()) > 1


MAX_MEMORY = 64 << 20
