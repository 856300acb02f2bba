"""What a measure gives back, and the small things that all of them use."""

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import numpy as np

Floats = np.ndarray


@dataclass(frozen=True)
class Reading:
    """A number of one case, for the bar of this name."""

    bar: str
    case: str
    value: float
    details: dict[str, Any] = field(default_factory=dict)


Measure = Callable[[dict[str, Any]], Iterator[Reading]]


class Counted:
    """A function of rows that knows how many rows it was given, in how many calls, and how long it took."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.function = function
        self.forget()

    def forget(self) -> None:
        self.rows, self.calls, self.seconds = 0, 0, 0.0

    def __call__(self, rows: Any) -> Any:
        start = time.perf_counter()
        answers = self.function(rows)
        self.seconds += time.perf_counter() - start
        self.rows, self.calls = self.rows + len(rows), self.calls + 1
        return answers


def relative_error(values: Floats, truth: Floats) -> Floats:
    """`||values - truth|| / ||truth||` of each row, `(n,)`."""
    return np.linalg.norm(values - truth, axis=1) / np.linalg.norm(truth, axis=1)


def rms(errors: Any) -> float:
    return float(np.sqrt(np.mean(np.square(errors))))


def alternating(repetitions: int, *ways: Callable[[], Any]) -> tuple[list[float], list[Any]]:
    """Median seconds of each way and its last answer; what else the machine does falls on all of them."""
    seconds: list[list[float]] = [[] for _ in ways]
    answers: list[Any] = [None] * len(ways)
    for _ in range(repetitions):
        for at, way in enumerate(ways):
            start = time.perf_counter()
            answers[at] = way()
            seconds[at].append(time.perf_counter() - start)
    return [median(taken) for taken in seconds], answers


def check(gap: float, most: float, what: str) -> None:
    """Ends the run if an answer is wrong."""
    if not gap <= most:  # not `>`: NaN is wrong
        sys.exit(f"WRONG: {what}: {gap:.1e}, tolerance {most:g}")
