"""`ferroshap check`: a model file compared with the training library itself, on the user's rows."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ferroshap.additivity import library_bound
from ferroshap.batch.columns import InputColumns
from ferroshap.ensemble import TreeEnsemble, load_model
from ferroshap.errors import AdditivityError, DataError, FerroshapError
from ferroshap.library import library_prediction
from ferroshap.tree import TreeExplainer

from .files import first_line, open_parquet, read_model
from .signals import raise_if_interrupted

# By how much of the scale a library may predict otherwise from its own file: CatBoost does not round the decimal numbers of its
# JSON to the nearest float64.
READING = {"CatBoost": 1e-13}
BATCH_BYTES = 2**26  # of values at a time, and about as much again for the copies that the library makes


@dataclass(frozen=True)
class Allowed:
    """How far a prediction and a sum may be from the library's, each `(o,)`; 0: the same bits."""

    prediction: npt.NDArray[np.float64]
    sum: npt.NDArray[np.float64]

    @classmethod
    def of(cls, explainer: TreeExplainer) -> "Allowed":
        """What the library's reading of its file and its additions round."""
        model, scale = explainer.model, explainer.scale
        reading = scale * READING.get(model.origin.family if model.origin is not None else "", 0.0)
        return cls(reading, library_bound(scale, model.n_trees, float32=model.predicts_in_float32) + reading)


@dataclass
class Found:
    """What was compared so far: gaps are the largest, in units of the output.

    unequal
        How many rows have another prediction than the library's.
    outside
        How many rows have base + Σφ beyond the bound.
    """

    rows: int = 0
    unequal: int = 0
    prediction_gap: float = 0.0
    outside: int = 0
    sum_gap: float = 0.0


def check_model(model: Path, data: Path, n_rows: int | None, **reading: Any) -> None:
    """Prints how far ferroshap is from the training library on the first `n_rows` rows of the data (None: all).

    `reading` are options of `load_model`.

    Raises a `FerroshapError` of the kind that `exit_codes.py` knows: `AdditivityError` if a prediction is not the library's, or
    a sum is beyond the bound.
    """
    content = read_model(model)
    try:
        explainer = TreeExplainer(load_model(content, **reading))
    except FerroshapError as error:
        raise type(error)(f"{model}: {error}") from error
    allowed = Allowed.of(explainer)
    found = Found()
    for table in _tables(data, explainer.model, n_rows):
        _compare(explainer, table, allowed, found)
        raise_if_interrupted()
    click.echo(_table(explainer.model, found, allowed))
    if found.unequal or found.outside:
        raise AdditivityError(
            f"{model}: of {found.rows:,} rows, {found.unequal:,} predictions are not the library's and {found.outside:,} sums "
            "are beyond the bound; this is a defect of ferroshap, please report it with the model and the rows"
        )


def _tables(path: Path, model: TreeEnsemble, n_rows: int | None) -> Iterator[pa.Table]:
    """The model's columns of the rows, a batch at a time."""
    data = open_parquet(path)
    schema = data.schema_arrow
    at = InputColumns.match(tuple(schema.names), model.schema, ()).features
    names = [schema.names[column] for column in at]
    size = max(64, min(2**16, BATCH_BYTES // (8 * len(names) * model.n_outputs)))
    left = data.metadata.num_rows if n_rows is None else min(n_rows, data.metadata.num_rows)
    try:
        for batch in data.iter_batches(batch_size=size, columns=names, use_threads=False):
            if left <= 0:
                return
            rows = pa.Table.from_batches([batch.slice(0, left)])
            yield rows.select(names)
            left -= len(rows)
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{path} is a damaged Parquet file: {first_line(error)}") from error


def _compare(explainer: TreeExplainer, table: pa.Table, allowed: Allowed, found: Found) -> None:
    model = explainer.model
    rows = model.read_rows(table)
    library = library_prediction(model, table, rows)
    own = model.predict(table).reshape(library.shape)
    values, _ = explainer.values_and_target(table)
    gaps = np.abs(library - np.atleast_1d(np.asarray(explainer.expected_value, dtype=np.float64)) - values.sum(axis=1))
    found.rows += len(rows)
    near = (own == library) | (np.abs(own - library) <= allowed.prediction) | (np.isnan(own) & np.isnan(library))
    found.unequal += int((~near).any(axis=1).sum())
    found.outside += int((~(gaps <= allowed.sum)).any(axis=1).sum())
    found.prediction_gap = max(found.prediction_gap, float(np.abs(own - library).max(initial=0.0)))
    found.sum_gap = max(found.sum_gap, float(gaps.max(initial=0.0)))


def _library(model: TreeEnsemble) -> str:
    family = model.origin.family if model.origin is not None else ""
    return f"{family} {sys.modules[family.lower()].__version__}"


def _table(model: TreeEnsemble, found: Found, allowed: Allowed) -> str:
    prediction = f"{allowed.prediction.max():.2g}" if allowed.prediction.any() else "same bits"
    lines = [
        f"model         {model.source}",
        f"library       {_library(model)}",
        f"rows          {found.rows:,}",
        "",
        f"{'':<14}{'worst gap':<12}{'allowed':<12}rows beyond",
        f"{'prediction':<14}{found.prediction_gap:<12.2g}{prediction:<12}{found.unequal:,}",
        f"{'base + Σφ':<14}{found.sum_gap:<12.2g}{allowed.sum.max():<12.2g}{found.outside:,}",
    ]
    return "\n".join(lines)
