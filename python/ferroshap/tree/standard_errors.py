"""The standard error of each value by the sampling of the background: how far random blocks of it are from the whole.

With ω_i the weights of the b background rows, which add up to 1, and v_i the value against row i alone, a value is
φ = Σ ω_i v_i, and its variance by the sampling of the rows b/(b − 1) · Σ ω_i² (v_i − φ)², (Σ (v_i − φ)²/(b − 1))/b where all
count the same. That takes all pairs of rows. A block of n_g rows, whose weights add up to s_g, costs one more prepared model,
whose values m_g have Σ s_g m_g = φ. Over random blocks

    Σ_g s_g² (m_g − φ)² / (1 − Σ_g (n_g/b)²)

has just that variance as its mean, whatever the weights and the sizes of the blocks; for equal ones it is the variance of the
m_g by G. With a row a block it is the variance itself.
"""

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ferroshap.ensemble import TreeEnsemble
from ferroshap.errors import OptionError, PlanError
from ferroshap.inputs import InputRows
from ferroshap.inputs.names import counted
from ferroshap.options import empty_output, whole_number
from ferroshap.progress import Progress, reporting

from .background import BackgroundRows
from .game import Game, Interventional, Workload
from .model_output import ModelOutput
from .part import Labels, Part, PartRun
from .prepared import Prepared
from .run import CHUNK_BYTES, CHUNK_ROWS

Floats = npt.NDArray[np.floating[Any]]

BLOCKS = 16  # an error by G blocks is itself uncertain by 1/√(2(G − 1))
LARGEST_SEED = 2**32 - 1
# Of the tables of all blocks, where no memory is named: as much as one model prepared against a background may have.
TABLE_BYTES = 2**31


@dataclass(frozen=True)
class Block:
    """The model, prepared against a block of the background; `share` is that of the block's weights in all."""

    prepared: Prepared
    share: float


@dataclass(frozen=True)
class Blocks:
    """The blocks of a background, and what they were asked for by.

    unbiased
        1 − Σ (n_g/b)²: what makes the spread of the blocks a variance.
    rows
        Background rows in all the blocks: those of a weight above 0.
    """

    count: int
    seed: int
    rows: int
    unbiased: float
    blocks: tuple[Block, ...]


def block_count(name: str, asked: Any) -> int | None:
    """The number of blocks that `standard_errors` asks for; None: no errors are."""
    if isinstance(asked, (bool, np.bool_)):
        return BLOCKS if asked else None
    try:
        return whole_number(name, asked, at_least=2)
    except OptionError as error:
        raise OptionError(
            f"{name} is {asked!r}; expected True, False or a number of blocks of the background, at least 2"
        ) from error


def seed_of(seed: Any) -> int:
    """A seed that numpy's frozen stream takes."""
    return whole_number("seed", seed, at_least=0, at_most=LARGEST_SEED)


def prepared_blocks(
    asked: str,
    name: str,
    game: Game,
    model: TreeEnsemble,
    output: ModelOutput,
    load: Workload,
    *,
    count: int,
    seed: int,
    beside: int,
) -> Blocks:
    """The model, prepared against each of `count` random blocks, for the call or option `asked`, whose number is `name`.

    `beside` is the memory of the model prepared for all rows.

    Raises `OptionError` for no background or too few rows, `PlanError` for blocks that are beyond `max_memory`.
    """
    if not isinstance(game, Interventional):
        raise OptionError(
            f"{asked} is about the choice of background rows, and path-dependent values have none: make the explainer with "
            "data=, or leave it out"
        )
    background = game.background
    weights = np.ones(len(background)) if background.weights is None else background.weights
    rows = np.flatnonzero(weights)
    if len(rows) < count:
        of_weight = " of a weight above 0" if len(rows) < len(background) else ""
        way_out = f"pass {name}={len(rows)} or fewer, or " if len(rows) > 1 else ""
        raise OptionError(
            f"{asked} by {count} blocks needs as many background rows, and there {'is' if len(rows) == 1 else 'are'} "
            f"{counted(len(rows), 'row')}{of_weight}; {way_out}give the explainer more rows"
        )
    np.random.RandomState(seed).shuffle(rows)  # a stream that is frozen for good
    members = [np.sort(rows[first::count]) for first in range(count)]
    each = replace(load, tables=TABLE_BYTES // count)
    if load.most is not None:
        each = replace(load, most=max(1, (load.most - beside) // count), tables=None)
    blocks = []
    for block in members:
        of_block: BackgroundRows = background.some(block)
        try:
            prepared = replace(game, background=of_block).prepare(model, output, each)
        except PlanError as error:
            if each.most is None:
                raise
            raise PlanError(
                f"{asked} prepares the model for {count} blocks of the background besides, and max_memory leaves each "
                f"{each.most:,} bytes: {error}"
            ) from error
        blocks.append(Block(prepared, float(weights[block].sum() / weights[rows].sum())))
    sizes = np.array([len(block) for block in members]) / len(rows)
    return Blocks(count, seed, len(rows), float(1.0 - (sizes**2).sum()), tuple(blocks))


@dataclass(frozen=True)
class ErrorRun:
    """Rows through the blocks."""

    model: TreeEnsemble
    blocks: Blocks
    part: Part
    threads: int | None
    progress: Progress | Literal[True] | None

    def errors(self, rows: InputRows, values: Floats, labels: Labels) -> Floats:
        """The standard error of each of the `values` `(n, features, outputs)` of the rows, in their shape and dtype."""
        n = len(rows)
        found = empty_output(values.shape, values.dtype)
        for block in self.blocks.blocks:
            block.prepared.admit(n)
        outputs = self.blocks.blocks[0].prepared.n_outputs
        step = max(CHUNK_ROWS, CHUNK_BYTES // (32 * max(self.model.n_features, 1) * outputs))
        with reporting(self.progress) as report:
            for first, chunk in rows.blocks(step):
                here = slice(first, first + len(chunk))
                own = None if labels is None else labels[here]
                found[here] = np.sqrt(self._variances(chunk, values[here], own))
                if report is not None:
                    report(first + len(chunk), n)
        return found

    def _variances(self, chunk: Floats, near: Floats, labels: Labels) -> npt.NDArray[np.float64]:
        """Of a chunk; sums are of distances from `near`, the values, so that nothing cancels."""
        distance, of_squares, crossed, shares = (np.zeros(near.shape) for _ in range(4))
        values = np.empty(near.shape)
        for block in self.blocks.blocks:
            s = block.share
            self._write(block.prepared, chunk, values, labels)
            values -= near
            distance += s * values
            crossed += s**2 * values
            of_squares += (s * values) ** 2
            shares += s**2
        # The blocks' own mean is as far from `near` as that was rounded, which is more for float32.
        spread = of_squares - 2 * distance * crossed + distance**2 * shares
        variances: npt.NDArray[np.float64] = np.maximum(spread, 0.0) / self.blocks.unbiased
        return variances

    def _write(self, prepared: Prepared, chunk: Floats, out: Floats, labels: Labels) -> None:
        if self.part.is_all:
            prepared.explain(chunk, out, labels=labels, threads=self.threads, progress=None)
        else:
            PartRun(self.model, prepared, self.part, self.threads, None).write(chunk, out, labels, None)
