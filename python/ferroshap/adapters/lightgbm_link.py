"""What LightGBM's objectives make of the raw score; the text of a model has them with their parameters."""

import math

from ferroshap.links import EXPONENTIAL, IDENTITY, LOGISTIC, OF_TARGET, SOFTMAX, Link, unknown

LINKS = {
    **dict.fromkeys(("regression", "regression_l1", "huber", "fair", "mape"), OF_TARGET),
    **dict.fromkeys(("quantile", "lambdarank", "rank_xendcg"), IDENTITY),
    **dict.fromkeys(("poisson", "gamma", "tweedie"), EXPONENTIAL),
    "cross_entropy": LOGISTIC,
    "multiclass": SOFTMAX,
    "cross_entropy_lambda": unknown(
        "with LightGBM's objective cross_entropy_lambda the prediction is log(1 + exp(raw score)), which is not supported"
    ),
}
SCALED = {"binary", "multiclassova"}  # of the latter each output by itself: LightGBM does not make them sum to 1


def link_of(objective: str | None) -> Link:
    """The link of a line such as `binary sigmoid:1`; None where there is none, after training with an own objective."""
    name, *options = (objective or "").split() or [""]
    if not name:
        return IDENTITY  # LightGBM then predicts the raw score
    if "sqrt" in options:
        return unknown("with LightGBM's reg_sqrt=True the prediction is the square of the raw score, with its sign")
    if name in SCALED:
        scale = _sigmoid(options)
        if scale is None:
            return unknown(f"LightGBM's objective {name} has no sigmoid above 0 in the model, which it needs")
        return Link("logistic", scale)
    return LINKS.get(name, unknown(f"ferroshap does not know LightGBM's objective {name[:80]!r}"))


def _sigmoid(options: list[str]) -> float | None:
    text = next((option.removeprefix("sigmoid:") for option in options if option.startswith("sigmoid:")), "")
    try:
        scale = float(text)
    except ValueError:
        return None
    return scale if 0.0 < scale < math.inf else None
