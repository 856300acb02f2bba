"""Rows through a prepared model into the totals of an `Aggregate`: no row's values are kept."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ferroshap.explanation import add_totals, no_totals, totals_of
from ferroshap.inputs import InputRows
from ferroshap.inputs.sparse import SparseRows
from ferroshap.progress import Progress

from .part import Labels, OfPart
from .prepared import PreparedRaw
from .run import CHUNK_BYTES, from_row

Floats = npt.NDArray[np.floating[Any]]
Groups = npt.NDArray[np.uint32] | None  # the number of each row's group

# What the kernel makes the statistics of first: chunks end where its blocks do, so that they do not show in the sums.
BLOCK = 128
MOST_ROWS = 2**17


@dataclass(frozen=True)
class AggregateRun(OfPart):
    """How rows go into totals, each checked."""

    def totals(
        self,
        rows: InputRows,
        groups: Groups,
        n_groups: int,
        *,
        check: bool,
        library: Floats | None,
        labels: Labels,
        before: int,
        report: Progress | None,
    ) -> tuple[npt.NDArray[np.float64], float | None]:
        """`(6, g, features, outputs)`: the totals of each group of the rows; and the worst gap, None if they are not checked.

        `labels` are for losses; `before` is how many rows came before these, for what is said of one.
        """
        n, worst = len(rows), 0.0
        totals = no_totals(n_groups, self.part.n_features, self.part.n_outputs)
        self.prepared.admit(n)
        for first, chunk in rows.blocks(self._step(rows)):
            here = slice(first, first + len(chunk))
            own = None if labels is None else labels[here]
            told = from_row(before + first, before + n, report)
            sums = self._add(chunk, totals, None if groups is None else groups[here], own, told)
            worst = max(worst, self.worst_gap(chunk, sums, first, own, check=check, library=library, before=before))
            if report is not None:
                report(before + first + len(chunk), before + n)
        return totals, worst if check else None

    def _add(
        self,
        chunk: Floats,
        totals: npt.NDArray[np.float64],
        groups: Groups,
        labels: Labels,
        report: Progress | None,
    ) -> npt.NDArray[np.float64]:
        """Adds a chunk to the totals; `(n, 1, outputs)`: what all the features of each row add up to."""
        if not isinstance(self.prepared, PreparedRaw):
            return self._add_values(chunk, totals, groups, labels, report)
        sums = np.empty((len(chunk), self.part.n_outputs))
        self.prepared.plan.aggregate(
            chunk,
            totals,
            sums,
            features=self.part.feature_numbers,
            outputs=self.part.output_numbers,
            groups=groups,
            missing=self.model.schema.missing,
            threads=self.threads,
            progress=report,
        )
        return sums[:, None, :]

    def _add_values(
        self,
        chunk: Floats,
        totals: npt.NDArray[np.float64],
        groups: Groups,
        labels: Labels,
        report: Progress | None,
    ) -> npt.NDArray[np.float64]:
        """The same by way of the values of a chunk: other output spaces than the raw one have no totals of their own."""
        wanted, of_all = self.values(chunk, labels, report)
        for group in [0] if groups is None else np.unique(groups):
            add_totals(totals[:, group], totals_of(wanted if groups is None else wanted[groups == group]))
        return of_all

    def _step(self, rows: InputRows) -> int:
        """Rows of a chunk: sums and predictions, and what sparse rows become, in bounded memory."""
        step = min(MOST_ROWS, CHUNK_BYTES // (8 * 4 * self.model.n_outputs))
        if not isinstance(self.prepared, PreparedRaw):
            step = min(step, CHUNK_BYTES // (8 * max(self.model.n_features, 1) * self.model.n_outputs))
        if isinstance(rows.values, SparseRows):
            step = min(step, rows.values.block_rows)
        return max(step // BLOCK, 1) * BLOCK
