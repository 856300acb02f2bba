"""Several parsed models as one: what meta-estimators that add up their members are made of.

Shapley values are linear in the game, so a weighted sum of ensembles is the ensemble of all their trees.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ferroshap.errors import UnsupportedModelError

from .arrays import EnsembleArrays
from .info import ParsedModel
from .tree_columns import starts_of

RULES = ("round_to_float32", "flush_tiny", "truncate_category_first")


@dataclass(frozen=True)
class Member:
    """A model in the sum.

    columns
        `(f of the member)`: its features among those of the whole; None: the same.
    outputs
        `(o of the member)`: its outputs among those of the whole.
    weight
        What its output is multiplied by.
    """

    parsed: ParsedModel
    columns: NDArray[np.int64] | None
    outputs: NDArray[np.int64]
    weight: float = 1.0


def combine(members: list[Member], n_features: int, n_outputs: int, divisor: float = 1.0) -> EnsembleArrays:
    """The trees of all members, and last the division by `divisor`, in the members' own order of addition if they share one.

    Raises `UnsupportedModelError` where the members read their rows by different rules.
    """
    parts = [member.parsed.arrays for member in members]
    for rule in RULES:
        if len({getattr(part, rule) for part in parts}) > 1:
            raise UnsupportedModelError(
                "the members come from libraries that read their rows in different ways (rounding to float32, values near "
                "zero), which cannot be one model; explain each member by itself: SHAP values of a sum are the sums of SHAP "
                "values"
            )
    if any(part.linear_starts is not None for part in parts):
        raise UnsupportedModelError(
            "a member has linear trees, which are supported for that member by itself only: pass it"
        )
    orders = {(part.accumulation, part.divisor) for part in parts}
    shared = len(orders) == 1 and divisor == 1.0 and all(member.weight == 1.0 for member in members)
    plain = all(part.divisor == 1.0 for part in parts)
    width = n_outputs if any((part.tree_outputs < 0).any() for part in parts) else 1
    base = np.zeros(n_outputs)
    for member in members:
        np.add.at(
            base,
            member.outputs,
            member.weight * member.parsed.arrays.base / (1.0 if shared else member.parsed.arrays.divisor),
        )
    return EnsembleArrays(
        n_features=n_features,
        n_outputs=n_outputs,
        tree_starts=starts_of(np.concatenate([np.diff(part.tree_starts) for part in parts])),
        tree_outputs=np.concatenate([_outputs(member, width) for member in members]).astype(np.int32),
        left=np.concatenate([part.left for part in parts]),
        right=np.concatenate([part.right for part in parts]),
        feature=np.concatenate([_features(member) for member in members]).astype(np.int32),
        threshold=np.concatenate([part.threshold for part in parts]),
        flags=np.concatenate([part.flags for part in parts]),
        **_sets(parts),
        values=np.concatenate([_values(member, width, n_outputs, whole=shared or plain) for member in members]),
        cover=None if any(part.cover is None for part in parts) else np.concatenate([part.cover for part in parts]),
        base=base,
        accumulation=parts[0].accumulation if shared else "f64-from-base" if divisor == 1.0 else "f64-mean",
        divisor=parts[0].divisor if shared else divisor,
        **{rule: getattr(parts[0], rule) for rule in RULES},
    )


def _outputs(member: Member, width: int) -> NDArray[np.int64]:
    own = member.parsed.arrays.tree_outputs
    return np.full(own.size, -1) if width > 1 else member.outputs[own]


def _features(member: Member) -> NDArray[Any]:
    own = member.parsed.arrays.feature
    return own if member.columns is None else member.columns[own]


def _values(member: Member, width: int, n_outputs: int, *, whole: bool) -> NDArray[np.float64]:
    """Leaf values of the whole: weighted, and divided where the member is a mean."""
    part = member.parsed.arrays
    values = part.values if member.weight == 1.0 else member.weight * part.values
    values = values if whole else values / part.divisor
    if width == 1:
        return values
    wide = np.zeros((len(values), n_outputs))
    trees = np.repeat(np.arange(part.tree_outputs.size), np.diff(part.tree_starts))
    own = part.tree_outputs[trees]
    vector = own < 0
    if vector.any():
        wide[np.ix_(vector, member.outputs)] = values[vector]
    single = np.flatnonzero(~vector)
    wide[single, member.outputs[own[single]]] = values[single, 0]
    return wide


def _sets(parts: list[EnsembleArrays]) -> dict[str, Any]:
    counts = np.array([part.set_starts.size - 1 for part in parts])
    first = np.cumsum(counts) - counts
    return {
        "category_set": np.concatenate(
            [
                np.where(part.category_set < 0, -1, part.category_set + at)
                for part, at in zip(parts, first.tolist(), strict=True)
            ]
        ).astype(np.int32),
        "set_starts": starts_of(np.concatenate([np.diff(part.set_starts) for part in parts])),
        "set_words": np.concatenate([part.set_words for part in parts]),
    }
