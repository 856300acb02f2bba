"""Links: what is explained is the link of the mean answer."""

import ferroshap
import numpy as np
import pytest
import shap
from oracle import coalitions


def logit(p):
    p = np.clip(p, 1e-15, 1 - 1e-15)
    return np.log(p / (1 - p))


def log(values):
    return np.log(values)


log.inverse = np.exp


@pytest.mark.parametrize("weighted", [False, True])
def test_logit_values_are_those_of_the_definition(cases, weighted):
    weights = cases.weights if weighted else None
    explainer = ferroshap.KernelExplainer(cases.probability, cases.background, link="logit", weights=weights)
    explanation = explainer(cases.rows)
    expected = [
        coalitions.of_row(cases.probability, x, cases.background, weights=weights, link=logit)[:, 0] for x in cases.rows
    ]
    np.testing.assert_allclose(explanation.values, expected, rtol=0, atol=1e-9)
    assert explanation.output_space == "log-odds"
    mean = np.average(cases.probability(cases.background), weights=weights)
    assert explainer.expected_value == pytest.approx(logit(mean), rel=1e-12)
    np.testing.assert_allclose(
        explanation.base_values + explanation.values.sum(axis=1),
        logit(cases.probability(cases.rows)),
        rtol=0,
        atol=1e-12,
    )


def test_estimates_in_log_odds_add_up(cases):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(12, 16))

    def model(rows):
        p = 1 / (1 + np.exp(-rows[:, 0] * rows[:, 1] - np.sin(rows[:, 2:].sum(axis=1))))
        return np.column_stack([1 - p, p])

    explainer = ferroshap.KernelExplainer(model, X[:5], link="logit", nsamples=500)
    explanation = explainer(X[5:])
    assert not explanation.details.exact.any()
    np.testing.assert_allclose(
        explanation.base_values + explanation.values.sum(axis=1), logit(model(X[5:])), rtol=0, atol=1e-12
    )
    np.testing.assert_allclose(explanation.values[..., 0], -explanation.values[..., 1], rtol=0, atol=1e-9)


def test_any_function_with_an_inverse_is_a_link(cases):
    explainer = ferroshap.KernelExplainer(cases.probability, cases.background, link=log)
    expected = [coalitions.of_row(cases.probability, x, cases.background, link=np.log)[:, 0] for x in cases.rows]
    np.testing.assert_allclose(explainer.shap_values(cases.rows), expected, rtol=0, atol=1e-9)
    assert explainer.link.finv(explainer.expected_value) == pytest.approx(cases.probability(cases.background).mean())
    assert explainer(cases.rows).output_space == "log of the model output"


def test_links_of_shap_are_ours(cases):
    right = ferroshap.KernelExplainer(cases.probability, cases.background, link="logit").shap_values(cases.rows)
    for link in (shap.links.logit, shap.utils._legacy.LogitLink()):
        found = ferroshap.KernelExplainer(cases.probability, cases.background, link=link).shap_values(cases.rows)
        np.testing.assert_array_equal(found, right)
    assert str(ferroshap.KernelExplainer(cases.one, cases.background, link=shap.links.identity).link) == "identity"


def test_probabilities_of_0_and_1_are_clipped_as_in_shap_with_a_warning(cases):
    def model(X):
        return (cases.one(X) > 0).astype(float)

    with pytest.warns(ferroshap.FerroshapWarning, match=r"\d+ mean probabilities are 0 or 1"):
        found = ferroshap.KernelExplainer(model, cases.background, link="logit").shap_values(cases.rows)
    expected = [coalitions.of_row(model, x, cases.background, link=logit)[:, 0] for x in cases.rows]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)


def test_roundings_beyond_0_and_1_are_no_mistake(cases):
    def model(X):
        return cases.probability(X) * (1 + 1e-9)

    ferroshap.KernelExplainer(model, cases.background, link="logit").shap_values(cases.rows)


@pytest.mark.parametrize("model", ["one", "two"])
def test_what_is_no_probability_is_refused(cases, model):
    with pytest.raises(ferroshap.DataError, match="link='logit' takes probabilities, but the model gave"):
        ferroshap.KernelExplainer(lambda X: 2 + getattr(cases, model)(X) ** 2, cases.background, link="logit")


REFUSED = [
    ({"link": "probit"}, "link is 'probit'; expected 'identity', 'logit' or a callable"),
    ({"link": np.log}, "a callable with an attribute inverse"),
    ({"link": "logit", "design": "per_reference"}, "design='per_reference' takes each background row by itself"),
    ({"design": "both"}, "design is 'both'; expected 'auto', 'per_reference' or 'shared'"),
]


@pytest.mark.parametrize(("options", "text"), REFUSED)
def test_other_links_and_designs_are_refused(cases, options, text):
    with pytest.raises(ferroshap.OptionError, match=text):
        ferroshap.KernelExplainer(cases.probability, cases.background, **options)


def test_a_link_that_is_not_finite_says_where(cases):
    with pytest.raises(ferroshap.DataError, match=r"link log of .* is nan"), np.errstate(invalid="ignore"):
        ferroshap.KernelExplainer(lambda X: -cases.probability(X), cases.background, link=log)
