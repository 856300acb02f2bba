"""The game that rows are explained by: the model's mean answer, by `link`, with the columns of a coalition taken from the row."""

from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from ferroshap.errors import warn
from ferroshap.progress import Progress

from .budget import rows_of_a_batch
from .engine import Engines
from .estimated import Estimated
from .idle import IdleEngine
from .link import GameLink, saturated
from .model import Answers, Model
from .players import Players
from .run import Run
from .table import BackgroundTable, ExplainedRows

Floats = npt.NDArray[np.float64]

CHUNK_BYTES = 16 << 20  # of explained rows that are prepared for mixtures at once
DETERMINISTIC = 1e-9  # relative: answers for the same row in another batch may differ by roundings


@dataclass(frozen=True)
class RowGame:
    """A model with background rows and players.

    References
    ----------
        `(b, k)`: the answers for the background rows; `bad`, `(k,)`: outputs that are not finite for one of them.
    mean
        `(k,)`: their mean by the weights, `base`: its link.
    batch_rows
        Rows of one call of the model, as the user chose it; None: by the size of a row.
    """

    model: Model
    background: BackgroundTable
    players: Players
    link: GameLink
    batch_rows: int | None
    references: Floats
    bad: npt.NDArray[np.bool_]
    mean: Floats
    base: Floats
    idle: IdleEngine = field(default_factory=IdleEngine)

    def explain(self, rows: ExplainedRows, engines: Engines, progress: Progress | None, *, errors: bool) -> Estimated:
        """The estimates for these rows, with their standard errors or without, NaN for what is not finite."""
        n, p = len(rows), self.players.count
        found = Estimated(n, p, self.model.n_outputs, errors=errors)
        batch = rows_of_a_batch(self.batch_rows, rows.row_bytes, self.model.most_rows)
        outputs, bad = evaluated(self.model, rows, batch, "rows to explain")
        bad |= self.bad
        if not n:
            return found
        chunk = max(64, CHUNK_BYTES // max(rows.row_bytes, 1))
        clipping = Clipping(self.link)
        linked = clipping(outputs)
        for first in range(0, n, chunk):
            last = min(n, first + chunk)
            mixtures = rows.mixtures(first, last, batch, engines.threads)
            active = mixtures.active
            knows = p if active is None else len(active)
            wide = min(p, self.background.columns_in_use)
            evaluations = engines.evaluations(len(self.background), wide)
            key = (engines, knows)
            engine = self.idle.take(key, partial(engines.make, self.background.weights, self.references, knows, wide))
            run = Run(
                engine,
                clipping,
                self._evaluate,
                batch,
                window=max(1, -(-2 * batch // evaluations)),
                ahead=engines.ahead,
                errors=errors,
            )
            done_rows = first
            for done in run.estimates(mixtures, first, last, outputs, bad):
                found.put(done, active)
                done_rows += len(done)
                if progress is not None:
                    progress(done_rows, n)
            self.idle.back(key, engine)
        self._warn_of_noise(found, linked, bad)
        clipping.warn()
        found.without(bad)
        return found

    def _evaluate(self, table: Any, count: int) -> Answers:
        return self.model(table, count, "mixtures of rows to explain and background rows")

    def _warn_of_noise(self, found: Estimated, linked: Floats, bad: npt.NDArray[np.bool_]) -> None:
        """A row that is identical to the background has its answer, if the model gives one answer to one row."""
        alone = (found.values == 0.0).all(axis=(1, 2)) & (found.n_evals == 0)
        gaps = np.abs(linked - self.base)
        noisy = alone[:, None] & ~bad & (gaps > DETERMINISTIC * (1.0 + np.abs(self.base)))
        if noisy.any():
            row, output = np.argwhere(noisy)[0]
            warn(
                f"row {row} is identical to the background, but {self.model.name} gave another answer for it, by "
                f"{gaps[row, output]:.3g}: is the model not deterministic? The values of such rows are 0"
            )


class Clipping:
    """The link, which counts the probabilities that it had to clip."""

    def __init__(self, link: GameLink) -> None:
        self._link, self._count = link, 0

    def __call__(self, values: Floats) -> Floats:
        if self._link.name == "logit":
            self._count += saturated(values)
        return self._link(values)

    def warn(self) -> None:
        """Warns if there were any."""
        if self._count:
            warn(
                f"{self._count:,} mean probabilities are 0 or 1, whose log-odds are infinite: they were taken as 1e-15 and 1 - 1e-15; "
                "values of such rows depend on that limit"
            )


def row_game(
    model: Model, background: BackgroundTable, players: Players, link: GameLink, batch_rows: int | None
) -> RowGame:
    """The game against this background, whose rows are evaluated."""
    batch = rows_of_a_batch(batch_rows, background.row_bytes, model.most_rows)
    references, bad = evaluated(model, background, batch, "background rows")
    mean = background.weights @ references
    clipping = Clipping(link)
    base = clipping(mean)
    clipping.warn()
    never = np.asarray(bad.any(axis=0))
    base = np.where(never, np.nan, base)
    return RowGame(model, background, players, link, batch_rows, references, never, mean, base)


def evaluated(
    model: Model, rows: "BackgroundTable | ExplainedRows", batch: int, what: str
) -> "tuple[Floats, npt.NDArray[np.bool_]]":
    """The answers `(n, k)` for rows as they are, and which are not finite."""
    outputs, bad = [], []
    for first in range(0, len(rows), batch):
        last = min(len(rows), first + batch)
        answers = model(rows.own(first, last), last - first, what)
        outputs.append(answers.values)
        bad.append(np.zeros(answers.values.shape, np.bool_) if answers.bad is None else answers.bad)
    if not outputs:
        return np.empty((0, model.n_outputs)), np.zeros((0, model.n_outputs), np.bool_)
    return np.concatenate(outputs), np.concatenate(bad)
