"""Interaction values are those of the definition, for every kind of model, along the trees and against a background."""

import numpy as np
import pytest
from ferroshap import TreeExplainer, UnsupportedModelError
from ferroshap.adapters import parse_model
from interventional.models import KINDS, case
from kernel.random_models import core, random_ensemble, rows_for
from oracle import interactions

WITHOUT_COVERS = {kind for kind in KINDS if "without covers" in kind}
FEW, FEWER, FEW_BACKGROUND = 12, 3, 10


def agree(values, want):
    values = values[..., None] if values.ndim == 3 else values
    assert values.shape == want.shape
    np.testing.assert_allclose(values, want, rtol=0, atol=1e-12 * np.abs(want).max())
    np.testing.assert_array_equal(values, values.transpose(0, 2, 1, 3))


@pytest.mark.parametrize("kind", sorted({*KINDS} - WITHOUT_COVERS))
def test_path_dependent_values(kind):
    model, rows, _, options = case(kind)
    explainer, parsed = TreeExplainer(model, **options), parse_model(model, **options)
    few = explainer.model.read_rows(rows[:FEW]).values
    want = interactions.path_dependent(parsed.arrays, few, parsed.schema.missing)
    agree(explainer.shap_interaction_values(rows[:FEW]), want)
    assert np.abs(want).max() > 0


@pytest.mark.parametrize("kind", KINDS)
def test_values_against_a_background(kind):
    model, rows, _, options = case(kind)
    background, rows = rows[40 : 40 + FEW_BACKGROUND], rows[:FEWER]
    explainer, parsed = TreeExplainer(model, background, **options), parse_model(model, **options)
    read = [explainer.model.read_rows(table).values for table in (rows, background)]
    want = interactions.against(parsed.arrays, *read, parsed.schema.missing)
    agree(explainer.shap_interaction_values(rows), want)


def test_weights_count_as_repetition():
    model, rows, _, _ = case("LightGBM, sets of categories")
    weights = np.arange(30) % 4
    weighted = TreeExplainer(model, rows[:30], weights=weights).shap_interaction_values(rows)
    repeated = TreeExplainer(model, rows[:30].iloc[np.repeat(np.arange(30), weights)]).shap_interaction_values(rows)
    np.testing.assert_allclose(weighted, repeated, rtol=0, atol=1e-13 * np.abs(repeated).max())


@pytest.mark.parametrize("seed", range(6))
def test_trees_that_no_library_would_grow(seed):
    """Every flag, shares of zero, features repeated on a path: paths of up to twelve splits on five features."""
    from ferroshap import _native

    a = random_ensemble(seed, n_features=5, n_trees=4, n_outputs=1 + seed % 2)
    rows = rows_for(a, 30, seed)
    out = np.full((30, 25, a.n_outputs), np.nan)
    _native.Interactions(core(a)).run(rows, out)
    want = interactions.path_dependent(a, rows)
    agree(out.reshape(want.shape), want)


def test_models_without_covers_have_values_against_a_background_alone():
    model, rows, _, options = case("XGBoost, vector leaves without covers")
    with pytest.raises(UnsupportedModelError, match="cover"):
        TreeExplainer(model, **options)
    assert TreeExplainer(model, rows[:9], **options).shap_interaction_values(rows[:2]).ndim == 4
