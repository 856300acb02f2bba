"""Functions that were written for shap, which turns frames into arrays: they are given arrays where they take no frame."""

import contextlib

from ferroshap.errors import warn

from .frames import FrameBackground
from .link import GameLink
from .matrices import MatrixBackground
from .model import Model
from .players import Players
from .row_game import RowGame, row_game
from .table import BackgroundTable


def row_game_or_with_arrays(
    model: Model, background: BackgroundTable, players: Players, link: GameLink, batch_rows: int | None
) -> RowGame:
    """`row_game`; against the array of a frame, with a warning, if the model raises for the frame and not for the array."""
    try:
        return row_game(model, background, players, link, batch_rows)
    except Exception as error:
        if not isinstance(background, FrameBackground) or model.n_outputs:  # it has answered for the frame
            raise
        array = background.frames.array(background.own(0, len(background)))
        with contextlib.suppress(Exception):
            game = row_game(
                Model(model.function, model.nan_policy),
                MatrixBackground(array, background.names, background.weights),
                players,
                link,
                batch_rows,
            )
            warn(
                f"{model.name} raised {type(error).__name__} for a frame, but takes its array: it is given arrays, as shap does; pass "
                "data as an array to say so, or let it take frames to keep the dtypes of columns"
            )
            return game
        raise
