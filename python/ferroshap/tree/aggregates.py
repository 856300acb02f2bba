"""Rows through a prepared model into the totals of an `Aggregate`: no row's values are kept."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ferroshap import _native
from ferroshap.additivity import library_bound, worst_gap, worst_library_gap
from ferroshap.ensemble import TreeEnsemble
from ferroshap.explanation import no_totals
from ferroshap.inputs import InputRows
from ferroshap.inputs.sparse import SparseRows
from ferroshap.progress import Progress

from .part import Part
from .run import CHUNK_BYTES, from_row

Floats = npt.NDArray[np.floating[Any]]

# What the kernel makes the statistics of first: chunks end where its blocks do, so that they do not show in the sums.
BLOCK = 128
MOST_ROWS = 2**17


@dataclass(frozen=True)
class AggregateRun:
    """A model, prepared for its game, and the part of the values that is aggregated."""

    model: TreeEnsemble
    plan: _native.Plan
    part: Part
    threads: int | None

    def totals(
        self,
        rows: InputRows,
        groups: npt.NDArray[np.uint32] | None,
        n_groups: int,
        *,
        check: bool,
        library: Floats | None,
        before: int,
        report: Progress | None,
    ) -> tuple[npt.NDArray[np.float64], float | None]:
        """`(6, g, features, outputs)`: the totals of each group of the rows; and the worst gap, None if they are not checked.

        The check is by what all the features of a row add up to, as in `PartRun`; `before` is how many rows came before.
        """
        totals = no_totals(n_groups, self.part.n_features, self.part.n_outputs)
        worst = 0.0 if check else None
        n, outputs = len(rows), self.part.output_numbers
        base, scale = self.plan.expected_value[outputs], self.plan.scale[outputs]
        bound = library_bound(scale, self.model.n_trees, float32=self.model.predicts_in_float32)
        for first, chunk in rows.blocks(self._step(rows)):
            here = slice(first, first + len(chunk))
            sums = np.empty((len(chunk), self.part.n_outputs))
            self.plan.aggregate(
                chunk,
                totals,
                sums,
                features=self.part.feature_numbers,
                outputs=outputs,
                groups=None if groups is None else groups[here],
                missing=self.model.schema.missing,
                threads=self.threads,
                progress=from_row(before + first, before + n, report),
            )
            if worst is not None:
                predicted = self.model.predict_rows(chunk, exact=True, threads=self.threads)[:, outputs]
                worst = max(worst, worst_gap(sums[:, None, :], predicted, base, scale, first_row=before + first))
            if library is not None:
                worst_library_gap(sums[:, None, :], library[here, outputs], base, bound, first_row=before + first)
            if report is not None:
                report(before + first + len(chunk), before + n)
        return totals, worst

    def _step(self, rows: InputRows) -> int:
        """Rows of a chunk: sums and predictions, and what sparse rows become, in bounded memory."""
        step = min(MOST_ROWS, CHUNK_BYTES // (8 * 4 * self.model.n_outputs))
        if isinstance(rows.values, SparseRows):
            step = min(step, rows.values.block_rows)
        return max(step // BLOCK, 1) * BLOCK
