"""SHAP interaction values: which pairs are asked for, the run in chunks, the check, the shapes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ferroshap import _native
from ferroshap.additivity import worst_gap
from ferroshap.ensemble import TreeEnsemble
from ferroshap.errors import OptionError, PlanError
from ferroshap.inputs import InputRows
from ferroshap.progress import Progress, reporting

from .game import Game
from .output import output
from .part import Part, axis_positions, numbers
from .run import CHUNK_BYTES, CHUNK_ROWS, from_row

Floats = npt.NDArray[np.floating[Any]]
Pairs = npt.NDArray[np.uint32]


@dataclass(frozen=True)
class Chosen:
    """Which interaction values are computed.

    pairs
        `(p, 2)` positions of features; None: the matrix of all.
    shape
        The axes of a row's values, without outputs: `(f, f)`, `(s, s)`, `()` for a single feature, or `(p,)`.
    """

    pairs: Pairs | None
    shape: tuple[int, ...]

    @property
    def width(self) -> int:
        """Numbers a row and output."""
        return int(np.prod(self.shape, dtype=np.int64))


def chosen(pairs: Any, features: Any, names: Sequence[str] | None, n_features: int) -> Chosen:
    """The values that the options ask for; names and positions as in an explanation. Raises `OptionError`."""
    if pairs is not None and features is not None:
        raise OptionError("pairs and features both choose; pass one of them")
    if features is not None:
        position = axis_positions("features", features, "feature", n_features, names)
        which = numbers(position, n_features)
        grid = np.stack(np.meshgrid(which, which, indexing="ij"), axis=-1).reshape(-1, 2)
        return Chosen(grid, () if isinstance(position, int) else (len(which), len(which)))
    if pairs is None:
        return Chosen(None, (n_features, n_features))
    if isinstance(pairs, (str, bytes)) or not np.iterable(pairs):
        raise OptionError(f"pairs is {pairs!r}; expected a list of pairs of features, by name or position")
    found = []
    for given in pairs:
        pair = list(given) if np.iterable(given) and not isinstance(given, (str, bytes)) else []
        if len(pair) != 2:
            raise OptionError(f"pairs holds {given!r}; expected two features, by name or position")
        # one by one: a name and a position go together
        both = [
            numbers(axis_positions("pairs", [feature], "feature", n_features, names), n_features) for feature in pair
        ]
        found.append(np.concatenate(both))
    return Chosen(np.array(found, dtype=np.uint32).reshape(-1, 2), (len(found),))


def upper_triangle(n_features: int) -> Chosen:
    """Every pair once, the first of the two features never the later one; a feature with itself among them."""
    first, second = np.triu_indices(n_features)
    return Chosen(np.column_stack([first, second]).astype(np.uint32), (len(first),))


@dataclass(frozen=True)
class InteractionRun:
    """A model, prepared for interaction values, and how rows go through it."""

    model: TreeEnsemble
    prepared: _native.Interactions
    chosen: Chosen
    part: Part
    threads: int | None
    progress: Progress | Literal[True] | None

    def explain(
        self, rows: InputRows, out: Floats, *, base: npt.NDArray[Any], scale: npt.NDArray[Any], check: bool
    ) -> None:
        """Writes `(n, width, outputs)`, C order, in chunks of rows.

        The check is that the matrix of a row adds up to its prediction, in float64 before any rounding; there is none
        where only some pairs are computed. (Each row of a matrix adds up to a SHAP value by construction.)
        """
        n, width, o = len(rows), self.chosen.width, self.model.n_outputs
        step = max(CHUNK_ROWS, CHUNK_BYTES // (8 * max(width, 1) * o) // 128 * 128)
        checked = check and self.chosen.pairs is None
        kept = slice(None) if self.part.outputs is None else self.part.output_numbers
        copied = self.part.outputs is not None or (checked and out.dtype == np.float32)
        scratch = np.empty((min(step, n), width, o)) if copied else None
        with reporting(self.progress) as report:
            for first, chunk in rows.blocks(step):
                written = out[first : first + len(chunk)]
                values = written if scratch is None else scratch[: len(chunk)]
                missing, progress = self.model.schema.missing, from_row(first, n, report)
                self.prepared.run(chunk, values, missing=missing, threads=self.threads, progress=progress)
                if checked:
                    predicted = self.model.predict_rows(chunk, exact=True, threads=self.threads)
                    worst_gap(values, predicted, base, scale, first_row=first)
                if scratch is not None:
                    written[...] = values[:, :, kept]
                if report is not None:
                    report(first + len(chunk), n)

    def mean_magnitudes(self, rows: InputRows) -> npt.NDArray[np.float64]:
        """`(width, outputs)`: the mean of |interaction value| over the rows, none of whose values are kept."""
        n = len(rows)
        if n == 0:
            raise OptionError("aggregate='mean_abs' is a mean over rows, and there are none")
        totals = np.zeros((self.chosen.width, self.model.n_outputs))
        with reporting(self.progress) as report:
            for first, chunk in rows.blocks():
                missing, progress = self.model.schema.missing, from_row(first, n, report)
                self.prepared.add_magnitudes(chunk, totals, missing=missing, threads=self.threads, progress=progress)
            if report is not None:
                report(n, n)
        return totals[:, self.part.output_numbers] / n


def prepared_for(
    game: Game, model: TreeEnsemble, chosen: Chosen, *, threads: int | None, most: int | None
) -> _native.Interactions:
    """The model, prepared; raises `PlanError` if that takes more than `most` bytes."""
    prepared = game.interactions(model, chosen.pairs, threads=threads, most=most)
    size = prepared.describe()["bytes"]
    if most is not None and size > most:
        raise PlanError(
            f"the model prepared for interaction values takes {size:,} bytes, but max_memory allows {most:,}; allow as much, "
            "ask for fewer pairs, or explain fewer trees with iteration_range"
        )
    return prepared


def result(
    chosen: Chosen,
    part: Part,
    rows: InputRows | None,
    *,
    out: Any,
    dtype: npt.DTypeLike,
) -> tuple[Floats, Floats]:
    """Memory for the values of the rows, without rows for their mean: to write into, and in the shape that the caller gets."""
    n = () if rows is None or rows.one_row else (len(rows),)
    shaped = output((*n, *chosen.shape, *part.output_axes), dtype, out, rows)
    return np.asarray(shaped).reshape(*(n or (1,)), chosen.width, part.n_outputs), shaped
