"""Baseline values: one explanation for each background row."""

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ferroshap import _native
from ferroshap.additivity import worst_gap
from ferroshap.ensemble import TreeEnsemble
from ferroshap.errors import PlanError
from ferroshap.inputs import InputRows
from ferroshap.options import empty_output
from ferroshap.progress import Progress, reporting

from .background import BackgroundRows
from .linked import Linked
from .run import from_row

Floats = npt.NDArray[np.floating[Any]]
Floats64 = npt.NDArray[np.float64]

FEWER_PAIRS = "explain fewer rows at a time, or against fewer background rows (ferroshap.sample draws some)"


def bytes_of_references(model: TreeEnsemble, b: int) -> int:
    """What a model takes against `b` background rows one by one: the rows as it compares them, and its predictions of them."""
    return 8 * b * (model.n_features + model.n_outputs)


def values_per_reference(
    model: TreeEnsemble,
    background: BackgroundRows,
    rows: InputRows,
    *,
    linked: Linked | None,
    labels: Floats64 | None,
    dtype: npt.DTypeLike,
    check: bool,
    threads: int | None,
    progress: Progress | Literal[True] | None,
    most: int | None,
) -> Floats:
    """`(n, b, f, o)`: the values of each row against each background row; in another output space times the weight of the pair.

    Their mean over the background, by its weights, are the interventional values. Raises `OptionError` if they do not fit in
    memory, `PlanError` if what they are made from takes more than `most` bytes.
    """
    n, b, f = len(rows), len(background), model.n_features
    o = model.n_outputs if linked is None else linked.n_outputs
    size = bytes_of_references(model, b) + background.bytes
    if most is not None and size > most:
        raise PlanError(
            f"the background, prepared for values against each of its rows, takes {size:,} bytes, but max_memory allows {most:,}; "
            "allow as much, or pass fewer rows (ferroshap.sample draws some)"
        )
    out = empty_output((n, b, f, o), dtype, instead=FEWER_PAIRS)
    against = background.numbers
    references = model.references(against, weights=None, threads=threads)
    of_background = model.predict_rows(against, exact=True, threads=threads)
    scale = model.rounding_scale
    step = max(1, 2**21 // max(1, b * f * model.n_outputs))
    with reporting(progress) as report:
        for first, chunk in rows.blocks(step):
            here = slice(first, first + len(chunk))
            values = np.empty((len(chunk), b, f, model.n_outputs))
            told = from_row(first, n, report)
            references.each(chunk, values, missing=model.schema.missing, threads=threads, progress=told)
            predicted = model.predict_rows(chunk, exact=True, threads=threads)
            if check:
                pairs = (len(chunk) * b, f, model.n_outputs)
                each, base = np.repeat(predicted, b, axis=0), np.tile(of_background, (len(chunk), 1))
                worst_gap(values.reshape(pairs), each, base, scale, first_row=first, references=b)
            out[here] = (
                values if linked is None else _linked(linked, values, chunk, None if labels is None else labels[here])
            )
            if report is not None:
                report(first + len(chunk), n)
    return out


def _linked(linked: Linked, values: Floats64, chunk: Floats, labels: Floats64 | None) -> Floats64:
    scaled = values * linked.output.scale
    pairs = _native.pair_weights(linked.rule.by, linked.margins(chunk), linked.background_margins)
    found: Floats64 = np.einsum("nbko,nbfo->nbfk", pairs, scaled)
    if labels is not None:
        each = np.repeat(labels, scaled.shape[1] * scaled.shape[2])
        of_labels = linked.at_labels(scaled.reshape(-1, scaled.shape[-1]), each)
        found += linked.rule.slope * of_labels.reshape(found.shape)
    return found
