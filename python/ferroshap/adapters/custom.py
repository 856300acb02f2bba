"""Custom ensembles: the arrays of trees that no library wrote as a `ParsedModel`, every entry read by one rule or refused."""

from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from ferroshap.errors import ModelError, OptionError
from ferroshap.inputs.schema import InputSchema

from .arrays import DEFAULT_LEFT, EnsembleArrays
from .custom_link import link_of
from .custom_options import columns_of, outputs_of, text_among
from .custom_sets import category_sets
from .info import ModelInfo, ParsedModel
from .record import brief
from .saved import SPACES
from .tree_columns import starts_of

COVER_TOLERANCE = 1e-3
"""Covers that were summed in float32 differ from the sum of their parts, by less than this share of it."""


def parse_custom(
    trees: Sequence[Any],
    *,
    base: Any,
    n_features: Any,
    feature_names: Any,
    output_names: Any,
    output_space: Any,
    comparison: Any,
    input_dtype: Any,
    average: Any,
    link: Any,
    source: Any,
) -> ParsedModel:
    """The trees of `build_ensemble` (each with the fields of `Tree`) and its options, which are described there."""
    if not trees:
        raise OptionError("trees is empty; expected at least one Tree")
    if not isinstance(source, str) or not source:
        raise OptionError(f"source is {source!r}; expected a text")
    strict = text_among("comparison", comparison, ("<=", "<")) == "<"
    rounded = text_among("input_dtype", input_dtype, ("float64", "float32")) == "float32"
    output_space = text_among("output_space", output_space, SPACES)
    n_features, feature_names = columns_of(n_features, feature_names)
    sizes = np.array([_size(index, tree) for index, tree in enumerate(trees)], np.int64)
    # Whatever is negative marks a leaf.
    left, right = (np.maximum(_whole(trees, side, sizes), -1) for side in ("left", "right"))
    inner = left >= 0
    values = _values(trees, sizes)
    outputs = outputs_of(trees, values.shape[1], base, output_names, average)
    sets = category_sets(trees, sizes, inner)
    numeric = inner & (sets["category_set"] < 0)
    missing_left = _missing_left(trees, sizes)
    feature = _whole(trees, "feature", sizes, inner)
    arrays = EnsembleArrays(
        n_features=n_features,
        n_outputs=len(outputs.names),
        tree_starts=starts_of(sizes),
        tree_outputs=outputs.tree_outputs,
        left=left,
        right=right,
        feature=feature,
        threshold=_thresholds(trees, sizes, numeric, strict=strict),
        flags=np.where(missing_left, DEFAULT_LEFT, 0).astype(np.uint8)
        if missing_left is not None
        else np.zeros(inner.size, np.uint8),
        **sets,
        values=values,
        cover=_covers(trees, sizes),
        base=outputs.base,
        accumulation="f64-mean" if outputs.divisor > 1 else "f64-from-base",
        divisor=outputs.divisor,
        round_to_float32=rounded,
        flush_tiny=False,
        truncate_category_first=False,
    )
    schema = InputSchema(
        n_features=n_features,
        feature_names=feature_names,
        categories={},
        categorical=frozenset(feature[sets["category_set"] >= 0].tolist()),
        missing=None,
        integers_to_float32=False,
        spaces_become_underscores=False,
        takes_nan=missing_left is not None,
        takes_sparse_nan=missing_left is not None,
    )
    info = ModelInfo(
        family="custom",
        source=source,
        objective=None,
        output_space=output_space,
        link=link_of(link, output_space, len(outputs.names)),
        output_names=outputs.names,
        output_dtype="float64",
        best_iteration=None,
        cover_kind="none" if arrays.cover is None else "weighted count",
    )
    return ParsedModel(arrays, schema, info)


def check_forest(arrays: EnsembleArrays) -> None:
    """What the core does not ask of a model, and an own one must keep; call it when the core has found no cycle.

    Raises ModelError for a node that no root leads to, which is a child forgotten, and for a cover that is not what the
    children have together: the values would be those of another model.
    """
    first = np.repeat(arrays.tree_starts[:-1], np.diff(arrays.tree_starts))
    inner = np.flatnonzero(arrays.left >= 0)
    left, right = first[inner] + arrays.left[inner], first[inner] + arrays.right[inner]
    child = np.full((arrays.left.size, 2), -1, np.int64)
    child[inner, 0], child[inner, 1] = left, right
    reached = np.zeros(arrays.left.size, np.bool_)
    frontier = arrays.tree_starts[:-1]
    while frontier.size:
        reached[frontier] = True
        children = child[frontier].ravel()
        frontier = children[children >= 0]
    if not reached.all():
        _fail_at(arrays, int(np.argmin(reached)), "the node is the child of none, expected one parent, or no such node")
    if arrays.cover is not None:
        together = arrays.cover[left] + arrays.cover[right]
        own = arrays.cover[inner]
        wrong = np.abs(own - together) > COVER_TOLERANCE * np.maximum(own, together)
        if wrong.any():
            at = int(np.argmax(wrong))
            expected = f"about {together[at]:g}, what its children have together"
            _fail_at(arrays, int(inner[at]), f"cover is {own[at]:g}, expected {expected}")


def _fail_at(arrays: EnsembleArrays, node: int, problem: str) -> NoReturn:
    tree = int(np.searchsorted(arrays.tree_starts, node, side="right")) - 1
    raise ModelError(f"tree {tree}, node {node - int(arrays.tree_starts[tree])}: {problem}")


