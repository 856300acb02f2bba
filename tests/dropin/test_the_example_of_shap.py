"""The tree example of shap's README, on scikit-learn's diabetes data: only `shap.Explainer` is changed."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.text import Text

EXAMPLE = """
import xgboost
import shap
from sklearn.datasets import load_diabetes

# train an XGBoost model
X, y = load_diabetes(return_X_y=True, as_frame=True)
model = xgboost.XGBRegressor(n_estimators=20, n_jobs=1).fit(X, y)

# explain the model's predictions using SHAP
explainer = shap.Explainer(model)
shap_values = explainer(X)

# visualize the first prediction's explanation
shap.plots.waterfall(shap_values[0], show=False)
drawn("waterfall")
first = shap.plots.force(shap_values[0])

# visualize all the training set predictions
every = shap.plots.force(shap_values[:500])

# create a dependence scatter plot to show the effect of a single feature across the whole dataset
shap.plots.scatter(shap_values[:, "bmi"], color=shap_values, show=False)
drawn("scatter")

# summarize the effects of all the features
shap.plots.beeswarm(shap_values, show=False)
drawn("beeswarm")
shap.plots.bar(shap_values, show=False)
drawn("bar")
"""
OURS = EXAMPLE.replace("shap.Explainer(model)", "ferroshap.Explainer(model)").replace(
    "import shap\n", "import ferroshap\nimport shap\n"
)


def run(code):
    """The names that the example has made, and the texts in each of its pictures."""
    texts = {}

    def drawn(name):
        plt.gcf().canvas.draw()
        texts[name] = [text.get_text() for text in plt.gcf().findobj(Text) if text.get_text()]
        plt.close("all")

    names = {"drawn": drawn}
    exec(compile(code, "example", "exec"), names)
    return names, texts


@pytest.fixture(scope="module")
def both():
    before = plt.get_backend()
    plt.close("all")  # whatever another test has left open would be drawn into
    plt.switch_backend("agg")
    yield run(EXAMPLE), run(OURS)
    plt.switch_backend(before)


def test_only_the_explainer_is_changed():
    changed = [line for line in OURS.splitlines() if line not in EXAMPLE.splitlines()]
    assert changed == ["import ferroshap", "explainer = ferroshap.Explainer(model)"]


def test_the_values_are_the_same(both):
    (theirs, _), (ours, _) = both
    size = np.abs(theirs["shap_values"].values).max()
    np.testing.assert_allclose(ours["shap_values"].values, theirs["shap_values"].values, rtol=0, atol=1e-5 * size)


def test_the_pictures_have_the_same_texts(both):
    (_, theirs), (_, ours) = both
    assert list(ours) == ["waterfall", "scatter", "beeswarm", "bar"]
    for name, texts in ours.items():
        assert len(texts) > 8
        # In float32, which shap's values of XGBoost are, its two ticks at f(x) fall together and one loses its label.
        assert set(texts) - {"$f(x)$"} == set(theirs[name]) - {"$f(x)$"}


def test_the_force_plots_have_the_same_features_and_rows(both):
    (theirs, _), (ours, _) = both
    assert ours["first"].data["featureNames"] == theirs["first"].data["featureNames"]
    assert ours["first"].data["features"].keys() == theirs["first"].data["features"].keys()
    assert len(ours["every"].data["explanations"]) == len(theirs["every"].data["explanations"]) == 442
