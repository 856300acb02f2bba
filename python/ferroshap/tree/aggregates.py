"""Rows through a prepared model into the totals of an `Aggregate`: no row's values are kept."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ferroshap.additivity import library_bound, worst_gap, worst_library_gap
from ferroshap.ensemble import TreeEnsemble
from ferroshap.explanation import no_totals
from ferroshap.inputs import InputRows
from ferroshap.inputs.sparse import SparseRows
from ferroshap.progress import Progress

from .part import Part
from .prepared import Prepared, PreparedRaw
from .run import CHUNK_BYTES, from_row

Floats = npt.NDArray[np.floating[Any]]

# What the kernel makes the statistics of first: chunks end where its blocks do, so that they do not show in the sums.
BLOCK = 128
MOST_ROWS = 2**17


@dataclass(frozen=True)
class AggregateRun:
    """A model, prepared for its game, and the part of the values that is aggregated."""

    model: TreeEnsemble
    prepared: Prepared
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
        self.prepared.admit(n)
        for first, chunk in rows.blocks(self._step(rows)):
            here = slice(first, first + len(chunk))
            told = from_row(before + first, before + n, report)
            sums = self._add(chunk, totals, None if groups is None else groups[here], told)
            if check or library is not None:
                target = self.prepared.target(chunk, labels=None, threads=self.threads)
                base, scale = target.base[..., outputs], target.scale[..., outputs]
                gap = worst_gap(sums, target.predicted[:, outputs], base, scale, first_row=before + first)
                worst = None if worst is None else max(worst, gap)
                if library is not None:
                    bound = library_bound(scale, self.model.n_trees, float32=self.model.predicts_in_float32)
                    worst_library_gap(sums, library[here, outputs], base, bound, first_row=before + first)
            if report is not None:
                report(before + first + len(chunk), before + n)
        return totals, worst

    def _add(
        self,
        chunk: Floats,
        totals: npt.NDArray[np.float64],
        groups: npt.NDArray[np.uint32] | None,
        report: Progress | None,
    ) -> npt.NDArray[np.float64]:
        """Adds a chunk to the totals; `(n, 1, outputs)`: what all the features of each row add up to."""
        features, outputs = self.part.feature_numbers, self.part.output_numbers
        if not isinstance(self.prepared, PreparedRaw):
            return self._add_values(chunk, totals, groups, report)
        sums = np.empty((len(chunk), self.part.n_outputs))
        self.prepared.plan.aggregate(
            chunk,
            totals,
            sums,
            features=features,
            outputs=outputs,
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
        groups: npt.NDArray[np.uint32] | None,
        report: Progress | None,
    ) -> npt.NDArray[np.float64]:
        """The same by way of the values of a chunk: other output spaces than the raw one have no totals of their own."""
        values = np.empty((len(chunk), self.model.n_features, self.prepared.n_outputs))
        self.prepared.explain(chunk, values, labels=None, threads=self.threads, progress=report)
        whole: npt.NDArray[np.float64] = values.sum(axis=1, keepdims=True)[:, :, self.part.output_numbers]
        wanted = values[:, self.part.feature_numbers[:, None], self.part.output_numbers]
        for group in [0] if groups is None else np.unique(groups):
            of_group = wanted if groups is None else wanted[groups == group]
            total = totals[:, group]
            total[0] += of_group.sum(axis=0)
            total[2] += np.abs(of_group).sum(axis=0)
            total[4] = np.minimum(total[4], of_group.min(axis=0, initial=np.inf))
            total[5] = np.maximum(total[5], of_group.max(axis=0, initial=-np.inf))
        return whole

    def _step(self, rows: InputRows) -> int:
        """Rows of a chunk: sums and predictions, and what sparse rows become, in bounded memory."""
        step = min(MOST_ROWS, CHUNK_BYTES // (8 * 4 * self.model.n_outputs))
        if not isinstance(self.prepared, PreparedRaw):
            step = min(step, CHUNK_BYTES // (8 * self.model.n_features * self.model.n_outputs))
        if isinstance(rows.values, SparseRows):
            step = min(step, rows.values.block_rows)
        return max(step // BLOCK, 1) * BLOCK
