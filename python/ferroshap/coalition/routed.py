"""Tree models that ferroshap reads: their values need no estimate, or at least no call of anyone's Python."""

from typing import Any

import numpy as np
import numpy.typing as npt

from ferroshap.ensemble import TreeEnsemble, load_model
from ferroshap.errors import DataError, OptionError, PlanError, UnsupportedModelError
from ferroshap.inputs import SparseRows
from ferroshap.tree import TreeExplainer
from ferroshap.tree.background import read_background

from .matrices import MatrixBackground, MatrixRows
from .model import Model, NanPolicy
from .players import Players
from .tree_mixtures import TreeRows, Unwritten

Floats = npt.NDArray[np.float64]


def tree_model(model: Any) -> TreeEnsemble:
    """What is no function, as `load_model` reads it; raises what that does, with the way that any model has."""
    try:
        return load_model(model)
    except UnsupportedModelError as error:
        own = next((name for name in ("predict_proba", "predict") if callable(getattr(model, name, None))), None)
        if own is None:
            raise
        name = type(model).__name__
        raise UnsupportedModelError(
            f"{name} is no function, and no tree model with exact values; pass what is to be explained: {name}.{own} of this object. "
            f"({error})"
        ) from error


def exact_explainer(ensemble: TreeEnsemble, data: Any, weights: Any, **options: Any) -> TreeExplainer | None:
    """The explainer of a tree model whose values against background rows are computed exactly; None for models that have none."""
    try:
        return TreeExplainer(ensemble, data, weights=weights, **options)
    except (UnsupportedModelError, PlanError):  # linear leaves, more than 64 features on a path
        return None


class TreeFunction:
    """What a tree model predicts for rows that `read_rows` has read, or for mixtures of them, as a function: float64, in the core.

    model_output
        `"raw"`: the sum of the leaves; `"probability"`: the probability that the library itself would give.
    """

    def __init__(self, ensemble: TreeEnsemble, model_output: str, threads: int | None) -> None:
        if model_output not in {"raw", "probability"}:
            raise OptionError(f"model_output is {model_output!r}; expected 'raw' or 'probability'")
        link = ensemble.link
        is_probability = ensemble.output_space == "probability"
        if model_output == "probability" and not is_probability and link.kind not in {"logistic", "softmax"}:
            raise OptionError(
                f"model_output='probability' is for classifiers, and this is {ensemble!r}; leave model_output out"
                + ("" if link.reason is None else f" ({link.reason})")
            )
        self.ensemble, self._threads = ensemble, threads
        self._as_probability = model_output == "probability" and not is_probability
        self.output_space = "probability" if model_output == "probability" else ensemble.output_space
        self.__name__ = f"the {ensemble.source} model"

    def __call__(self, rows: npt.NDArray[np.floating[Any]] | Unwritten) -> Floats:
        if isinstance(rows, Unwritten):
            raw = rows.raw(self._threads)
        else:
            raw = self.ensemble.predict_rows(rows, exact=True, threads=self._threads)
        values = self.ensemble.link.prediction(raw) if self._as_probability else raw
        return values[:, 0] if self.ensemble.n_outputs == 1 else values


class TreeModel(Model):
    """A `TreeFunction`."""

    def __init__(self, function: TreeFunction, nan_policy: NanPolicy) -> None:
        super().__init__(function, nan_policy)
        if not function.ensemble.has_linear_leaves:  # the more mixtures of two rows at once, the less time each takes
            self.most_rows = 1 << 17


class TreeBackground(MatrixBackground):
    """Background rows as the model compares them."""

    def __init__(self, ensemble: TreeEnsemble, data: Any, weights: Any) -> None:
        rows = read_background(ensemble, data, weights)
        shares = np.ones(len(rows)) if rows.weights is None else rows.weights
        super().__init__(_dense(rows.values), ensemble.feature_names or rows.columns, shares / shares.sum())
        self._ensemble = ensemble

    def read(self, X: Any, players: Players) -> MatrixRows:
        rows = self._ensemble.read_rows(X)
        if rows.bases is not None:  # a mixture with background rows would have to have one too
            raise DataError(
                "the DMatrix has a base_margin, and mixtures of its rows with those of the background start from the model's own base; "
                "pass a DMatrix without, or explain the raw output by TreeExplainer"
            )
        values = np.asarray(_dense(rows.values))
        if self._ensemble.has_linear_leaves:  # their values depend on all columns of a mixture, which is written
            read = MatrixRows(self, values, one_row=rows.one_row, players=players)
        else:
            read = TreeRows(self._ensemble, self, values, one_row=rows.one_row, players=players)
        read.names = rows.columns
        return read


def _dense(values: Any) -> npt.NDArray[Any]:
    return np.asarray(values.to_numpy() if isinstance(values, SparseRows) else values)
