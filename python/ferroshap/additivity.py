"""The law every result is checked against: base value plus SHAP values is the prediction.

|f64 − base − Σφ| ≤ 1e-12 · scale for each row and output, where f64 is the float64 sum of the leaves the row reaches
and scale = |base| + Σ over trees of max|leaf|. It holds before any rounding to float32. The training library's own
prediction may differ from f64 by the roundings of its additions: (trees + 1) · 2⁻²³ · scale in float32, 1e-12 · scale in
float64.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import AdditivityError

Floats = npt.NDArray[np.floating[Any]]
RELATIVE = 1e-12


def worst_gap(
    values: Floats,
    predicted: Floats,
    base: Floats,
    scale: npt.NDArray[Any],
    *,
    first_row: int = 0,
    references: int | None = None,
) -> float:
    """The largest |f64 − base − Σφ| of these rows, in units of the output.

    `values` is `(n, f, o)` float64, `predicted` `(n, o)`, `base` and `scale` `(o,)` or of a shape that fits `(n, o)`.
    For the message: `first_row` is the number of the first of these rows, and with `references` each row is there so many
    times, once against each background row. Raises `AdditivityError` naming the worst row if a gap is beyond the bound.
    """
    gaps = np.abs(predicted - base - values.sum(axis=1))
    bound = np.broadcast_to(RELATIVE * scale, gaps.shape)
    at = worst_breach(gaps, bound)
    if at is not None:
        raise AdditivityError(
            f"{_named(at[0], first_row, references)}{_differs(at, gaps, predicted, base)} more than the bound {bound[at]:.3g} (1e-12 of "
            "the model's scale); this is a defect of ferroshap, please report it with the model and the row"
        )
    return float(gaps.max(initial=0.0))


def worst_library_gap(
    values: Floats, predicted: Floats, base: Floats, bound: npt.NDArray[Any], *, first_row: int = 0
) -> float:
    """As `worst_gap`, with the training library's own prediction and the bound of `library_bound`."""
    gaps = np.abs(predicted - base - values.sum(axis=1))
    at = worst_breach(gaps, bound)
    if at is not None:
        raise AdditivityError(
            f"{_named(at[0], first_row)}{_differs(at, gaps, predicted, base)} which is the training library's own, more than the bound "
            f"{np.broadcast_to(bound, gaps.shape)[at]:.3g}. Either the model was trained further or its file replaced after it was read: read it again; "
            "or this is a defect of ferroshap: please report it with the model and the row"
        )
    return float(gaps.max(initial=0.0))


def library_bound(scale: npt.NDArray[Any], n_trees: int, *, float32: bool) -> npt.NDArray[np.float64]:
    """`(o,)`: how far base + Σφ may be from what the library predicts; `float32`: it adds up in that precision."""
    return scale * (RELATIVE + ((n_trees + 1) * 2.0**-23 if float32 else RELATIVE))


def worst_breach(gaps: Floats, bound: npt.NDArray[Any]) -> tuple[int, int] | None:
    """The row and output of the gap that is most beyond its bound; None if none is."""
    if (gaps <= bound).all():  # not `any(gaps > bound)`: nan is a breach
        return None
    excess = np.where(np.isnan(gaps), np.inf, gaps - bound)
    row, output = np.unravel_index(excess.argmax(), gaps.shape)
    return int(row), int(output)


def _named(row: int, first_row: int, references: int | None = None) -> str:
    if references is None:
        return f"row {first_row + row}"
    return f"row {first_row + row // references} against background row {row % references}"


def _differs(at: tuple[int, int], gaps: Floats, predicted: Floats, base: Floats) -> str:
    return (
        f", output {at[1]}: base value {np.broadcast_to(base, gaps.shape)[at]:.17g} plus SHAP values differs from the prediction "
        f"{predicted[at]:.17g} by {gaps[at]:.3g},"
    )
