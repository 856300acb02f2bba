"""`l1_reg`: the lasso of shap's augmented regression over all coalitions, by scikit-learn and by shap; what is left adds up."""

import itertools
import math

import ferroshap
import numpy as np
import pytest
import shap
from ferroshap.coalition.l1_path import coupling, kernel_mass, misfit, path
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import Lasso, LassoLarsIC, lars_path_gram

BIASED = pytest.mark.filterwarnings("ignore:l1_reg=.*biased:ferroshap.FerroshapWarning")


def augmented(game, m):
    """The regression: rows with the roots of their weights, which sum to 1 over the coalitions, and targets; and Δ."""
    coalitions = np.array([set_ for set_ in itertools.product([0.0, 1.0], repeat=m) if 0 < sum(set_) < m])
    sizes = coalitions.sum(axis=1)
    weights = 1 / (np.array([math.comb(m, int(s)) for s in sizes]) * sizes * (m - sizes))
    weights /= weights.sum()
    y, delta = game(coalitions) - game(np.zeros((1, m))), float((game(np.ones((1, m))) - game(np.zeros((1, m))))[0])
    roots = np.sqrt(np.concatenate([weights * (m - sizes), weights * sizes]))
    rows = np.concatenate([coalitions, coalitions - 1]) * roots[:, None]
    return rows, np.concatenate([y, y - delta]) * roots, delta


def random_game(m, seed):
    rng = np.random.default_rng(seed)
    terms = [(rng.choice(m, size=rng.integers(1, min(m, 4) + 1), replace=False), rng.normal()) for _ in range(3 * m)]
    return lambda z: sum(worth * z[:, members].prod(axis=1) for members, worth in terms)


@pytest.mark.parametrize("m", [2, 3, 5, 8])
def test_over_all_coalitions_the_regression_is_that_of_an_equal_correlation_and_the_values_themselves(m):
    game = random_game(m, m)
    rows, targets, delta = augmented(game, m)
    values = ferroshap.kernel_shap(lambda z: game(z.astype(float)), m, nsamples=2**m).values
    c, mass = coupling(m), kernel_mass(m)
    np.testing.assert_allclose(rows.T @ rows * mass, np.eye(m) + c, atol=1e-12)
    np.testing.assert_allclose(rows.T @ targets * mass, values + c * delta, atol=1e-12)
    other = values + np.arange(m)
    more = ((targets - rows @ other) ** 2).sum() - ((targets - rows @ values) ** 2).sum()
    assert misfit(other, values) == pytest.approx(mass * more, rel=1e-10)


@pytest.mark.parametrize("method", ["lar", "lasso"])
@pytest.mark.parametrize("m", [2, 3, 10, 60])
def test_the_path_is_that_of_scikit_learn(m, method):
    rng = np.random.default_rng(m)
    for _ in range(5):
        values = rng.normal(size=m) + rng.choice([0.0, 0.7])
        gram = np.eye(m) + coupling(m)
        penalties, entered, coefficients = lars_path_gram(gram @ values, gram, n_samples=1, method=method)
        knots = list(path(values))
        np.testing.assert_allclose([knot.penalty for knot in knots], penalties, atol=1e-10)
        np.testing.assert_allclose([knot.coefficients for knot in knots], coefficients.T, atol=1e-10)
        assert list(knots[-1].entered) == list(entered)


@pytest.fixture(scope="module")
def explained(cases):
    """Exact values of five rows, of which the last lacks a player: it is identical to the background there."""
    background = cases.background.copy()
    background[:, 5] = 0.25
    rows = cases.rows.copy()
    rows[-1, 5] = 0.25
    return background, rows, ferroshap.KernelExplainer(cases.two, background)


@BIASED
@pytest.mark.parametrize("k", [1, 2, 3, 4, 5, 6])
def test_num_features_is_shap_where_all_coalitions_are_evaluated(explained, cases, k):
    background, rows, explainer = explained
    theirs = shap.KernelExplainer(cases.two, background).shap_values(rows, l1_reg=f"num_features({k})", silent=True)
    ours = explainer.shap_values(rows, l1_reg=f"num_features({k})")
    np.testing.assert_allclose(ours, theirs, atol=1e-9)
    assert ((ours != 0).sum(axis=1) <= k).all()


