"""scikit-learn's HistGradientBoosting as a `ParsedModel`, from the attributes of the live object (1.2 and later).

Everything is float64, and the learning rate is in the leaves. Categorical features came in two ways:

* since 1.4, an OrdinalEncoder in front of the trees (`_preprocessor`) turns values into codes, and its columns come first:
  the trees number the columns in that order, which is undone here. What it does not know becomes missing.
* before, the columns hold codes below 256 themselves.

The trees send a code left if it is in the node's set, right if it is another one seen in training, and with the missing
values if it was never seen: one set a node says the same, since where the missing values go is known for each.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ferroshap.errors import UnsupportedModelError
from ferroshap.inputs.categories import Categories, Category
from ferroshap.inputs.schema import InputSchema

from .arrays import DEFAULT_LEFT, NEGATIVE_LEFT, OUT_OF_SET_LEFT, EnsembleArrays
from .info import ParsedModel
from .options import refuse_missing, resolve_iterations
from .sklearn_boosting import boosting_info, check_fitted
from .sklearn_estimators import schema_of

WORDS = 8  # of 32 categories
CODES = 32 * WORDS


def parse_hist_gradient_boosting(estimator: Any, *, iteration_range: Any, missing: Any) -> ParsedModel:
    """A `HistGradientBoosting*`: a constant, and in every iteration a tree an output."""
    refuse_missing(missing, "scikit-learn")
    check_fitted(estimator, "_predictors")
    stages: list[list[Any]] = estimator._predictors  # noqa: SLF001
    begin, end = resolve_iterations(iteration_range, len(stages))
    predictors = [predictor for stage in stages[begin:end] for predictor in stage]
    nodes = np.concatenate([predictor.nodes for predictor in predictors])
    inner = nodes["is_leaf"] == 0
    n_outputs = int(estimator.n_trees_per_iteration_)
    arrays = EnsembleArrays(
        n_features=int(estimator.n_features_in_),
        n_outputs=n_outputs,
        tree_starts=np.concatenate(([0], np.cumsum([p.nodes.size for p in predictors])), dtype=np.int64),
        tree_outputs=np.tile(np.arange(n_outputs, dtype=np.int32), end - begin),
        left=np.where(inner, nodes["left"].astype(np.int32), np.int32(-1)),
        right=np.where(inner, nodes["right"].astype(np.int32), np.int32(-1)),
        feature=np.where(inner, _columns(estimator)[nodes["feature_idx"] * inner], 0).astype(np.int32),
        threshold=nodes["num_threshold"].astype(np.float64),
        **_sets(estimator, predictors, nodes, inner),
        values=nodes["value"].astype(np.float64)[:, np.newaxis],
        cover=nodes["count"].astype(np.float64),
        base=np.asarray(estimator._baseline_prediction, np.float64).reshape(n_outputs),  # noqa: SLF001
        accumulation="f64-from-base",
        divisor=1,
        round_to_float32=False,
        flush_tiny=False,
        truncate_category_first=False,
    )
    return ParsedModel(arrays, _schema(estimator), boosting_info(estimator, n_outputs, "count"))


def _categorical(estimator: Any) -> NDArray[np.int64]:
    mask = getattr(estimator, "is_categorical_", None)
    return np.flatnonzero(mask) if mask is not None else np.zeros(0, np.int64)


def _columns(estimator: Any) -> NDArray[np.int64]:
    """The user's column of each column of the trees."""
    every = np.arange(int(estimator.n_features_in_))
    first = _categorical(estimator)
    if getattr(estimator, "_preprocessor", None) is None:
        return every
    return np.concatenate([first, np.setdiff1d(every, first)])


def _sets(estimator: Any, predictors: list[Any], nodes: Any, inner: NDArray[np.bool_]) -> dict[str, Any]:
    """The category sets and the flags of all nodes."""
    tests = inner & (nodes["is_categorical"] != 0)
    missing_left = inner & (nodes["missing_go_to_left"] != 0)
    flags = np.where(missing_left, DEFAULT_LEFT, 0)
    flags |= np.where(missing_left & tests, OUT_OF_SET_LEFT | NEGATIVE_LEFT, 0)
    stored = np.concatenate([np.asarray(p.raw_left_cat_bitsets, np.uint32).reshape(-1, WORDS) for p in predictors])
    n_stored = np.array([len(p.raw_left_cat_bitsets) for p in predictors])
    offset = np.repeat(np.cumsum(n_stored) - n_stored, [p.nodes.size for p in predictors])
    words = stored[(offset + nodes["bitset_idx"])[tests]]
    if tests.any():
        known_here = _known(estimator)[nodes["feature_idx"][tests]]
        words = words | np.where(missing_left[tests, np.newaxis], ~known_here, np.uint32(0))
    category_set = np.full(inner.size, -1, np.int32)
    category_set[tests] = np.arange(len(words))
    return {
        "flags": flags.astype(np.uint8),
        "category_set": category_set,
        "set_starts": WORDS * np.arange(len(words) + 1, dtype=np.int64),
        "set_words": np.ascontiguousarray(words, np.uint32).ravel(),
    }


def _known(estimator: Any) -> NDArray[np.uint32]:
    """`(columns of the trees, WORDS)`: the codes that training saw, of categorical columns."""
    mapper = estimator._bin_mapper  # noqa: SLF001
    seen = np.zeros((len(mapper.bin_thresholds_), CODES), np.bool_)
    for column in np.flatnonzero(mapper.is_categorical_).tolist():
        seen[column, np.asarray(mapper.bin_thresholds_[column]).astype(np.int64)] = True
    return np.packbits(seen, axis=1, bitorder="little").view("<u4").astype(np.uint32)


def _schema(estimator: Any) -> InputSchema:
    plain = schema_of(estimator, takes_infinity=True)
    columns = _categorical(estimator)
    encoder = getattr(estimator, "_preprocessor", None)
    categories = {} if encoder is None else dict(zip(columns.tolist(), _stored(estimator, encoder), strict=True))
    return InputSchema(
        n_features=plain.n_features,
        feature_names=plain.feature_names,
        categories=categories,
        categorical=frozenset(columns.tolist()),
        missing=None,
        integers_to_float32=False,
        spaces_become_underscores=False,
        absent="refused",
        codes_below=CODES if encoder is None and columns.size else None,
    )


def _stored(estimator: Any, preprocessor: Any) -> list[Categories]:
    """The categories of the encoder, which gives the value at `i` the code `i`; a NaN, the last one, becomes missing."""
    stored = []
    encoder = next(step for name, step, _ in preprocessor.transformers_ if name == "encoder")
    for known in encoder.categories_:
        dates = known.dtype.kind in "mM"  # whose plain values would be numbers
        values: list[Any] = list(known) if dates else known.tolist()
        if values and isinstance(values[-1], float) and np.isnan(values[-1]):
            values.pop()
        strange = [value for value in values if not isinstance(value, Category)]
        if strange:
            raise UnsupportedModelError(
                f"the {type(estimator).__name__} was trained with categories such as {strange[0]!r} "
                f"({type(strange[0]).__name__}); supported are texts, numbers and booleans"
            )
        stored.append(Categories(tuple(values), "missing", arrays_hold="values"))
    return stored
