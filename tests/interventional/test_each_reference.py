"""Baseline values: one explanation for each background row, by the definition, and their mean."""

import dataclasses

import numpy as np
import pytest
from ferroshap import OptionError, PlanError, TreeExplainer
from ferroshap.adapters import parse_model
from interventional.models import KINDS, case
from oracle import pairs

ROWS, BACKGROUND = 3, 5


@pytest.mark.parametrize("kind", KINDS)
def test_values_of_a_reference_are_those_against_it_alone(kind):
    model, rows, _, options = case(kind)
    few, background = rows[:ROWS], rows[ROWS : ROWS + BACKGROUND]
    explainer = TreeExplainer(model, background, **options)
    found = explainer.shap_values(few, per_reference=True)
    o = explainer.model.n_outputs
    assert found.shape == (ROWS, BACKGROUND, explainer.model.n_features, *((o,) if o > 1 else ()))
    arrays, missing = parse_model(model, **options).arrays, explainer.model.schema.missing
    read, against = (explainer.model.read_rows(table).values for table in (few, background))
    size = np.abs(found).max()
    assert size > 0
    for at in range(BACKGROUND):
        want, base = pairs.shap_values(arrays, read, against[at : at + 1], missing, None)
        np.testing.assert_allclose(found[:, at].reshape(want.shape), want, rtol=0, atol=1e-12 * size)
        of_reference = explainer.model.predict(background, dtype="float64")[at]
        np.testing.assert_allclose(np.atleast_1d(of_reference), base, rtol=0, atol=1e-12 * explainer.scale.max())


@pytest.mark.parametrize("kind", ["XGBoost, missing values", "LightGBM, classes", "CatBoost, statistics of categories"])
def test_their_mean_by_the_weights_are_the_values(kind):
    model, rows, _, options = case(kind)
    weights = np.arange(60) % 4
    explainer = TreeExplainer(model, rows[:60], weights=weights, threads=1, **options)
    each = explainer.shap_values(rows[:40], per_reference=True)
    values = explainer.shap_values(rows[:40])
    mean = np.average(each, axis=1, weights=weights)
    np.testing.assert_allclose(mean, values, rtol=0, atol=1e-12 * np.abs(values).max())
    threaded = TreeExplainer(model, rows[:60], weights=weights, threads=3, **options)
    np.testing.assert_array_equal(threaded.shap_values(rows[:40], per_reference=True), each)
    np.testing.assert_array_equal(explainer.shap_values(rows[7:8], per_reference=True)[0], each[7])
    rounded = TreeExplainer(model, rows[:60], dtype="float32", **options).shap_values(rows[:40], per_reference=True)
    np.testing.assert_array_equal(rounded, each.astype(np.float32))


def test_a_single_row_has_no_axis_of_rows():
    model, rows, _, _ = case("LightGBM, classes")
    explainer = TreeExplainer(model, rows[:6])
    one = explainer.shap_values(rows[9], per_reference=True)
    np.testing.assert_array_equal(one, explainer.shap_values(rows[9:10], per_reference=True)[0])


def test_more_than_fits_says_what_to_do():
    model, rows, _, _ = case("LightGBM, classes")
    explainer = TreeExplainer(model, np.tile(rows, (500, 1)))
    with pytest.raises(OptionError, match=r"GiB, more than there is; .*or against fewer background rows"):
        explainer.shap_values(np.tile(rows, (10_000, 1)), per_reference=True)


def test_they_tell_their_progress():
    model, rows, _, _ = case("LightGBM, classes")
    many, seen = np.tile(rows, (20, 1)), []
    TreeExplainer(model, many, progress=lambda done, n: seen.append((done, n))).shap_values(
        many[:500], per_reference=True
    )
    assert seen[-1] == (500, 500)
    assert seen == sorted(seen)
    assert len(set(seen)) > 5


def test_memory_is_bounded_before_anything_is_made():
    model, rows, _, _ = case("LightGBM, classes")
    explainer = TreeExplainer(model, rows[:50], max_memory="1GB")
    explainer.shap_values(rows[:3], per_reference=True)
    model = explainer.model
    takes = 8 * 50 * (model.n_features + model.n_outputs) + explainer.describe()["background_bytes"]
    explainer._load = dataclasses.replace(explainer._load, most=takes - 1)
    with pytest.raises(
        PlanError, match=rf"each of its rows, takes {takes:,} bytes, but max_memory allows {takes - 1:,}"
    ):
        explainer.shap_values(rows[:3], per_reference=True)
