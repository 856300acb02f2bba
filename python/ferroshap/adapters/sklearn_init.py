"""What scikit-learn's GradientBoosting starts from: a constant is the base value, another estimator a model of its own."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ferroshap.errors import UnsupportedModelError

from .options import no_init


def check_init(estimator: Any, *, without_init: bool) -> None:
    """Raises the error for an `init` that differs from row to row, or with `without_init` for one that does not."""
    init = estimator.init_
    constant = _is_constant(init)
    if constant and without_init:
        raise no_init(f"init={init!r} of the {type(estimator).__name__} is a constant, which is the base value")
    if not constant and not without_init:
        raise UnsupportedModelError(
            f"the {type(estimator).__name__} starts from init={init!r}, whose predictions differ from row to row and are "
            "no trees of it; supported are the default, init='zero' and constant dummy estimators, and with "
            "without_init=True the trees alone, which add up to the raw prediction less that of init"
        )


def constant_of(estimator: Any) -> NDArray[np.float64]:
    """(o): the same for every row; asking for it spares us the formulas of each loss and version."""
    if not hasattr(estimator, "_raw_predict_init"):
        raise UnsupportedModelError(
            f"a skops file of a {type(estimator).__name__} does not hold what its predictions start from; load it with skops "
            "and pass the model"
        )
    row = np.zeros((1, int(estimator.n_features_in_)), np.float32)
    constant: NDArray[np.float64] = estimator._raw_predict_init(row)[0].astype(np.float64)  # noqa: SLF001
    return constant


def name_without_init(estimator: Any, source: str) -> str:
    """What the trees alone are called."""
    return f"{source} without init={type(estimator.init_).__name__}"


def _is_constant(init: Any) -> bool:
    if isinstance(init, str) and init == "zero":
        return True
    kind = type(init)
    dummy = kind.__module__ == "sklearn.dummy" and kind.__name__ in {"DummyRegressor", "DummyClassifier"}
    return dummy and init.strategy != "stratified"  # which draws at random
