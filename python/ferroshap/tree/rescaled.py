"""Values in another output space than the raw one: the raw values against each background row, times a weight of the pair.

φ(x) = Σ_z ω_z w(f(x), f(z)) φ_raw(x, z), w the secant of the link; add up to g(f(x)) − Σ_z ω_z g(f(z)). `ByFactors` takes the
secant apart into products, so that all background rows are folded once; `ByPairs` goes through all pairs.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from ferroshap import _native
from ferroshap.errors import DataError, PlanError
from ferroshap.progress import Progress

from .linked import Linked
from .prepared import PreparedRaw, Target
from .references import bytes_of_references

Floats = npt.NDArray[np.floating[Any]]
Floats64 = npt.NDArray[np.float64]

# Rows whose margins leave the background's range widen it, by doubling, so many times; what is further out goes pair by pair.
MOST_BANDS = 4
LEAST_HALF = 1.0  # half of the narrowest range: a background of equal margins still meets other rows


@dataclass(frozen=True)
class PlanOptions:
    """How the plans of a background are made: as in `TreeExplainer`, `table_bytes` and `most` in bytes."""

    expected_rows: int
    table_bytes: int | None
    most: int | None
    pair_budget: int


class _Rescaled:
    """What both ways share."""

    def __init__(self, linked: Linked, options: PlanOptions) -> None:
        self.linked = linked
        self.options = options

    @property
    def n_outputs(self) -> int:
        """See `Prepared`."""
        return self.linked.n_outputs

    @property
    def base(self) -> Floats64:
        """See `Prepared`."""
        return self.linked.base

    def target(self, chunk: Floats, *, labels: Floats64 | None, threads: int | None) -> Target:
        """See `Prepared`."""
        margins = self.linked.margins(chunk)
        _check_finite(margins)
        predicted, base = self.linked.values(margins, labels), self.linked.base_of(labels)
        return Target(predicted, base, self.linked.scale_of(margins, predicted, base, labels))

    def _folded(self, weightings: Floats64 | None) -> _native.Plan:
        background, options = self.linked.background, self.options
        return self.linked.model.plan_against(
            background.numbers,
            weights=background.weights,
            weightings=weightings,
            expected_rows=options.expected_rows,
            table_bytes=options.table_bytes,
            threads=self.linked.threads,
        )

    def _within_memory(self, size: int) -> None:
        most, total = self.options.most, size + self.linked.background.bytes
        if most is not None and total > most:
            raise PlanError(
                f"the model prepared for this output space and its background take {total:,} bytes, but max_memory allows "
                f"{most:,}; allow as much, pass fewer rows (ferroshap.sample draws some), or explain fewer trees with "
                "iteration_range"
            )


class ByPairs(_Rescaled):
    """Each row against each background row: time n · b, bounded by a budget of pairs."""

    def __init__(self, linked: Linked, options: PlanOptions) -> None:
        super().__init__(linked, options)
        self._within_memory(self.bytes)

    @cached_property
    def _references(self) -> _native.References:
        background = self.linked.background
        return self.linked.model.references(background.numbers, weights=background.weights, threads=self.linked.threads)

    @cached_property
    def _plain(self) -> _native.Plan:
        """For the labels' terms of a loss, which are linear in the margins."""
        plain = self._folded(None)
        if self.options.most is not None:
            self._within_memory(self.bytes + PreparedRaw(self.linked.model, plain).bytes)
        return plain

    @property
    def bytes(self) -> int:
        """See `Prepared`."""
        return bytes_of_references(self.linked.model, len(self.linked.background))

    def admit(self, rows: int) -> None:
        """Raises `PlanError` for more pairs than the budget."""
        b = len(self.linked.background)
        if rows * b > self.options.pair_budget:
            raise PlanError(
                f"values of the {self.linked.output.unit} of this model are computed pair by pair, and {rows:,} rows against {b:,} "
                f"background rows are {rows * b:,} pairs, but pair_budget allows {self.options.pair_budget:,}; pass a larger "
                "pair_budget (about 10 µs a pair and thread for 100 trees of depth 6), fewer rows at a time, or fewer "
                "background rows (ferroshap.sample draws some)"
            )

    def explain(
        self, chunk: Floats, out: Floats, *, labels: Floats64 | None, threads: int | None, progress: Progress | None
    ) -> None:
        """See `Prepared`."""
        linked, missing, scale = self.linked, self.linked.model.schema.missing, self.linked.output.scale
        values = out if labels is None else np.empty(out.shape)
        self._references.weighted(
            chunk, linked.rule.by, values, scale=scale, missing=missing, threads=threads, progress=progress
        )
        if labels is not None:
            plain = np.empty((len(chunk), linked.model.n_features, linked.model.n_outputs))
            self._plain.run(chunk, plain, missing=missing, threads=threads)
            margins = plain.reshape(-1, linked.model.n_outputs) * scale
            of_labels = linked.at_labels(margins, np.repeat(labels, plain.shape[1])).reshape(out.shape)
            out[...] = values + linked.rule.slope * of_labels

    def describe(self) -> dict[str, Any]:
        """See `Prepared`."""
        return {"bytes": self.bytes, "pair_budget": self.options.pair_budget}


