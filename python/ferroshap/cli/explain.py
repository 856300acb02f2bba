"""`ferroshap explain`: model file and Parquet file in, Parquet file of SHAP values out."""

import time

import pyarrow as pa

from ferroshap.batch import BatchExplainer
from ferroshap.errors import UnsupportedModelError
from ferroshap.tree import TreeExplainer

from .files import open_parquet, read_model
from .memory import rows_in_flight
from .output import ExplanationWriter, replacing
from .pipeline import overlap
from .progress import progress
from .task import (
    DTYPE,
    ExplainOptions,
    background_metadata,
    background_of,
    batches_of,
    explainer_of,
    metadata_of,
    refuse_same_file,
    summarise,
)


def explain(options: ExplainOptions) -> None:
    """Writes the explanation of every row of the data to the output.

    Raises a `FerroshapError` of the kind that `exit_codes.py` knows; then there is no output file.
    """
    refuse_same_file(options.output, model=options.model, data=options.data, background=options.background)
    background = background_of(options)
    with replacing(options.output, overwrite=options.overwrite) as file:
        started = time.monotonic()
        model = read_model(options.model)
        data = open_parquet(options.data)
        explainer = explainer_of(model, background, options, data.metadata.num_rows)
        of_background = background_metadata(background, explainer)
        dtype = options.dtype or DTYPE
        batches = batch_explainer(explainer, options, dtype)
        schema = data.schema_arrow
        columns = batches.output_columns(schema)
        inputs = batches.input_columns(schema)
        rows = rows_in_flight(
            options.max_memory,
            pa.schema([schema.field(at) for at in inputs.read]),
            explainer.model.n_features,
            explainer.model.n_outputs,
            len(columns.values),
            4 if dtype == "float32" else 8,
        )
        writer = ExplanationWriter(file, batches.schema(schema), columns)
        try:
            with progress(data.metadata.num_rows) as advance:
                source = batches_of(options.data, data, rows, [schema.names[at] for at in inputs.read])
                overlap(source, batches, writer.write, lambda batch: advance(batch.num_rows))
            writer.close(metadata_of(options, model, explainer, inputs.names, batches.worst_gap) | of_background)
        except BaseException:
            writer.abandon()
            raise
    what = (
        f"× {len(columns.values):,} interaction values" if options.interactions else f"× {len(inputs.names):,} features"
    )
    accuracy = f"worst additivity gap {batches.worst_gap:.2g}"
    summarise(options.output, what, batches.rows, accuracy, time.monotonic() - started)


def batch_explainer(explainer: TreeExplainer, options: ExplainOptions, dtype: str) -> BatchExplainer:
    """What makes the values that the options ask for; errors name the model's file."""
    try:
        return BatchExplainer(
            explainer,
            options.keep,
            dtype=dtype,
            approximate=options.approximate,
            interactions=options.interactions,
            labels=options.labels,
        )
    except UnsupportedModelError as error:
        raise UnsupportedModelError(f"{options.model}: {error}") from error
