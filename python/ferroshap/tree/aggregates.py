"""Rows through a prepared model into the totals of an `Aggregate`: no row's values are kept."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ferroshap.explanation import no_totals
from ferroshap.inputs import InputRows
from ferroshap.inputs.sparse import SparseRows
from ferroshap.progress import Progress

from .part import OfPart
from .run import CHUNK_BYTES, from_row

Floats = npt.NDArray[np.floating[Any]]

# What the kernel makes the statistics of first: chunks end where its blocks do, so that they do not show in the sums.
BLOCK = 128
MOST_ROWS = 2**17


@dataclass(frozen=True)
class AggregateRun(OfPart):
    """How rows go into totals, each checked."""

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

        `before` is how many rows came before these, for what is said of one.
        """
        n, part = len(rows), self.part
        totals, worst = no_totals(n_groups, part.n_features, part.n_outputs), 0.0
        for first, chunk in rows.blocks(self._step(rows)):
            sums = np.empty((len(chunk), part.n_outputs))
            self.plan.aggregate(
                chunk,
                totals,
                sums,
                features=part.feature_numbers,
                outputs=part.output_numbers,
                groups=None if groups is None else groups[first : first + len(chunk)],
                missing=self.model.schema.missing,
                threads=self.threads,
                progress=from_row(before + first, before + n, report),
            )
            gap = self.worst_gap(chunk, sums, first, check=check, library=library, before=before)
            worst = max(worst, gap or 0.0)
            if report is not None:
                report(before + first + len(chunk), before + n)
        return totals, worst if check else None

    def _step(self, rows: InputRows) -> int:
        """Rows of a chunk: sums and predictions, and what sparse rows become, in bounded memory."""
        step = min(MOST_ROWS, CHUNK_BYTES // (8 * 4 * self.model.n_outputs))
        if isinstance(rows.values, SparseRows):
            step = min(step, rows.values.block_rows)
        return max(step // BLOCK, 1) * BLOCK
