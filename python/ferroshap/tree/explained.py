"""Values of rows become an `Explanation`: its axes, base values, data and names."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ferroshap.ensemble import TreeEnsemble
from ferroshap.explanation import Explanation, Position, part_of, shown_rows
from ferroshap.inputs import InputRows

Floats = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Names:
    """What the axes are called in the results of one call."""

    features: tuple[str, ...] | None
    outputs: tuple[str, ...]


def explained(
    rows: InputRows,
    names: Names,
    *,
    model: TreeEnsemble,
    base: Floats,
    output_space: str,
    algorithm: str,
    interactions: bool = False,
) -> Explanation:
    """The explanation of all features and outputs of the rows, with everything but its values, which take no memory.

    `base` is `(o,)`, or `(n, o)` where each row has its own.
    """
    n, f, o = len(rows), model.n_features, base.shape[-1]
    row_axes, output_axes = () if rows.one_row else ("row",), () if o == 1 else ("output",)
    feature_axes = ("feature", "other feature") if interactions else ("feature",)
    lengths = {"row": n, "feature": f, "other feature": f, "output": o}
    axes = (*row_axes, *feature_axes, *output_axes)
    bases = np.broadcast_to(base, (n, o)).copy()
    if rows.bases is not None:
        bases += rows.bases - model.base
    shaped = bases[:, 0] if o == 1 else bases
    data, display_data = shown_rows(rows)
    return Explanation(
        np.broadcast_to(np.float64(np.nan), [lengths[axis] for axis in axes]),
        shaped[0] if rows.one_row else shaped,
        data,
        display_data=display_data,
        axes=axes,
        feature_names=names.features,
        other_feature_names=names.features if interactions else None,
        output_names=names.outputs[0] if o == 1 else names.outputs,
        output_space=output_space,
        algorithm=algorithm,
        model=model.source,
    )


def filled(explanation: Explanation, chosen: dict[str, Position], values: Floats) -> Explanation:
    """The explanation, or what was chosen of it, with these values."""
    if chosen:
        return part_of(explanation, chosen, values)
    explanation.values = values
    return explanation
