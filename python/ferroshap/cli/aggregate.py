"""`ferroshap explain --aggregate`: statistics of the SHAP values of all rows, or of groups of them, in a small Parquet file."""

import time
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from ferroshap.batch.columns import InputColumns
from ferroshap.batch.numbers import label_values
from ferroshap.errors import AdditivityError, DataError, OptionError
from ferroshap.explanation import Aggregate
from ferroshap.tree import TreeExplainer

from .files import first_line, open_parquet, read_model
from .memory import rows_to_aggregate
from .output import replacing, write_table
from .pipeline import overlap
from .progress import progress
from .task import (
    ExplainOptions,
    background_metadata,
    background_of,
    batches_of,
    explainer_of,
    metadata_of,
    refuse_same_file,
    summarise,
)

COLUMNS = ("feature", "output", "rows", "mean_abs", "mean", "min", "max")
TOTALS = 4 * 48  # bytes for a group, feature and output: those so far, those of a batch, and both


def aggregate(options: ExplainOptions) -> None:
    """Writes a row for each feature and output, and for each group of rows where a column says which there are.

    Raises a `FerroshapError` of the kind that `exit_codes.py` knows; then there is no output file.
    """
    _refuse_options_of_rows(options)
    refuse_same_file(options.output, model=options.model, data=options.data, background=options.background)
    background = background_of(options)
    with replacing(options.output, overwrite=options.overwrite) as file:
        started = time.monotonic()
        model = read_model(options.model)
        data = open_parquet(options.data)
        explainer = explainer_of(model, background, options, data.metadata.num_rows)
        of_background = background_metadata(background, explainer)
        schema = data.schema_arrow
        inputs = InputColumns.match(schema.names, explainer.model.schema, _by(options, schema.names), options.labels)
        read = [schema.names[at] for at in inputs.read]
        columns, ensemble = pa.schema([schema.field(name) for name in read]), explainer.model
        rows = rows_to_aggregate(options.max_memory, columns, ensemble.n_features, ensemble.n_outputs)
        work = Aggregation(explainer, [schema.names[at] for at in inputs.features], options, schema)
        with progress(data.metadata.num_rows) as advance:
            source = batches_of(options.data, data, rows, read)
            overlap(source, work, lambda _: None, lambda batch: advance(batch.num_rows))
        gap = work.result.worst_gap or 0.0
        write_table(file, work.table(), metadata_of(options, model, explainer, inputs.names, gap) | of_background)
    in_groups = "" if options.by is None else f"{len(work.result.groups or ()):,} groups, "
    what = f"aggregated, {in_groups}{len(inputs.names):,} features"
    summarise(options.output, what, work.rows, f"worst additivity gap {gap:.2g}", time.monotonic() - started)


def _refuse_options_of_rows(options: ExplainOptions) -> None:
    for name, given in (("--keep", options.keep), ("--dtype", options.dtype)):
        if given:
            raise OptionError(f"{name} is for values of each row, and --aggregate writes none; leave one of them out")


def _by(options: ExplainOptions, columns: Sequence[str]) -> tuple[str, ...]:
    if options.by is None:
        return ()
    if options.by in COLUMNS:
        raise OptionError(
            f"the column {options.by!r} of groups (--by) would have the name of another one: {', '.join(COLUMNS)}; rename it"
        )
    if options.by not in columns:
        raise DataError(f"the data has no column {options.by!r} for the groups (--by)")
    return (options.by,)


class Aggregation:
    """Batch after batch into one aggregate; groups are numbered as their labels come."""

    def __init__(
        self, explainer: TreeExplainer, features: Sequence[str], options: ExplainOptions, schema: pa.Schema
    ) -> None:
        self.rows = 0
        self._explainer = explainer
        self._features = list(features)
        self._by = options.by
        self._y = options.labels
        self._approximate = options.approximate
        self._most = options.max_memory // (TOTALS * max(explainer.model.n_features * explainer.model.n_outputs, 1))
        self._labels: pa.Array | None = None
        self.result: Aggregate = self._aggregate(schema.empty_table())  # what there is without a row

    def __call__(self, batch: pa.RecordBatch) -> None:
        """Adds the rows of a batch."""
        try:
            self.result = self.result.merge(self._aggregate(batch))
        except (AdditivityError, DataError) as error:
            raise type(error)(f"of the rows from {self.rows:,} on: {error}") from error
        self.rows += batch.num_rows

    def table(self) -> pa.Table:
        """The statistics; with groups, the column of labels first, in their order, as it is in the data."""
        table = self.result.to_arrow()
        if self._labels is None:
            return table
        labels = self._labels.take(table["group"].combine_chunks().cast(pa.int64()))
        places = pa.table({"label": labels, "place": pa.array(range(len(labels)), pa.int64())})
        order = pc.sort_indices(places, sort_keys=[("label", "ascending"), ("place", "ascending")])
        rest = table.drop_columns("group")
        named = pa.table([labels, *rest.columns], names=[str(self._by), *rest.column_names])
        return named.take(order)

    def _aggregate(self, batch: pa.RecordBatch | pa.Table) -> Aggregate:
        by = None if self._by is None else self._numbers(batch.column(self._by))
        y = None if self._y is None else label_values(batch.column(self._y))
        return self._explainer.aggregate(batch.select(self._features), y=y, by=by, approximate=self._approximate)

    def _numbers(self, column: pa.Array | pa.ChunkedArray) -> "pa.Array":
        try:
            column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
            column = column.dictionary_decode() if isinstance(column, pa.DictionaryArray) else column
            known = column.slice(0, 0) if self._labels is None else self._labels
            column = column.cast(known.type)  # a batch may have string for the large_string of the schema
            found = pc.unique(column)
            new = found.filter(pc.invert(pc.is_in(found, value_set=known)))
            self._labels = pa.concat_arrays([known, new])
            if len(self._labels) > self._most:
                raise OptionError(
                    f"the column {self._by!r} has more than {self._most:,} different values (--by), whose statistics take more than "
                    "--max-memory; name a column of fewer groups, or allow more"
                )
            return pc.index_in(column, value_set=self._labels).to_numpy(zero_copy_only=False)
        except pa.ArrowException as error:
            raise DataError(
                f"the column {self._by!r} has dtype {column.type}, whose values are no labels of groups (--by): {first_line(error)}"
            ) from error
