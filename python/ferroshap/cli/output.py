"""The Parquet file that is written: under a temporary name beside its place, there only when it is whole."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq

from ferroshap.batch import OutputColumns

from .exit_codes import OutputError
from .files import first_line, reason


@contextmanager
def replacing(path: Path, *, overwrite: bool) -> Iterator[IO[bytes]]:
    """A file to write, which takes the place of `path` when the block ends well and is removed when it does not.

    Raises `OutputError` if the place is taken and `overwrite` is not set, or cannot be written.
    """
    place = path.resolve()  # of a symbolic link, the file it names
    _refuse_taken(path, place, overwrite=overwrite)
    temporary = place.with_name(f".{place.name}.{os.getpid()}.tmp")
    try:
        file = temporary.open("xb")
    except OSError as error:
        raise OutputError(f"the output {path} cannot be written: {reason(error)}") from error
    try:
        with file:
            yield file
            try:
                file.flush()
                os.fsync(file.fileno())
            except OSError as error:
                raise OutputError(f"the output {path} cannot be written: {reason(error)}") from error
        _refuse_taken(path, place, overwrite=overwrite)
        try:
            temporary.replace(place)
        except OSError as error:
            raise OutputError(f"the output {path} cannot be written: {reason(error)}") from error
    except BaseException:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


def _refuse_taken(path: Path, place: Path, *, overwrite: bool) -> None:
    if place.is_dir():
        raise OutputError(f"the output {path} is a folder; name a file in it")
    if place.exists() and not place.is_file():
        raise OutputError(f"the output {path} is not a regular file")
    if place.exists() and not overwrite:
        raise OutputError(f"the output {path} exists; give another name, or --overwrite")


class ExplanationWriter:
    """Writes record batches of explanations, one row group each, zstd; values as byte streams, which compress better."""

    def __init__(self, file: IO[bytes], schema: pa.Schema, columns: OutputColumns) -> None:
        self._writer = pq.ParquetWriter(
            file,
            schema,
            compression="zstd",
            use_dictionary=[*columns.kept, *columns.base],
            column_encoding=dict.fromkeys(columns.values, "BYTE_STREAM_SPLIT"),
        )

    def write(self, batch: pa.RecordBatch) -> None:
        """Appends the rows; raises `OutputError`."""
        with _writing():
            self._writer.write_batch(batch)

    def close(self, metadata: Mapping[str, str]) -> None:
        """Writes the footer with this metadata; raises `OutputError`."""
        with _writing():
            self._writer.add_key_value_metadata(dict(metadata))
            self._writer.close()

    def abandon(self) -> None:
        """Gives up: the file is of no use. Safe after a failed write, when even the footer cannot be written."""
        with suppress(OSError, pa.ArrowException):
            self._writer.close()


def write_table(file: IO[bytes], table: pa.Table, metadata: Mapping[str, str]) -> None:
    """Writes a small table with this metadata; raises `OutputError`."""
    with _writing(), pq.ParquetWriter(file, table.schema, compression="zstd") as writer:
        writer.write_table(table)
        writer.add_key_value_metadata(dict(metadata))


@contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(f"the output cannot be written: {first_line(error)}") from error
