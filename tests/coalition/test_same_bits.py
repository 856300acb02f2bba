"""A row has the same bits alone and among others, whatever threads and batches."""

import os
import subprocess
import sys

import ferroshap
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from ferroshap import _native


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


@pytest.mark.filterwarnings("ignore::ferroshap.FerroshapWarning")
def test_calls_before_do_not_matter(rows):
    """Designs are kept from call to call; so are none of the values."""
    explainer = ferroshap.KernelExplainer(model, rows[:6], nsamples=100)
    first = explainer(rows[6:])
    explainer.shap_values(rows[10:14], nsamples=200)
    explainer.shap_values(rows[:3])
    again = explainer(rows[6:])
    np.testing.assert_array_equal(again.values, first.values)
    np.testing.assert_array_equal(again.details.standard_errors, first.details.standard_errors)

    def interrupted(X):
        if len(X) > 10 and armed:
            raise KeyboardInterrupt
        return model(X)

    armed = []
    explainer = ferroshap.KernelExplainer(interrupted, rows[:6], nsamples=100, batch_rows=64)
    explainer.shap_values(rows[6:8])
    armed.append(1)
    with pytest.raises(KeyboardInterrupt):
        explainer.shap_values(rows[6:])
    armed.clear()
    np.testing.assert_array_equal(explainer.shap_values(rows[6:]), first.values)


def test_sparse_rows_alone_and_among_others():
    """What other rows have entries in does not matter to a row, nor to the budget that it has."""
    rng = np.random.default_rng(0)
    dense = np.where(rng.uniform(size=(16, 60)) < 0.3, rng.normal(size=(16, 60)), 0.0)
    dense[:4, 20:] = 0.0
    matrix = scipy.sparse.csr_matrix(dense)

    def sparse_model(X):
        X = X.toarray()
        return X[:, 0] * X[:, 1] * X[:, 30] + np.abs(X[:, 2] - X[:, 40]) * X[:, 5]

    explainer = ferroshap.KernelExplainer(sparse_model, matrix[:4])
    whole = explainer(matrix[4:])
    assert not whole.details.exact.any()
    for row in (0, 5, 11):
        alone = explainer(matrix[4 + row])
        np.testing.assert_array_equal(alone.values[0], whole.values[row])
        assert alone.details.n_evals[0] == whole.details.n_evals[row]


LEVEL = """
import hashlib
import ferroshap, numpy as np
rows = np.random.default_rng(4).normal(size=(15, 39))
def game(X):
    return np.stack([X[:, 0] * X[:, 1] * X[:, 38] + np.abs(X[:, 2] - X[:, 20]) * X[:, 3], np.abs(X[:, 5] - X[:, 7])], axis=1)
digest = hashlib.sha256()
for options in ({"nsamples": 400}, {"nsamples": 90}, {"nsamples": 50}, {"nsamples": 300, "design": "shared"}):
    found = ferroshap.KernelExplainer(game, rows[:4], **options)(rows[4:])
    for array in (found.values, found.details.standard_errors):
        digest.update(np.ascontiguousarray(array).tobytes())
print(digest.hexdigest())
"""


def test_vector_levels_have_the_same_bits():
    """Players, rows and outputs that fill no whole vector, with and without a ridge."""

    def bits(level):
        environment = os.environ | {"FERROSHAP_SIMD": level}
        command = [sys.executable, "-W", "ignore", "-c", LEVEL]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout

    levels = _native.build_info()["simd_available"]
    assert len({bits(level) for level in levels}) == 1, levels
