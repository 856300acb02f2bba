"""`ferroshap explain --kernel`: a function and Parquet files in, Parquet file of SHAP values out. It runs the user's code."""

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ferroshap.batch.columns import InputColumns, OutputColumns
from ferroshap.batch.numbers import columns_of
from ferroshap.coalition import KernelExplainer
from ferroshap.errors import DataError, FeatureMismatchError
from ferroshap.inputs import ColumnsOfBackground, InputSchema
from ferroshap.inputs.names import listed
from ferroshap.versions import build_info

from .background import BackgroundFile, weights_of
from .files import first_line, open_parquet
from .function import UserFunction, imported
from .memory import rows_in_flight
from .output import ExplanationWriter, replacing
from .pipeline import overlap
from .progress import Advance, progress
from .row_frames import RowsAs, check_installed, index_columns, rows_as
from .task import DTYPE, batches_of, refuse_same_file, summarise

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class KernelOptions:
    """The options of the command with `--kernel`, as given."""

    kernel: str
    data: Path
    output: Path
    background: Path
    weights: str | None
    features: tuple[str, ...]
    rows_as: RowsAs
    link: Literal["identity", "logit"]
    nsamples: int | str
    max_evals: int | None
    tol: float | None
    seed: int
    output_names: tuple[str, ...]
    standard_errors: bool
    nan_policy: Literal["raise", "propagate"]
    keep: tuple[str, ...]
    dtype: Literal["float32", "float64"] | None
    threads: int | None
    max_memory: int
    overwrite: bool


def explain_function(options: KernelOptions) -> None:
    """Writes the explanation of every row of the data to the output.

    Raises a `FerroshapError` of the kind that `exit_codes.py` knows; then there is no output file.
    """
    refuse_same_file(options.output, data=options.data, background=options.background)
    check_installed(options.rows_as)
    file = BackgroundFile(options.background, options.weights)
    with (
        replacing(options.output, overwrite=options.overwrite) as out,
        imported(options.kernel) as function,
        function.failing_as_model(),
    ):
        _explain(options, file, out, function)


def _explain(options: KernelOptions, file: BackgroundFile, out: Any, function: UserFunction) -> None:
    started = time.monotonic()
    data = open_parquet(options.data)
    features, background, weights = _background(options)
    schema, dtype = data.schema_arrow, options.dtype or DTYPE
    inputs = InputColumns.match(schema.names, _schema_of(features), options.keep)
    with progress(data.metadata.num_rows) as advance:
        explainer = _explainer(options, function, background, weights, advance)
        rows = RowsOfFunction(explainer, schema, inputs, options)
        read = [schema.names[at] for at in sorted({*inputs.features, *inputs.kept})]
        count = rows_in_flight(
            options.max_memory,
            pa.schema([schema.field(name) for name in read]),
            len(features),
            rows.n_outputs,
            3 * len(features) * rows.n_outputs,  # values, and their errors by coalitions and by background
            4 if dtype == "float32" else 8,
        )
        writer = ExplanationWriter(out, rows.schema, rows.columns)
        try:
            overlap(batches_of(options.data, data, count, read), rows, writer.write, lambda _: None)
            writer.close(_metadata(options, rows, features) | _background_metadata(file, len(background)))
        except BaseException:
            writer.abandon()
            raise
    accuracy = "exact" if rows.exact == rows.rows else f"largest standard error {rows.worst_error:.2g}"
    what = f"× {len(features):,} features, {rows.evaluations:,} rows evaluated,"
    summarise(options.output, what, rows.rows, accuracy, time.monotonic() - started)


