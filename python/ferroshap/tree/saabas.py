"""`approximate=True`: Saabas values, which are those of the way that a row takes, and no Shapley values."""

from dataclasses import dataclass
from functools import cached_property
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

    @cached_property
    def _means(self) -> _native.Saabas:
        return self.model.saabas()

    @property
    def n_outputs(self) -> int:
        """See `Prepared`."""
        return self.model.n_outputs

    @property
    def base(self) -> Floats64:
        """See `Prepared`."""
        return self._means.expected_value

    @property
    def bytes(self) -> int:
        """See `Prepared`."""
        return self._means.bytes

    def admit(self, rows: int) -> None:
        """Any number of rows: the cost of a row is small."""

    def explain(
        self, chunk: Floats, out: Floats, *, labels: Floats64 | None, threads: int | None, progress: Progress | None
    ) -> None:
        """See `Prepared`."""
        self._means.run(chunk, out, missing=self.model.schema.missing, threads=threads, progress=progress)

    def target(self, chunk: Floats, *, labels: Floats64 | None, threads: int | None) -> Target:
        """See `Prepared`."""
        predicted = self.model.predict_rows(chunk, exact=True, threads=threads)
        return Target(predicted, self.base, self._means.scale)

    def rounding_scale(self, predicted: Floats64) -> Floats64:
        """See `Prepared`."""
        return self._means.scale

    def describe(self) -> dict[str, Any]:
        """See `Prepared`."""
        return {"bytes": self.bytes}
