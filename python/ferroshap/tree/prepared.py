"""What the calls of the explainer share: a prepared model, and how rows become values and an `Explanation` by it."""

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ferroshap import _native
from ferroshap.ensemble import TreeEnsemble
from ferroshap.explanation import Explanation
from ferroshap.inputs import InputRows
from ferroshap.library import library_prediction
from ferroshap.progress import Progress

from .explained import Names, explained
from .game import Game
from .output import output
from .part import Part, PartRun
from .run import Run

Floats = npt.NDArray[np.floating[Any]]


class Prepared:
    """A model, prepared for its game."""

    model: TreeEnsemble
    _game: Game
    _plan: _native.Plan
    _threads: int | None
    _dtype: Literal["float32", "float64"]
    _progress: Progress | Literal[True] | None
    _feature_names: tuple[str, ...] | None
    _output_names: tuple[str, ...] | None

    @property
    def algorithm(self) -> str:
        """The game: `"path-dependent"`, or `"interventional"` for values against background rows."""
        return self._game.algorithm

    def _part(self, rows: InputRows, features: Any, outputs: Any) -> Part:
        names = self._names(rows)
        return Part.of(features, outputs, names.features, names.outputs, self.model.n_features)

    def _explained(self, rows: InputRows, *, interactions: bool = False) -> Explanation:
        return explained(
            rows,
            self._names(rows),
            model=self.model,
            base=self._plan.expected_value,
            algorithm=self.algorithm,
            interactions=interactions,
        )

    def _names(self, rows: InputRows) -> Names:
        return Names(self._names_of_features(rows), tuple(self._output_names or self.model.output_names))

    def _names_of_features(self, rows: InputRows) -> tuple[str, ...] | None:
        return self._feature_names or self.model.feature_names or rows.columns or self._game.columns

    def _read(self, X: Any) -> InputRows:
        rows = self.model.read_rows(X)
        self._game.check(rows, self.model)
        return rows

    def _of_library(self, check: "bool | Literal['library']", X: Any, rows: InputRows) -> Floats | None:
        """`(n, o)`: what the training library predicts for `X`, where the check asks for it."""
        return library_prediction(self.model, X, rows) if check == "library" else None

    def _explain(self, rows: InputRows, part: Part, out: Any, *, check: bool, library: Floats | None) -> Floats:
        """The values in the shape that the caller gets; `library` is a prediction to check against besides."""
        shape = (*(() if rows.one_row else (len(rows),)), *part.feature_axes, *part.output_axes)
        shaped = output(shape, self._dtype, out, rows)
        self._run(rows, part, shaped, self._progress, check=check, library=library)
        return shaped

    def _run(
        self, rows: InputRows, part: Part, out: Floats, progress: Progress | Literal[True] | None, **checks: Any
    ) -> None:
        run: Run | PartRun = Run(self.model, self._plan, threads=self._threads, progress=progress)
        if not part.is_all:
            run = PartRun(self.model, self._plan, part, threads=self._threads, progress=progress)
        run.explain(rows, np.asarray(out).reshape(len(rows), part.n_features, part.n_outputs), **checks)
