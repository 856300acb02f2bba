"""What a model says about itself, beyond its trees."""

from dataclasses import dataclass
from typing import Any, Literal

from ferroshap.inputs.schema import InputSchema
from ferroshap.links import Link

from .arrays import EnsembleArrays


@dataclass(frozen=True)
class ModelInfo:
    """Where a model comes from and what its raw output means.

    family
        `"XGBoost"`, `"LightGBM"`, `"CatBoost"`, `"scikit-learn"` or `"custom"`.
    source
        Library, version and form, for people: `"XGBoost 3.2.0 (JSON)"`.
    objective
        The training objective as the library names it, None where the model does not say.
    output_space
        Unit of the raw output: `"margin"`, `"mean of trees"`, `"target"`, `"probability"` or `"log-odds"`. A margin is
        what a link still turns into the prediction: also of scikit-learn's exponential, Poisson and gamma losses.
    link
        What turns the raw output into the library's prediction.
    output_names
        A name an output: class labels where the model knows them, else `"0"`, `"1"`, …; `("output",)` for a single one.
        Several targets with classes: `"<target>:<label>"`.
    output_dtype
        Precision of the library's own raw output.
    best_iteration
        An early-stopping result that the model stores and its own `predict` does **not** use (XGBoost's `Booster` and
        files): None where there is none, or where it was used.
    cover_kind
        What the covers count: `"hessian"`, `"count"` (rows), `"weighted count"`, or `"none"`: the model holds none.
    """

    family: str
    source: str
    objective: str | None
    output_space: str
    link: Link
    output_names: tuple[str, ...]
    output_dtype: Literal["float32", "float64"]
    best_iteration: int | None
    cover_kind: Literal["hessian", "count", "weighted count", "none"]


@dataclass(frozen=True)
class ParsedModel:
    """Everything the adapters make of a model: its trees, its inputs and what it says about itself.

    before
        What the user's rows go through first, an object with `transform`: the steps of a pipeline in front of the model.
    """

    arrays: EnsembleArrays
    schema: InputSchema
    info: ModelInfo
    before: Any = None


def numbered_outputs(n_outputs: int) -> tuple[str, ...]:
    """The names of outputs that have none."""
    return ("output",) if n_outputs == 1 else tuple(map(str, range(n_outputs)))
