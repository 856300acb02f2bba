"""The trees of a CatBoost document as nodes: symmetric ones, where a level has one test, and those with a test a node."""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ferroshap.errors import ModelError

from .arrays import DEFAULT_LEFT, NEGATIVE_LEFT, OUT_OF_SET_LEFT
from .catboost_columns import CatboostColumns, Split
from .catboost_numbers import float64, float64s
from .record import Record
from .tree_columns import starts_of

MOST_LEVELS = 16  # CatBoost's own limit


class CatboostTrees(ABC):
    """What both kinds have in common: the nodes of one tree after the other, and the sets of their splits."""

    def __init__(self, trees: Any, first: int, columns: CatboostColumns) -> None:
        self._columns = columns
        self._splits: list[Split] = []
        self._numbers: dict[tuple[Any, ...], int] = {}
        self._trees = [Record(tree, f"tree {first + at}") for at, tree in enumerate(trees)]
        # Of each tree: left child and number of the split, −1 at a leaf; value (v, o); cover (v), or None.
        self._nodes = [self._read(tree) for tree in self._trees]
        widths = {values.shape[1] for _, _, _, values, _ in self._nodes}
        if len(widths) > 1:
            raise ModelError(f"the trees hold {sorted(widths)} values a leaf, expected the same number in each")
        self.n_outputs: int = widths.pop() if widths else 1

    @abstractmethod
    def _read(self, tree: Record) -> tuple[Any, ...]:
        """Left and right children, split, values and covers of the nodes of one tree."""

    def fields(self, n_outputs: int) -> dict[str, Any]:
        """The fields of `EnsembleArrays` that are trees."""
        if self._nodes and self.n_outputs != n_outputs:
            raise ModelError(f"the leaves hold {self.n_outputs} values, expected {n_outputs}, one an output")
        none = np.zeros(0, np.int64)
        parts = [*self._nodes, (none, none, none, np.zeros((0, n_outputs)), np.zeros(0))]
        left, right, number, values, covers = (list(part) for part in zip(*parts, strict=True))
        sizes = np.array([len(part) for part in left[:-1]], np.int64)
        at = np.concatenate(number)
        at[at < 0] = len(self._splits)
        table = self._table()
        return {
            "tree_starts": starts_of(sizes),
            "tree_outputs": np.full(sizes.size, 0 if n_outputs == 1 else -1, np.int32),
            "left": np.concatenate(left).astype(np.int32),
            "right": np.concatenate(right).astype(np.int32),
            **{field: table[field][at] for field in ("feature", "threshold", "flags", "category_set")},
            "set_starts": table["set_starts"],
            "set_words": table["set_words"],
            "values": np.concatenate(values),
            "cover": None if any(cover is None for cover in covers) else np.concatenate(covers),
        }

    def _number(self, record: Record) -> int:
        """The number of a split; equal ones are read once."""
        key = tuple(
            sorted((name, value) for name, value in record.fields.items() if isinstance(value, (int, float, str)))
        )
        if key not in self._numbers:
            self._numbers[key] = len(self._splits)
            self._splits.append(self._columns.split(record))
        return self._numbers[key]

    def _table(self) -> dict[str, Any]:
        """The splits as columns; the last row is that of a leaf."""
        sets: list[NDArray[np.uint32]] = []
        category_set = np.full(len(self._splits) + 1, -1, np.int32)
        for at, split in enumerate(self._splits):
            if split.below is not None:
                category_set[at] = len(sets)
                sets.append(_words(split.below))
        left = np.array([split.missing_left for split in self._splits] + [False])
        beyond = DEFAULT_LEFT | np.where(category_set >= 0, OUT_OF_SET_LEFT | NEGATIVE_LEFT, 0)
        return {
            "feature": np.array([split.column for split in self._splits] + [0], np.int32),
            "threshold": np.array([split.threshold for split in self._splits] + [np.nan]),
            "flags": np.where(left, beyond, 0).astype(np.uint8),
            "category_set": category_set,
            "set_starts": starts_of(np.array([len(words) for words in sets], np.int64)),
            "set_words": np.concatenate([*sets, np.zeros(0, np.uint32)]),
        }


