"""What right means: the library's prediction, values that add up to it, and the values of the definition."""

import numpy as np
from ferroshap import TreeExplainer
from ferroshap.adapters import parse_model
from oracle import interventional
from oracle.shap import shap_values

FEW = 12  # rows that the slow definition is evaluated for
FEWER = 4  # rows and background rows of the definition against a background, 2^features times as slow
FEW_BACKGROUND = 16


def assert_right(model, rows, raw, **options):
    """`raw` is what the library itself predicts; returns the SHAP values of all rows, `(n, f)` or `(n, f, o)`.

    The prediction must have its bits, base value plus values be it within the roundings of the library's additions, and the
    values be those of `oracle/shap.py` within 1e-12 of the largest.
    """
    explainer = TreeExplainer(model, **options)
    values = add_up_to(explainer, rows, raw)
    compare_with_definition(model, explainer, rows, values, **options)
    return values


def add_up_to(explainer, rows, raw):
    """The values of all rows, once they are known to add up to `raw`, which our prediction must be bit for bit."""
    assert not np.isnan(raw).any()
    assert np.ptp(raw, axis=0).min() > 0 or explainer.model.n_leaves == explainer.model.n_trees
    np.testing.assert_array_equal(explainer.model.predict(rows), raw)
    values = explainer.shap_values(rows)
    scale = explainer.scale[0] if raw.ndim == 1 else explainer.scale
    single = explainer.model.predicts_in_float32
    bound = (1e-12 + ((explainer.model.n_trees + 1) * 2.0**-23 if single else 1e-12)) * scale
    assert (np.abs(raw - explainer.expected_value - values.sum(axis=1)) <= bound).all()
    return values


def assert_right_against(background, model, rows, raw, *, weights=None, **options):
    """As `assert_right`, for the values against a background.

    The base value must be the weighted mean prediction of the whole background within 1e-12 of the scale. The definition is
    that of `oracle/interventional.py`; it goes by the first background rows only.
    """
    explainer = TreeExplainer(model, background, weights=weights, **options)
    assert explainer.algorithm == "interventional"
    values = add_up_to(explainer, rows, raw)
    of_background = explainer.model.predict(background, dtype="float64")
    gap = np.abs(explainer.expected_value - np.average(of_background, axis=0, weights=weights))
    assert (gap <= 1e-12 * explainer.scale).all()
    compare_with_definition_against(background[:FEW_BACKGROUND], model, explainer, rows, weights, **options)
    return values


def compare_with_definition_against(background, model, explainer, rows, weights, **options):
    parsed = parse_model(model, **options)
    part = None if weights is None else weights[: len(background)]
    few = TreeExplainer(explainer.model, background, weights=part)
    read = [explainer.model.read_rows(table).values for table in (rows[:FEWER], background)]
    want, base = interventional.shap_values(parsed.arrays, *read, parsed.schema.missing, part)
    size = np.abs(want).max(initial=0.0)
    assert size > 0
    np.testing.assert_allclose(few.shap_values(rows[:FEWER]).reshape(want.shape), want, rtol=0, atol=1e-12 * size)
    np.testing.assert_allclose(np.atleast_1d(few.expected_value), base, rtol=0, atol=1e-12 * explainer.scale.max())


def compare_with_definition(model, explainer, rows, values, **options):
    parsed = parse_model(model, **options)
    few = explainer.model.read_rows(rows).values[:FEW]
    want, base = shap_values(parsed.arrays, few, parsed.schema.missing)
    got = values[: len(few)].reshape(want.shape)
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-12 * np.abs(want).max(initial=0.0))
    np.testing.assert_allclose(np.atleast_1d(explainer.expected_value), base, rtol=1e-12, atol=1e-14)


def beside(thresholds, dtype):
    """Each threshold and the two numbers of `dtype` next to it."""
    at = np.asarray(thresholds, dtype)
    return np.concatenate([at, np.nextafter(at, dtype(-np.inf)), np.nextafter(at, dtype(np.inf))])
