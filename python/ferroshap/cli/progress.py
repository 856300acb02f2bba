"""How far the run is: a bar on a terminal, otherwise a line every ten seconds."""

import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

log = logging.getLogger("ferroshap")

INTERVAL = 10.0

Advance = Callable[[int], None]


@contextmanager
def progress(total: int) -> Iterator[Advance]:
    """A function to call with the number of rows finished since the last call."""
    if sys.stderr.isatty():
        with _bar(total) as advance:
            yield advance
    else:
        yield LogLines(total).advance


@contextmanager
def _bar(total: int) -> Iterator[Advance]:
    columns = (
        TextColumn("explaining"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("rows"),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    started = time.monotonic()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("explaining", total=total, rate="")

        def advance(rows: int) -> None:
            bar.advance(task, rows)
            finished = bar.tasks[0].completed
            bar.update(task, rate=f"{rate(finished, time.monotonic() - started):,.0f} rows/s")

        yield advance


class LogLines:
    """One line each `INTERVAL` seconds: rows, rows per second, time left."""

    def __init__(self, total: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._total = total
        self._clock = clock
        self._started = self._last = clock()
        self._rows = 0

    def advance(self, rows: int) -> None:
        """Counts rows that are finished, and logs if it is time."""
        self._rows += rows
        now = self._clock()
        if now - self._last < INTERVAL:
            return
        self._last = now
        speed = rate(self._rows, now - self._started)
        left = (self._total - self._rows) / speed if speed else float("inf")
        log.info(
            "%s of %s rows, %s rows/s, %s s left",
            f"{self._rows:,}",
            f"{self._total:,}",
            f"{speed:,.0f}",
            f"{left:,.0f}",
        )


def rate(rows: float, seconds: float) -> float:
    """Rows per second, 0 before any time has passed."""
    return rows / seconds if seconds > 0 else 0.0
