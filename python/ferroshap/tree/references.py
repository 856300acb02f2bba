"""Baseline values: one explanation for each background row."""

from typing import Any

import numpy as np
import numpy.typing as npt

from ferroshap import _native
from ferroshap.additivity import worst_gap
from ferroshap.ensemble import TreeEnsemble
from ferroshap.inputs import InputRows
from ferroshap.options import empty_output

from .background import BackgroundRows
from .linked import Linked

Floats = npt.NDArray[np.floating[Any]]
Floats64 = npt.NDArray[np.float64]

FEWER_PAIRS = "explain fewer rows at a time, or against fewer background rows (ferroshap.sample draws some)"


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
) -> Floats:
    """`(n, b, f, o)`: the values of each row against each background row; in another output space times the weight of the pair.

    Their mean over the background, by its weights, are the interventional values. Raises `OptionError` if they do not fit in
    memory.
    """
    n, b, f = len(rows), len(background), model.n_features
    o = model.n_outputs if linked is None else linked.n_outputs
    out = empty_output((n, b, f, o), dtype, instead=FEWER_PAIRS)
    against = background.numbers
    references = model.references(against, weights=None, threads=threads)
    of_background = model.predict_rows(against, exact=True, threads=threads)
    scale = model.rounding_scale
    step = max(1, 2**21 // max(1, b * f * model.n_outputs))
    for first, chunk in rows.blocks(step):
        here = slice(first, first + len(chunk))
        values = np.empty((len(chunk), b, f, model.n_outputs))
        references.each(chunk, values, missing=model.schema.missing, threads=threads)
        predicted = model.predict_rows(chunk, exact=True, threads=threads)
        if check:
            pairs = (len(chunk) * b, f, model.n_outputs)
            each, base = np.repeat(predicted, b, axis=0), np.tile(of_background, (len(chunk), 1))
            worst_gap(values.reshape(pairs), each, base, scale, first_row=first, references=b)
        out[here] = (
            values if linked is None else _linked(linked, values, chunk, None if labels is None else labels[here])
        )
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
