"""What right means: the library's prediction, values that add up to it, and the values of the definition."""

import numpy as np
from ferroshap import TreeExplainer, load_model
from ferroshap.adapters import parse_model
from oracle.shap import shap_values

FEW = 12  # rows that the slow definition is evaluated for


def assert_right(model, rows, raw, **options):
    """`raw` is what the library itself predicts; returns the SHAP values of all rows, `(n, f)` or `(n, f, o)`.

    The prediction must have its bits, base value plus values be it within the roundings of the library's additions, and the
    values be those of `oracle/shap.py` within 1e-12 of the largest.
    """
    explainer = TreeExplainer(model, **options)
    assert not np.isnan(raw).any()
    assert np.ptp(raw, axis=0).min() > 0 or explainer.model.n_leaves == explainer.model.n_trees
    np.testing.assert_array_equal(load_model(model, **options).predict(rows), raw)
    values = explainer.shap_values(rows)
    scale = explainer.scale[0] if raw.ndim == 1 else explainer.scale
    single = explainer.model.predicts_in_float32
    bound = (1e-12 + ((explainer.model.n_trees + 1) * 2.0**-23 if single else 1e-12)) * scale
    assert (np.abs(raw - explainer.expected_value - values.sum(axis=1)) <= bound).all()
    compare_with_definition(model, explainer, rows, values, **options)
    return values


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
