"""How much may be asked of the model, checked once."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ferroshap.errors import OptionError
from ferroshap.options import whole_number

Design = Literal["per_reference", "shared"]

LARGEST_SEED = 2**64 - 1
BYTES_A_BATCH = 8 << 20  # rows of a batch and the mask of a model stay in the cache
FEWEST, MOST = 2048, 16384  # rows: below, calls cost; above, models slow down


@dataclass(frozen=True)
class Budget:
    """What estimates are made of.

    nsamples
        Coalitions for each reference, None: `2 p + 2048` of p players.
    max_evals
        Model rows for each explained row, in the place of `nsamples`; or None.
    tol
        The standard error to stop at, as a share of the range of the values of a row; None: the budget is spent.
    """

    nsamples: int | None
    max_evals: int | None
    tol: float | None


def budget_of(nsamples: Any, max_evals: Any, tol: Any) -> Budget:
    """The budget of these options; raises `OptionError`."""
    chosen = None if nsamples is None or (isinstance(nsamples, str) and nsamples == "auto") else _samples(nsamples)
    if chosen is not None and max_evals is not None:
        raise OptionError(
            "nsamples (coalitions for each background row) and max_evals (model rows for each explained row) are two ways to say the "
            "same; pass one of them"
        )
    evals = None if max_evals is None else whole_number("max_evals", max_evals, at_least=2)
    return Budget(chosen, evals, None if tol is None else _tolerance(tol))


def design_of(design: Any, *, identity: bool) -> Design:
    """The design by name; raises `OptionError` for one that the link does not go with."""
    if design not in ("auto", "per_reference", "shared"):
        raise OptionError(f"design is {design!r}; expected 'auto', 'per_reference' or 'shared'")
    if identity:
        return "shared" if design == "shared" else "per_reference"
    if design == "per_reference":
        raise OptionError(
            "design='per_reference' takes each background row by itself, but the link is one of their mean; expected 'auto' or "
            "'shared'"
        )
    return "shared"


def seed_option(seed: Any, random_state: Any) -> int:
    """The seed, by either of its names; 0 by default. Raises `OptionError`."""
    if seed is not None and random_state is not None:
        raise OptionError("seed and random_state are two names for the same; pass one of them")
    name, given = ("seed", seed) if random_state is None else ("random_state", random_state)
    return 0 if given is None else whole_number(name, given, at_least=0, at_most=LARGEST_SEED)


def batch_rows_option(batch_rows: Any) -> int | None:
    """Rows of one call of the model, None: by the size of a row."""
    if batch_rows is None or (isinstance(batch_rows, str) and batch_rows == "auto"):
        return None
    return whole_number("batch_rows", batch_rows, at_least=2)


def rows_of_a_batch(chosen: int | None, row_bytes: int, most: int = MOST) -> int:
    """Rows of one call of the model, at most `most`: an even number, since coalitions come with their complement."""
    if chosen is None:
        chosen = min(max(BYTES_A_BATCH // max(row_bytes, 1), FEWEST), most)
    return max(chosen - chosen % 2, 2)


def _samples(nsamples: Any) -> int:
    try:
        return whole_number("nsamples", nsamples, at_least=2)
    except OptionError as error:
        raise OptionError(
            f"nsamples is {nsamples!r}; expected 'auto' or a whole number of at least 2: a coalition and its complement for each "
            "background row"
        ) from error


def _tolerance(tol: Any) -> float:
    if (
        isinstance(tol, (bool, np.bool_))
        or not isinstance(tol, (int, float, np.integer, np.floating))
        or not 0 < tol < 1
    ):
        raise OptionError(f"tol is {tol!r}; expected a number between 0 and 1, such as 0.01, or None")
    return float(tol)
