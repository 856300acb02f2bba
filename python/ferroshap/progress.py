"""`progress=`: how a long call tells how far it is. Nothing is written unless it is asked for."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, Literal

from .errors import OptionError

Progress = Callable[[int, int], object]

INTERVAL = 0.1  # seconds between two writings of the line
INTERVAL_OF_A_LOG = 1.0  # where stderr is no terminal: a notebook, a file


def progress_option(progress: Any) -> Progress | Literal[True] | None:
    """`progress` as `reporting` takes it; raises `OptionError` for anything but None, True, False and a callable."""
    if progress is None or progress is False:
        return None
    if progress is not True and not callable(progress):
        raise OptionError(
            f"progress is {progress!r}; expected None, True (a line on stderr) or a callable: "
            "progress(rows_done, rows_in_all)"
        )
    return progress  # type: ignore[no-any-return]


@contextlib.contextmanager
def reporting(progress: Progress | Literal[True] | None) -> Iterator[Progress | None]:
    """What one call tells its progress to. The line is the call's own: an explainer may be used by several threads."""
    if progress is not True:
        yield progress
        return
    line = Line()
    try:
        yield line.write
    finally:
        line.end()


class Line:
    """Rows done and seconds left, on one line of stderr that is written over until the call ends."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._started = clock()
        self._next = self._started
        self._width = 0
        self._stream = sys.stderr  # None where a process has no console
        self._interval = INTERVAL_OF_A_LOG
        with contextlib.suppress(AttributeError, ValueError):  # no stream, or a closed one
            self._interval = INTERVAL if self._stream.isatty() else INTERVAL_OF_A_LOG

    def write(self, done: int, total: int) -> None:
        """Writes the line if it is time, and always when all rows are done."""
        now = self._clock()
        if now < self._next and done < total:
            return
        self._next = now + self._interval
        text = f"explained {done:,} of {total:,} rows"
        if 0 < done < total:
            text += f", {(now - self._started) * (total - done) / done:,.0f} s left"
        self._put("\r" + text.ljust(self._width))
        self._width = len(text)

    def end(self) -> None:
        """Leaves the line as it is, and the cursor below it."""
        if self._width:
            self._put("\n")

    def _put(self, text: str) -> None:
        with contextlib.suppress(OSError, ValueError):  # a closed stream must not end the work
            if self._stream is not None:
                self._stream.write(text)
                self._stream.flush()
