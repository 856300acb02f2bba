"""A LightGBM text model as a `ParsedModel`. Versions v3 and v4 of the text, written by 2.3 to 4.7."""

from typing import Any

import numpy as np

from ferroshap.errors import ModelError

from .arrays import EnsembleArrays
from .info import ModelInfo, ParsedModel, numbered_outputs
from .lightgbm_columns import input_schema
from .lightgbm_link import link_of
from .lightgbm_trees import tree_fields
from .limits import check_outputs
from .options import resolve_iterations
from .record import Record
from .tree_columns import TreeColumns


def parse_lightgbm(
    document: dict[str, Any],
    form: str | None = None,
    *,
    iteration_range: Any = None,
    labels: tuple[str, ...] | None = None,
) -> ParsedModel:
    """The model of a document.

    `form` is `ModelInfo.source`, by default the version of the text. `labels` name the outputs of a multi-class model.
    """
    root = Record(document, "")
    header = root.record("header")
    trees = root.sequence("trees")
    n_features = header.whole("max_feature_idx", most=2**31 - 2) + 1
    n_classes = header.whole("num_class", least=1)
    n_outputs = header.whole("num_tree_per_iteration", n_classes, least=1)
    if n_outputs != n_classes:  # LightGBM predicts one column each of these, from one tree each of those
        header.fail("num_tree_per_iteration", f"{n_classes}, as num_class says")
    check_outputs(n_outputs, len(trees), "num_tree_per_iteration")
    if len(trees) % n_outputs:
        raise ModelError(
            f"the file holds {len(trees)} trees, expected a multiple of {n_outputs}, one an iteration and class"
        )
    begin, end = resolve_iterations(iteration_range, len(trees) // n_outputs)
    chosen = trees[begin * n_outputs : end * n_outputs]

    # Random-forest mode: the library's raw score is the sum over iterations, its prediction their mean.
    mean = bool(header.fields.get("average_output", False))
    arrays = EnsembleArrays(
        n_features=n_features,
        n_outputs=n_outputs,
        tree_outputs=(np.arange(len(chosen)) % n_outputs).astype(np.int32),
        **tree_fields(TreeColumns(chosen, begin * n_outputs)),
        base=np.zeros(n_outputs),
        accumulation="f64-mean" if mean else "f64-from-base",
        divisor=max(end - begin, 1) if mean else 1,
        round_to_float32=False,
        flush_tiny=True,
        truncate_category_first=True,
    )
    tested = arrays.feature[arrays.category_set >= 0]
    version = header.text("version", "of unknown version")
    objective = header.text("objective", None)
    info = ModelInfo(
        family="LightGBM",
        source=form or f"LightGBM text {version}",
        objective=objective,
        output_space="mean of trees" if mean else "margin",
        link=link_of(objective),
        output_names=labels if labels is not None and len(labels) == n_outputs > 1 else numbered_outputs(n_outputs),
        output_dtype="float64",
        best_iteration=None,
        cover_kind="none" if arrays.cover is None else "count",
    )
    return ParsedModel(arrays, input_schema(root, n_features, np.unique(tested).tolist()), info)
