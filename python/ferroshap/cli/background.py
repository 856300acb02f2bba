"""`--background FILE`: a Parquet file as background rows, read a batch at a time into the one matrix that is kept."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from ferroshap.batch.columns import InputColumns
from ferroshap.ensemble import TreeEnsemble
from ferroshap.errors import DataError
from ferroshap.tree.background import BackgroundRows
from ferroshap.tree.weights import read_weights

from .files import first_line, open_parquet
from .signals import raise_if_interrupted

BATCH_BYTES = 2**24  # of values at a time, beside the matrix of all


@dataclass(frozen=True)
class BackgroundFile:
    """A Parquet file of background rows.

    weights
        The column that says how much each row counts; None: all the same.
    """

    path: Path
    weights: str | None

    def read(self, model: TreeEnsemble, keep: Sequence[str]) -> BackgroundRows:
        """The rows, columns matched as those of the data: by name where `model` knows names.

        Where it knows none, columns `keep` are left out if they are there. Raises `DataError` and `FeatureMismatchError`.
        """
        data = open_parquet(self.path)
        try:
            return self._read(data, model, keep)
        except DataError as error:
            raise type(error)(f"the background {self.path}: {error}") from error

    def sha256(self) -> str:
        """What identifies the file's content."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def _read(self, data: pq.ParquetFile, model: TreeEnsemble, keep: Sequence[str]) -> BackgroundRows:
        names = data.schema_arrow.names
        n = data.metadata.num_rows
        if n == 0:
            raise DataError("there are no rows; expected at least one")
        beside = [] if self.weights is None else [self.weights]
        if self.weights is not None and self.weights not in names:
            raise DataError(f"there is no column {self.weights!r} for the weights")
        matched = InputColumns.match(tuple(names), model.schema, [*beside, *(name for name in keep if name in names)])
        features = [names[at] for at in matched.features]
        values = np.empty((n, len(features)), np.float32 if model.rounds_to_float32 else np.float64)
        weights = None if self.weights is None else np.empty(n)
        size = max(1, BATCH_BYTES // (8 * max(len(features), 1)))
        done = 0
        try:
            for batch in data.iter_batches(batch_size=size, columns=[*features, *beside], use_threads=False):
                here = slice(done, done + batch.num_rows)
                # float32 where the model rounds; else float64, which also holds what a batch of small columns gives
                values[here] = model.read_rows(pa.Table.from_batches([batch]).select(features)).values[:]
                if weights is not None:
                    weights[here] = weights_of(batch, str(self.weights))
                done += batch.num_rows
                raise_if_interrupted()
        except (OSError, pa.ArrowException) as error:
            raise DataError(f"a damaged Parquet file: {first_line(error)}") from error
        return BackgroundRows(values, None if weights is None else read_weights(weights, n), tuple(features))


def weights_of(batch: pa.RecordBatch | pa.Table, name: str) -> npt.NDArray[np.float64]:
    """The column of weights as numbers; raises `DataError`."""
    column = batch.column(batch.schema.get_field_index(name))
    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type) or pa.types.is_boolean(column.type)):
        raise DataError(f"the column {name!r} has dtype {column.type}, but weights are numbers")
    numbers: npt.NDArray[np.float64] = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return numbers  # a null is nan
