"""Which game the values are of: the options that choose it, and what prepares a model for it."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from ferroshap import _native
from ferroshap.ensemble import TreeEnsemble
from ferroshap.errors import OptionError, PlanError
from ferroshap.inputs import InputRows
from ferroshap.inputs.names import counted

from .background import BackgroundRows, read_background
from .linked import Linked
from .model_output import ModelOutput
from .prepared import Prepared, PreparedRaw
from .rescaled import ByFactors, ByPairs, PlanOptions


@dataclass(frozen=True)
class Workload:
    """What a model is prepared for; as in `TreeExplainer`, `most` is `max_memory` in bytes. `tables`: the most that tables
    take, where not half of that.
    """

    expected_rows: int
    threads: int | None
    most: int | None
    pair_budget: int
    tables: int | None = None

    @property
    def table_bytes(self) -> int | None:
        """What tables may take; None: what is usual. The rest of a plan is small beside tables that are half of the memory."""
        if self.tables is not None:
            return self.tables
        return None if self.most is None else self.most // 2


@dataclass(frozen=True)
class PathDependent:
    """The conditional expectation along the trees, by their covers."""

    algorithm: ClassVar[str] = "path-dependent"
    label: ClassVar[str] = algorithm
    columns: ClassVar[None] = None
    bytes: ClassVar[int] = 0

    def prepare(self, model: TreeEnsemble, output: ModelOutput, load: Workload) -> Prepared:
        """The model, compiled; raises `PlanError` if it takes more than `load.most` bytes."""
        most = load.most
        plan = model.plan(expected_rows=load.expected_rows, table_bytes=load.table_bytes)
        size = plan.describe()["bytes"]
        if most is not None and size > most:
            raise PlanError(
                f"the prepared model takes {size:,} bytes, but max_memory allows {most:,}; allow as much, or explain fewer "
                "trees with iteration_range"
            )
        return PreparedRaw(model, plan)

    def interactions(
        self, model: TreeEnsemble, pairs: npt.NDArray[np.uint32] | None, *, threads: int | None, most: int | None
    ) -> _native.Interactions:
        """The model, compiled for interaction values of these pairs; None: of all. There are no tables that `most` could bound."""
        return model.interactions(pairs, threads=threads)

    def check(self, rows: InputRows, model: TreeEnsemble) -> None:
        """Rows need nothing."""

    def description(self) -> dict[str, Any]:
        """What `describe` says besides the plan."""
        return {"algorithm": self.algorithm}


@dataclass(frozen=True)
class Interventional:
    """The mean prediction of the background rows with the known features replaced by those of the row explained."""

    background: BackgroundRows
    rescaled: bool = False

    @property
    def algorithm(self) -> str:
        """Values in another output space than the raw one say that they are rescaled."""
        return "interventional-rescaled" if self.rescaled else "interventional"

    @property
    def label(self) -> str:
        """The algorithm and what it goes by, in a few words."""
        return f"{self.algorithm} ({counted(len(self.background), 'background row')})"

    @property
    def columns(self) -> tuple[str, ...] | None:
        """The names of the background's columns; None for arrays."""
        return self.background.columns

    @property
    def bytes(self) -> int:
        """The memory of the background rows."""
        return self.background.bytes

    def prepare(self, model: TreeEnsemble, output: ModelOutput, load: Workload) -> Prepared:
        """The background folded into the model; raises `PlanError` if that takes more than `load.most` bytes.

        What is known before is checked before anything is made.
        """
        background, most = self.background, load.most
        if most is not None and background.bytes > most:
            raise PlanError(
                f"the background takes {background.bytes:,} bytes, but max_memory allows {most:,}; allow as much, or "
                "pass fewer rows (ferroshap.sample draws some)"
            )
        if self.rescaled:
            linked = Linked(model, output, background, load.threads)
            options = PlanOptions(load.expected_rows, load.table_bytes, most, load.pair_budget)
            by_factors = None if linked.of_softmax or linked.n_outputs > 1 else ByFactors.of(linked, options)
            return by_factors or ByPairs(linked, options)
        plan = model.plan_against(
            background.numbers,
            weights=background.weights,
            expected_rows=load.expected_rows,
            table_bytes=load.table_bytes,
            threads=load.threads,
        )
        prepared = PreparedRaw(model, plan)
        if most is not None and (size := prepared.bytes + background.bytes) > most:
            raise PlanError(
                f"the prepared model and its background take {size:,} bytes, but max_memory allows {most:,}; allow as much, "
                "pass fewer rows (ferroshap.sample draws some), or explain fewer trees with iteration_range"
            )
        return prepared

    def interactions(
        self, model: TreeEnsemble, pairs: npt.NDArray[np.uint32] | None, *, threads: int | None, most: int | None
    ) -> _native.Interactions:
        """The background folded into the model for interaction values of these pairs; None: of all.

        Tables take half of `most` bytes at most, before anything is allocated; the other half is for the rest.
        """
        background = self.background
        return model.interactions(
            pairs,
            background=background.numbers,
            weights=background.weights,
            table_bytes=None if most is None else most // 2,
            threads=threads,
        )

    def check(self, rows: InputRows, model: TreeEnsemble) -> None:
        """Raises `FeatureMismatchError` for rows whose columns are in another order than the background's."""
        if model.feature_names is None and not model.has_steps_before:
            self.background.refuse_other_order(rows.columns)

    def description(self) -> dict[str, Any]:
        """What `describe` says besides the plan."""
        return {
            "algorithm": self.algorithm,
            "background_rows": len(self.background),
            "background_bytes": self.background.bytes,
        }


Game = PathDependent | Interventional


def check_game(data: Any, feature_perturbation: Any, weights: Any) -> None:
    """Raises `OptionError` for options that do not go together, or are not accepted."""
    if feature_perturbation not in ("auto", "interventional", "tree_path_dependent"):
        raise OptionError(
            f"feature_perturbation is {feature_perturbation!r}; expected 'auto', 'interventional' or 'tree_path_dependent'"
        )
    if feature_perturbation == "interventional" and data is None:
        raise OptionError(
            "feature_perturbation='interventional' needs background rows: pass data=, such as the training rows or "
            "ferroshap.sample(X, 1000); 'tree_path_dependent' needs none"
        )
    if feature_perturbation == "tree_path_dependent" and data is not None:
        raise OptionError(
            "feature_perturbation='tree_path_dependent' goes by the covers of the trees and takes no background rows; leave "
            "data out, or leave feature_perturbation out for values against the background"
        )
    if weights is not None and data is None:
        raise OptionError(
            "weights are those of background rows, but there are none: pass data= too, or leave weights out"
        )


def game_of(model: TreeEnsemble, output: ModelOutput, data: Any, weights: Any) -> Game:
    """The game that checked options ask for; raises as `read_background`, and `OptionError` for an output space without data."""
    rescaled = output.kind != "identity"
    if data is not None:
        return Interventional(read_background(model, data, weights), rescaled)
    if rescaled:
        raise OptionError(
            f"values of the {output.unit} are those against background rows, weighed pair by pair: pass data=, such as the "
            "training rows or ferroshap.sample(X, 1000); without data only model_output='raw' is explained"
        )
    return PathDependent()
