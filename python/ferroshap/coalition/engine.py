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
        self, weights: npt.NDArray[np.float64], reference_outputs: npt.NDArray[np.float64], n_players: int, usual: int
    ) -> "_native.CoalitionEngine":
        """An engine for rows against references of these weights, whose outputs are `(b, k)`; `usual` as in `samples`."""
        return _native.CoalitionEngine(
            np.ascontiguousarray(weights),
            np.ascontiguousarray(reference_outputs),
            n_players=n_players,
            nsamples=None if self.budget.max_evals is not None else self.samples(usual),
            max_evals=self.budget.max_evals,
            tol=self.budget.tol,
            design=self.design,
            seed=self.seed,
            max_memory=self.max_memory or MAX_MEMORY,
            threads=self.threads,
        )

    def samples(self, usual: int) -> int:
        """Coalitions for each reference; the default is by the players that there `usually` are, whatever rows are explained."""
        return self.budget.nsamples or 2 * usual + 2048

    def evaluations(self, n_references: int, usual: int) -> int:
        """About how many a row takes at most."""
        if self.budget.max_evals is not None:
            return self.budget.max_evals
        return int(n_references * min(self.samples(usual), 2 ** min(usual, 60)))

    @property
    def ahead(self) -> bool:
        """Whether there is a thread to mix rows on while the model runs."""
        return (self.threads or _native.default_threads()) > 1


MAX_MEMORY = 64 << 20
