"""`BatchExplainer`: a record batch in, a record batch of SHAP values out."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ferroshap.additivity import worst_gap
from ferroshap.errors import DataError, OptionError, UnsupportedModelError
from ferroshap.options import float_dtype
from ferroshap.tree import TreeExplainer
from ferroshap.tree.prepared import Target

from .columns import InputColumns, OutputColumns, pair_names
from .numbers import columns_of, label_values

if TYPE_CHECKING:
    import pyarrow as pa

Floats = npt.NDArray[np.float64]


class BatchExplainer:
    """Explains record batches, one by one, and keeps the worst additivity gap it saw.

    The result has the kept columns first, then one column of SHAP values per output and feature (`shap_<feature>`; with
    several outputs `shap_<output>__<feature>`, output by output), then the base value (`base_value`,
    `base_value_<output>`), the rows in the order of the input. Values are computed and checked in float64, then rounded
    to `dtype`.

    With `interactions` the columns of values are `interaction_<feature>__<other>` (`interaction_<output>__<feature>__<other>`), the
    entries of the upper triangle of each row's matrix, row by row: a feature with itself is its main effect, the others count
    twice in the prediction, since their mirror images are left out.

    Parameters
    ----------
    explainer
        The explainer of the model.
    keep
        Columns to copy from the input to the result.
    dtype
        `"float32"` or `"float64"`: the type of the columns of values and base values.
    prefix
        What the names of the columns of values start with; None: `shap_`, or `interaction_`.
    approximate
        True: Saabas values, as in `TreeExplainer.shap_values`.
    interactions
        True: interaction values, as in `TreeExplainer.shap_interaction_values`.
    labels
        The column of labels, for values of a loss (`model_output="log_loss"`) and only for them; each row has a base value of its
        own then.

    Raises
    ------
    OptionError
        `keep` is a text and not a list, `dtype` is not one of the two, `approximate` values are asked of an explainer with a
        background, or together with `interactions`; or `labels` are given without a loss, or a loss has none.
    UnsupportedModelError
        The model is that of a pipeline; interactions are asked of another output than the raw one.
    PlanError
        The `approximate` values or the `interactions` take more than the explainer's `max_memory`.

    Examples
    --------
    >>> import ferroshap, pyarrow as pa
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.tree import DecisionTreeRegressor
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> tree = DecisionTreeRegressor(max_depth=3, random_state=0).fit(X[["bmi", "bp"]], y)
    >>> explain = ferroshap.BatchExplainer(ferroshap.TreeExplainer(tree), keep=["age"])
    >>> for batch in pa.Table.from_pandas(X).to_batches(max_chunksize=200):
    ...     result = explain(batch)
    ...     print(result.num_rows, result.schema.names)
    200 ['age', 'shap_bmi', 'shap_bp', 'base_value']
    200 ['age', 'shap_bmi', 'shap_bp', 'base_value']
    42 ['age', 'shap_bmi', 'shap_bp', 'base_value']
    >>> explain.rows
    442
    """

    def __init__(
        self,
        explainer: TreeExplainer,
        keep: Sequence[str] = (),
        *,
        dtype: Any = "float32",
        prefix: str | None = None,
        approximate: bool = False,
        interactions: bool = False,
        labels: str | None = None,
    ) -> None:
        if isinstance(keep, str):
            raise OptionError(f"keep is the text {keep!r}; expected a list of column names: keep=[{keep!r}]")
        if explainer.model.has_steps_before:
            raise UnsupportedModelError(
                "the model stands behind the steps of a pipeline, whose columns are not those of the batches; explain its "
                "last step, TreeExplainer(pipeline[-1]), on rows that pipeline[:-1] has transformed"
            )
        if explainer.is_of_loss and labels is None:
            raise OptionError("values of a loss need the label of each row: name the column that has them, labels=")
        if labels is not None and not explainer.is_of_loss:
            raise OptionError(
                "labels names the column of labels for values of the loss; leave it out, or make the explainer with "
                "model_output='log_loss'"
            )
        if approximate and interactions:
            raise OptionError("Saabas values have no interactions; leave out approximate or interactions")
        if interactions:
            explainer.admit_interactions()
        explainer.admit(0, approximate=approximate)
        self.explainer = explainer
        self.approximate = approximate
        self.interactions = interactions
        self.keep = tuple(keep)
        self.labels = labels
        self.dtype = float_dtype("dtype", dtype)
        self.prefix = ("interaction_" if interactions else "shap_") if prefix is None else prefix
        self._worst_gap = 0.0
        self._rows = 0
        self._matched: tuple[tuple[str, ...], InputColumns] | None = None

    @property
    def base_values(self) -> Floats:
        """The base value of each output, `(o,)` float64; `OptionError` for a loss, whose rows each have their own."""
        if self.labels is not None:
            raise OptionError("each row has its own base value, by its label: it is in the column base_value")
        return np.atleast_1d(np.asarray(self.explainer.expected_value, dtype=np.float64)).copy()

    @property
    def worst_gap(self) -> float:
        """The largest `|prediction − base − Σφ|` of all rows explained so far, in float64, before any rounding."""
        return self._worst_gap

    @property
    def rows(self) -> int:
        """The number of rows explained so far."""
        return self._rows

    def input_columns(self, schema: "pa.Schema") -> InputColumns:
        """Which columns of a table of this `schema` are features and which are kept; others are ignored, with one log line.

        Raises `FeatureMismatchError` or `DataError` if a feature or a kept column is not there.
        """
        names = tuple(schema.names)
        if self._matched is None or self._matched[0] != names:
            self._matched = (names, InputColumns.match(names, self.explainer.model.schema, self.keep, self.labels))
        return self._matched[1]

    def output_columns(self, schema: "pa.Schema") -> OutputColumns:
        """The names of the result's columns for an input of this `schema`; raises `OptionError` if two are the same."""
        features = self.explainer.feature_names or self.input_columns(schema).names
        names = pair_names(features) if self.interactions else features
        return OutputColumns.of(self.keep, names, self.explainer.output_names, self.prefix)

    def schema(self, schema: "pa.Schema") -> "pa.Schema":
        """The Arrow schema of the result for an input of this `schema`; raises as `input_columns` and `output_columns`."""
        import pyarrow as pa

        columns = self.output_columns(schema)
        number = pa.float32() if self.dtype == "float32" else pa.float64()
        kept = [schema.field(at).remove_metadata() for at in self.input_columns(schema).kept]
        return pa.schema([*kept, *(pa.field(name, number, nullable=False) for name in columns.values + columns.base)])

    def __call__(self, batch: "pa.RecordBatch") -> "pa.RecordBatch":
        """The explanation of the rows of `batch`, in order.

        Raises
        ------
        DataError, FeatureMismatchError
            A column is not there, or cannot be read.
        OptionError
            Two columns of the result would share a name, or a value is beyond float32.
        AdditivityError
            The values do not add up to the prediction: a defect of ferroshap.
        """
        import pyarrow as pa

        inputs = self.input_columns(batch.schema)
        features = self._features(batch, inputs)
        if self.interactions:
            values, target = self.explainer.interactions_and_target(features)
            summands = _sums_of_matrices(values, self.explainer.model.n_features)
        else:
            values, target = self._values(features, None if inputs.labels is None else batch.column(inputs.labels))
            summands = values
        gap = worst_gap(summands, target.predicted, target.base, target.scale, first_row=self._rows)
        self._worst_gap = max(self._worst_gap, gap)
        self._rows += batch.num_rows
        base = np.broadcast_to(target.base, target.predicted.shape)
        numbers = [*columns_of(values, self.dtype), *columns_of(base[:, None], self.dtype)]
        return pa.RecordBatch.from_arrays(
            [*(batch.column(at) for at in inputs.kept), *numbers], schema=self.schema(batch.schema)
        )

    def _values(self, features: "pa.Table", labels: "pa.Array | None") -> "tuple[Floats, Target]":
        if labels is None:
            return self.explainer.values_and_target(features, approximate=self.approximate)
        try:
            return self.explainer.values_and_target(features, label_values(labels))
        except DataError as error:
            raise type(error)(f"of the rows from {self._rows:,} on: {error}") from error

    def _features(self, batch: "pa.RecordBatch", inputs: InputColumns) -> "pa.Table":
        import pyarrow as pa

        columns = [batch.column(at) for at in inputs.features]
        return pa.Table.from_arrays(columns, names=[batch.schema.names[at] for at in inputs.features])


def _sums_of_matrices(upper: Floats, n_features: int) -> Floats:
    """`(n, 1, o)`: the sum of each row's whole matrix, of its upper triangle `(n, f (f + 1) / 2, o)`."""
    lengths = np.arange(n_features, 0, -1)
    diagonal = upper[:, np.cumsum(lengths) - lengths]
    sums: Floats = 2 * upper.sum(axis=1, keepdims=True) - diagonal.sum(axis=1, keepdims=True)
    return sums
