"""Frames of pandas, polars and pyarrow: the model gets the user's own kind of frame, with its dtypes, categories and names.

Of each column there is a pool: its values in the background, then those of the explained rows, in one dtype. A mixture takes
from the pools by position, so nothing is ever made of another kind than it was.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ferroshap import _native
from ferroshap.inputs import ColumnsOfBackground
from ferroshap.inputs.frames import FrameData
from ferroshap.inputs.names import match_columns

from .buffers import Filled
from .codes import different_rows, summed_weights
from .players import Players
from .pools import Frames, frames_of

if TYPE_CHECKING:
    from collections.abc import Sequence

Array = npt.NDArray[Any]


class FrameBackground:
    """Background rows of a frame; see `BackgroundTable`."""

    def __init__(self, frame: Any, weights: npt.NDArray[np.float64], *, keep_index: bool) -> None:
        self.frames: Frames = frames_of(frame, keep_index=keep_index)
        columns = self.frames.columns(frame)
        kept = np.flatnonzero(weights)
        codes = np.stack([self.frames.codes(column) for column in columns], axis=1)[kept]
        first, place = different_rows(codes)
        self.weights = summed_weights(place, weights[kept])
        self.labels = self.frames.labels(frame, kept[first])  # of the index, where it is kept
        self.columns: list[Any] = [self.frames.take(column, kept[first]) for column in columns]
        self.names: tuple[str, ...] | None = self.frames.names(frame)
        self.shape: tuple[int, ...] = (len(columns),)

    @property
    def columns_in_use(self) -> int:
        return len(self.columns)

    def __len__(self) -> int:
        return len(self.weights)

    @property
    def row_bytes(self) -> int:
        return 8 * len(self.columns)

    def own(self, first: int, last: int) -> Any:
        order = np.arange(first, last)
        labels = None if self.labels is None else self.labels[order]
        return self.frames.table([self.frames.take(column, order) for column in self.columns], labels)

    def read(self, X: Any, players: Players) -> "FrameRows":
        """Rows as a frame of the same kind, matched by name; an array's columns match by position."""
        frame, one_row = self.frames.read(X, self.names)
        names = self.frames.names(frame)
        order = self._order(names)
        columns = self.frames.columns(frame)
        labels = self.frames.labels(frame, np.arange(len(frame)))
        return FrameRows(self, [columns[at] for at in order], labels, one_row=one_row, players=players)

    def _order(self, names: "Sequence[str]") -> list[int]:
        assert self.names is not None
        if tuple(names) == self.names:
            return list(range(len(self.names)))
        return match_columns(list(names), ColumnsOfBackground(self.names), "error")


class FrameRows:
    """Rows of a frame, see `ExplainedRows`."""

    def __init__(
        self, background: FrameBackground, columns: list[Any], labels: Any, *, one_row: bool, players: Players
    ) -> None:
        self.one_row, self.names = one_row, background.names
        self._frames, self._players = background.frames, players
        self._b = len(background)
        self._labels = (background.labels, labels)
        self._given = columns
        self._pools = [self._frames.joined(mine, own) for mine, own in zip(background.columns, columns, strict=True)]
        self._n = len(columns[0])

    def __len__(self) -> int:
        return self._n

    @property
    def row_bytes(self) -> int:
        return 8 * len(self._pools)

    @property
    def shown(self) -> Array:
        import narwhals as nw

        return FrameData(
            [nw.from_native(column, series_only=True) for column in self._frames.series(self._given)]
        ).to_numpy()

    def own(self, first: int, last: int) -> Any:
        order = np.arange(self._b + first, self._b + last)
        labels = None if self._labels[1] is None else self._labels[1][first:last]
        return self._frames.table([self._frames.take(pool, order) for pool in self._pools], labels)

    def mixtures(self, first: int, last: int, batch: int, threads: int | None) -> "FrameMixtures":
        return FrameMixtures(self._frames, self._pools, self._b, first, last, self._labels[0], self._players)


class FrameMixtures:
    """Rows taken from pools; see `Mixtures`."""

    active = None

    def __init__(
        self, frames: Frames, pools: list[Any], b: int, first: int, last: int, labels: Any, players: Players
    ) -> None:
        self._frames, self._pools, self._players = frames, pools, players
        self._b, self._first, self._labels = b, first, labels
        here = np.concatenate([np.arange(b), np.arange(b + first, b + last)])
        codes = np.stack([frames.codes(frames.take(pool, here)) for pool in pools], axis=1)
        self._codes = np.ascontiguousarray(codes[b:])
        self._compare = _native.MatrixMasker(np.ascontiguousarray(codes[:b]), players.of_column, players.count)

    def differs(self, first: int, last: int) -> npt.NDArray[np.bool_]:
        return self._compare.differs(np.ascontiguousarray(self._codes[first - self._first : last - self._first]))

    def fill(self, asked: "_native.Asked") -> Filled:
        members = asked.members()
        own, references = self._b + asked.rows.astype(np.intp), asked.references.astype(np.intp)
        positions: dict[int, Array] = {}
        taken = []
        for pool, player in zip(self._pools, self._players.of_column.tolist(), strict=True):
            if player not in positions:
                positions[player] = np.where(members[:, player], own, references)
            taken.append(self._frames.take(pool, positions[player]))
        labels = None if self._labels is None else self._labels[references]
        return Filled(self._frames.table(taken, labels), None)

    def back(self, filled: Filled) -> None:
        filled.table = None
