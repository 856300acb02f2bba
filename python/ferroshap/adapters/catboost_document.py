"""A CatBoost model document (JSON of `save_model(format="json")`) as a `ParsedModel`."""

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ferroshap.errors import UnsupportedModelError
from ferroshap.inputs.schema import InputSchema

from .arrays import EnsembleArrays
from .catboost_columns import CatboostColumns
from .catboost_link import link_of
from .catboost_trees import ObliviousTrees, SplitTrees
from .info import ModelInfo, ParsedModel, numbered_outputs
from .limits import check_outputs
from .options import resolve_iterations
from .record import Record

OF_CLASSES = ("MultiClass", "MultiClassOneVsAll")  # one target, whatever the number of outputs
VERSION = re.compile(r"tags/v([0-9.]+)")


def parse_catboost(
    document: dict[str, Any], form: str, *, iteration_range: Any = None, labels: tuple[str, ...] | None = None
) -> ParsedModel:
    """The model of a document; `form` is what `ModelInfo.source` says in brackets, `labels` name classes."""
    root = Record(document, "")
    columns = CatboostColumns(root)
    base = _base(root)
    trees = root.sequence("oblivious_trees" if "oblivious_trees" in root else "trees")
    begin, end = resolve_iterations(iteration_range, len(trees))
    read = ObliviousTrees if "oblivious_trees" in root else SplitTrees
    built = read(trees[begin:end], begin, columns)
    n_outputs = base.size if base.size > 1 else built.n_outputs
    check_outputs(n_outputs, max(base.size, built.n_outputs), "scale_and_bias or leaf_values")
    if columns.splits_on_statistics and n_outputs > 1 and _objective(root) not in OF_CLASSES:
        raise UnsupportedModelError(
            "the CatBoost model has several outputs that are no classes and splits on statistics of the target (CTR), whose "
            "rule for several targets is not known; train with one_hot_max_size above the number of categories"
        )
    _every_class_is_an_output(root, n_outputs)
    arrays = EnsembleArrays(
        n_features=columns.n_features,
        n_outputs=n_outputs,
        **built.fields(n_outputs),
        # CatBoost adds the bias to a sum that begins with the first tree.
        base=np.broadcast_to(base, n_outputs).astype(np.float64) * (begin == 0),
        accumulation="f64-from-zero-then-base",
        divisor=1,
        round_to_float32=True,
        flush_tiny=False,
        truncate_category_first=False,
    )
    names = labels if labels is not None else _class_names(root)
    info = ModelInfo(
        family="CatBoost",
        source=f"CatBoost {_version(root)} ({form})",
        objective=_objective(root),
        output_space="margin",
        link=link_of(_objective(root)),
        output_names=names if names is not None and len(names) == n_outputs > 1 else numbered_outputs(n_outputs),
        output_dtype="float64",
        best_iteration=None,
        cover_kind="none" if arrays.cover is None else "weighted count",
    )
    schema = InputSchema(
        n_features=columns.n_features,
        feature_names=columns.names,
        categories=columns.categories,
        categorical=frozenset(columns.categories),
        missing=None,
        integers_to_float32=True,
        spaces_become_underscores=False,
    )
    return ParsedModel(arrays, schema, info)


def _base(root: Record) -> NDArray[np.float64]:
    """The bias, `(o,)` or `(1,)`."""
    pair = root.fields.get("scale_and_bias", [1, 0])
    if isinstance(pair, np.ndarray):
        pair = pair.tolist()
    if not isinstance(pair, list) or len(pair) != 2:
        root.fail("scale_and_bias", "a scale and a bias")
    scale, bias = pair
    if not isinstance(bias, (list, np.ndarray)) and bias != 0:  # from CatBoost before 1.0, which the newest counts as 0
        root.fail("scale_and_bias", "a list of biases, one an output")
    mixed = isinstance(bias, list) and bias  # numbers alone are an array
    if mixed or type(scale) not in (int, float):
        root.fail("scale_and_bias", "a scale and a bias: numbers")
    values = np.atleast_1d(np.asarray(0.0 if isinstance(bias, list) else bias))
    if values.dtype.kind not in "iuf" or values.ndim != 1:
        root.fail("scale_and_bias", "a scale and a bias: numbers")
    if values.dtype.kind != "f" and not (np.abs(values.astype(np.float64)) <= 2**53).all():  # CatBoost counts them as 0
        root.fail("scale_and_bias", "whole numbers up to 2^53")
    if scale != 1:
        raise UnsupportedModelError(
            f"the CatBoost model has the scale {scale:g} (set_scale_and_bias), which is not supported; supported is 1"
        )
    return values.astype(np.float64)


def _model_info(root: Record) -> dict[str, Any]:
    found = root.fields.get("model_info")
    return found if isinstance(found, dict) else {}


def _version(root: Record) -> str:
    text = _model_info(root).get("catboost_version_info")
    found = VERSION.search(text) if isinstance(text, str) else None
    return found[1].rstrip(".") if found else "of unknown version"


def _objective(root: Record) -> str | None:
    params = _model_info(root).get("params")
    loss = params.get("loss_function") if isinstance(params, dict) else None
    kind = loss.get("type") if isinstance(loss, dict) else None
    return kind if isinstance(kind, str) else None


def _every_class_is_an_output(root: Record, n_outputs: int) -> None:
    """Raises the error for classes that no training row had, for which CatBoost predicts minus infinity."""
    params = _model_info(root).get("class_params")
    if n_outputs == 1 or not isinstance(params, dict) or "class_to_label" not in params:
        return
    record = Record(params, "model_info.class_params")
    places = record.whole_numbers("class_to_label").tolist()
    named, declared = len(_class_names(root) or ()), record.whole("classes_count", 0)
    if places != list(range(n_outputs)) or {named, declared} - {0, n_outputs}:
        raise UnsupportedModelError(
            f"{record.path} declares {max(named, declared)} classes and gives the {n_outputs} outputs the places {places[:8]}, "
            f"expected 0 to {n_outputs - 1} in order and no others: for a class that no training row had CatBoost predicts "
            "minus infinity, which has no SHAP values; train without it"
        )


def _class_names(root: Record) -> tuple[str, ...] | None:
    params = _model_info(root).get("class_params")
    names = params.get("class_names") if isinstance(params, dict) else None
    if isinstance(names, np.ndarray):
        names = names.tolist()
    return tuple(map(str, names)) if isinstance(names, list) else None
