"""Rows through a prepared model: in chunks, each checked before the next."""

import logging
import time
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ferroshap.additivity import library_bound, worst_gap, worst_library_gap
from ferroshap.ensemble import TreeEnsemble
from ferroshap.inputs import InputRows
from ferroshap.options import empty_output
from ferroshap.progress import Progress, reporting

from .prepared import Prepared, Target

log = logging.getLogger("ferroshap")

Floats = npt.NDArray[np.floating[Any]]

# Rows are explained in chunks, so that what is held beside the result stays near this size whatever it takes.
CHUNK_BYTES = 2**24
CHUNK_ROWS = 256  # at least: threads share a chunk


@dataclass(frozen=True)
class Run:
    """A model, prepared for its game, and how rows go through it."""

    model: TreeEnsemble
    prepared: Prepared
    threads: int | None
    progress: Progress | Literal[True] | None

    def explain(
        self,
        rows: InputRows,
        out: Floats,
        *,
        check: bool,
        library: Floats | None,
        labels: npt.NDArray[np.float64] | None = None,
        before: int = 0,
    ) -> None:
        """Writes `(n, f, o)`, C order, into `out`; `library` is a prediction to check against besides, `labels` are for losses.

        `before` is how many rows came before these, for what is said of one.

        In chunks of rows: the check needs the predictions, and for float32 the float64 values, of one chunk only. A row
        has the same values in any chunk.
        """
        started = time.perf_counter()
        n, f, o = len(rows), self.model.n_features, self.prepared.n_outputs
        self.prepared.admit(n)
        step = max(CHUNK_ROWS, CHUNK_BYTES // (8 * max(f, 1) * o))
        rounding = check and out.dtype == np.float32
        scratch = np.empty((min(step, n), f, o)) if rounding else None
        with reporting(self.progress) as report:
            for first, chunk in rows.blocks(step):
                written = out[first : first + len(chunk)]
                values = written if scratch is None else scratch[: len(chunk)]
                own = None if labels is None else labels[first : first + len(chunk)]
                told = from_row(first, n, report)
                self.prepared.explain(chunk, values, labels=own, threads=self.threads, progress=told)
                if check or library is not None:
                    target = self.prepared.target(chunk, labels=own, threads=self.threads)
                    worst_gap(values, target.predicted, target.base, target.scale, first_row=before + first)
                    if library is not None:
                        float32 = self.model.predicts_in_float32
                        bound = library_bound(target.scale, self.model.n_trees, float32=float32)
                        theirs = library[first : first + len(chunk)]
                        worst_library_gap(values, theirs, target.base, bound, first_row=before + first)
                if scratch is not None:
                    written[...] = values
                if report is not None:
                    report(first + len(chunk), n)
        log.debug("%d rows explained in %.1f ms", n, 1e3 * (time.perf_counter() - started))

    def with_target(
        self, rows: InputRows, labels: npt.NDArray[np.float64] | None
    ) -> "tuple[npt.NDArray[np.float64], Target]":
        """Unchecked float64 values `(n, f, o)` and what they add up to."""
        n, o = len(rows), self.prepared.n_outputs
        self.prepared.admit(n)
        values = empty_output((n, self.model.n_features, o), np.float64)
        target = Target(np.empty((n, o)), np.empty((n, o)), np.empty((n, o)))
        with reporting(self.progress) as report:
            for first, block in rows.blocks():
                here = slice(first, first + len(block))
                own = None if labels is None else labels[here]
                told = from_row(first, n, report)
                self.prepared.explain(block, values[here], labels=own, threads=self.threads, progress=told)
                of_block = self.prepared.target(block, labels=own, threads=self.threads)
                target.predicted[here], target.base[here] = of_block.predicted, of_block.base
                target.scale[here] = of_block.scale
                if report is not None:
                    report(first + len(block), n)
        return values, target


def from_row(first: int, n: int, report: Progress | None) -> Progress | None:
    """What tells the progress of all `n` rows, given that of a chunk whose first row is `first`."""
    return None if report is None else lambda done, _of_chunk: report(first + done, n)
