"""The engine of the last call, for the next: it has the designs of coalitions, which take longer than a row."""

from collections.abc import Callable
from typing import Any

from ferroshap import _native


class IdleEngine:
    """At most one engine that no call uses. Calls of other threads, and of the model itself, find none and make their own."""

    def __init__(self) -> None:
        self._kept: list[tuple[Any, _native.CoalitionEngine]] = []  # taken from and put back in one step each

    def take(self, key: Any, make: Callable[[], "_native.CoalitionEngine"]) -> "_native.CoalitionEngine":
        """The engine that was kept for `key`, or a new one."""
        try:
            kept_for, engine = self._kept.pop()
        except IndexError:
            return make()
        return engine if kept_for == key else make()

    def back(self, key: Any, engine: "_native.CoalitionEngine") -> None:
        """Keeps an engine that has finished all its rows; one that has not is left to be forgotten."""
        self._kept[:] = [(key, engine)]

    def __reduce__(self) -> tuple[Any, ...]:
        return IdleEngine, ()
