"""What the calls of the explainer share: a prepared model, and how rows become values and an `Explanation` by it."""

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ferroshap.ensemble import TreeEnsemble
from ferroshap.errors import DataError, OptionError
from ferroshap.explanation import Explanation
from ferroshap.inputs import InputRows
from ferroshap.library import library_prediction
from ferroshap.progress import Progress

from .explained import Names, explained
from .game import Game, PathDependent, Workload
from .labels import read_labels
from .linked import Linked
from .model_output import ModelOutput
from .output import output
from .part import Part, PartRun
from .prepared import Prepared
from .rescaled import ByFactors, ByPairs
from .run import Run
from .saabas import ALGORITHM as SAABAS
from .saabas import PreparedSaabas

Floats = npt.NDArray[np.floating[Any]]
Labels = npt.NDArray[np.float64] | None


class RowCalls:
    """A model, prepared for its game and output space, and how rows go through it."""

    model: TreeEnsemble
    _game: Game
    _prepared: Prepared
    _load: Workload
    _saabas: PreparedSaabas | None  # made for the first call that asks
    _output: ModelOutput
    _threads: int | None
    _dtype: Literal["float32", "float64"]
    _progress: Progress | Literal[True] | None
    _feature_names: tuple[str, ...] | None
    _output_names: tuple[str, ...] | None

    @property
    def algorithm(self) -> str:
        """The game: `"path-dependent"`, or `"interventional"` for values against background rows, `"interventional-rescaled"` for
        those in another output space than the raw one.
        """
        return self._game.algorithm

    @property
    def output_space(self) -> str:
        """The unit of base values and SHAP values: `model.output_space`, or that of `model_output`."""
        return self._output.unit

    @property
    def n_outputs(self) -> int:
        """Outputs of the values: those of the model, for a loss 1."""
        return self._prepared.n_outputs

    @property
    def feature_names(self) -> tuple[str, ...] | None:
        """The names that were chosen for the features, else the model's own; None if it knows none."""
        return self._feature_names or self.model.feature_names

    @property
    def output_names(self) -> tuple[str, ...]:
        """The names of the outputs of the values: those that were chosen, else the model's own; of a loss its name."""
        outputs = self._output_names or self.model.output_names
        one_of_several = len(outputs) > 1 and self.n_outputs == 1  # a loss has one
        return (self.output_space,) if one_of_several else outputs

    def admit(self, rows: int, *, approximate: bool = False) -> None:
        """Raises what a call would before its work: for work that comes in parts.

        Parameters
        ----------
        rows
            How many there are in all.
        approximate
            As in `shap_values`.

        Raises
        ------
        PlanError
            They are more than `pair_budget` has pairs for; Saabas values take more than `max_memory`.
        OptionError
            There are no Saabas values.
        """
        self._for(approximate=approximate).admit(rows)

    @property
    def is_of_loss(self) -> bool:
        """Whether values are of a loss, and calls need labels."""
        linked = self._linked
        return linked is not None and linked.rule.slope != 0.0

    @property
    def _linked(self) -> Linked | None:
        """The model behind its link; None for the raw output."""
        return self._prepared.linked if isinstance(self._prepared, ByFactors | ByPairs) else None

    def _labels(self, y: Any, rows: InputRows) -> Labels:
        linked = self._linked
        return None if y is None or linked is None else read_labels(y, len(rows), linked)

    def _part(self, rows: InputRows, features: Any, outputs: Any) -> Part:
        names = self._names(rows)
        return Part.of(features, outputs, names.features, names.outputs, self.model.n_features)

    def _for(self, *, approximate: bool) -> Prepared:
        """What the values of a call come from; raises `OptionError` where there are no Saabas values, and `PlanError`."""
        if not approximate:
            return self._prepared
        if not isinstance(self._game, PathDependent):
            raise OptionError(
                "approximate=True gives Saabas values, which know no background; make the explainer without data, or leave "
                "approximate out for exact values"
            )
        if self._saabas is None:
            left = None if self._load.most is None else self._load.most - self._prepared.bytes
            self._saabas = PreparedSaabas.of(self.model, self._prepared.base, left)
        return self._saabas

    def _explained(
        self, rows: InputRows, prepared: Prepared, *, labels: Labels = None, interactions: bool = False
    ) -> Explanation:
        linked = self._linked
        return explained(
            rows,
            self._names(rows),
            model=self.model,
            base=self._prepared.base if labels is None or linked is None else linked.base_of(labels),
            output_space=self.output_space,
            algorithm=SAABAS if isinstance(prepared, PreparedSaabas) else self.algorithm,
            interactions=interactions,
        )

    def _names(self, rows: InputRows) -> Names:
        return Names(self._names_of_features(rows), self.output_names)

    def _names_of_features(self, rows: InputRows) -> tuple[str, ...] | None:
        return self.feature_names or rows.columns or self._game.columns

    def _read(self, X: Any) -> InputRows:
        rows = self.model.read_rows(X)
        self._game.check(rows, self.model)
        if rows.bases is not None and self._linked is not None:
            raise DataError(
                f"the DMatrix has a base_margin, and values of the {self.output_space} start from the model's own base; pass a "
                "DMatrix without, or explain the raw output"
            )
        return rows

    def _of_library(self, check: "bool | Literal['library']", X: Any, rows: InputRows) -> Floats | None:
        """`(n, o)`: what the training library predicts for `X`, where the check asks for it."""
        if check == "library" and self._linked is not None:
            raise OptionError(
                "check_additivity='library' compares with the raw prediction; expected True or False with this model_output"
            )
        return library_prediction(self.model, X, rows) if check == "library" else None

    def _explain(
        self,
        rows: InputRows,
        part: Part,
        out: Any,
        prepared: Prepared,
        *,
        check: bool,
        library: Floats | None,
        labels: Labels,
    ) -> Floats:
        """The values in the shape that the caller gets; `library` is a prediction to check against besides."""
        shape = (*(() if rows.one_row else (len(rows),)), *part.feature_axes, *part.output_axes)
        shaped = output(shape, self._dtype, out, rows)
        self._run(rows, part, shaped, self._progress, prepared, check=check, library=library, labels=labels)
        return shaped

    def _run(
        self,
        rows: InputRows,
        part: Part,
        out: Floats,
        progress: Progress | Literal[True] | None,
        prepared: Prepared,
        **checks: Any,
    ) -> None:
        run: Run | PartRun = Run(self.model, prepared, threads=self._threads, progress=progress)
        if not part.is_all:
            run = PartRun(self.model, prepared, part, threads=self._threads, progress=progress)
        run.explain(rows, np.asarray(out).reshape(len(rows), part.n_features, part.n_outputs), **checks)
