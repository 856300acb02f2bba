"""Some features and outputs: what is asked for, and a run that computes and writes no others."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ferroshap.additivity import library_bound, worst_gap, worst_library_gap
from ferroshap.ensemble import TreeEnsemble
from ferroshap.errors import OptionError
from ferroshap.explanation import Position, positions
from ferroshap.inputs import InputRows
from ferroshap.progress import Progress, reporting

from .prepared import Prepared, PreparedRaw
from .run import CHUNK_BYTES, CHUNK_ROWS, Floats, from_row

Labels = npt.NDArray[np.float64] | None  # of the rows, for losses


@dataclass(frozen=True)
class Part:
    """The features and outputs that are asked for, as an axis of an explanation is indexed.

    features, outputs
        What was chosen: a single position, which takes the axis away, a slice or positions; None: all.
    feature_numbers, output_numbers
        The positions, each in its order.
    feature_axes, output_axes
        The length of the axis, if there is one.
    """

    features: Position | None
    outputs: Position | None
    feature_numbers: npt.NDArray[np.uint32]
    output_numbers: npt.NDArray[np.uint32]
    feature_axes: tuple[int, ...]
    output_axes: tuple[int, ...]

    @classmethod
    def of(
        cls,
        features: Any,
        outputs: Any,
        feature_names: Sequence[str] | None,
        output_names: Sequence[str],
        n_features: int,
    ) -> "Part":
        """What the options ask for; raises `OptionError`."""
        n_outputs = len(output_names)
        if outputs is not None and n_outputs == 1:
            raise OptionError(f"outputs is {outputs!r}, but the model has a single output; leave outputs out")
        which = axis_positions("features", features, "feature", n_features, feature_names)
        of_which = axis_positions("outputs", outputs, "output", n_outputs, output_names)
        feature_numbers, output_numbers = numbers(which, n_features), numbers(of_which, n_outputs)
        one_output = n_outputs == 1 or isinstance(of_which, int)
        return cls(
            which,
            of_which,
            feature_numbers,
            output_numbers,
            () if isinstance(which, int) else (len(feature_numbers),),
            () if one_output else (len(output_numbers),),
        )

    @property
    def is_all(self) -> bool:
        """Whether nothing was chosen."""
        return self.features is None and self.outputs is None

    @property
    def n_features(self) -> int:
        """How many features a row has values of."""
        return len(self.feature_numbers)

    @property
    def n_outputs(self) -> int:
        """How many outputs a feature has values of."""
        return len(self.output_numbers)

    @property
    def chosen(self) -> dict[str, Position]:
        """What was chosen, by axis."""
        both = {"feature": self.features, "output": self.outputs}
        return {axis: position for axis, position in both.items() if position is not None}


def axis_positions(option: str, chosen: Any, axis: str, length: int, names: Sequence[str] | None) -> Position | None:
    """What `option` chooses of an axis, as an explanation is indexed; raises `OptionError`."""
    try:
        return None if chosen is None else positions(chosen, axis, length, names)
    except IndexError as error:
        raise OptionError(f"{option}: {error}") from error


def numbers(position: Position | None, length: int) -> npt.NDArray[np.uint32]:
    """The positions one by one; None: all."""
    every = np.arange(length, dtype=np.uint32)
    return every if position is None else np.ascontiguousarray(np.atleast_1d(every[position]))


@dataclass(frozen=True)
class OfPart:
    """A model, prepared for its game, and the part of its values that is computed."""

    model: TreeEnsemble
    prepared: Prepared
    part: Part
    threads: int | None

    def values(
        self, chunk: Floats, labels: Labels, report: Progress | None
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """`(n, features, outputs)`, and `(n, 1, outputs)`, what all features add up to, by way of all the values."""
        values = np.empty((len(chunk), self.model.n_features, self.prepared.n_outputs))
        self.prepared.explain(chunk, values, labels=labels, threads=self.threads, progress=report)
        features, outputs = self.part.feature_numbers[:, None], self.part.output_numbers
        return values[:, features, outputs], values.sum(axis=1, keepdims=True)[:, :, outputs]

    def worst_gap(
        self,
        chunk: Floats,
        sums: npt.NDArray[np.float64],
        first: int,
        labels: Labels,
        *,
        check: bool,
        library: Floats | None,
        before: int,
    ) -> float:
        """Checks the rows of a chunk, of which `first` is the first; their largest gap, 0 where they are not checked.

        The check is by `sums`, `(n, 1, outputs)`: what all the features of a row add up to, in float64. Of the outputs only
        those chosen are checked, for the others need not be computed.
        """
        if not check and library is None:
            return 0.0
        target, outputs = self.prepared.target(chunk, labels=labels, threads=self.threads), self.part.output_numbers
        base, scale = target.base[..., outputs], target.scale[..., outputs]
        gap = worst_gap(sums, target.predicted[:, outputs], base, scale, first_row=before + first)
        if library is not None:
            bound = library_bound(scale, self.model.n_trees, float32=self.model.predicts_in_float32)
            theirs = library[first : first + len(chunk), outputs]
            worst_library_gap(sums, theirs, base, bound, first_row=before + first)
        return gap


@dataclass(frozen=True)
class PartRun(OfPart):
    """How rows go through it, each checked."""

    progress: Progress | Literal[True] | None

    def explain(
        self,
        rows: InputRows,
        out: Floats,
        *,
        check: bool,
        library: Floats | None,
        labels: Labels = None,
        before: int = 0,
    ) -> None:
        """Writes `(n, features, outputs)`, C order, in chunks of rows; the other arguments are those of `Run.explain`."""
        n = len(rows)
        self.prepared.admit(n)
        step = max(CHUNK_ROWS, CHUNK_BYTES // (8 * (self.model.n_features + 2 * self.model.n_outputs)))
        if not isinstance(self.prepared, PreparedRaw):
            step = max(CHUNK_ROWS, CHUNK_BYTES // (8 * max(self.model.n_features, 1) * self.prepared.n_outputs))
        with reporting(self.progress) as report:
            for first, chunk in rows.blocks(step):
                here = slice(first, first + len(chunk))
                own = None if labels is None else labels[here]
                sums = self.write(chunk, out[here], own, from_row(first, n, report))
                self.worst_gap(chunk, sums, first, own, check=check, library=library, before=before)
                if report is not None:
                    report(first + len(chunk), n)

    def write(self, chunk: Floats, out: Floats, labels: Labels, report: Progress | None) -> npt.NDArray[np.float64]:
        """`(n, 1, outputs)`: what all features add up to, the values being written."""
        if not isinstance(self.prepared, PreparedRaw):
            out[...], of_all = self.values(chunk, labels, report)
            return of_all
        sums = np.empty((len(chunk), self.part.n_outputs))
        self.prepared.plan.run_part(
            chunk,
            out,
            sums,
            features=self.part.feature_numbers,
            outputs=self.part.output_numbers,
            missing=self.model.schema.missing,
            threads=self.threads,
            progress=report,
        )
        return sums[:, None, :]