class ObliviousTrees(CatboostTrees):
    """Symmetric trees. Leaf `i` is where split `k` is true for every bit `k` of `i`: the last split is the root's."""

    def _read(self, tree: Record) -> tuple[Any, ...]:
        splits = tree.sequence("splits") if tree.fields.get("splits") is not None else []
        depth = len(splits)
        if depth > MOST_LEVELS:
            tree.fail("splits", f"at most {MOST_LEVELS} splits")
        numbers = [self._number(Record(split, tree.at(f"splits[{at}]"))) for at, split in enumerate(splits)]
        n_leaves = 1 << depth
        leaf_values = float64s(tree, "leaf_values")
        if not leaf_values.size or leaf_values.size % n_leaves:
            tree.fail("leaf_values", f"a multiple of {n_leaves} numbers, for 2^{depth} leaves")
        leaf_values = leaf_values.reshape(n_leaves, -1)
        weights = float64s(tree, "leaf_weights") if tree.fields.get("leaf_weights") is not None else None
        if weights is not None and not weights.size:
            weights = None
        if weights is not None and weights.size != n_leaves:
            tree.fail("leaf_weights", f"{n_leaves} numbers, one a leaf")
        return _levels(numbers[::-1], leaf_values, weights)


class SplitTrees(CatboostTrees):
    """Trees of nested nodes: `{"split", "left", "right"}` and `{"value", "weight"}`."""

    def _read(self, tree: Record) -> tuple[Any, ...]:
        left: list[int] = []
        right: list[int] = []
        number: list[int] = []
        values: list[Any] = []
        weights: list[float] = []
        inside: list[int] = []
        pending: list[tuple[Record, int, bool]] = [(tree, -1, False)]
        while pending:
            node, parent, is_right = pending.pop()
            here = len(left)
            if parent >= 0:
                (right if is_right else left)[parent] = here
            left.append(-1)
            right.append(-1)
            inner = "split" in node
            number.append(self._number(node.record("split")) if inner else -1)
            values.append(None if inner else np.atleast_1d(_leaf_value(node)))
            weights.append(0.0 if inner else float64(node, "weight"))
            if inner:
                inside.append(here)
                pending.append((Record(node.fields.get("right"), f"{tree.path}: right of node {here}"), here, True))
                pending.append((Record(node.fields.get("left"), f"{tree.path}: left of node {here}"), here, False))
        width = {len(value) for value in values if value is not None}
        if len(width) != 1:
            raise ModelError(f"{tree.path}: its leaves hold {sorted(width)} values, expected the same number each")
        table = np.zeros((len(left), width.pop()))
        for at, value in enumerate(values):
            if value is not None:
                table[at] = value
        cover = np.array(weights)
        for here in reversed(inside):  # children come after their parents
            cover[here] = cover[left[here]] + cover[right[here]]
        return np.array(left), np.array(right), np.array(number), table, cover


def _levels(numbers: list[int], values: NDArray[np.float64], weights: NDArray[np.float64] | None) -> tuple[Any, ...]:
    """A complete tree, level by level from the root.

    Where no training row came and all values are zero, a subtree is one leaf: such leaves are many where a feature is
    tested twice, and add nothing to a prediction or an explanation.
    """
    depth = len(numbers)
    n_inner = (1 << depth) - 1
    left = np.full(n_inner + len(values), -1, np.int64)
    left[:n_inner] = 2 * np.arange(n_inner) + 1
    number = np.full(left.size, -1, np.int64)
    number[:n_inner] = np.repeat(np.array(numbers, np.int64), 1 << np.arange(depth))
    every = np.zeros((left.size, values.shape[1]))
    every[n_inner:] = values
    cover = None
    if weights is not None:
        cover = np.zeros(left.size)
        cover[n_inner:] = weights
        empty = (cover == 0) & (every == 0).all(axis=1)
        for level in range(depth - 1, -1, -1):
            here = np.arange((1 << level) - 1, (1 << (level + 1)) - 1)
            cover[here] = cover[2 * here + 1] + cover[2 * here + 2]
            empty[here] = empty[2 * here + 1] & empty[2 * here + 2]
        left[empty], number[empty] = -1, -1
    return left, np.where(left < 0, -1, left + 1), number, every, cover


def _words(below: NDArray[np.bool_]) -> NDArray[np.uint32]:
    """32 codes a word, least significant bit first."""
    padded = np.zeros(-(-max(below.size, 1) // 32) * 32, np.bool_)
    padded[: below.size] = below
    words: NDArray[np.uint32] = np.packbits(padded, bitorder="little").view("<u4").astype(np.uint32)
    return words


def _leaf_value(node: Record) -> NDArray[np.float64]:
    several = isinstance(node.fields.get("value"), np.ndarray)
    array = float64s(node, "value") if several else np.asarray(float64(node, "value"))
    if np.isnan(array).any():
        node.fail("value", "a number, or one an output")
    return array
