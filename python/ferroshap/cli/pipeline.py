"""Reading ahead and writing behind while a batch is explained: at most three batches exist at a time."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from .signals import raise_if_interrupted

In = TypeVar("In")
Out = TypeVar("Out")


def overlap(
    batches: Iterator[In], work: Callable[[In], Out], write: Callable[[Out], None], done: Callable[[In], None]
) -> None:
    """`write(work(batch))` for each batch, in order; `done(batch)` after it is worked on.

    `work` and `done` run on the calling thread, which alone receives signals; reading and writing on one thread each.
    The first error of any of the three ends the run and is raised.
    """
    written: Future[None] | None = None
    with ThreadPoolExecutor(1, "read") as reader, ThreadPoolExecutor(1, "write") as writer:
        ahead = reader.submit(next, batches, None)
        while (batch := ahead.result()) is not None:
            ahead = reader.submit(next, batches, None)
            result = work(batch)
            raise_if_interrupted()
            if written is not None:
                written.result()
            written = writer.submit(write, result)
            done(batch)
        if written is not None:
            written.result()
        raise_if_interrupted()
