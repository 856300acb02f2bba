"""What the user's model may do, and what it may return."""

import gc
import multiprocessing
import pickle
import threading

import ferroshap
import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse


def values(model, cases, **options):
    return ferroshap.KernelExplainer(model, cases.background, **options).shap_values(cases.rows)


@pytest.fixture(scope="module")
def right(cases):
    return values(cases.one, cases)


RETURNED = {
    "list": lambda y: y.tolist(),
    "pandas Series": pd.Series,
    "pandas Series with another index": lambda y: pd.Series(y, index=np.arange(len(y))[::-1]),
    "polars Series": pl.Series,
    "float32": lambda y: y.astype(np.float32),
    "longdouble": lambda y: y.astype(np.longdouble),
    "objects": lambda y: y.astype(object),
    "nullable": lambda y: pd.Series(y, dtype="Float64"),
    "big-endian": lambda y: y.astype(">f8"),
    "reversed": lambda y: y[::-1].copy()[::-1],
    "memory that cannot be written to": lambda y: np.frombuffer(y.tobytes()),
}


@pytest.mark.parametrize("kind", RETURNED)
def test_one_output_in_any_container(cases, right, kind):
    tolerance = 1e-5 if kind == "float32" else 1e-12
    found = values(lambda X: RETURNED[kind](cases.one(X)), cases)
    np.testing.assert_allclose(found, right, rtol=0, atol=tolerance * np.abs(right).max())


MATRICES = {
    "frame": pd.DataFrame,
    "polars frame": pl.DataFrame,
    "nested lists": lambda y: y.tolist(),
    "sparse": scipy.sparse.csr_matrix,
    "Fortran order": np.asfortranarray,
}


@pytest.mark.parametrize("kind", MATRICES)
def test_several_outputs_in_any_container(cases, kind):
    found = values(lambda X: MATRICES[kind](cases.two(X)), cases)
    assert found.shape == (4, 6, 2)
    np.testing.assert_array_equal(found, values(cases.two, cases))


def test_booleans_and_whole_numbers_are_numbers(cases):
    as_floats = values(lambda X: (cases.one(X) > 0).astype(float), cases)
    np.testing.assert_array_equal(values(lambda X: cases.one(X) > 0, cases), as_floats)
    np.testing.assert_array_equal(values(lambda X: (cases.one(X) > 0).astype(np.int8), cases), as_floats)


def test_a_single_column_keeps_its_axis(cases, right):
    explainer = ferroshap.KernelExplainer(lambda X: cases.one(X)[:, None], cases.background)
    assert explainer.expected_value.shape == (1,)
    found = explainer.shap_values(cases.rows)
    assert found.shape == (4, 6, 1)
    np.testing.assert_array_equal(found[..., 0], right)
    assert explainer(cases.rows).values.shape == (4, 6, 1)
    assert explainer(cases.rows).base_values.shape == (4, 1)


WRONG = {
    "one too few": (lambda y: y[:-1], r"was given 8 rows and returned the shape \(7,\)"),
    "a number": (lambda _: 1.0, r"returned the shape \(\); expected \(8,\) or \(8, outputs\)"),
    "a row": (lambda y: y[None], r"returned the shape \(1, 8\)"),
    "three axes": (lambda y: y[:, None, None], r"returned the shape \(8, 1, 1\)"),
    "no output": (lambda y: np.empty((len(y), 0)), "no output"),
    "ragged": (lambda y: [[1.0]] * (len(y) - 1) + [[1.0, 2.0]], "which is no array of numbers"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_wrong_shape_says_what_was_given_and_expected(cases, kind):
    wrong, text = WRONG[kind]
    with pytest.raises(ferroshap.ModelError, match=text):
        values(lambda X: wrong(cases.one(X)), cases)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda y: np.where(y > 0, "yes", "no"),
        lambda y: np.where(y > 0, "yes", "no").astype(object),
        lambda y: y + 1j,
        lambda _: None,
        lambda y: (v for v in y),
        lambda y: {"a": y},
    ],
)
def test_what_is_no_number_is_a_type_error(cases, wrong):
    with pytest.raises(TypeError, match="returned"):
        values(lambda X: wrong(cases.one(X)), cases)


