"""Values against a background, held against the oracle of pairs: the last rows of the table are the background."""

import numpy as np
from ferroshap import TreeExplainer
from oracle.pairs import shap_values


def background_gaps(model, arrays, rows, background):
    """How far SHAP values are from the oracle's, as a part of the largest, and the base value, in units of the output (o,).

    Every other model's background has weights.
    """
    weights = None if model.n_trees % 2 else 1.0 + np.arange(len(background)) % 3
    explainer = TreeExplainer(model, background, weights=weights)
    values = explainer.shap_values(rows).reshape(len(rows), model.n_features, model.n_outputs)
    coded = [np.concatenate([block for _, block in model.read_rows(table).blocks()]) for table in (rows, background)]
    phi, expected = shap_values(arrays, *coded, model.schema.missing, weights)
    largest = max(np.abs(phi).max(initial=0), np.finfo(float).tiny)
    return float(np.abs(values - phi).max() / largest), np.abs(np.atleast_1d(explainer.expected_value) - expected)
