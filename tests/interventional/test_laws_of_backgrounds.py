"""What must hold of values against a background, whatever the model."""

import ferroshap
import numpy as np
import pytest
from defects.rows import HOLED, X, Y
from ferroshap import TreeExplainer
from ferroshap.tree import run
from interventional.models import KINDS, case, xgb

SOME = [
    "XGBoost, dart of classes",
    "XGBoost, vector leaves without covers",
    "XGBoost, categories of a frame",
    "XGBoost, nine features on a path",
    "LightGBM, zero is missing",
    "scikit-learn, histograms, categories of a frame",
    "scikit-learn, forest of targets",
    "CatBoost, statistics of categories",
]


def close(found, want):
    np.testing.assert_allclose(found, want, rtol=0, atol=1e-12 * np.abs(want).max())


def explained(kind, background=None, **options):
    """The values of the first rows."""
    model, rows, _, choices = case(kind)
    explainer = TreeExplainer(model, rows if background is None else background, **options, **choices)
    return explainer.shap_values(rows[:20])


@pytest.mark.parametrize("kind", SOME)
def test_two_halves_of_a_background_average_to_the_whole(kind):
    rows = case(kind).rows
    half = len(rows) // 2
    first, second = (explained(kind, rows[at : at + half]) for at in (0, half))
    close((first + second) / 2, explained(kind, rows[: 2 * half]))
    uneven = (explained(kind, rows[:15]) * 15 + explained(kind, rows[15:40]) * 25) / 40
    close(uneven, explained(kind, rows[:40]))


@pytest.mark.parametrize("kind", SOME)
def test_weights_are_repetitions(kind):
    rows = case(kind).rows
    times = np.arange(len(rows)) % 4
    at = np.repeat(np.arange(len(rows)), times)
    repeated = rows.iloc[at] if hasattr(rows, "iloc") else rows[at]
    values = explained(kind, repeated)
    close(explained(kind, weights=times), values)
    close(explained(kind, weights=times / times.sum()), values)
    close(explained(kind, weights=list(times * 1e3)), values)


@pytest.mark.parametrize("factor", [2.0**-3, 2.0**900, 2.0**-1060])
def test_the_unit_of_weights_does_not_change_a_bit(factor):
    weights = np.random.default_rng(0).integers(0, 200, 240).astype(float)
    want = explained("XGBoost, missing values", weights=weights)
    np.testing.assert_array_equal(explained("XGBoost, missing values", weights=weights * factor), want)


def test_equal_weights_are_no_weights():
    close(explained("LightGBM, classes", weights=np.full(240, 0.3)), explained("LightGBM, classes"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_against_itself_has_zeros(kind):
    model, rows, _, options = case(kind)
    explainer = TreeExplainer(model, rows[7:8], **options)
    assert not explainer.shap_values(rows[7:8]).any()
    own = explainer.model.predict(rows[7:8], dtype="float64")
    assert (np.abs(explainer.expected_value - own) <= 1e-12 * explainer.scale).all()


def test_a_feature_that_no_tree_tests_has_zeros():
    booster, rows, _, _ = xgb(Y, np.column_stack([X[:, :3], np.zeros(len(X)), X[:, 3]]))
    values = TreeExplainer(booster, rows).shap_values(rows)
    assert not values[:, 3].any()
    assert values[:, 0].any()


def test_features_that_a_model_treats_alike_have_the_same_values():
    tree = {"left": [1, -1, 3, -1, -1], "right": [2, -1, 4, -1, -1], "threshold": [0.2, 0, -0.4, 0, 0]}
    pairs = [
        ferroshap.Tree(**tree, feature=[first, 0, second, 0, 0], value=[0, 1, 0, -2, 5])
        for first, second in ((0, 1), (1, 0))
    ]
    model = ferroshap.build_ensemble(pairs, n_features=2)
    twice = np.repeat(X[:, :1], 2, axis=1)
    values = TreeExplainer(model, np.vstack([X[:, :2], X[:, 1::-1]])).shap_values(twice)
    assert np.abs(values).max() > 0.1
    close(values[:, 0], values[:, 1])


def test_the_values_of_parts_of_a_model_add_up():
    booster = case("XGBoost, missing values").model
    parts = [
        TreeExplainer(booster, HOLED, iteration_range=part).shap_values(HOLED) for part in ((0, 2), (2, 6), (0, 6))
    ]
    close(parts[0] + parts[1], parts[2])


@pytest.mark.parametrize("kind", SOME)
def test_rows_alone_or_together_threads_and_chunks_do_not_change_a_bit(kind, monkeypatch):
    model, rows, _, options = case(kind)
    explainer = TreeExplainer(model, rows, **options)
    values = explainer.shap_values(rows)
    threaded = TreeExplainer(model, rows, threads=3, **options)
    np.testing.assert_array_equal(threaded.expected_value, explainer.expected_value)
    np.testing.assert_array_equal(threaded.shap_values(rows), values)
    alone = np.concatenate([explainer.shap_values(rows[at : at + 1]) for at in range(0, len(rows), 11)])
    np.testing.assert_array_equal(alone, values[::11])
    monkeypatch.setattr(run, "CHUNK_ROWS", 7)
    monkeypatch.setattr(run, "CHUNK_BYTES", 1)
    np.testing.assert_array_equal(explainer.shap_values(rows), values)


def test_float32_values_are_the_float64_ones_rounded():
    model, rows, _, _ = case("LightGBM, classes")
    small, large = (TreeExplainer(model, rows, dtype=dtype).shap_values(rows) for dtype in ("float32", "float64"))
    np.testing.assert_array_equal(small, large.astype(np.float32))
