"""The parts of the command line that need no process of their own."""

import logging

import pyarrow as pa
import pytest
from ferroshap.cli.memory import FEWEST_ROWS, MOST_ROWS, rows_in_flight
from ferroshap.cli.pipeline import overlap
from ferroshap.cli.progress import LogLines
from ferroshap.errors import OptionError

SCHEMA = pa.schema([("a", pa.float64()), ("b", pa.string())])


def test_the_rows_in_flight_grow_with_the_budget_and_shrink_with_the_outputs():
    few = rows_in_flight(2**20, SCHEMA, 10, 1, 10, 4)
    assert rows_in_flight(2**21, SCHEMA, 10, 1, 10, 4) in {2 * few, 2 * few + 1}
    assert rows_in_flight(2**20, SCHEMA, 10, 4, 40, 4) < few
    assert rows_in_flight(2**40, SCHEMA, 10, 1, 10, 4) == MOST_ROWS


def test_a_budget_below_the_fewest_rows_is_refused():
    with pytest.raises(OptionError, match=f"{FEWEST_ROWS} rows"):
        rows_in_flight(1_000, SCHEMA, 10, 1, 10, 4)


def test_batches_are_written_in_order():
    written, done = [], []
    overlap(iter(range(20)), lambda batch: batch * 2, written.append, done.append)
    assert written == [2 * batch for batch in range(20)]
    assert done == list(range(20))


@pytest.mark.parametrize("part", ["read", "work", "write"])
def test_the_first_error_of_any_part_ends_the_run(part):
    def fail(*_: object) -> None:
        raise ValueError(part)

    def batches():
        yield 1
        if part == "read":
            fail()
        yield 2

    work = fail if part == "work" else lambda batch: batch
    write = fail if part == "write" else lambda _: None
    with pytest.raises(ValueError, match=part):
        overlap(batches(), work, write, lambda _: None)


def test_a_line_is_logged_every_ten_seconds(caplog):
    now = [0.0]
    lines = LogLines(1_000, clock=lambda: now[0])
    with caplog.at_level(logging.INFO, logger="ferroshap"):
        for _ in range(8):
            now[0] += 4
            lines.advance(50)
    assert [record.getMessage() for record in caplog.records] == [
        "150 of 1,000 rows, 12 rows/s, 68 s left",
        "300 of 1,000 rows, 12 rows/s, 56 s left",
    ]
