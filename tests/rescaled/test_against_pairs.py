"""Every output space against the definition: brute force over pairs, with the raw values against each background row."""

import ferroshap
import lightgbm
import numpy as np
import pytest
import xgboost
from oracle.secants import weights_of_pairs
from rescaled.conftest import data
from sklearn.ensemble import AdaBoostClassifier
from sklearn.multioutput import MultiOutputClassifier
from sklearn.tree import DecisionTreeClassifier

TWO = ["XGBoost, two classes", "LightGBM, two classes, sigmoid 2", "GradientBoosting, two classes"]
LOGARITHMIC = ["XGBoost, Poisson", "LightGBM, Tweedie"]
THREE = ["XGBoost, three classes", "LightGBM, three classes"]

SPACES = [
    *((name, "probability") for name in (*TWO, *THREE)),
    *((name, "predict") for name in (*TWO, *LOGARITHMIC, *THREE)),
    *((name, "log_loss") for name in (*TWO, *THREE, "forest")),
]


def softmax(m):
    e = np.exp(m - m.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def explained(name, space, m, y):
    """`(…, k)`: what is explained, of raw outputs `(…, o)`, spelled out."""
    if name == "forest":
        return (m - y) ** 2
    if name in THREE:
        if space == "log_loss":
            return -np.log(np.take_along_axis(softmax(m), y.astype(int), axis=-1))
        return softmax(m)
    if name in LOGARITHMIC:
        return np.exp(m)
    p = 1 / (1 + np.exp(-m * (2.0 if "sigmoid" in name else 1.0)))
    return -(y * np.log(p) + (1 - y) * np.log1p(-p)) if space == "log_loss" else p


def kind(name, space):
    if name in THREE:
        return "softmax loss" if space == "log_loss" else "softmax"
    if name in LOGARITHMIC:
        return "exponential"
    if name == "forest":
        return "squared error"
    return "logistic loss" if space == "log_loss" else "logistic"


def shaped(values, outputs):
    return values if outputs > 1 else values[..., None]


@pytest.mark.parametrize(("name", "space"), SPACES)
def test_values_are_those_of_the_definition_and_add_up(cases, name, space):
    case = cases(name)
    labels = (case.y,) if space == "log_loss" else ()
    raw = ferroshap.TreeExplainer(case.model, case.background, weights=case.weights)
    explainer = ferroshap.TreeExplainer(case.model, case.background, space, weights=case.weights)
    o, k = raw.model.n_outputs, explainer.n_outputs
    each = shaped(raw.shap_values(case.rows, per_reference=True), o)
    x, z = (raw.model.predict(rows, dtype="float64").reshape(-1, o) for rows in (case.rows, case.background))
    weights = case.weights / case.weights.sum()
    pairs = weights_of_pairs(kind(name, space), x, z, case.y, scale=2 if "sigmoid" in name else 1)
    expected = np.einsum("b,nbkj,nbfj->nfk", weights, pairs, each)
    values = shaped(explainer.shap_values(case.rows, *labels), k)
    largest = np.abs(expected).max()
    np.testing.assert_allclose(values, expected, rtol=0, atol=1e-12 * largest)

    exact = np.einsum("b,nbfk->nfk", weights, shaped(explainer.shap_values(case.rows, *labels, per_reference=True), k))
    np.testing.assert_allclose(values, exact, rtol=0, atol=1e-12 * largest)

    target = explained(name, space, x, case.y[:, None])
    base = np.einsum(
        "b,nbk->nk",
        weights,
        explained(name, space, np.tile(z, (len(x), 1, 1)), np.tile(case.y[:, None, None], (1, len(z), 1))),
    )
    np.testing.assert_allclose(values.sum(axis=1) + base, target, rtol=0, atol=1e-12 * np.abs(target).max())
    told = explainer.expected_value(case.y)[:, None] if labels else explainer.expected_value
    np.testing.assert_allclose(np.broadcast_to(told, base.shape), base, rtol=0, atol=1e-12 * np.abs(base).max())


LABELS = {
    "XGBoost, labels": lambda: xgboost.XGBClassifier(n_estimators=6, max_depth=3, n_jobs=1),
    "LightGBM, labels": lambda: MultiOutputClassifier(
        lightgbm.LGBMClassifier(n_estimators=6, num_leaves=7, n_jobs=1, verbose=-1)
    ),
    "XGBoost, gamma": lambda: xgboost.XGBRegressor(n_estimators=6, max_depth=3, objective="reg:gamma", n_jobs=1),
}


@pytest.mark.parametrize("name", LABELS)
def test_outputs_with_a_link_each_are_those_of_the_definition(name):
    """No output's secant takes part in another's values."""
    x, t = data()
    y = (
        np.exp(np.stack([t, x[:, 1]], axis=1).clip(-2, 2))
        if "gamma" in name
        else np.stack([t > 0, x[:, 1] > 0.2], axis=1)
    )
    model = LABELS[name]().fit(x, y.astype(float if "gamma" in name else int))
    rows, background = x[:9], x[100:120]
    raw, explainer = ferroshap.TreeExplainer(model, background), ferroshap.TreeExplainer(model, background, "predict")
    each = raw.shap_values(rows, per_reference=True)
    x, z = (raw.model.predict(rows, dtype="float64") for rows in (rows, background))
    link = "exponential" if "gamma" in name else "logistic"
    expected = np.stack(
        [
            np.einsum("nbkj,nbf->nf", weights_of_pairs(link, x[:, [k]], z[:, [k]], np.zeros(9)), each[..., k]) / len(z)
            for k in range(2)
        ],
        axis=-1,
    )
    values = explainer.shap_values(rows)
    np.testing.assert_allclose(values, expected, rtol=0, atol=1e-12 * np.abs(expected).max())
    own = model.predict(rows) if "gamma" in name else model.predict_proba(rows)
    own = np.stack([p[:, 1] for p in own], axis=1) if isinstance(own, list) else own
    np.testing.assert_allclose(values.sum(axis=1) + explainer.expected_value, own, rtol=1e-6, atol=1e-7)


def test_raw_outputs_are_scaled_before_a_softmax_as_in_the_library():
    x, t = data()
    y = np.digitize(t, [-0.5, 0.5])
    model = AdaBoostClassifier(DecisionTreeClassifier(max_depth=2), n_estimators=6, random_state=0).fit(x, y)
    rows, background = x[:9], x[100:120]
    raw, explainer = ferroshap.TreeExplainer(model, background), ferroshap.TreeExplainer(model, background, "predict")
    x, z = (raw.model.predict(rows, dtype="float64") for rows in (rows, background))
    each, scale = raw.shap_values(rows, per_reference=True), raw.model.link.scale
    assert scale == 0.5
    pairs = weights_of_pairs("softmax", x, z, np.zeros(9), scale=scale)
    expected = np.einsum("nbkj,nbfj->nfk", pairs, each) / len(z)
    values = explainer.shap_values(rows)
    np.testing.assert_allclose(values, expected, rtol=0, atol=1e-12 * np.abs(expected).max())
    own = model.predict_proba(rows)
    np.testing.assert_allclose(values.sum(axis=1) + explainer.expected_value, own, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", [*TWO, *LOGARITHMIC, *THREE])
def test_values_add_up_to_what_the_library_predicts(cases, name):
    case = cases(name)
    explainer = ferroshap.TreeExplainer(case.model, case.background, "predict")
    explanation = explainer(case.rows)
    total = explanation.base_values + explanation.values.sum(axis=1)
    own = case.model.predict(case.rows) if name in LOGARITHMIC else case.model.predict_proba(case.rows)
    expected = own[:, 1] if name in TWO else own
    np.testing.assert_allclose(total, expected, rtol=1e-6, atol=1e-7)
    assert explanation.algorithm == "interventional-rescaled"
    assert explanation.output_space == ("prediction" if name in LOGARITHMIC else "probability")


def test_a_forest_of_probabilities_needs_no_rescaling():
    from sklearn.ensemble import RandomForestClassifier

    rng = np.random.default_rng(0)
    x = rng.normal(size=(100, 3))
    forest = RandomForestClassifier(n_estimators=5, random_state=0).fit(x, (x[:, 0] > 0).astype(int))
    raw = ferroshap.TreeExplainer(forest, x)
    probability = ferroshap.TreeExplainer(forest, x, "probability")
    assert probability.algorithm == "interventional"
    assert probability.output_space == "probability"
    np.testing.assert_array_equal(probability.shap_values(x[:9]), raw.shap_values(x[:9]))
    without = ferroshap.TreeExplainer(forest, model_output="predict")
    assert without.algorithm == "path-dependent"
