"""`_native.CoalitionEngine` and `MatrixMasker` together, against the definition of Shapley values."""

from itertools import combinations
from math import comb

import numpy as np
import numpy.typing as npt
import pytest
from ferroshap._native import CoalitionEngine, Estimate, MatrixMasker
from ferroshap.errors import DataError, OptionError

F64 = npt.NDArray[np.float64]


def model(x: F64) -> F64:
    """Interactions of three and four columns; two outputs."""
    first = x[:, 0] * x[:, 1] * x[:, 2] + np.sin(x[:, 3] * x[:, 4]) + x[:, 5]
    return np.stack([first, np.exp(0.3 * x[:, 0] * x[:, 4]) * x[:, 2] * x[:, 5]], axis=1)


def definition(x: F64, background: F64, weights: F64) -> F64:
    p = x.size
    share = weights / weights.sum()

    def worth(members: tuple[int, ...]) -> F64:
        rows = background.copy()
        rows[:, list(members)] = x[list(members)]
        return share @ model(rows)

    out = np.zeros((p, 2))
    for j in range(p):
        others = [i for i in range(p) if i != j]
        for s in range(p):
            for members in combinations(others, s):
                out[j] += (worth((*members, j)) - worth(members)) / (p * comb(p - 1, s))
    return out


def explain(
    x: F64, background: F64, weights: F64, most: int = 100, ahead: int = 0, **options: object
) -> list[Estimate]:
    masker = MatrixMasker(background, np.arange(x.shape[1]), x.shape[1])
    engine = CoalitionEngine(weights, model(background), n_players=x.shape[1], **options)  # type: ignore[arg-type]
    for row, (outputs, differs) in enumerate(zip(model(x), masker.differs(x), strict=True)):
        engine.add_row(row, outputs, differs)
    found: list[Estimate] = []
    outstanding = []
    while True:
        asked = engine.ask(most)
        if len(asked):
            outstanding.append(asked)
        if outstanding and (not len(asked) or len(outstanding) > ahead):
            due = outstanding.pop(0)
            rows = np.empty((len(due), x.shape[1]))
            masker.fill(due, x, 0, rows)
            members = np.where(due.members(), x[due.rows], background[due.references])
            np.testing.assert_array_equal(rows, members)
            engine.tell(due, model(rows))
        elif not len(asked):
            pending = engine.pending_values()
            for place, values in pending:
                engine.set_values(place, values)
            if not pending:
                return found + engine.finished()
        found += engine.finished()


@pytest.fixture
def data() -> tuple[F64, F64, F64]:
    rng = np.random.default_rng(0)
    x, background = rng.integers(0, 4, (5, 6)) / 2, rng.integers(0, 4, (7, 6)) / 2
    return x, background, rng.uniform(1, 3, 7)


@pytest.mark.parametrize("design", ["per_reference", "shared"])
def test_all_coalitions_give_the_definition(data: tuple[F64, F64, F64], design: str) -> None:
    x, background, weights = data
    found = explain(x, background, weights, nsamples=62, design=design)
    assert [estimate.row for estimate in found] == [0, 1, 2, 3, 4]
    for estimate, row in zip(found, x, strict=True):
        assert estimate.exact
        assert estimate.converged
        np.testing.assert_allclose(estimate.values, definition(row, background, weights), rtol=0, atol=1e-12)
        assert not estimate.standard_errors.any()


@pytest.mark.parametrize("design", ["per_reference", "shared"])
@pytest.mark.parametrize("tol", [None, 0.02])
def test_batches_and_other_rows_change_no_bit(data: tuple[F64, F64, F64], design: str, tol: float | None) -> None:
    x, background, weights = data
    alone = [explain(x[i : i + 1], background, weights, nsamples=24, design=design, tol=tol)[0] for i in range(5)]
    for most, ahead, threads in [(2, 0, 1), (7, 2, 2), (100_000, 1, 3)]:
        options = {"nsamples": 24, "design": design, "tol": tol, "threads": threads}
        together = explain(x, background, weights, most, ahead, **options)
        for a, b in zip(alone, together, strict=True):
            np.testing.assert_array_equal(a.values, b.values)
            np.testing.assert_array_equal(a.standard_errors, b.standard_errors)
            np.testing.assert_array_equal(a.background_se, b.background_se)
            assert (a.n_evals, a.converged) == (b.n_evals, b.converged)


def test_what_is_wrong_is_refused_by_name(data: tuple[F64, F64, F64]) -> None:
    _, background, weights = data
    outputs = model(background)
    with pytest.raises(OptionError, match="nsamples is 1; expected 2 at least"):
        CoalitionEngine(weights, outputs, n_players=6, nsamples=1)
    with pytest.raises(OptionError, match="max_evals is 13; 7 background rows need 14 at least"):
        CoalitionEngine(weights, outputs, n_players=6, max_evals=13)
    with pytest.raises(DataError, match="the weight of background row 0 is -1"):
        CoalitionEngine(-weights / weights[0], outputs, n_players=6)
    engine = CoalitionEngine(weights, outputs, n_players=6)
    with pytest.raises(ValueError, match=r"expected \(2,\) and \(7, 6\)"):
        engine.add_row(0, np.zeros(3), np.ones((7, 6), dtype=bool))
    engine.add_row(0, np.zeros(2), np.ones((7, 6), dtype=bool))
    first, second = engine.ask(10), engine.ask(10)
    with pytest.raises(ValueError, match=r"outputs of shape \[10, 3\]; expected \[10, 2\]"):
        engine.tell(first, np.zeros((10, 3)))
    with pytest.raises(DataError, match="in the order of asking"):
        engine.tell(second, np.zeros((10, 2)))
    masker = MatrixMasker(background, np.arange(6), 6)
    with pytest.raises(TypeError, match="another dtype"):
        masker.differs(background.astype(np.float32))
