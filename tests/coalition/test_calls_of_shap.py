"""The calls of shap's users, with only the import changed: the same shapes, and values where shap has no error of its own."""

import warnings

import ferroshap
import numpy as np
import pandas as pd
import pytest
import shap
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC


@pytest.fixture(scope="module")
def trained():
    X, y = load_iris(return_X_y=True, as_frame=True)
    model = SVC().fit(X.to_numpy(), y)
    return X, model, LogisticRegression(max_iter=500).fit(X.to_numpy(), y)


def both(f, *arguments, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ferroshap.KernelExplainer(f, *arguments, **options), shap.KernelExplainer(f, *arguments, **options)


def same(ours, theirs, tolerance=1e-9):
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    assert ours.shape == theirs.shape
    assert ours.dtype == np.float64
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance * np.abs(theirs).max())


def test_a_function_and_all_rows(trained):
    X, model, _ = trained
    ours, theirs = both(model.decision_function, X.to_numpy()[::3])
    same(ours.expected_value, theirs.expected_value)
    for call in ({"nsamples": 500}, {}):
        same(
            ours.shap_values(X.to_numpy()[:5], **call),
            theirs.shap_values(X.to_numpy()[:5], silent=True, l1_reg=False, **call),
        )


def test_frames_and_the_logit_link(trained):
    X, _, model = trained
    f = lambda rows: model.predict_proba(np.asarray(rows))  # noqa: E731
    ours, theirs = both(f, X.iloc[:50], link="logit")
    same(ours.expected_value, theirs.expected_value)
    same(ours.shap_values(X[:5]), theirs.shap_values(X[:5], silent=True, l1_reg=False))
    same(ours.link.f(0.25), theirs.link.f(0.25))
    same(ours.link.finv(-1.0), theirs.link.finv(-1.0))


def test_means(trained):
    X, model, _ = trained
    ours, theirs = both(model.decision_function, shap.kmeans(X, 10))
    same(ours.expected_value, theirs.expected_value)
    same(ours.shap_values(X[:5], nsamples=500), theirs.shap_values(X[:5], nsamples=500, silent=True, l1_reg=False))


@pytest.mark.parametrize("one_output", [True, False])
def test_one_row_and_rows_and_explanations(trained, one_output):
    X, model, _ = trained
    f = (lambda rows: model.decision_function(rows)[:, 0]) if one_output else model.decision_function
    ours, theirs = both(f, X.to_numpy()[::10])
    one_row = X.to_numpy()[3]
    same(ours.shap_values(one_row), theirs.shap_values(one_row, silent=True, l1_reg=False))
    same(ours.shap_values(X.iloc[3]), theirs.shap_values(X.iloc[3], silent=True, l1_reg=False))
    assert isinstance(ours.expected_value, float if one_output else np.ndarray)
    mine, others = ours(X[:5]), theirs(X[:5], silent=True, l1_reg=False)
    same(mine.values, others.values)
    same(mine.base_values, others.base_values)
    np.testing.assert_array_equal(mine.data, others.data)
    assert list(mine.feature_names) == list(others.feature_names)
    shap.plots.waterfall(mine[0] if one_output else mine[0, :, 0], show=False)


def test_sparse_rows_and_positional_arguments(trained):
    import scipy.sparse

    X, model, _ = trained
    f = lambda rows: model.decision_function(rows.toarray() if scipy.sparse.issparse(rows) else rows)  # noqa: E731
    background, rows = scipy.sparse.csr_matrix(X.to_numpy()[::30]), scipy.sparse.csr_matrix(X.to_numpy()[:3])
    ours, theirs = both(f, background)
    same(ours.shap_values(rows), theirs.shap_values(rows, silent=True, l1_reg=False))
    named = ferroshap.KernelExplainer(f, background, list("abcd"), "identity")
    assert named.feature_names == list("abcd")


def test_functions_of_arrays_get_arrays_from_frames_with_a_warning(trained):
    X, model, _ = trained
    f = lambda rows: model.decision_function(rows[:, :4])  # noqa: E731
    with pytest.warns(ferroshap.FerroshapWarning, match="raised InvalidIndexError for a frame, but takes its array"):
        ours = ferroshap.KernelExplainer(f, X[::10])
    theirs = shap.KernelExplainer(f, X[::10])
    same(ours.shap_values(X[:3]), theirs.shap_values(X[:3], silent=True, l1_reg=False))
    assert ours.feature_names == list(X.columns)


def test_what_a_function_raises_for_frames_and_arrays_is_what_it_raised_for_the_frame(trained):
    X, _, _ = trained
    with pytest.raises(KeyError) as caught:
        ferroshap.KernelExplainer(lambda rows: rows["no column"], X[:5])
    assert "as pandas.DataFrame; the model gets tables of the kind that `data` is" in caught.value.__notes__[0]


def test_attributes(trained):
    X, model, _ = trained
    ours, theirs = both(model.decision_function, X.to_numpy()[::10])
    assert str(ours.link) == str(theirs.link)
    np.testing.assert_array_equal(ours.data.data, theirs.data.data)
    np.testing.assert_allclose(ours.data.weights, theirs.data.weights)
    assert ours.model == model.decision_function
    frame = pd.DataFrame(X)
    assert ferroshap.KernelExplainer(lambda d: d.sum(axis=1), frame[:5]).feature_names == list(X.columns)
