"""What the parts of an explanation know of the user's tables: background rows, rows to be explained, and mixtures of both."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from ferroshap import _native

    from .buffers import Filled
    from .players import Players

Array = npt.NDArray[Any]


class Mixtures(Protocol):
    """Explained rows `first` to `last` of one call mixed with background rows, as tables for the model."""

    @property
    def active(self) -> "npt.NDArray[np.intp] | None":
        """The players that may differ at all, None for all of them; the engine knows only those."""

    def differs(self, first: int, last: int) -> npt.NDArray[np.bool_]:
        """`(last - first, b, players)`: whether a player of a row is not identical to that of a background row."""

    def fill(self, asked: "_native.Asked") -> "Filled":
        """The table of what is asked for; may run on another thread than the model."""

    def back(self, filled: "Filled") -> None:
        """The model is done with it."""


class ExplainedRows(Protocol):
    """The rows of one call."""

    @property
    def one_row(self) -> bool:
        """Whether it was one row without an axis of rows."""

    @property
    def names(self) -> tuple[str, ...] | None:
        """The names of their columns, None if they have none."""

    def __len__(self) -> int: ...

    @property
    def row_bytes(self) -> int:
        """The memory of one row as the model gets it."""

    @property
    def shown(self) -> Array:
        """The rows as the user gave them, `(n, columns)`."""

    def own(self, first: int, last: int) -> Any:
        """Some of the rows as a table for the model, its own copy."""

    def mixtures(self, first: int, last: int, batch: int, threads: int | None) -> Mixtures:
        """These rows against the background, in tables of at most `batch` rows."""


class BackgroundTable(Protocol):
    """Background rows: different ones, each with a weight above 0; the weights sum to 1."""

    @property
    def weights(self) -> npt.NDArray[np.float64]:
        """`(b,)`."""

    @property
    def names(self) -> tuple[str, ...] | None:
        """The names of the columns, None if they have none."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one row."""

    @property
    def columns_in_use(self) -> int:
        """How many columns are not 0 in all the background rows; all of them where rows are not sparse."""

    def __len__(self) -> int: ...

    @property
    def row_bytes(self) -> int:
        """The memory of one row as the model gets it."""

    def own(self, first: int, last: int) -> Any:
        """Some of the rows as a table for the model, its own copy."""

    def read(self, X: Any, players: "Players") -> ExplainedRows:
        """The user's rows, which may be of another kind than the background; raises `DataError`."""


@dataclass(frozen=True)
class Given:
    """The user's `data`, opened: the table, and what it says of itself."""

    table: Any
    names: tuple[str, ...] | None
    weights: Any
    groups: Any