class RowsOfFunction:
    """Batch in, batch of values out; counts what they took, and how exact they are."""

    def __init__(
        self, explainer: KernelExplainer, schema: pa.Schema, inputs: InputColumns, options: KernelOptions
    ) -> None:
        self.rows = self.exact = self.converged = self.evaluations = 0
        self.worst_error = 0.0
        self.explainer = explainer
        self._inputs, self._options = inputs, options
        self._base: Floats = np.atleast_1d(explainer.expected_value)
        self.n_outputs = len(self._base)
        self.output_names = options.output_names or tuple(map(str, range(self.n_outputs)))
        prefixes = ("shap_", "standard_error_") if options.standard_errors else ("shap_",)
        self.columns = OutputColumns.of(options.keep, inputs.names, self.output_names, *prefixes)
        self._dtype = options.dtype or DTYPE
        number = pa.float32() if self._dtype == "float32" else pa.float64()
        kept = [schema.field(at).remove_metadata() for at in inputs.kept]
        names = self.columns.values + self.columns.base
        self.schema = pa.schema([*kept, *(pa.field(name, number, nullable=False) for name in names)])

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The explanation of the rows of `batch`, in order."""
        shape = (batch.num_rows, len(self._inputs.names), self.n_outputs)
        table = rows_as(self._options.rows_as, pa.Table.from_batches([batch]), self._inputs.names)
        explanation = self.explainer(table)
        details = explanation.details
        assert details is not None
        errors = np.asarray(details.standard_errors)
        self.rows += batch.num_rows
        self.exact += int(np.sum(details.exact))
        self.converged += int(np.sum(details.converged))
        self.evaluations += int(np.sum(details.n_evals))
        self.worst_error = max(self.worst_error, float(np.nanmax(errors, initial=0.0)))
        parts = [np.asarray(explanation.values).reshape(shape)]
        parts += [errors.reshape(shape)] if self._options.standard_errors else []
        parts += [np.broadcast_to(self._base, (batch.num_rows, 1, self.n_outputs))]
        numbers = [column for part in parts for column in columns_of(part, self._dtype)]
        kept = [batch.column(batch.schema.get_field_index(name)) for name in self._options.keep]
        return pa.RecordBatch.from_arrays([*kept, *numbers], schema=self.schema)


def _background(options: KernelOptions) -> "tuple[tuple[str, ...], Any, Floats | None]":
    """The columns that the function is given, the background rows of them, and their weights."""
    data = open_parquet(options.background)
    schema = data.schema_arrow
    try:
        beside = () if options.weights is None else (options.weights,)
        if options.weights is not None and options.weights not in schema.names:
            raise DataError(f"there is no column {options.weights!r} for the weights")
        index = index_columns(schema)
        features = options.features or tuple(name for name in schema.names if name not in index and name not in beside)
        if not features:
            raise DataError("there is no column that the function could be given")
        matched = InputColumns.match(schema.names, _schema_of(features), beside)
        table = data.read(columns=[schema.names[at] for at in (*matched.features, *matched.kept)])
        weights = None if options.weights is None else weights_of(table, options.weights)
        return features, rows_as(options.rows_as, table, features), weights
    except (OSError, pa.ArrowException) as error:
        raise DataError(
            f"the background {options.background} is a damaged Parquet file: {first_line(error)}"
        ) from error
    except DataError as error:
        raise type(error)(f"the background {options.background}: {error}") from error


def _explainer(
    options: KernelOptions, function: UserFunction, background: Any, weights: "Floats | None", advance: Advance
) -> KernelExplainer:
    done = 0

    def follow(finished: int, of: int) -> None:
        nonlocal done
        advance(finished - done)
        done = 0 if finished == of else finished

    try:
        return KernelExplainer(
            function,
            background,
            link=options.link,
            weights=weights,
            nsamples=options.nsamples,
            max_evals=options.max_evals,
            tol=options.tol,
            seed=options.seed,
            threads=options.threads,
            nan_policy=options.nan_policy,
            output_names=options.output_names or None,
            progress=follow,
        )
    except DataError as error:
        raise type(error)(f"the background {options.background}: {error}") from error


def _schema_of(features: tuple[str, ...]) -> InputSchema:
    twice = sorted({name for name in features if features.count(name) > 1})
    if twice:
        raise FeatureMismatchError(f"the function would be given {listed(twice)} twice; name each column once")
    return ColumnsOfBackground(features)


def _metadata(options: KernelOptions, rows: RowsOfFunction, features: tuple[str, ...]) -> dict[str, str]:
    """What the output file says about itself; numbers and lists as JSON."""
    explainer = rows.explainer
    return {
        "ferroshap.version": build_info()["version"],
        "ferroshap.function": options.kernel,
        "ferroshap.algorithm": explainer.algorithm,
        "ferroshap.output_space": explainer.output_space,
        "ferroshap.base_values": json.dumps(np.atleast_1d(explainer.expected_value).tolist()),
        "ferroshap.feature_names": json.dumps(features),
        "ferroshap.output_names": json.dumps(rows.output_names if rows.n_outputs > 1 else ["output"]),
        "ferroshap.dtype": options.dtype or DTYPE,
        "ferroshap.evaluations": json.dumps(rows.evaluations),
        "ferroshap.exact_rows": json.dumps(rows.exact),
        "ferroshap.converged_rows": json.dumps(rows.converged),
        "ferroshap.largest_standard_error": json.dumps(rows.worst_error),
        "ferroshap.options": json.dumps(asdict(options), default=str),
    }


def _background_metadata(file: BackgroundFile, rows: int) -> dict[str, str]:
    return {"ferroshap.background_rows": json.dumps(rows), "ferroshap.background_sha256": file.sha256()}
