"""Standard errors against those from the value against each background row."""

import ferroshap
import numpy as np
import pytest

SPACES = [
    ("forest", "raw"),
    ("forest of classes", "raw"),
    ("LightGBM", "raw"),
    ("two classes", "probability"),
    ("two classes", "log_loss"),
    ("three classes", "probability"),
    ("three classes", "log_loss"),
    ("counts", "predict"),
    ("forest", "log_loss"),
]


def labels(case, space):
    return (case.y,) if space == "log_loss" else ()


@pytest.mark.parametrize(("name", "space"), SPACES)
def test_with_a_row_a_block_it_is_the_standard_error_itself(sampled, by_definition, name, space):
    case = sampled(name)
    explainer = ferroshap.TreeExplainer(case.model, case.background[:24], space)
    each = explainer.shap_values(case.rows, *labels(case, space), per_reference=True)
    errors = explainer(case.rows, *labels(case, space), standard_errors=24).details.background_se
    assert errors.shape == each.shape[:1] + each.shape[2:]
    np.testing.assert_allclose(errors, by_definition(each), rtol=1e-10, atol=1e-12 * np.abs(each).max())
    if space == "raw":
        np.testing.assert_allclose(errors, each.std(axis=1, ddof=1) / np.sqrt(24), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("name", "space"), SPACES)
def test_sixteen_blocks_estimate_it(sampled, by_definition, name, space):
    case = sampled(name)
    explainer = ferroshap.TreeExplainer(case.model, case.background, space)
    exact = by_definition(explainer.shap_values(case.rows, *labels(case, space), per_reference=True))
    plain = explainer(case.rows, *labels(case, space))
    explanation = explainer(case.rows, *labels(case, space), standard_errors=True)
    np.testing.assert_array_equal(explanation.values, plain.values)
    assert plain.details is None
    errors = explanation.details.background_se
    assert errors.shape == explanation.values.shape
    assert errors.dtype == explanation.values.dtype
    pooled = np.sqrt((errors**2).mean() / (exact**2).mean())
    assert 0.6 < pooled < 1.5, pooled
    large = exact > 0.1 * exact.max()
    within = np.mean((errors[large] > 0.5 * exact[large]) & (errors[large] < 1.6 * exact[large]))
    assert within > 0.9, within


@pytest.mark.parametrize("count", [24, 17, 16, 5])
def test_over_the_divisions_its_square_has_the_variance_as_its_mean_whatever_the_weights(sampled, by_definition, count):
    case = sampled("forest")
    weights = np.random.default_rng(2).gamma(0.7, size=40) * (np.arange(40) % 5 != 0)  # 32 rows count
    explainer = ferroshap.TreeExplainer(case.model, case.background[:40], weights=weights)
    exact = by_definition(explainer.shap_values(case.rows[:3], per_reference=True), weights)
    squares = [
        explainer(case.rows[:3], standard_errors=count, seed=seed).details.background_se ** 2 for seed in range(300)
    ]
    off = (np.mean(squares, axis=0) - exact**2) / (np.std(squares, axis=0) / np.sqrt(300) + 1e-12 * exact.max() ** 2)
    assert np.abs(off).max() < 4.5, off  # fifteen numbers, in standard errors of 300 divisions


def test_weighted_rows_one_a_block(sampled, by_definition):
    case = sampled("forest of classes")
    weights = np.random.default_rng(4).gamma(0.5, size=30) * (np.arange(30) % 3 != 0)
    for scale in (1.0, 1e-250):
        explainer = ferroshap.TreeExplainer(case.model, case.background[:30], weights=scale * weights)
        errors = explainer(case.rows, standard_errors=20).details.background_se
        exact = by_definition(explainer.shap_values(case.rows, per_reference=True), weights)
        np.testing.assert_allclose(errors, exact, rtol=1e-10, atol=1e-13)


def test_it_is_how_far_values_against_samples_of_a_population_are_from_each_other():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4000, 4))
    tree = ferroshap.Tree(
        left=[1, -1, 3, -1, -1], right=[2, -1, 4, -1, -1], feature=[0, 0, 1, 0, 0], threshold=[0.2, 0, -0.3, 0, 0],
        value=[0, 1, 0, 3, 7], cover=[100, 50, 50, 20, 30],
    )  # fmt: skip
    model, row = ferroshap.build_ensemble([tree], n_features=4), np.array([[1.0, 1.0, 0.0, 0.0]])
    weights = rng.gamma(1.0, size=4000)
    values, errors = [], []
    for sample in range(200):
        drawn = slice(20 * sample, 20 * sample + 20)
        explanation = ferroshap.TreeExplainer(model, x[drawn], weights=weights[drawn])(row, standard_errors=10)
        values.append(explanation.values[0])
        errors.append(explanation.details.background_se[0])
    spread = np.std(values, axis=0, ddof=1)
    told = np.sqrt(np.mean(np.square(errors), axis=0))
    np.testing.assert_allclose(told[:2], spread[:2], rtol=0.2)  # ratios of weighted sums of 20 rows are a little off
    np.testing.assert_array_equal(told[2:], 0.0)
