"""The law every result is checked against: base value plus SHAP values is the prediction.

|f64 − base − Σφ| ≤ 1e-12 · scale for each row and output, where f64 is the float64 sum of the leaves the row reaches
and scale = |base| + Σ over trees of max|leaf|. It holds before any rounding to float32.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import AdditivityError

Floats = npt.NDArray[np.floating[Any]]
RELATIVE = 1e-12


def worst_gap(values: Floats, predicted: Floats, base: Floats, scale: npt.NDArray[Any], *, first_row: int = 0) -> float:
    """The largest |f64 − base − Σφ| of these rows, in units of the output.

    `values` is `(n, f, o)` float64, `predicted` `(n, o)`, `base` and `scale` `(o,)`; `first_row` is the number of the
    first of these rows, for the message. Raises `AdditivityError` naming the worst row if a gap is beyond the bound.
    """
    gaps = np.abs(predicted - base - values.sum(axis=1))
    bound = RELATIVE * scale
    if not (gaps <= bound).all():  # not `any(gaps > bound)`: nan is a breach
        excess = np.where(np.isnan(gaps), np.inf, gaps - bound)
        row, output = (int(at) for at in np.unravel_index(excess.argmax(), gaps.shape))
        raise AdditivityError(
            f"row {first_row + row}, output {output}: base value {base[output]:.17g} plus SHAP values differs from the "
            f"prediction {predicted[row, output]:.17g} by {gaps[row, output]:.3g}, more than the bound "
            f"{bound[output]:.3g} (1e-12 of the model's scale); this is a defect of ferroshap, please report it with "
            "the model and the row"
        )
    return float(gaps.max(initial=0.0))
