"""`ferroshap explain`: model file and Parquet file in, Parquet file of SHAP values out."""

import hashlib
import json
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.parquet as pq

from ferroshap.batch import BatchExplainer
from ferroshap.ensemble import load_model
from ferroshap.errors import DataError, FerroshapError, OptionError
from ferroshap.tree import TreeExplainer
from ferroshap.versions import build_info

from .background import BackgroundFile
from .files import first_line, open_parquet, read_model
from .memory import peak_memory, rows_in_flight
from .output import ExplanationWriter, replacing
from .pipeline import overlap
from .progress import progress, rate

log = logging.getLogger("ferroshap")


@dataclass(frozen=True)
class ExplainOptions:
    """The options of the command, as given."""

    model: Path
    data: Path
    output: Path
    keep: tuple[str, ...]
    dtype: Literal["float32", "float64"]
    threads: int | None
    max_memory: int
    overwrite: bool
    background: Path | None
    weights: str | None


def explain(options: ExplainOptions) -> None:
    """Writes the explanation of every row of the data to the output.

    Raises a `FerroshapError` of the kind that `exit_codes.py` knows; then there is no output file.
    """
    _refuse_same_file(options)
    background = _background(options)
    with replacing(options.output, overwrite=options.overwrite) as file:
        started = time.monotonic()
        model = read_model(options.model)
        data = open_parquet(options.data)
        explainer = _explainer(model, background, options, data.metadata.num_rows)
        of_background = {} if background is None else _background_metadata(background, explainer)
        batches = BatchExplainer(explainer, options.keep, dtype=options.dtype)
        schema = data.schema_arrow
        inputs = batches.input_columns(schema)
        read = sorted({*inputs.features, *inputs.kept})
        rows = rows_in_flight(
            options.max_memory,
            pa.schema([schema.field(at) for at in read]),
            explainer.model.n_features,
            explainer.model.n_outputs,
            4 if options.dtype == "float32" else 8,
        )
        writer = ExplanationWriter(file, batches.schema(schema), batches.output_columns(schema))
        try:
            with progress(data.metadata.num_rows) as advance:
                source = _read(options.data, data, rows, [schema.names[at] for at in read])
                overlap(source, batches, writer.write, lambda batch: advance(batch.num_rows))
            writer.close(_metadata(options, model, batches, inputs.names) | of_background)
        except BaseException:
            writer.abandon()
            raise
    _summarise(options, batches, len(inputs.names), time.monotonic() - started)


def _refuse_same_file(options: ExplainOptions) -> None:
    for role, path in (("model", options.model), ("data", options.data), ("background", options.background)):
        if path is not None and path.exists() and options.output.exists() and path.samefile(options.output):
            raise OptionError(f"the output {options.output} is the {role} itself; give another name")


def _explainer(model: bytes, background: BackgroundFile | None, options: ExplainOptions, n_rows: int) -> TreeExplainer:
    try:
        ensemble = load_model(model)
    except FerroshapError as error:
        raise type(error)(f"{options.model}: {error}") from error
    rows = None if background is None else background.read(ensemble, options.keep)
    try:
        return TreeExplainer(ensemble, rows, threads=options.threads, expected_rows=max(1, n_rows))
    except FerroshapError as error:
        raise type(error)(f"{options.model}: {error}") from error


def _background(options: ExplainOptions) -> BackgroundFile | None:
    if options.background is None:
        if options.weights is not None:
            raise OptionError("--weights names a column of the background: name its file with --background too")
        return None
    return BackgroundFile(options.background, options.weights)


def _read(path: Path, data: pq.ParquetFile, rows: int, columns: list[str]) -> Iterator[pa.RecordBatch]:
    try:
        yield from data.iter_batches(batch_size=rows, columns=columns, use_threads=False)
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{path} is a damaged Parquet file: {first_line(error)}") from error


def _metadata(
    options: ExplainOptions, model: bytes, batches: BatchExplainer, features: tuple[str, ...]
) -> dict[str, str]:
    """What the output file says about itself; numbers and lists as JSON."""
    ensemble = batches.explainer.model
    return {
        "ferroshap.version": build_info()["version"],
        "ferroshap.model_sha256": hashlib.sha256(model).hexdigest(),
        "ferroshap.algorithm": batches.explainer.algorithm,
        "ferroshap.output_space": ensemble.output_space,
        "ferroshap.worst_additivity_gap": json.dumps(batches.worst_gap),
        "ferroshap.base_values": json.dumps(batches.base_values.tolist()),
        "ferroshap.feature_names": json.dumps(features),
        "ferroshap.output_names": json.dumps(ensemble.output_names),
        "ferroshap.dtype": options.dtype,
        "ferroshap.options": json.dumps(
            {
                "keep": options.keep,
                "dtype": options.dtype,
                "max_memory": options.max_memory,
                "background": None if options.background is None else str(options.background),
                "weights": options.weights,
            }
        ),
    }


def _background_metadata(background: BackgroundFile, explainer: TreeExplainer) -> dict[str, str]:
    return {
        "ferroshap.background_rows": json.dumps(explainer.describe()["background_rows"]),
        "ferroshap.background_sha256": background.sha256(),
    }


def _summarise(options: ExplainOptions, batches: BatchExplainer, n_features: int, seconds: float) -> None:
    peak = peak_memory()
    log.info(
        "wrote %s: %s rows × %s features in %.1f s (%s rows/s), worst additivity gap %.2g%s",
        options.output,
        f"{batches.rows:,}",
        f"{n_features:,}",
        seconds,
        f"{rate(batches.rows, seconds):,.0f}",
        batches.worst_gap,
        "" if peak is None else f", peak memory {peak / 1e6:,.0f} MB",
    )
