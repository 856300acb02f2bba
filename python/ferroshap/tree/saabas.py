"""`approximate=True`: Saabas values, which are those of the way that a row takes, and no Shapley values."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ferroshap import _native
from ferroshap.ensemble import TreeEnsemble
from ferroshap.progress import Progress

from .prepared import Target

Floats = npt.NDArray[np.floating[Any]]
Floats64 = npt.NDArray[np.float64]

ALGORITHM = "saabas"


@dataclass(frozen=True)
class PreparedSaabas:
    """A model with the mean value of each node, by its covers. See `Prepared`."""

    model: TreeEnsemble
    means: _native.Saabas
    base: Floats64

    @classmethod
    def of(cls, model: TreeEnsemble, base: Floats64, most: int | None) -> "PreparedSaabas":
        """With the base of the path-dependent game, `(o,)`: the mean prediction by the covers is the same, but for roundings.

        Raises `PlanError` for means of more than `most` bytes.
        """
        return cls(model, model.saabas(most=most), base)

    @property
    def n_outputs(self) -> int:
        """See `Prepared`."""
        return self.model.n_outputs

    @property
    def bytes(self) -> int:
        """See `Prepared`."""
        return self.means.bytes

    def admit(self, rows: int) -> None:
        """Any number of rows: the cost of a row is small."""

    def explain(
        self, chunk: Floats, out: Floats, *, labels: Floats64 | None, threads: int | None, progress: Progress | None
    ) -> None:
        """See `Prepared`."""
        self.means.run(chunk, out, missing=self.model.schema.missing, threads=threads, progress=progress)

    def target(self, chunk: Floats, *, labels: Floats64 | None, threads: int | None) -> Target:
        """See `Prepared`."""
        predicted = self.model.predict_rows(chunk, exact=True, threads=threads)
        return Target(predicted, self.base, self.means.scale)

    def describe(self) -> dict[str, Any]:
        """See `Prepared`."""
        return {"bytes": self.bytes}
