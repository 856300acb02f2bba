"""Backgrounds: weights, means, rows that occur twice, and what is none."""

import ferroshap
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import shap
from oracle import coalitions


def test_weights_count(cases):
    found = ferroshap.KernelExplainer(cases.one, cases.background, weights=cases.weights)
    expected = [coalitions.of_row(cases.one, x, cases.background, weights=cases.weights)[:, 0] for x in cases.rows]
    np.testing.assert_allclose(found.shap_values(cases.rows), expected, rtol=0, atol=1e-9)
    mean = np.average(cases.one(cases.background), weights=cases.weights)
    assert found.expected_value == pytest.approx(mean, rel=1e-14)


def test_rows_of_weight_zero_are_not_there(cases):
    weights = np.array([1.0, 0, 2, 0, 0, 1, 0, 0])
    found = ferroshap.KernelExplainer(cases.one, cases.background, weights=weights)
    kept = weights > 0
    right = ferroshap.KernelExplainer(cases.one, cases.background[kept], weights=weights[kept])
    np.testing.assert_array_equal(found.shap_values(cases.rows), right.shap_values(cases.rows))


@pytest.mark.parametrize("kind", [np.array, pd.DataFrame, scipy.sparse.csr_matrix])
def test_rows_that_occur_more_than_once_cost_as_one(cases, kind):
    calls = []

    def model(X):
        calls.append(X.shape[0])
        return cases.one(X.toarray() if scipy.sparse.issparse(X) else X)

    twice = cases.background[[0, 1, 2, 0, 0, 1]]
    found = ferroshap.KernelExplainer(model, kind(twice))
    explanation = found(kind(cases.rows))
    right = ferroshap.KernelExplainer(model, kind(cases.background[:3]), weights=[3, 2, 1])(kind(cases.rows))
    np.testing.assert_array_equal(explanation.values, right.values)
    np.testing.assert_array_equal(explanation.details.n_evals, right.details.n_evals)
    assert calls[0] == 3


def test_one_background_row_may_do_without_its_axis(cases):
    for design in ("per_reference", "shared"):
        right = ferroshap.KernelExplainer(cases.one, cases.background[:1], design=design).shap_values(cases.rows)
        found = ferroshap.KernelExplainer(cases.one, cases.background[0], design=design).shap_values(cases.rows)
        np.testing.assert_array_equal(found, right)
    series = pd.Series(cases.background[0], index=cases.names)
    found = ferroshap.KernelExplainer(lambda X: cases.one(X[cases.names]), series).shap_values(cases.rows)
    np.testing.assert_allclose(found, right, rtol=0, atol=1e-12)


@pytest.mark.parametrize("means", [shap.kmeans, ferroshap.kmeans])
def test_means_come_with_their_weights(cases, means):
    frame = pd.DataFrame(cases.X, columns=cases.names)
    summary = means(frame, 5)
    found = ferroshap.KernelExplainer(cases.one, summary)
    right = ferroshap.KernelExplainer(cases.one, np.asarray(summary.data), weights=np.asarray(summary.weights))
    np.testing.assert_array_equal(found.shap_values(frame[:3]), right.shap_values(cases.X[:3]))
    np.testing.assert_array_equal(found.shap_values(frame[cases.names[::-1]][:3]), right.shap_values(cases.X[:3]))
    assert found.feature_names == cases.names
    with pytest.raises(ferroshap.OptionError, match="data has weights of its own"):
        ferroshap.KernelExplainer(cases.one, summary, weights=np.ones(5))


def test_groups_of_shaps_data_are_players(cases):
    data = shap.utils._legacy.DenseData(
        cases.background.copy(), ["p", "q", "r"], [np.array([0, 3]), np.array([1]), np.array([2, 4, 5])]
    )
    explainer = ferroshap.KernelExplainer(cases.one, data)
    assert explainer.feature_names == ["p", "q", "r"]
    right = ferroshap.KernelExplainer(cases.one, cases.background, groups=[[0, 3], [1], [2, 4, 5]])
    np.testing.assert_array_equal(explainer.shap_values(cases.rows), right.shap_values(cases.rows))


def test_maskers_of_shap(cases):
    independent = shap.maskers.Independent(pd.DataFrame(cases.background, columns=cases.names))
    right = ferroshap.KernelExplainer(cases.one, cases.background).shap_values(cases.rows)
    np.testing.assert_array_equal(ferroshap.KernelExplainer(cases.one, independent).shap_values(cases.rows), right)
    with pytest.raises(ferroshap.OptionError, match="Partition of shap, whose values are those of another game"):
        ferroshap.KernelExplainer(cases.one, shap.maskers.Partition(cases.background))


NONE = [
    (None, ferroshap.DataError, "data is None"),
    (np.empty((0, 6)), ferroshap.DataError, "has no rows"),
    (pd.DataFrame({"a": []}), ferroshap.DataError, "has no rows"),
    (scipy.sparse.csr_matrix((0, 6)), ferroshap.DataError, "has no rows"),
    (np.empty((3, 0)), ferroshap.DataError, r"the shape \(3, 0\)"),
    (3.0, ferroshap.DataError, "data, the background, is float"),
    ([[1.0], [1.0, 2.0]], ferroshap.DataError, "does not form a table"),
    (np.ma.masked_array(np.ones((2, 2)), mask=np.eye(2)), ferroshap.DataError, "masked array"),
]


@pytest.mark.parametrize(("data", "error", "text"), NONE, ids=[text for _, _, text in NONE])
def test_what_is_no_background_is_refused(cases, data, error, text):
    with pytest.raises(error, match=text):
        ferroshap.KernelExplainer(cases.one, data)


WEIGHTS = [
    (np.zeros(8), "weights of all background rows are 0"),
    (-np.ones(8), "weight of background row 0 is -1"),
    (np.array([1.0] * 7 + [np.nan]), "weight of background row 7 is nan"),
    (np.array([1.0] * 7 + [np.inf]), "weight of background row 7 is inf"),
    (np.ones(7), r"weights has the shape \(7,\); expected \(8,\)"),
    (["a"] * 8, "weights has dtype"),
]


@pytest.mark.parametrize(("weights", "text"), WEIGHTS, ids=[text for _, text in WEIGHTS])
def test_weights_that_are_none_are_refused(cases, weights, text):
    with pytest.raises(ferroshap.DataError, match=text):
        ferroshap.KernelExplainer(cases.one, cases.background, weights=weights)
