"""Budgets: what is accepted, what is spent, and what is said when it is too small."""

import warnings

import ferroshap
import numpy as np
import pytest


def model(X):
    return X[:, 0] * X[:, 1] * X[:, 2] + np.sin(X[:, 3:].sum(axis=1)) * X[:, 5]


@pytest.fixture(scope="module")
def rows():
    return np.random.default_rng(4).normal(size=(10, 14))


WRONG = [
    ({"nsamples": 0}, "nsamples is 0; expected 'auto' or a whole number of at least 2"),
    ({"nsamples": 1}, "nsamples is 1; expected 'auto' or a whole number of at least 2"),
    ({"nsamples": -5}, "nsamples is -5"),
    ({"nsamples": 10.0}, "nsamples is 10.0"),
    ({"nsamples": "many"}, "nsamples is 'many'"),
    ({"max_evals": 1}, "max_evals is 1"),
    ({"nsamples": 10, "max_evals": 10}, "two ways to say the same"),
    ({"tol": 0}, "tol is 0; expected a number between 0 and 1"),
    ({"tol": "small"}, "tol is 'small'"),
    ({"seed": -1}, "seed is -1"),
    ({"random_state": -1}, "random_state is -1"),
    ({"random_state": "a"}, "random_state is 'a'"),
    ({"seed": 0, "random_state": 0}, "seed and random_state are two names for the same"),
    ({"threads": 0}, "threads is 0"),
    ({"batch_rows": 1}, "batch_rows is 1"),
    ({"max_memory": "much"}, "max_memory is 'much'"),
    ({"nan_policy": "omit"}, "nan_policy is 'omit'; expected 'raise' or 'propagate'"),
    ({"progress": 3}, "progress is 3"),
    ({"model_output": "probability"}, "model_output is for tree models"),
]


@pytest.mark.parametrize(("options", "text"), WRONG, ids=[text for _, text in WRONG])
def test_options_that_are_none_are_refused(rows, options, text):
    with pytest.raises(ferroshap.OptionError, match=text):
        ferroshap.KernelExplainer(model, rows[:3], **options)


@pytest.mark.parametrize("options", [{"nsamples": 1}, {"max_evals": 0}, {"tol": 2}, {"l1_reg": "lasso"}])
def test_options_of_a_call_are_checked_too(rows, options):
    explainer = ferroshap.KernelExplainer(model, rows[:3])
    with pytest.raises(ferroshap.OptionError, match=next(iter(options))):
        explainer.shap_values(rows, **options)


@pytest.mark.parametrize("name", ["algorithm", "summarise_background", "n_jobs"])
def test_other_keywords_are_type_errors(rows, name):
    with pytest.raises(TypeError, match=name):
        ferroshap.KernelExplainer(model, rows[:3], **{name: 1})
    with pytest.raises(TypeError, match=name):
        ferroshap.KernelExplainer(model, rows[:3]).shap_values(rows, **{name: 1})


def test_a_budget_for_all_coalitions_is_not_spent_beyond_them(rows):
    explanation = ferroshap.KernelExplainer(model, rows[:2], nsamples=10**6)(rows[2:4])
    assert (explanation.details.n_evals <= 2 * (2**14 - 2)).all()
    assert explanation.details.exact.all()
    assert (explanation.details.standard_errors == 0).all()


def test_the_budget_is_that_of_the_call_or_of_the_explainer(rows):
    explainer = ferroshap.KernelExplainer(model, rows[:3], nsamples=60)
    assert explainer(rows[3:]).details.n_evals.max() <= 60 * 3
    assert 60 * 3 < explainer(rows[3:], nsamples=200).details.n_evals.max() <= 200 * 3
    assert explainer(rows[3:], max_evals=120).details.n_evals.max() <= 120
    auto = explainer(rows[3:], nsamples="auto").details.n_evals
    assert (auto <= (2 * 14 + 2048) * 3).all()
    assert (auto > 0.9 * (2 * 14 + 2048) * 3).all()
    np.testing.assert_array_equal(
        explainer.shap_values(rows[3:], 200),
        ferroshap.KernelExplainer(model, rows[:3], nsamples=200).shap_values(rows[3:]),
    )


