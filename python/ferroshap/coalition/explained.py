"""Estimates become arrays and explanations in shap's shapes."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ferroshap.explanation import Explanation

from .estimated import Estimated
from .players import Players
from .row_game import RowGame
from .table import ExplainedRows

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Names:
    """What the axes are called, where the user or the tables say so."""

    features: tuple[str, ...] | None
    outputs: tuple[str, ...] | None


def shaped_values(found: Estimated, game: RowGame, *, one_row: bool) -> Floats:
    """`(n, p)` or `(n, p, k)`; where each element of a row of several axes is a player, in the shape of the rows."""
    n, _, k = found.values.shape
    values = found.values.reshape(n, *game.players.shape, k)
    values = values if game.model.has_output_axis else values[..., 0]
    return values[0] if one_row else values


def explained(
    found: Estimated, game: RowGame, rows: ExplainedRows, names: Names, *, output_space: str, algorithm: str, model: str
) -> Explanation:
    """The explanation of these rows."""
    several, one_row = game.model.has_output_axis, rows.one_row
    n, part = len(rows), 0 if rows.one_row else slice(None)
    values = found.values if several else found.values[..., 0]
    base = np.broadcast_to(game.base, (n, game.model.n_outputs)).copy()
    base = base if several else base[:, 0]
    axes = [*([] if one_row else ["row"]), "feature", *(["output"] if several else [])]
    outputs = names.outputs if several else (names.outputs or ("output",))[0]
    return Explanation(
        values[part],
        base[part],
        _data(rows, game.players),
        axes=axes,
        feature_names=names.features,
        output_names=outputs,
        output_space=output_space,
        algorithm=algorithm,
        model=model,
        details=found.details(part, output_axis=several),
    )


def _data(rows: ExplainedRows, players: Players) -> "npt.NDArray[np.generic] | None":
    """The rows as given, where each column is a player; a group has no one value."""
    if not players.columns_are_players:
        return None
    return rows.shown[0] if rows.one_row else rows.shown