def _size(index: int, tree: Any) -> int:
    size = len(_array(index, "left", tree.left, (1,)))
    if size == 0:
        raise ModelError(f"tree {index}: left is empty, expected an entry a node, at least the root's")
    return size


def _array(index: int, field: str, value: Any, dimensions: tuple[int, ...], length: int | None = None) -> NDArray[Any]:
    """`value` as an array of numbers or truth values with one of these numbers of dimensions."""
    try:
        array = np.asarray(value)
    except ValueError:  # lists of different lengths
        array = np.empty(0, object)
    if array.dtype.kind not in "biuf" or array.dtype.itemsize > 8:
        found = array.dtype if isinstance(value, np.ndarray) else brief(value)
        raise ModelError(f"tree {index}: {field} is {found}, expected an array of numbers")
    if np.ma.is_masked(value):
        raise ModelError(f"tree {index}: {field} has masked entries, expected a number in each")
    if array.ndim not in dimensions:
        expected = " or ".join("(nodes)" if d == 1 else "(nodes, outputs)" for d in dimensions)
        raise ModelError(f"tree {index}: {field} has shape {array.shape}, expected {expected}")
    if length is not None and len(array) != length:
        raise ModelError(f"tree {index}: {field} has {len(array)} entries, expected {length}, as many as left")
    return array


def _whole(
    trees: Sequence[Any], field: str, sizes: NDArray[np.int64], read: NDArray[np.bool_] | None = None
) -> NDArray[np.int32]:
    """(v) of all trees; 0 where it is not `read` (v)."""
    parts = []
    starts = starts_of(sizes)
    for index, tree in enumerate(trees):
        part = _array(index, field, getattr(tree, field), (1,), int(sizes[index]))
        if read is not None:
            part = np.where(read[starts[index] : starts[index + 1]], part, 0)
        part = part.astype(np.float64) if part.dtype.kind == "f" else part
        good = (part > -(2**31)) & (part < 2**31)  # which NaN is not
        if part.dtype.kind == "f":
            good &= np.trunc(part) == part
        if not good.all():
            at = int(np.argmin(good))
            raise ModelError(f"tree {index}, node {at}: {field} is {part[at]}, expected a whole number below 2^31")
        parts.append(part.astype(np.int32))
    return np.concatenate(parts)


def _numbers(trees: Sequence[Any], field: str, sizes: NDArray[np.int64], dimensions: tuple[int, ...]) -> list[Any]:
    """The float64 numbers of each tree; whole numbers that float64 has not are refused."""
    parts = []
    for index, (tree, size) in enumerate(zip(trees, sizes.tolist(), strict=True)):
        part = _array(index, field, getattr(tree, field), dimensions, size)
        if part.dtype.kind in "iu" and part.size and max(int(part.max()), -int(part.min())) > 2**53:
            raise ModelError(f"tree {index}: {field} has whole numbers beyond 2^53, expected float64 numbers")
        parts.append(part.astype(np.float64))
    return parts


def _thresholds(
    trees: Sequence[Any], sizes: NDArray[np.int64], numeric: NDArray[np.bool_], *, strict: bool
) -> NDArray[np.float64]:
    """For `x <= threshold`. `x < t` is that with the float64 number before t: no x lies between them."""
    joined: NDArray[np.float64] = np.concatenate(_numbers(trees, "threshold", sizes, (1,)))
    bad = numeric & np.isnan(joined)
    if bad.any():
        node = int(np.argmax(bad))
        starts = starts_of(sizes)
        tree = int(np.searchsorted(starts, node, side="right")) - 1
        raise ModelError(f"tree {tree}, node {node - int(starts[tree])}: threshold is nan, expected a number")
    if strict:  # nothing is below -inf, and NaN sends nothing left
        joined = np.where(joined == -np.inf, np.nan, np.nextafter(joined, -np.inf))
    return np.where(numeric, joined, 0.0)


def _values(trees: Sequence[Any], sizes: NDArray[np.int64]) -> NDArray[np.float64]:
    """(v, 1) or (v, o)."""
    parts = [part if part.ndim == 2 else part[:, np.newaxis] for part in _numbers(trees, "value", sizes, (1, 2))]
    width = parts[0].shape[1]
    for index, part in enumerate(parts):
        if part.shape[1] != width or width == 0:
            expected = f"{width}, as tree 0" if width else "at least one"
            raise ModelError(f"tree {index}: value has {part.shape[1]} numbers a node, expected {expected}")
    return np.concatenate(parts)


def _covers(trees: Sequence[Any], sizes: NDArray[np.int64]) -> NDArray[np.float64] | None:
    return np.concatenate(_numbers(trees, "cover", sizes, (1,))) if _given(trees, "cover") else None


def _missing_left(trees: Sequence[Any], sizes: NDArray[np.int64]) -> NDArray[np.bool_] | None:
    if not _given(trees, "default_left"):
        return None
    parts = []
    for index, (tree, size) in enumerate(zip(trees, sizes.tolist(), strict=True)):
        if isinstance(tree.default_left, bool | np.bool_):
            parts.append(np.full(size, tree.default_left))
            continue
        part = _array(index, "default_left", tree.default_left, (1,), size)
        if part.dtype.kind != "b":
            raise ModelError(f"tree {index}: default_left is of {part.dtype}, expected true or false a node")
        parts.append(part)
    return np.concatenate(parts)


def _given(trees: Sequence[Any], field: str) -> bool:
    """Whether the trees have the field: all of them, or none."""
    given = [getattr(tree, field) is not None for tree in trees]
    if any(given) and not all(given):
        raise ModelError(f"tree {given.index(False)}: {field} is missing, but tree {given.index(True)} has it")
    return all(given)
