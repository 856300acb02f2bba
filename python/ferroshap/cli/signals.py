"""SIGINT and SIGTERM end a run, whatever code they arrive in."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)

_received: list[int] = []


class Interrupted(BaseException):
    """SIGINT or SIGTERM arrived. Not an Exception: nothing on the way up may take it for an error of its own."""

    def __init__(self, signum: int) -> None:
        super().__init__(signum)
        self.signum = signum


@contextmanager
def signals_raise() -> Iterator[None]:
    """SIGINT and SIGTERM raise `Interrupted`, the first of them only: the clean-up is short, nothing may cut it off."""

    def interrupt(signum: int, frame: FrameType | None) -> None:
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        _received.append(signum)
        raise Interrupted(signum)

    _received.clear()
    before = {number: signal.signal(number, interrupt) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def raise_if_interrupted() -> None:
    """Raises `Interrupted` again if it was raised and lost: compiled code that probes for a library with `import` inside
    a catch-all drops what the signal handler raises there.
    """
    if _received:
        raise Interrupted(_received[0])