def test_a_low_budget_is_said(rows):
    explainer = ferroshap.KernelExplainer(model, rows[:3], nsamples=10)
    with pytest.warns(ferroshap.FerroshapWarning, match="7 rows had fewer than 2 coalitions for each player"):
        values = explainer.shap_values(rows[3:])
    assert np.isfinite(values).all()
    gaps = explainer.expected_value + values.sum(axis=1) - model(rows[3:])
    assert np.abs(gaps).max() < 1e-12 * max(1, np.abs(model(rows[3:])).max())


def test_two_coalitions_are_better_than_garbage():
    """Few coalitions give finite values that add up, and say so: no player gets all by chance."""
    X = np.random.default_rng(0).normal(size=(5, 4))
    explainer = ferroshap.KernelExplainer(lambda rows: rows.sum(axis=1), X[:1], nsamples=2)
    with pytest.warns(ferroshap.FerroshapWarning, match="fewer than 2 coalitions"):
        explanation = explainer(X[1:])
    assert np.isfinite(explanation.values).all()
    assert not explanation.details.exact.any()
    np.testing.assert_allclose(explanation.values.sum(axis=1), X[1:].sum(axis=1) - X[0].sum(), rtol=0, atol=1e-12)


def test_a_tolerance_stops_rows_before_the_budget(rows):
    explainer = ferroshap.KernelExplainer(model, rows[:3])
    full = explainer(rows[3:])
    early = explainer(rows[3:], tol=0.2)
    assert early.details.converged.all()
    assert (early.details.n_evals < full.details.n_evals).all()
    spread = np.ptp(early.values, axis=1)
    assert (early.details.standard_errors.max(axis=1) <= 0.2 * spread).all()
    assert np.abs(early.values - full.values).max() < 0.5 * spread.max()


def test_a_tolerance_that_is_not_reached_is_said(rows):
    explainer = ferroshap.KernelExplainer(model, rows[:3], nsamples=80, tol=1e-6)
    with pytest.warns(ferroshap.ConvergenceWarning, match="7 rows did not reach tol=1e-06"):
        explanation = explainer(rows[3:])
    assert not explanation.details.converged.any()


def test_a_constant_model_has_zeros_and_no_noise(rows):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        explanation = ferroshap.KernelExplainer(lambda X: np.full(len(X), 0.1), rows[:3], nsamples=100, tol=0.01)(
            rows[3:]
        )
    assert (explanation.values == 0).all()
    assert (explanation.details.standard_errors == 0).all()
    assert explanation.details.converged.all()


def test_progress_is_told(rows):
    told = []
    explainer = ferroshap.KernelExplainer(model, rows[:2], nsamples=50, progress=lambda *done: told.append(done))
    explainer.shap_values(rows[2:])
    assert told[-1] == (8, 8)
    assert told == sorted(told)
    told.clear()
    explainer.shap_values(rows[2:], silent=True)
    assert told == []


def test_nothing_is_printed(rows, capfd):
    ferroshap.KernelExplainer(model, rows[:2], nsamples=50).shap_values(rows[2:])
    assert capfd.readouterr() == ("", "")


def test_random_state_is_the_seed(rows):
    values = [
        ferroshap.KernelExplainer(model, rows[:3], nsamples=60, **seed).shap_values(rows)
        for seed in ({"seed": 7}, {"random_state": 7}, {"random_state": 8}, {}, {"seed": 0})
    ]
    np.testing.assert_array_equal(values[0], values[1])
    assert (values[1] != values[2]).any()
    np.testing.assert_array_equal(values[3], values[4])
    game = lambda masks: masks @ np.arange(20.0) * masks[:, 3] * masks[:, 4]  # noqa: E731
    mine, other = (ferroshap.kernel_shap(game, 20, nsamples=60, **seed) for seed in ({"seed": 5}, {"random_state": 5}))
    np.testing.assert_array_equal(mine.values, other.values)
    np.testing.assert_array_equal(
        ferroshap.Explainer(model, rows[:3], nsamples=60, random_state=7).shap_values(rows), values[0]
    )
