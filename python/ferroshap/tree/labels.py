"""`y`: the labels of rows, which losses need."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ferroshap.errors import DataError, OptionError

from .linked import Linked

Floats64 = npt.NDArray[np.float64]


def check_labels(y: Any, *, a_loss: bool) -> None:
    """Raises `OptionError` where labels are given without a loss, or a loss has none."""
    if y is not None and not a_loss:
        raise OptionError(
            "y is the labels for values of the loss; leave it out, or make the explainer with model_output='log_loss'"
        )
    if y is None and a_loss:
        raise OptionError("model_output='log_loss' explains the loss of each row: pass its labels, y=")


def read_labels(y: Any, n: int, linked: Linked) -> Floats64:
    """`(n,)`: 0 or 1, numbers of the target, or for several classes the position of each label among `output_names`.

    Raises `DataError` naming the first bad label.
    """
    given = np.atleast_1d(np.asarray(y))
    if given.shape != (n,):
        raise DataError(f"y has the shape {np.shape(y)}; expected ({n},), one label for each row")
    if linked.of_softmax:
        return _positions(given, linked.model.output_names)
    try:
        numbers = given.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"y holds something that is no number: {error}") from error
    bad = ~np.isfinite(numbers)
    if linked.rule.by == "logistic loss":
        bad = ~((numbers >= 0) & (numbers <= 1))
    if bad.any():
        at = int(np.flatnonzero(bad)[0])
        expected = "a label of 0 or 1" if linked.rule.by == "logistic loss" else "a finite number"
        raise DataError(f"y of row {at} is {given[at]}; expected {expected}")
    return numbers


def _positions(labels: "np.ndarray[Any, Any]", names: Sequence[str]) -> Floats64:
    """Labels match classes by their text; whole numbers that floats hold, as integers."""
    if labels.dtype.kind == "f" and (labels == np.trunc(labels)).all():
        labels = labels.astype(np.int64)
    known = {name: float(position) for position, name in enumerate(names)}
    given = labels.tolist()
    found = [known.get(str(label)) for label in given]
    if None in found:
        at = found.index(None)
        raise DataError(f"y of row {at} is {given[at]!r}; expected one of the model's classes: {', '.join(names)}")
    return np.array(found, dtype=np.float64)