def test_labels_point_to_predict_proba(cases):
    with pytest.raises(TypeError, match="For a classifier pass predict_proba"):
        values(lambda X: np.where(cases.one(X) > 0, "yes", "no"), cases)


def test_the_number_of_outputs_may_not_change(cases):
    with pytest.raises(ferroshap.ModelError, match="3 outputs a row, but 1 before"):
        values(lambda X: cases.one(X) if len(X) == 8 else np.ones((len(X), 3)), cases)


class TheirError(Exception):
    pass


@pytest.mark.parametrize("error", [TheirError, MemoryError, ValueError])
@pytest.mark.parametrize("threads", [1, 2])
def test_what_the_model_raises_goes_through_with_a_note(cases, error, threads):
    calls = []

    def model(X):
        calls.append(len(X))
        if len(calls) == 4:
            raise error("theirs")
        return cases.one(X)

    explainer = ferroshap.KernelExplainer(model, cases.background, batch_rows=64, threads=threads)
    with pytest.raises(error, match="theirs") as caught:
        explainer.shap_values(cases.rows)
    assert "ferroshap called" in caught.value.__notes__[0]
    assert "64 rows (mixtures of rows" in caught.value.__notes__[0]
    calls[:] = [0] * 10
    np.testing.assert_array_equal(explainer.shap_values(cases.rows), values(cases.one, cases))  # it can be used again


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_interrupts_go_through_as_they_are(cases, error):
    calls = []

    def model(X):
        calls.append(len(X))
        if len(calls) == 4:
            raise error
        return cases.one(X)

    with pytest.raises(error):
        values(model, cases, batch_rows=64, threads=2)
    assert len(calls) == 4
    assert not [t for t in threading.enumerate() if t.name.startswith("ferroshap")]


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_answers_that_are_not_finite_are_refused_with_the_row(cases, number):
    def model(X):
        answers = cases.two(X)
        answers[:, 1] = np.where(X[:, 0] == cases.rows[0, 0], number, answers[:, 1])
        return answers

    with pytest.raises(
        ferroshap.ModelError,
        match=r"returned (nan|-?inf) in output 1 for row .*rows to explain.*nan_policy='propagate'",
    ):
        values(model, cases)


def test_answers_that_are_not_finite_can_be_passed_on(cases):
    row = cases.rows[1]

    def model(X):
        answers = cases.two(X)
        answers[:, 1] = np.where((X[:, 0] == row[0]) & (X[:, 1] != row[1]), np.nan, answers[:, 1])
        return answers

    found = values(model, cases, nan_policy="propagate")
    right = values(cases.two, cases)
    assert np.isnan(found[1, :, 1]).all()
    found[1, :, 1] = right[1, :, 1] = 0
    np.testing.assert_array_equal(found, right)


def test_answers_that_are_not_finite_are_passed_on_through_links(cases):
    def model(X):
        p = cases.probability(X)
        return np.column_stack([p, np.where(X[:, 0] == cases.rows[1, 0], np.nan, p)])

    found = values(model, cases, link="logit", nan_policy="propagate")
    right = values(cases.probability, cases, link="logit")
    np.testing.assert_allclose(found[..., 0], right, rtol=0, atol=1e-12)
    assert np.isnan(found[1, :, 1]).all()
    np.testing.assert_allclose(found[[0, 2, 3], :, 1], right[[0, 2, 3]], rtol=0, atol=1e-12)


def test_the_input_may_be_written_to(cases, right):
    def model(X):
        answers = cases.one(X)
        X[...] = 1e9
        return answers

    X = cases.rows.copy()
    background = cases.background.copy()
    explainer = ferroshap.KernelExplainer(model, background, batch_rows=100)
    np.testing.assert_array_equal(explainer.shap_values(X), right)
    np.testing.assert_array_equal(X, cases.rows)
    np.testing.assert_array_equal(background, cases.background)


@pytest.mark.parametrize("keep", [lambda X: X, lambda X: X.T[1:], memoryview, lambda X: pd.DataFrame(X, copy=False)])
@pytest.mark.parametrize("threads", [1, 2])
def test_the_model_may_keep_its_input(cases, right, keep, threads):
    kept = []

    def model(X):
        kept.append((keep(X), X.copy()))
        return cases.one(X)

    np.testing.assert_array_equal(values(model, cases, batch_rows=64, threads=threads), right)
    assert len(kept) > 5
    for part, copy in kept:
        np.testing.assert_array_equal(np.asarray(part), np.asarray(keep(copy)))