@BIASED
def test_num_features_of_a_link_is_shap_too(cases):
    theirs = shap.KernelExplainer(cases.probability, cases.background, link="logit")
    ours = ferroshap.KernelExplainer(cases.probability, cases.background, link="logit", l1_reg="num_features(3)")
    expected = theirs.shap_values(cases.rows, l1_reg="num_features(3)", silent=True)
    np.testing.assert_allclose(ours.shap_values(cases.rows), expected, atol=1e-9)


@BIASED
@pytest.mark.parametrize("alpha", [1e-5, 3e-4, 1e-3, 2e-3])
def test_a_number_is_the_penalty_of_scikit_learns_lasso(cases, alpha):
    x = cases.rows[0]
    explainer = ferroshap.KernelExplainer(cases.one, cases.background)

    def game(z):
        mixed = [np.where(row.astype(bool), x, cases.background) for row in z]
        return np.array([cases.one(rows).mean() for rows in mixed])

    rows, targets, _ = augmented(game, 6)
    lasso = Lasso(alpha=alpha, fit_intercept=False, tol=1e-12, max_iter=100_000).fit(rows, targets)
    ours = explainer.shap_values(x, l1_reg=alpha)
    assert lasso.coef_.any()
    np.testing.assert_array_equal(ours != 0, lasso.coef_ != 0)


@BIASED
@pytest.mark.parametrize("rule", ["aic", "bic"])
def test_criteria_are_those_of_scikit_learn_with_the_noise_of_the_estimate(rule):
    """The same point of the path, in a regression that has this path."""
    m, kept = 16, []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        slopes = np.where(np.arange(m) < 5, 1.0, 0.02) * rng.normal(size=m)
        f = lambda X: X @ slopes + 3 * np.prod(np.tanh(X[:, :6]), axis=1)  # noqa: B023, E731
        background, x = rng.normal(size=(3, m)), rng.normal(size=m)
        explainer = ferroshap.KernelExplainer(f, background, nsamples=120)
        found = explainer(x)
        noise = (found.details.standard_errors**2).mean() * m / (m - 1)
        n = int(2 * found.details.n_evals / 3)
        gram = np.eye(m) + coupling(m)
        design = np.zeros((n, m))
        design[:m] = np.linalg.cholesky(gram).T  # a regression of n rows with these normal equations
        fitted = LassoLarsIC(rule, fit_intercept=False, noise_variance=noise).fit(design, design @ found.values)
        ours = explainer.shap_values(x, l1_reg=rule)
        np.testing.assert_array_equal(ours != 0, fitted.coef_ != 0)
        kept.append((ours != 0).sum())
    assert min(kept) < m


def test_what_is_left_adds_up_and_says_that_it_is_biased(explained, cases):
    _, rows, explainer = explained
    whole = explainer(rows)
    with pytest.warns(
        ferroshap.FerroshapWarning, match=r"l1_reg='num_features\(2\)' set values to 0 in 4 rows.*biased"
    ):
        found = explainer(rows, l1_reg="num_features(2)")
    totals = found.base_values + found.values.sum(axis=1)
    np.testing.assert_allclose(totals, cases.two(rows), rtol=0, atol=1e-12 * np.abs(cases.two(rows)).max())
    kept = found.values != 0
    assert (kept.sum(axis=1) == 2).all()
    # the least squares on the support of a regression with the sum as a constraint: equal shares of what was dropped
    shares = np.where(kept, 0, whole.values).sum(axis=1, keepdims=True) / 2
    np.testing.assert_allclose(found.values, np.where(kept, whole.values + shares, 0), atol=1e-12)
    assert not found.details.exact.any()
    assert np.isnan(found.details.standard_errors).all()


def test_nothing_is_said_where_nothing_is_set_to_0(explained):
    _, rows, explainer = explained
    whole = explainer.shap_values(rows)
    for l1_reg in ("num_features(6)", "num_features(100)", "aic", "bic", "auto", 0, False):
        np.testing.assert_array_equal(explainer.shap_values(rows, l1_reg=l1_reg), whole)


