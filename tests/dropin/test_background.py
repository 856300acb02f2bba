"""`sample` and `kmeans`: shap's rows and means, for every kind of table."""

import builtins

import ferroshap
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp
import shap
from ferroshap import DataError, OptionError

random = np.random.default_rng(3)
X = random.normal(size=(60, 4))
X[:, 2] = random.integers(0, 5, 60)
NAMES = ["a", "b", "c", "d"]
FRAME = pd.DataFrame(X, columns=NAMES, index=range(100, 160))

# A table of each kind, and its rows as an array.
KINDS = {
    "array": (X, np.asarray),
    "cube": (X.reshape(60, 2, 2), lambda t: t.reshape(-1, 4)),
    "list": (X.tolist(), np.asarray),
    "tuple": (tuple(map(tuple, X)), np.asarray),
    "pandas": (FRAME, lambda t: t.to_numpy()),
    "polars": (pl.DataFrame(X, schema=NAMES), lambda t: t.to_numpy()),
    "arrow table": (pa.table(dict(zip(NAMES, X.T, strict=True))), lambda t: np.column_stack(t.columns)),
    "arrow batch": (pa.record_batch(dict(zip(NAMES, X.T, strict=True))), lambda t: np.column_stack(t.columns)),
    "csr": (sp.csr_matrix(X), lambda t: t.toarray()),
    "csc array": (sp.csc_array(X), lambda t: t.toarray()),
    "coo": (sp.coo_matrix(X), lambda t: t.toarray()),
}


@pytest.mark.parametrize("seed", [0, 1, 12345])
@pytest.mark.parametrize("kind", KINDS)
def test_the_rows_drawn_are_those_of_shap_and_of_the_same_kind(kind, seed):
    table, as_array = KINDS[kind]
    drawn = ferroshap.sample(table, 17, random_state=seed)
    assert type(drawn) is type(table)
    np.testing.assert_array_equal(as_array(drawn), shap.sample(X, 17, random_state=seed))


def test_a_frame_keeps_its_index_and_columns():
    pd.testing.assert_frame_equal(ferroshap.sample(FRAME, 9), shap.sample(FRAME, 9))
    pd.testing.assert_series_equal(ferroshap.sample(FRAME["a"], 9), shap.sample(FRAME["a"], 9))
    assert ferroshap.sample(pl.Series("a", X[:, 0]), 9).to_list() == ferroshap.sample(FRAME["a"], 9).to_list()


@pytest.mark.parametrize("kind", KINDS)
def test_no_more_rows_than_asked_for_are_given_back_as_they_are(kind):
    table = KINDS[kind][0]
    assert ferroshap.sample(table) is table
    assert ferroshap.sample(table, 60) is table


def test_drawing_leaves_numpys_own_random_numbers_alone():
    before = np.random.get_state()[1].copy()
    ferroshap.sample(X, 5)
    np.testing.assert_array_equal(np.random.get_state()[1], before)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: ferroshap.sample(X, 0), OptionError, "nsamples is 0"),
        (lambda: ferroshap.sample(X, 2.5), OptionError, r"nsamples is 2\.5"),
        (
            lambda: ferroshap.sample(X, 5, random_state=None),
            OptionError,
            "random_state is None; expected a whole number",
        ),
        (lambda: ferroshap.sample(X, 5, random_state=2**32), OptionError, "at most 4,294,967,295"),
        (
            lambda: ferroshap.sample("rows", 2),
            DataError,
            r"cannot be chosen from builtins\.str; expected a numpy array",
        ),
        (lambda: ferroshap.sample(np.array(3.0), 2), DataError, r"numpy\.ndarray"),
        (lambda: ferroshap.sample(pl.LazyFrame({"a": [1, 2]}), 1), DataError, "LazyFrame"),
    ],
)
def test_what_cannot_be_drawn_is_refused(call, error, text):
    with pytest.raises(error, match=text):
        call()


@pytest.mark.parametrize("round_values", [True, False])
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in {"cube", "tuple"}])
def test_means_and_weights_are_those_of_shap(kind, round_values):
    ours, theirs = ferroshap.kmeans(KINDS[kind][0], 7, round_values), shap.kmeans(X, 7, round_values)
    np.testing.assert_allclose(ours.data, theirs.data, rtol=0, atol=1e-14)
    np.testing.assert_array_equal(ours.weights, theirs.weights)
    assert abs(ours.weights.sum() - 1) <= 1e-15
    assert len(ours) == 7
    named = hasattr(KINDS[kind][0], "columns")
    assert ours.group_names == (NAMES if named else ["0", "1", "2", "3"])
    assert [list(group) for group in ours.groups] == [[0], [1], [2], [3]]


def test_means_say_how_many_they_are():
    assert repr(ferroshap.kmeans(np.arange(12.0).reshape(6, 2), 3)) == "Background(3 rows × 2 columns, weights)"


def test_the_same_rows_give_the_same_bits():
    many = random.normal(size=(3_000, 5))
    first, second = (ferroshap.kmeans(many, 9, round_values=False) for _ in range(2))
    np.testing.assert_array_equal(first.data, second.data)
    np.testing.assert_array_equal(first.weights, second.weights)


def test_rounded_means_have_only_values_that_occur():
    holed = np.where(random.random(X.shape) < 0.2, np.nan, X)
    means = ferroshap.kmeans(holed, 8).data
    for column in range(4):
        assert np.isin(means[:, column], holed[:, column]).all()
    with_means = ferroshap.kmeans(holed, 8, round_values=False).data
    theirs = shap.kmeans(holed, 8, round_values=False).data
    np.testing.assert_allclose(with_means, theirs, rtol=0, atol=1e-14)


WITH_TEXT = pd.DataFrame({"x": [1.0, 2.0], "c": ["p", "q"]})


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: ferroshap.kmeans(X, 0), OptionError, "k is 0"),
        (lambda: ferroshap.kmeans(X, 61), OptionError, "k is 61; expected at most 60, the number of different rows"),
        (
            lambda: ferroshap.kmeans(np.ones((9, 2)), 2),
            OptionError,
            "k is 2; expected at most 1",
        ),
        (lambda: ferroshap.kmeans([[1.0, np.inf], [0.0, 1.0]], 1), DataError, "column '1' has an infinite value"),
        (lambda: ferroshap.kmeans([[1.0, np.nan], [0.0, np.nan]], 1), DataError, "column '1' has no value but missing"),
        (lambda: ferroshap.kmeans(WITH_TEXT, 1), DataError, "'c'"),
        (lambda: ferroshap.kmeans([1.0, 2.0], 1), DataError, r"list has shape \(2,\); expected a table"),
        (lambda: ferroshap.kmeans(np.empty((3, 0)), 1), DataError, r"ndarray has shape \(3, 0\); expected a table"),
        (lambda: ferroshap.kmeans([[1.0], [2.0, 3.0]], 1), DataError, "do not form a table"),
        (lambda: ferroshap.kmeans(np.empty((0, 2)), 1), DataError, "column '0' has no value"),
    ],
)
def test_what_has_no_means_is_refused(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_without_scikit_learn_the_error_says_what_to_install(monkeypatch):
    original = builtins.__import__

    def without(name, *rest):
        if name.startswith("sklearn"):
            raise ModuleNotFoundError(name)
        return original(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r"kmeans needs scikit-learn: pip install scikit-learn; sample\(\)"):
        ferroshap.kmeans(X, 2)
