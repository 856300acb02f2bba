"""What the losses of scikit-learn's boosted trees make of the raw prediction."""

from typing import Any

from ferroshap.links import EXPONENTIAL, IDENTITY, LOGISTIC, OF_TARGET, SOFTMAX, Link, unknown

REGRESSION = {
    **dict.fromkeys(("squared_error", "absolute_error", "huber"), OF_TARGET),
    "quantile": IDENTITY,
    **dict.fromkeys(("poisson", "gamma"), EXPONENTIAL),
}
WITHOUT_INIT = unknown("the trees were read with without_init=True, and the prediction is made of init's too")
# The last four were names of the first until 1.2.
LOG_LOSS = ("log_loss", "deviance", "auto", "binary_crossentropy", "categorical_crossentropy")


def boosting_link(loss: Any, n_outputs: int, *, classifies: bool) -> Link:
    """The link of a `GradientBoosting*` or `HistGradientBoosting*`."""
    if classifies and loss == "exponential":
        return Link("logistic", 2.0)
    if classifies and loss in LOG_LOSS:
        return LOGISTIC if n_outputs == 1 else SOFTMAX
    if not classifies and isinstance(loss, str) and loss in REGRESSION:
        return REGRESSION[loss]
    name = repr(loss[:80]) if isinstance(loss, str) else f"a {type(loss).__name__}"
    return unknown(f"ferroshap does not know scikit-learn's loss {name}")


def samme_link(n_classes: int) -> Link:
    """The link of an `AdaBoostClassifier`, whose `predict_proba` is the softmax of its decisions, by its convention."""
    return LOGISTIC if n_classes == 2 else Link("softmax", 1.0 / (n_classes - 1))
