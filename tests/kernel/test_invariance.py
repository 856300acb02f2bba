"""The values of a row have the same bits with any number of threads, in any batch and at every vector level."""

import numpy as np
import pytest
from ferroshap import _native
from kernel.conftest import LEVELS
from kernel.random_models import core, explain, random_ensemble, rows_for

MODELS = {
    "float64 lanes": {"n_features": 3, "n_trees": 8, "flush_tiny": True, "categorical": {2}},
    "float32 lanes": {"n_features": 4, "n_trees": 8, "round_to_float32": True},
    "vector leaves": {"n_outputs": 3, "vector": True, "n_trees": 3, "divisor": 3, "accumulation": "f64-mean"},
    "passes of several groups of points": {"shape": "chain", "depth": 40, "n_features": 40, "n_trees": 2},
}
N = 4096 + 129
BATCHES = (1, 7, 127, 128, 129, 4096)
THREADS = (1, 2, 8)


@pytest.fixture(params=MODELS)
def model(request):
    a = random_ensemble(3, **MODELS[request.param])
    rows = rows_for(a, N, 3)
    return a, rows, explain(_native.Plan(core(a)), a, rows, threads=1)


def test_threads_do_not_change_a_bit(model, plans):
    a, rows, want = model
    for level, plan in plans(a):
        for threads in THREADS:
            np.testing.assert_array_equal(explain(plan, a, rows, threads=threads), want, err_msg=level)


@pytest.mark.parametrize("batch", BATCHES)
def test_batches_do_not_change_a_bit(model, batch, plans):
    a, rows, want = model
    n = min(N, 600 * batch)
    for level, plan in plans(a):
        for threads in THREADS:
            parts = [explain(plan, a, rows[at : min(at + batch, n)], threads=threads) for at in range(0, n, batch)]
            np.testing.assert_array_equal(np.concatenate(parts), want[:n], err_msg=level)


def test_every_row_count_up_to_two_blocks_gives_the_same_bits(model, plans):
    a, rows, want = model
    for level, plan in plans(a):
        for n in range(0, 260, 1 if a.n_features < 10 else 13):
            np.testing.assert_array_equal(explain(plan, a, rows[:n]), want[:n], err_msg=level)


def test_all_levels_that_the_processor_has_are_available():
    print("levels of vector instructions:", *LEVELS)
    assert _native.build_info()["simd_available"] == LEVELS


def test_predictions_depend_on_neither_threads_nor_batches(model):
    a, rows, _ = model
    predict = core(a).predict
    want = predict(rows, threads=1)
    for threads in THREADS:
        np.testing.assert_array_equal(predict(rows, threads=threads), want)
        for batch in BATCHES[1:]:
            parts = [predict(rows[at : at + batch], threads=threads) for at in range(0, N, batch)]
            np.testing.assert_array_equal(np.concatenate(parts), want)
