"""A model prepared for one game and one output space: what turns rows into values, and what the values add up to."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from ferroshap import _native
from ferroshap.ensemble import TreeEnsemble
from ferroshap.progress import Progress

Floats = npt.NDArray[np.floating[Any]]
Floats64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Target:
    """What the values of some rows add up to: `predicted − base`, `(n, o)`; `base` and `scale` fit that shape."""

    predicted: Floats64
    base: Floats64
    scale: Floats64


class Prepared(Protocol):
    """What a run needs of a game. `labels` are those of the chunk's rows, for losses, else None."""

    @property
    def n_outputs(self) -> int:
        """Outputs of the values."""

    @property
    def base(self) -> Floats64:
        """`(o,)`: what values are measured from where there are no labels."""

    @property
    def bytes(self) -> int:
        """The memory it takes."""

    def admit(self, rows: int) -> None:
        """Raises `PlanError` where so many rows are too much work."""

    def explain(
        self, chunk: Floats, out: Floats, *, labels: Floats64 | None, threads: int | None, progress: Progress | None
    ) -> None:
        """Writes the values of `chunk`, `(n, f, o)` with o the outputs of the values, into all of `out`."""

    def target(self, chunk: Floats, *, labels: Floats64 | None, threads: int | None) -> Target:
        """What those values add up to."""

    def describe(self) -> dict[str, Any]:
        """What it is made of."""


@dataclass(frozen=True)
class PreparedRaw:
    """Values of the raw output: one plan."""

    model: TreeEnsemble
    plan: _native.Plan

    @property
    def n_outputs(self) -> int:
        """See `Prepared`."""
        return self.model.n_outputs

    @property
    def base(self) -> Floats64:
        """See `Prepared`."""
        return self.plan.expected_value

    @property
    def bytes(self) -> int:
        """See `Prepared`; tables that are made when they pay off are made now."""
        return int(self.describe()["bytes"])

    def admit(self, rows: int) -> None:
        """Any number of rows: the cost of a row is small."""

    def explain(
        self, chunk: Floats, out: Floats, *, labels: Floats64 | None, threads: int | None, progress: Progress | None
    ) -> None:
        """See `Prepared`."""
        self.plan.run(chunk, out, missing=self.model.schema.missing, threads=threads, progress=progress)

    def target(self, chunk: Floats, *, labels: Floats64 | None, threads: int | None) -> Target:
        """See `Prepared`."""
        predicted = self.model.predict_rows(chunk, exact=True, threads=threads)
        return Target(predicted, self.base, self.plan.scale)

    def describe(self) -> dict[str, Any]:
        """See `Prepared`; as `bytes`."""
        self.plan.make_tables()
        return self.plan.describe()