def test_a_model_that_returns_its_own_input_is_explained(cases):
    found = values(lambda X: X[:, 2], cases, batch_rows=64)
    expected = cases.rows[:, 2] - cases.background[:, 2].mean()
    np.testing.assert_allclose(found[:, 2], expected, rtol=0, atol=1e-12)
    assert np.abs(np.delete(found, 2, axis=1)).max() < 1e-12


def test_memory_is_used_again_where_the_model_keeps_nothing(cases):
    owners = set()

    def model(X):
        owners.add(X.__array_interface__["data"][0] if len(X) == 64 else 0)
        return cases.one(X)

    gc.collect()
    ferroshap.KernelExplainer(model, cases.background, batch_rows=64, threads=1).shap_values(
        np.tile(cases.rows, (4, 1))
    )
    assert len(owners) == 2


def test_the_model_may_call_ferroshap(cases, right):
    inner = ferroshap.KernelExplainer(cases.one, cases.background)

    def model(X):
        np.testing.assert_array_equal(inner.shap_values(cases.rows), right)
        return cases.one(X)

    np.testing.assert_array_equal(values(model, cases), right)


def test_the_model_may_explain_itself(cases, right):
    depth = []

    def model(X):
        if len(depth) == 1:
            depth.append(2)
            explainer.shap_values(cases.rows)
        return cases.one(X)

    explainer = ferroshap.KernelExplainer(model, cases.background)
    depth.append(1)
    np.testing.assert_array_equal(explainer.shap_values(cases.rows), right)


def test_the_model_may_use_threads_and_is_called_on_the_callers(cases, right):
    callers = set()

    def model(X):
        callers.add(threading.get_ident())
        answers = []
        worker = threading.Thread(target=lambda: answers.append(cases.one(X)))
        worker.start()
        worker.join()
        return answers[0]

    np.testing.assert_array_equal(values(model, cases, threads=2, batch_rows=64), right)
    assert callers == {threading.get_ident()}


def test_one_explainer_serves_several_threads(cases, right):
    explainer = ferroshap.KernelExplainer(cases.one, cases.background, batch_rows=64)
    found = {}
    workers = [
        threading.Thread(target=lambda at=at: found.update({at: explainer.shap_values(cases.rows)})) for at in range(4)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for at in range(4):
        np.testing.assert_array_equal(found[at], right)


def _answers(queue, X):
    queue.put(X.sum(axis=1) + ferroshap.KernelExplainer(lambda rows: rows[:, 0], X[:2]).shap_values(X[:1]).sum() * 0)


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_the_model_may_fork(cases):
    context = multiprocessing.get_context("fork")

    def model(X):
        queue = context.SimpleQueue()
        child = context.Process(target=_answers, args=(queue, X))
        child.start()
        answers = queue.get()
        child.join()
        return answers

    found = values(model, cases, threads=2, batch_rows=256)
    np.testing.assert_allclose(found, cases.rows - cases.background.mean(axis=0), rtol=0, atol=1e-9)


def test_a_model_that_is_not_deterministic_is_noticed(cases):
    rng = np.random.default_rng(0)

    def model(X):
        return cases.one(X) + rng.normal(size=len(X))

    with pytest.warns(ferroshap.FerroshapWarning, match="is the model not deterministic"):
        found = ferroshap.KernelExplainer(model, cases.background[:1]).shap_values(cases.background[:1])
    assert (found == 0).all()


def a_function_of_the_module(X):
    return np.asarray(X)[:, 0] * np.asarray(X)[:, 1]


def test_explainers_pickle(cases):
    explainer = ferroshap.KernelExplainer(
        a_function_of_the_module, pd.DataFrame(cases.background), progress=lambda *_: None
    )
    again = pickle.loads(pickle.dumps(explainer))
    np.testing.assert_array_equal(again.shap_values(cases.rows), explainer.shap_values(cases.rows))


def test_missing_answers_of_pandas_are_not_finite(cases):
    def model(X):
        return pd.Series(cases.one(X), dtype="Float64").mask(X[:, 0] == cases.rows[0, 0])

    with pytest.raises(ferroshap.ModelError, match="returned nan for row 0 of 4"):
        values(model, cases)
