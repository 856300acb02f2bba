"""Interaction values of models of many features: what is chosen, and sums over rows, have the numbers of the matrices."""

import tracemalloc

import numpy as np
import pytest
import xgboost
from ferroshap import TreeExplainer, _native, load_model
from ferroshap.adapters import parse_model
from interventional.models import KINDS, case
from kernel.conftest import LEVELS
from oracle import interactions

N_FEATURES = 40


@pytest.fixture(scope="module")
def wide():
    """Trees of depth 6 on 40 features: groups of four leaves whose columns take more lines than one, and spare lanes."""
    rng = np.random.default_rng(3)
    X = rng.normal(size=(3000, N_FEATURES)).astype(np.float32)
    X[rng.random(X.shape) < 0.05] = np.nan
    y = np.nan_to_num(X) @ rng.normal(size=N_FEATURES) + np.nan_to_num(X[:, 0] * X[:, 1])
    settings = {"max_depth": 6, "nthread": 1, "seed": 1}
    return load_model(xgboost.train(settings, xgboost.DMatrix(X, y), num_boost_round=20)), X


@pytest.fixture(params=[False, True], ids=["path-dependent", "interventional"])
def explained(request, wide):
    model, X = wide
    return TreeExplainer(model, X[:300] if request.param else None, threads=1), X


def test_the_upper_triangle_has_the_bits_of_the_matrix(explained):
    explainer, X = explained
    matrices = explainer.shap_interaction_values(X[:200])
    first, second = np.triu_indices(N_FEATURES)
    triangle = explainer.shap_interaction_values(X[:200], pairs=list(zip(first, second, strict=True)))
    np.testing.assert_array_equal(triangle, matrices[:, first, second])
    assert np.count_nonzero(triangle.any(axis=0)) > 500


@pytest.mark.parametrize("seed", range(5))
def test_any_choice_of_pairs_has_the_bits_of_the_matrix(explained, seed):
    """What else is asked for decides where a column stands in a table, never its number."""
    explainer, X = explained
    matrices = explainer.shap_interaction_values(X[:40])
    rng = np.random.default_rng(seed)
    pairs = rng.integers(N_FEATURES, size=(4 ** (seed + 1), 2))
    chosen = explainer.shap_interaction_values(X[:40], pairs=pairs.tolist())
    np.testing.assert_array_equal(chosen, matrices[:, pairs[:, 0], pairs[:, 1]])
    features = rng.permutation(N_FEATURES)[: 3 * seed + 1]
    part = explainer.shap_interaction_values(X[:40], features=features)
    np.testing.assert_array_equal(part, matrices[:, features][:, :, features])


def test_levels_threads_and_batches_give_the_same_bits_against_a_background(wide):
    model, X = wide
    want = None
    for level in LEVELS:
        prepared = _native.Interactions(model._core, background=X[:300], level=level)
        for threads, batch in ((1, 300), (3, 300), (1, 1), (1, 77)):
            out = np.full((300, N_FEATURES**2, 1), np.nan)
            for at in range(0, 300, batch):
                prepared.run(X[at : min(300, at + batch)], out[at : at + batch], threads=threads)
            want = out if want is None else want
            np.testing.assert_array_equal(out, want)


def test_means_of_sizes_take_no_memory_of_a_matrix_a_row(explained):
    explainer, X = explained
    matrices = np.abs(explainer.shap_interaction_values(X[:1000])).mean(axis=0)
    explainer.shap_interaction_values(X[:10], aggregate="mean_abs")
    tracemalloc.start()
    mean = explainer.shap_interaction_values(X[:1000], aggregate="mean_abs")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    np.testing.assert_allclose(mean, matrices, rtol=0, atol=1e-13 * matrices.max())
    assert peak < 1 << 20  # 1,000 matrices take 12.8 MB


@pytest.mark.parametrize("kind", KINDS)
def test_weights_of_the_background_by_the_definition(kind):
    model, rows, _, options = case(kind)
    background, rows = rows[40:49], rows[:2]
    weights = np.array([1.0, 0.25, 0.0, 3.0, 1.0, 0.5, 2.0, 1e-3, 7.0])
    explainer = TreeExplainer(model, background, weights=weights, **options)
    values = explainer.shap_interaction_values(rows)
    parsed = parse_model(model, **options)
    read = [explainer.model.read_rows(table).values for table in (rows, background)]
    want = interactions.against(parsed.arrays, *read, parsed.schema.missing, weights)
    values = values[..., None] if values.ndim == 3 else values
    np.testing.assert_allclose(values, want, rtol=0, atol=1e-12 * np.abs(want).max())