@BIASED
def test_auto_selects_only_where_few_coalitions_were_evaluated():
    m = 14
    rng = np.random.default_rng(1)
    f = lambda X: X[:, 0] * X[:, 1] * X[:, 2] + 1e-4 * X.sum(axis=1)  # noqa: E731
    background, rows = rng.normal(size=(4, m)), rng.normal(size=(3, m))
    explainer = ferroshap.KernelExplainer(f, background)
    few = {"nsamples": 150}
    np.testing.assert_array_equal(
        explainer.shap_values(rows, l1_reg="auto", **few), explainer.shap_values(rows, l1_reg="aic", **few)
    )
    assert (explainer.shap_values(rows, l1_reg="auto", **few) == 0).any()
    many = {"nsamples": 2**13}
    np.testing.assert_array_equal(
        explainer.shap_values(rows, l1_reg="auto", **many), explainer.shap_values(rows, **many)
    )


@BIASED
def test_an_estimate_is_selected_from_alone_and_in_a_batch_alike():
    m = 24
    rng = np.random.default_rng(2)
    f = lambda X: X[:, 0] * X[:, 1] * X[:, 2] - 2 * X[:, 3] + 0.01 * X.sum(axis=1)  # noqa: E731
    background, rows = rng.normal(size=(5, m)), rng.normal(size=(6, m))
    explainer = ferroshap.KernelExplainer(f, background, nsamples=200, l1_reg="num_features(4)")
    together = explainer.shap_values(rows)
    assert ((together != 0).sum(axis=1) == 4).all()
    assert (together[:, 3] != 0).all()
    np.testing.assert_array_equal(np.stack([explainer.shap_values(row) for row in rows]), together)


def test_an_empty_support_is_refused(cases):
    explainer = ferroshap.KernelExplainer(cases.two, cases.background)
    with pytest.raises(ferroshap.OptionError, match=r"l1_reg=10.0 leaves no player of row 0, output 0"):
        explainer.shap_values(cases.rows, l1_reg=10.0)
    # a row that is the background has nothing to select from
    alone = ferroshap.KernelExplainer(cases.one, cases.rows[:1])
    assert not alone.shap_values(cases.rows[0], l1_reg=10.0).any()


@pytest.mark.parametrize(
    "l1_reg", ["num_features(0)", "num_features(-1)", "num_features", "lasso", -0.5, float("nan"), True, [1]]
)
def test_what_is_none_is_refused(cases, l1_reg):
    with pytest.raises(ferroshap.OptionError, match="expected False, or to set values to 0"):
        ferroshap.KernelExplainer(cases.one, cases.background, l1_reg=l1_reg)


def test_exact_values_of_tree_models_are_left_whole(cases):
    forest = RandomForestRegressor(n_estimators=3, max_depth=3, random_state=0).fit(cases.X, cases.one(cases.X))
    with pytest.raises(ferroshap.OptionError, match="those of this tree model are exact"):
        ferroshap.KernelExplainer(forest, cases.background, l1_reg="aic")
    explainer = ferroshap.KernelExplainer(forest, cases.background)
    assert explainer.shap_values(cases.rows, l1_reg=False).any()
    for call in (explainer, explainer.shap_values):
        with pytest.raises(ferroshap.OptionError, match="those of this tree model are exact"):
            call(cases.rows, l1_reg="num_features(2)")


@BIASED
def test_outputs_that_are_not_finite_stay_so(cases):
    f = lambda X: np.where((X[:, :1] > X[:, 1:2]) & (X[:, 2:3] > 0), np.nan, cases.two(X))  # noqa: E731
    g = lambda X: np.column_stack([f(X)[:, 0], cases.two(X)[:, 1]])  # noqa: E731
    explainer = ferroshap.KernelExplainer(g, cases.background, nan_policy="propagate", l1_reg="num_features(2)")
    values = explainer.shap_values(cases.rows)
    assert np.isnan(values[:, :, 0]).all(axis=1).tolist() == [True, False, True, True]
    assert ((values[:, :, 1] != 0).sum(axis=1) == 2).all()
