"""The conversation of the engine and the model: what the engine asks for is mixed, evaluated and told, batch by batch."""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ferroshap import _native
from ferroshap.errors import warn

from .buffers import Filled
from .model import Answers
from .table import Mixtures

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

Floats = npt.NDArray[np.float64]
Filling = Callable[[], Filled]  # waits for it

WIDE = 2000  # players from which on the regression takes longer than most models
Evaluate = Callable[[Any, int], Answers]


@dataclass
class Run:
    """One call: rows of one chunk against the background.

    engine
        Knows the references already.
    evaluate
        The model: a table and its number of rows to answers.
    most
        Rows of a batch, even.
    window
        Rows that are begun at once, at first: about as many as fill a batch.
    ahead
        Whether the next batch is mixed on another thread while the model runs.
    errors
        Whether standard errors are wanted; they take about as long as the values.
    """

    engine: "_native.CoalitionEngine"
    link: Callable[[Floats], Floats]
    evaluate: Evaluate
    most: int
    window: int
    ahead: bool
    errors: bool = True
    warned: bool = False  # of many players

    def estimates(
        self, mixtures: Mixtures, first: int, last: int, outputs: Floats, bad: npt.NDArray[np.bool_]
    ) -> Iterator["list[_native.Estimate]"]:
        """Estimates of the rows from `first` to `last` as they are finished, by lists.

        `outputs`, `(rows, k)`: what the model returned for all rows of the call. `bad`, of this shape, is set where a mixture of a
        row had no finite answer.
        """
        n, added, finished = last, first, first
        waiting: deque[tuple[_native.Asked, Filling]] = deque()
        with ExitStack() as stack:
            worker = stack.enter_context(_one_thread()) if self.ahead else None
            while finished < n:
                if added < n and added - finished < self.window:
                    until = min(n, finished + self.window)
                    self._add(mixtures, outputs, added, until)
                    added = until
                asked = self.engine.ask(self.most) if len(waiting) < (2 if self.ahead else 1) else None
                if asked is not None and len(asked):
                    waiting.append((asked, _filling(mixtures, asked, worker)))
                    if len(asked) < self.most and added < n:
                        self.window *= 2
                    if self.ahead and len(waiting) < 2:
                        continue
                went_on = bool(waiting)
                if waiting:
                    self._tell(mixtures, *waiting.popleft(), bad)
                went_on |= self._apply_link()
                done = self.engine.finished()
                finished += len(done)
                if done:
                    yield done
                elif asked is not None and not len(asked) and not went_on:  # it waits for rows
                    if added == n:
                        raise AssertionError("the engine asks for nothing and has not finished")  # a defect
                    self.window *= 2

    def _add(self, mixtures: Mixtures, outputs: Floats, first: int, last: int) -> None:
        differs = mixtures.differs(first, last)
        self._warn_of_many(int(differs.any(axis=1).sum(axis=1).max(initial=0)))
        for row in range(first, last):
            self.engine.add_row(row, outputs[row], differs[row - first], errors=self.errors)

    def _warn_of_many(self, players: int) -> None:
        if players > WIDE and not self.warned:
            self.warned = True
            warn(
                f"{players:,} players differ from the background; solving for them takes {players:,}³ operations for each design. Put "
                "columns into groups, which are fewer players, or compare with fewer background rows"
            )

    def _tell(
        self,
        mixtures: Mixtures,
        asked: "_native.Asked",
        filling: Filling,
        bad: npt.NDArray[np.bool_],
    ) -> None:
        filled = filling()
        answers = self.evaluate(filled.table, len(asked))
        mixtures.back(filled)
        if answers.bad is not None:
            rows, columns = np.nonzero(answers.bad)
            bad[asked.rows[rows].astype(np.intp), columns] = True
        self.engine.tell(asked, answers.values)

    def _apply_link(self) -> bool:
        """Whether any row had waited for it."""
        pending = self.engine.pending_values()
        for row, values in pending:
            self.engine.set_values(row, self.link(values))
        return bool(pending)


def _one_thread() -> "ThreadPoolExecutor":
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(1, thread_name_prefix="ferroshap")


def _filling(mixtures: Mixtures, asked: "_native.Asked", worker: "ThreadPoolExecutor | None") -> Filling:
    if worker is not None:
        return worker.submit(mixtures.fill, asked).result
    filled = mixtures.fill(asked)
    return lambda: filled