@dataclass(frozen=True)
class _Band:
    """The factors for margins in a range, and the background folded with them."""

    factors: _native.Factors
    plan: _native.Plan


class ByFactors(_Rescaled):
    """One output, by products: time n + b.

    A row is explained with the narrowest range of margins, out of a fixed list, that holds its own: a row has the same values
    in any batch. The list starts with the background's range; each next one is twice as wide, and made when a row needs it.
    """

    def __init__(self, linked: Linked, options: PlanOptions, first: _native.Factors) -> None:
        super().__init__(linked, options)
        self._bands: dict[int, _Band | None] = {}
        self._bands[0] = self._made(first)

    @classmethod
    def of(cls, linked: Linked, options: PlanOptions) -> "ByFactors | None":
        """None: the range of the background's margins is too wide."""
        first = _native.Factors.over(linked.rule.by, *_range(linked, 0))
        return None if first is None else cls(linked, options, first)

    @cached_property
    def _pairs(self) -> ByPairs:
        return ByPairs(self.linked, self.options)

    @property
    def bytes(self) -> int:
        """See `Prepared`."""
        return sum(int(band.plan.describe()["bytes"]) for band in self._bands.values() if band is not None)

    def admit(self, rows: int) -> None:
        """Any number of rows: the cost of a row is small."""

    def explain(
        self, chunk: Floats, out: Floats, *, labels: Floats64 | None, threads: int | None, progress: Progress | None
    ) -> None:
        """See `Prepared`."""
        margins = self.linked.margins(chunk)[:, 0]
        _check_finite(margins)
        which = self._bands_of(margins)
        for number in np.unique(which):
            rows = np.flatnonzero(which == number)
            whole = len(rows) == len(chunk)
            part = out if whole else np.empty((len(rows), *out.shape[1:]), dtype=out.dtype)
            given = chunk if whole else np.ascontiguousarray(chunk[rows])
            own = None if labels is None else labels[rows]
            band = self._band(int(number))
            if band is None:
                self._pairs.admit(len(rows))
                self._pairs.explain(given, part, labels=own, threads=threads, progress=None)
            else:
                mix = self._mix(band.factors, margins[rows], own)
                missing, told = self.linked.model.schema.missing, progress if whole else None
                band.plan.run(given, part, mix=mix, missing=missing, threads=threads, progress=told)
            if not whole:
                out[rows] = part

    def _mix(self, factors: _native.Factors, margins: Floats64, labels: Floats64 | None) -> Floats64:
        """What each weighting counts for each row; the last, of the background's own weights, is that of the labels."""
        mix = factors.of_rows(margins)
        if self.linked.rule.slope:
            of_labels = np.zeros(len(mix)) if labels is None else self.linked.rule.slope * labels
            mix = np.column_stack([mix, of_labels])
        return np.ascontiguousarray(mix * self.linked.output.scale)

    def _bands_of(self, margins: Floats64) -> npt.NDArray[np.intp]:
        which = np.full(len(margins), MOST_BANDS, dtype=np.intp)
        for number in reversed(range(MOST_BANDS)):
            low, high = _range(self.linked, number)
            which[(low <= margins) & (margins <= high)] = number
        return which

    def _band(self, number: int) -> _Band | None:
        if number >= MOST_BANDS:
            return None
        if number not in self._bands:
            factors = _native.Factors.over(self.linked.rule.by, *_range(self.linked, number))
            self._bands[number] = None if factors is None else self._made(factors)
            self._within_memory(self.bytes)
        return self._bands[number]

    def _made(self, factors: _native.Factors) -> _Band:
        weightings = factors.of_background(np.ascontiguousarray(self.linked.background_margins[:, 0]))
        if self.linked.rule.slope:
            weightings = np.column_stack([weightings, np.ones(len(weightings))])
        band = _Band(factors, self._folded(np.ascontiguousarray(weightings)))
        self._within_memory(int(band.plan.describe()["bytes"]))
        return band

    def describe(self) -> dict[str, Any]:
        """See `Prepared`."""
        band = self._bands[0]
        return {} if band is None else band.plan.describe() | {"bytes": self.bytes}


def _range(linked: Linked, number: int) -> tuple[float, float]:
    """The margins of a band: around those of the background, twice as far for each next one."""
    margins = linked.background_margins[:, 0]
    low, high = float(margins.min()), float(margins.max())
    middle, half = low / 2 + high / 2, max(LEAST_HALF, 1.25 * (high / 2 - low / 2)) * 2.0**number
    return middle - half, middle + half


def _check_finite(margins: Floats64) -> None:
    if not np.isfinite(margins).all():
        raise DataError("a prediction is not finite, and has no values in another output space")
