"""What `ferroshap explain` does whatever it writes: the options, an explainer of the files, rows, what a file says of itself."""

import hashlib
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ferroshap.ensemble import load_model
from ferroshap.errors import DataError, FerroshapError, OptionError
from ferroshap.tree import TreeExplainer
from ferroshap.tree.model_output import output_of
from ferroshap.tree.saabas import ALGORITHM as SAABAS
from ferroshap.versions import build_info

from .background import BackgroundFile
from .files import first_line
from .memory import peak_memory
from .progress import rate

log = logging.getLogger("ferroshap")

DTYPE: Literal["float32"] = "float32"  # of values, unless another is asked for


@dataclass(frozen=True)
class ExplainOptions:
    """The options of the command, as given."""

    model: Path
    data: Path
    output: Path
    keep: tuple[str, ...]
    dtype: Literal["float32", "float64"] | None
    threads: int | None
    max_memory: int
    overwrite: bool
    background: Path | None
    weights: str | None
    model_output: Literal["raw", "probability", "predict", "log_loss"]
    labels: str | None
    pair_budget: int
    aggregate: bool
    by: str | None
    approximate: bool
    interactions: bool
    iteration_range: tuple[int, int] | None
    missing: float | None


def refuse_same_file(output: Path, **read: Path | None) -> None:
    """Raises `OptionError` if the output is one of the files that are read, which the keywords name."""
    for role, path in read.items():
        if path is not None and path.exists() and output.exists() and path.samefile(output):
            raise OptionError(f"the output {output} is the {role} itself; give another name")


def explainer_of(
    model: bytes, background: BackgroundFile | None, options: ExplainOptions, n_rows: int
) -> TreeExplainer:
    """The explainer of the model file's bytes; errors name the file."""
    try:
        ensemble = load_model(model, iteration_range=options.iteration_range, missing=options.missing)
    except FerroshapError as error:
        raise type(error)(f"{options.model}: {error}") from error
    rows = None if background is None else background.read(ensemble, options.keep)
    try:
        if rows is None and output_of(ensemble, options.model_output).kind != "identity":
            raise OptionError(
                f"--model-output {options.model_output} is explained against background rows: name a file of them with "
                "--background"
            )
        explainer = TreeExplainer(
            ensemble,
            rows,
            options.model_output,
            threads=options.threads,
            expected_rows=max(1, n_rows),
            pair_budget=options.pair_budget,
        )
        explainer.admit(n_rows, approximate=options.approximate)
        return explainer
    except FerroshapError as error:
        raise type(error)(f"{options.model}: {error}") from error


def background_of(options: ExplainOptions) -> BackgroundFile | None:
    """The background that the options name; raises `OptionError` for weights of none."""
    if options.background is None:
        if options.weights is not None:
            raise OptionError("--weights names a column of the background: name its file with --background too")
        return None
    return BackgroundFile(options.background, options.weights)


def batches_of(path: Path, data: pq.ParquetFile, rows: int, columns: list[str]) -> Iterator[pa.RecordBatch]:
    """The rows, `rows` at a time; raises `DataError`."""
    try:
        yield from data.iter_batches(batch_size=rows, columns=columns, use_threads=False)
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{path} is a damaged Parquet file: {first_line(error)}") from error


def metadata_of(
    options: ExplainOptions,
    model: bytes,
    explainer: TreeExplainer,
    features: tuple[str, ...],
    worst_gap: float,
) -> dict[str, str]:
    """What the output file says about itself; numbers and lists as JSON."""
    dtype = "float64" if options.aggregate else options.dtype or DTYPE
    return {
        "ferroshap.version": build_info()["version"],
        "ferroshap.model_sha256": hashlib.sha256(model).hexdigest(),
        "ferroshap.algorithm": SAABAS if options.approximate else explainer.algorithm,
        "ferroshap.output_space": explainer.output_space,
        "ferroshap.worst_additivity_gap": json.dumps(worst_gap),
        "ferroshap.base_values": json.dumps(
            # of a loss each row has its own
            None if callable(base := explainer.expected_value) else np.atleast_1d(np.asarray(base)).tolist()
        ),
        "ferroshap.feature_names": json.dumps(features),
        "ferroshap.output_names": json.dumps(explainer.output_names),
        "ferroshap.dtype": dtype,
        "ferroshap.options": json.dumps(
            {
                "keep": options.keep,
                "dtype": dtype,
                "max_memory": options.max_memory,
                "background": None if options.background is None else str(options.background),
                "weights": options.weights,
                "model_output": options.model_output,
                "labels": options.labels,
                "aggregate": options.aggregate,
                "by": options.by,
                "approximate": options.approximate,
                "interactions": options.interactions,
                "iteration_range": options.iteration_range,
                "missing": None if options.missing is None else str(options.missing),  # JSON has no NaN and no infinity
            }
        ),
    }


def background_metadata(background: BackgroundFile | None, explainer: TreeExplainer) -> dict[str, str]:
    """What the file says of the background, where there is one."""
    if background is None:
        return {}
    return {
        "ferroshap.background_rows": json.dumps(explainer.describe()["background_rows"]),
        "ferroshap.background_sha256": background.sha256(),
    }


def summarise(output: Path, what: str, rows: int, accuracy: str, seconds: float) -> None:
    """The last line on standard error: what was written, how fast and how accurate."""
    peak = peak_memory()
    log.info(
        "wrote %s: %s rows %s in %.1f s (%s rows/s), %s%s",
        output,
        f"{rows:,}",
        what,
        seconds,
        f"{rate(rows, seconds):,.0f}",
        accuracy,
        "" if peak is None else f", peak memory {peak / 1e6:,.0f} MB",
    )
