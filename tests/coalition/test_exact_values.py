"""Values of few players are exact: those of the definition, of interventional Tree SHAP, and in the limits of linear models."""

import warnings

import ferroshap
import numpy as np
import pytest
from oracle import coalitions

RELATIVE = 1e-9


def defined(model, rows, background, **options):
    return np.stack([coalitions.of_row(model, x, background, **options) for x in rows])


@pytest.mark.parametrize("design", ["per_reference", "shared"])
@pytest.mark.parametrize("weighted", [False, True])
def test_enumerated_values_are_those_of_the_definition(cases, design, weighted):
    weights = cases.weights if weighted else None
    explainer = ferroshap.KernelExplainer(cases.two, cases.background, weights=weights, design=design)
    explanation = explainer(cases.rows)
    expected = defined(cases.two, cases.rows, cases.background, weights=weights)
    np.testing.assert_allclose(explanation.values, expected, rtol=0, atol=RELATIVE * np.abs(expected).max())
    assert explanation.details.exact.all()
    assert explanation.details.converged.all()
    assert (explanation.details.standard_errors == 0).all()
    assert (explanation.details.n_evals <= (2**6 - 2) * 8).all()


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("order", [3, 4, 5])
def test_random_games_of_many_players_at_once_are_those_of_the_definition(seed, order):
    rng = np.random.default_rng(seed)
    players = 8
    terms = [(rng.choice(players, order, replace=False), rng.normal()) for _ in range(12)]

    def game(masks):
        return sum(weight * masks[:, who].all(axis=1) for who, weight in terms)

    expected = coalitions.shapley(game, players)[:, 0]
    found = ferroshap.kernel_shap(game, players)
    np.testing.assert_allclose(found.values, expected, rtol=0, atol=RELATIVE * np.abs(expected).max())
    assert found.details.exact
    assert found.base_values == 0
    assert found.details.n_evals <= 2**players - 2


def test_a_linear_model_has_its_closed_form(cases):
    coefficients = np.arange(1.0, 7.0)
    explainer = ferroshap.KernelExplainer(lambda X: X @ coefficients, cases.background, weights=cases.weights)
    mean = cases.weights @ cases.background / cases.weights.sum()
    expected = (cases.rows - mean) * coefficients
    np.testing.assert_allclose(explainer.shap_values(cases.rows), expected, rtol=0, atol=1e-12 * np.abs(expected).max())


def test_values_add_up_to_the_models_own_answer_whatever_the_budget(cases):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(12, 20))

    def model(rows):
        return np.tanh(rows[:, :10].sum(axis=1)) * rows[:, 10:].prod(axis=1) + 3

    for options in ({"nsamples": 100}, {"nsamples": 20}, {"max_evals": 300}, {"nsamples": 200, "design": "shared"}):
        explainer = ferroshap.KernelExplainer(model, X[:5], **options)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ferroshap.FerroshapWarning)  # of low budgets
            values = explainer.shap_values(X[5:])
        answers = model(X[5:])
        gaps = np.abs(explainer.expected_value + values.sum(axis=1) - answers)
        assert (gaps <= 1e-12 * np.maximum(1, np.abs(answers))).all(), options


def test_an_estimate_is_within_its_standard_errors(cases):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(16, 12))

    def model(rows):
        return (
            rows[:, 0] * rows[:, 1] * rows[:, 2]
            + np.sin(rows[:, 3:7].sum(axis=1)) * rows[:, 8]
            + rows[:, 9:].prod(axis=1)
        )

    exact = ferroshap.KernelExplainer(model, X[:4], nsamples=2**12).shap_values(X[4:])
    explanation = ferroshap.KernelExplainer(model, X[:4], nsamples=200)(X[4:])
    assert not explanation.details.exact.any()
    assert (explanation.details.n_evals <= 200 * 4).all()
    errors = explanation.details.standard_errors
    assert errors.shape == explanation.values.shape
    assert (np.abs(explanation.values - exact) <= 5 * errors + 1e-12).all()
    assert np.sqrt(((explanation.values - exact) ** 2).mean()) < 0.2 * np.sqrt((exact**2).mean())


def test_the_errors_by_the_choice_of_background_rows_are_those_of_a_mean(cases):
    """The value of a row is the mean of its values against each reference: the standard error is that of such a mean."""
    explainer = ferroshap.KernelExplainer(cases.one, cases.background)
    each = np.stack([ferroshap.KernelExplainer(cases.one, b).shap_values(cases.rows) for b in cases.background])
    expected = each.std(axis=0, ddof=1) / np.sqrt(len(each))
    found = explainer(cases.rows).details.background_se
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


def test_one_background_row_or_a_shared_design_tells_nothing_of_the_choice_of_rows(cases):
    assert ferroshap.KernelExplainer(cases.one, cases.background[:1])(cases.rows).details.background_se is None
    assert (
        ferroshap.KernelExplainer(cases.one, cases.background, design="shared")(cases.rows).details.background_se
        is None
    )
    assert ferroshap.kernel_shap(lambda masks: masks.sum(axis=1), 3).details.background_se is None
