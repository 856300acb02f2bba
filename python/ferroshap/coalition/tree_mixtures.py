"""Mixtures for tree models, which are predicted without being written."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ferroshap import _native
from ferroshap.ensemble import TreeEnsemble

from .buffers import Filled
from .matrices import MatrixBackground, MatrixMixtures, MatrixRows
from .players import Players

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Unwritten:
    """Mixtures that a batch asks for, in the place of their rows.

    model
        Has the background rows.
    rows
        `(n, columns)`, those from number `first` on.
    """

    model: _native.MixtureModel
    asked: _native.Asked
    rows: Array
    first: int

    def raw(self, threads: int | None) -> npt.NDArray[np.float64]:
        """The float64 sums of the leaves, `(mixtures, o)`, bit for bit those of the rows."""
        return self.model.predict(self.asked, self.rows, self.first, threads=threads)


class TreeRows(MatrixRows):
    """Rows of a tree model without linear leaves; see `ExplainedRows`."""

    def __init__(
        self, ensemble: TreeEnsemble, background: MatrixBackground, array: Array, *, one_row: bool, players: Players
    ) -> None:
        super().__init__(background, array, one_row=one_row, players=players)
        self._ensemble = ensemble

    @property
    def row_bytes(self) -> int:
        # of a mixture, as it is asked for: two numbers, the players and the answer
        return 8 + 8 * -(-self._players.count // 64) + 8 * self._ensemble.n_outputs

    def mixtures(self, first: int, last: int, batch: int, threads: int | None) -> "TreeMixtures":
        players = self._players
        model = self._ensemble.mixtures(self._background, players.of_column, players.count)
        return TreeMixtures(
            model, self._background, self._values[first:last], first, self._shape, players, batch, threads
        )


class TreeMixtures(MatrixMixtures):
    """Mixtures of rows of a tree model; see `Mixtures`."""

    def __init__(self, model: _native.MixtureModel, background: Array, rows: Array, first: int, *others: Any) -> None:
        super().__init__(background, rows, first, *others)
        self._model = model

    def fill(self, asked: _native.Asked) -> Filled:
        return Filled(Unwritten(self._model, asked, self._rows, self._first), None)
