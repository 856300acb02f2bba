"""A row has the same bits alone and among others, whatever threads and batches."""

import ferroshap
import numpy as np
import pandas as pd
import pytest


def model(X):
    """Row by row the same bits, however many there are."""
    X = np.asarray(X)
    return (
        X[:, 0] * X[:, 1] * X[:, 2]
        + np.abs(X[:, 3] - X[:, 4]) * X[:, 5]
        + X[:, 6] * X[:, 7] * X[:, 8]
        - X[:, 9] * X[:, 10]
    )


def probability(X):
    answers = np.abs(model(X))
    return answers / (1 + answers)


CASES = {
    "per reference": (model, {"nsamples": 120}),
    "shared": (model, {"nsamples": 120, "design": "shared"}),
    "logit": (probability, {"nsamples": 120, "link": "logit"}),
    "few": (model, {"max_evals": 400}),
    "tolerance": (model, {"tol": 0.1, "nsamples": 300}),
    "exact": (model, {"nsamples": 2**11}),
}


@pytest.fixture(scope="module")
def rows():
    return np.random.default_rng(9).normal(size=(20, 11))


@pytest.mark.filterwarnings("ignore::ferroshap.FerroshapWarning")
@pytest.mark.parametrize("case", CASES)
def test_threads_batches_and_subsets_of_rows_do_not_matter(rows, case):
    function, options = CASES[case]

    def explanation(X, **more):
        return ferroshap.KernelExplainer(function, rows[:6], **options, **more)(X)

    whole = explanation(rows[6:])
    for more in (
        {"threads": 1},
        {"threads": 2},
        {"threads": 5},
        {"batch_rows": 16},
        {"batch_rows": 257, "threads": 3},
        {"batch_rows": 65_536},
        {"max_memory": "64KiB"},
    ):
        again = explanation(rows[6:], **more)
        np.testing.assert_array_equal(again.values, whole.values, err_msg=str(more))
        np.testing.assert_array_equal(again.details.standard_errors, whole.details.standard_errors, err_msg=str(more))
        np.testing.assert_array_equal(again.details.n_evals, whole.details.n_evals, err_msg=str(more))
    for part in (slice(3, 4), slice(None, None, 3), [5, 5, 1]):
        np.testing.assert_array_equal(explanation(rows[6:][part]).values, whole.values[part])
    frame = pd.DataFrame(rows)
    of_frames = ferroshap.KernelExplainer(function, frame[:6], **options)(frame[6:])
    np.testing.assert_array_equal(of_frames.values, whole.values)


@pytest.mark.filterwarnings("ignore::ferroshap.FerroshapWarning")
def test_the_seed_matters_and_nothing_else_that_is_random(rows):
    def values(**options):
        return ferroshap.KernelExplainer(model, rows[:6], nsamples=100, **options).shap_values(rows[6:])

    np.random.seed(0)
    before = np.random.get_state()[1].copy()
    first = values()
    np.testing.assert_array_equal(values(), first)
    np.testing.assert_array_equal(values(seed=0), first)
    assert (values(seed=1) != first).any()
    np.testing.assert_array_equal(np.random.get_state()[1], before)


def test_many_rows_go_through_in_chunks(monkeypatch, rows):
    whole = ferroshap.KernelExplainer(model, rows[:6], nsamples=100).shap_values(rows[6:])
    many = np.tile(rows[6:], (20, 1))
    monkeypatch.setattr("ferroshap.coalition.row_game.CHUNK_BYTES", 1)
    found = ferroshap.KernelExplainer(model, rows[:6], nsamples=100).shap_values(many)
    np.testing.assert_array_equal(found, np.tile(whole, (20, 1)))
