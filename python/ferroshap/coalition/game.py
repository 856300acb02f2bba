"""`kernel_shap`: Kernel SHAP of any game of coalitions."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ferroshap.explanation import Explanation
from ferroshap.options import byte_count, thread_count, whole_number

from .budget import batch_rows_option, budget_of, rows_of_a_batch, seed_option
from .buffers import Filled
from .calls import display_names
from .engine import Engines
from .estimated import Estimated
from .link import link_of
from .model import Model, nan_policy_option
from .run import Run

Game = Callable[[npt.NDArray[np.bool_]], Any]


class Coalitions:
    """Coalitions as they are; see `Mixtures`."""

    active = None

    def __init__(self, n_players: int) -> None:
        self._n_players = n_players

    def differs(self, first: int, last: int) -> npt.NDArray[np.bool_]:
        return np.ones((last - first, 1, self._n_players), np.bool_)

    def fill(self, asked: Any) -> Filled:
        return Filled(asked.members(), None)

    def back(self, filled: Filled) -> None:
        filled.table = None


def kernel_shap(
    game: Game,
    n_players: int,
    *,
    nsamples: int | str = "auto",
    tol: float | None = None,
    seed: int | None = None,
    feature_names: Sequence[str] | None = None,
    output_names: Sequence[str] | None = None,
    batch_rows: int | str = "auto",
    max_memory: int | str = "64MiB",
    nan_policy: str = "raise",
    threads: int | None = None,
    random_state: int | None = None,
) -> Explanation:
    """The Shapley values of a game, exact where there are few players, else Kernel SHAP's estimate.

    Parameters
    ----------
    game
        Called with coalitions `(m, n_players)` bool, True for players that take part; returns their values, `(m,)` or
        `(m, k)` for k games at once. Called by this thread only, with the empty and the full coalition first.
    n_players
        How many players there are.
    nsamples
        The most coalitions to ask for; `"auto"`: `2 n_players + 2048`.
    tol
        To stop at: standard errors of at most `tol` times the range of the values. None: the budget is spent.
    seed
        0 by default; the same seed gives the same bits, whatever `threads` and `batch_rows`.
    feature_names, output_names
        Names for the `Explanation`: one a player, one a game.
    batch_rows
        The most coalitions of one call; `"auto"`: from 2048 to 16384.
    max_memory
        Bytes, or text such as "64MiB", for coalitions that wait for their values.
    nan_policy
        `"raise"`, or `"propagate"`: NaN for games that are not finite somewhere.
    threads
        Threads of the estimator; None: as many as the process may use.
    random_state
        Another name for `seed`.

    Returns
    -------
    Explanation
        `values` `(n_players,)` or `(n_players, k)`, `base_values` the value of the empty coalition, `details` the standard
        errors and how many coalitions were asked for.

    Raises
    ------
    OptionError, ModelError, TypeError
        An option has a value that is not accepted; the game returned no numbers, or not one for each coalition.

    Notes
    -----
    The cost is that of `nsamples` evaluations, and `O(nsamples n_players² + n_players³)` operations. The estimator: paired
    coalitions without replacement, the same number of each size (Musco and Witter 2025, "Provably accurate Shapley value
    estimation via leverage score sampling", ICLR), in the regression of Lundberg and Lee (2017, "A unified approach to interpreting
    model predictions", NeurIPS).

    Examples
    --------
    >>> import ferroshap
    >>> glove = lambda masks: masks[:, 0] & (masks[:, 1] | masks[:, 2])  # one left glove, two right ones
    >>> ferroshap.kernel_shap(glove, 3).values.round(4).tolist()
    [0.6667, 0.1667, 0.1667]
    """
    count = whole_number("n_players", n_players)
    budget = budget_of(nsamples, None, tol)
    threads = thread_count(threads)
    names = display_names("feature", feature_names, count)
    model = Model(game, nan_policy_option(nan_policy))
    engines = Engines(
        budget,
        "per_reference",
        seed_option(seed, random_state),
        byte_count("max_memory", max_memory),
        threads,
    )
    ends = model(np.repeat([[False], [True]], count, axis=1), 2, "the empty and the full coalition")
    outputs = display_names("output", output_names, model.n_outputs)
    bad = np.zeros((1, model.n_outputs), np.bool_)
    if ends.bad is not None:
        bad[0] = ends.bad.any(axis=0)
    run = Run(
        engines.make(np.ones(1), ends.values[:1], count, count),
        link_of("identity"),
        lambda masks, n: model(masks, n, "coalitions"),
        rows_of_a_batch(batch_rows_option(batch_rows), count),
        window=1,
        ahead=False,
    )
    found = Estimated(1, count, model.n_outputs)
    for done in run.estimates(Coalitions(count), 0, 1, ends.values[1:], bad):
        found.put(done, None)
    found.without(bad)
    found.warn(tol=budget.tol)
    several = model.has_output_axis
    base = np.where(bad[0], np.nan, ends.values[0])
    return Explanation(
        found.values[0] if several else found.values[0, :, 0],
        base if several else base[0],
        axes=("feature", "output") if several else ("feature",),
        feature_names=names,
        output_names=outputs if several else (outputs or ("output",))[0],
        output_space="value of the game",
        algorithm="kernel",
        details=found.details(0, output_axis=several),
    )
