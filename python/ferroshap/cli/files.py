"""Opening what the user names: the model file and the Parquet file, each failure in one line."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ferroshap.errors import DataError, ModelError, OptionError

PARQUET_MAGIC = b"PAR1"


def read_model(path: Path) -> bytes:
    """The bytes of the model file; raises `ModelError` if it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"the model {path} cannot be read: {reason(error)}") from error


def open_parquet(path: Path) -> pq.ParquetFile:
    """The Parquet file, its footer read; raises `DataError`, and `OptionError` for a folder."""
    if path.is_dir():
        raise OptionError(f"{path} is a folder; expected one Parquet file")
    try:
        with path.open("rb") as file:
            magic = file.read(len(PARQUET_MAGIC))
        if magic != PARQUET_MAGIC:
            raise DataError(
                f"{path} is not a Parquet file (it starts with {magic!r}, not {PARQUET_MAGIC!r}); write it as Parquet first"
            )
        # A buffered stream, not whole column chunks ahead: memory stays with the batch.
        return pq.ParquetFile(path, buffer_size=2**20, pre_buffer=False)
    except OSError as error:
        raise DataError(f"the data {path} cannot be read: {reason(error)}") from error
    except pa.ArrowException as error:
        raise DataError(f"{path} is a damaged Parquet file: {first_line(error)}") from error


def reason(error: OSError) -> str:
    """Why, without the path and the number that the system's message carries."""
    return error.strerror or first_line(error)


def first_line(error: BaseException) -> str:
    """The first line of another library's message, which may go on with a stack of its own."""
    return next(iter(str(error).splitlines()), type(error).__name__)
