"""Every plot function of shap takes an explanation: as it is, and as `to_shap` makes it."""

import inspect
import sys
import warnings

import lightgbm
import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from ferroshap import Explanation, TreeExplainer

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import shap

mpl.use("Agg")
from matplotlib import pyplot as plt

pytestmark = pytest.mark.filterwarnings("ignore::Warning")  # those are between shap and matplotlib

N = 40


def _frame():
    random = np.random.default_rng(0)
    frame = pd.DataFrame(random.normal(size=(N, 4)), columns=["age", "income", "debt", "rate"])
    return frame.assign(town=pd.Categorical(random.choice(["north", "south"], N)))


@pytest.fixture(scope="module")
def frame():
    return _frame()


def explained(frame, y, kind):
    model = kind(n_estimators=8, min_child_samples=3, num_leaves=6, n_jobs=1, verbose=-1).fit(frame, y)
    return model, TreeExplainer(model)(frame)


@pytest.fixture(scope="module")
def one_output(frame):
    y = frame["age"] + frame["income"] * frame["debt"] + 2 * (frame["town"] == "south")
    return explained(frame, y, lightgbm.LGBMRegressor)


@pytest.fixture(scope="module")
def classes(frame):
    return explained(frame, np.digitize(frame["age"], [-0.5, 0.5]), lightgbm.LGBMClassifier)[1]


@pytest.fixture(params=["as it is", "to_shap"])
def form(request):
    return (
        (lambda explanation: explanation) if request.param == "as it is" else lambda explanation: explanation.to_shap()
    )


@pytest.fixture(autouse=True)
def figure():
    """Asserts that something was drawn, where a test asks for it."""
    plt.close("all")
    np.random.seed(0)  # scatter and beeswarm jitter

    def drawn():
        assert plt.get_fignums()
        return [axis for number in plt.get_fignums() for axis in plt.figure(number).axes]

    yield drawn
    plt.close("all")


def texts(axes):
    return {
        text.get_text() for axis in axes for text in (*axis.get_yticklabels(), *axis.get_xticklabels(), *axis.texts)
    }


def bar_lengths(axes):
    return sorted((abs(patch.get_width()) for patch in axes[0].patches), reverse=True)


def test_bar_of_all_rows_shows_the_mean_sizes(one_output, form, figure):
    explanation = one_output[1]
    shap.plots.bar(form(explanation), show=False)
    axes = figure()
    sizes = sorted(np.abs(explanation.values).mean(0), reverse=True)
    np.testing.assert_allclose(bar_lengths(axes), sizes, rtol=1e-12)
    assert set(explanation.feature_names) <= texts(axes)
    assert axes[0].get_xlabel() == "mean(|SHAP value|)"


def test_bar_of_one_row_shows_the_data_as_the_frame_does(one_output, form, figure, frame):
    shap.plots.bar(form(one_output[1])[3], show=False)
    assert f"{frame['town'].iloc[3]} = town" in texts(figure())


@pytest.mark.parametrize(
    ("summary", "label"),
    [(lambda e: e.abs.max(0), "max(|SHAP value|)"), (lambda e: e.abs.mean(0), "mean(|SHAP value|)"), (lambda e: e.mean(0), "mean(SHAP value)")],
)  # fmt: skip
def test_bar_of_a_summary_says_which(one_output, form, figure, summary, label):
    shap.plots.bar(form(summary(one_output[1])), show=False)
    axes = figure()
    assert axes[0].get_xlabel() == label
    assert set(one_output[1].feature_names) <= texts(axes)


@pytest.mark.parametrize("group", [2, "town"])
def test_bar_of_cohorts_has_a_bar_for_each_and_says_how_many_rows_it_is_of(one_output, figure, frame, group):
    cohorts = one_output[1].cohorts(group if isinstance(group, int) else frame[group])
    for given in (cohorts.abs.mean(0), cohorts, dict(cohorts), cohorts.cohorts):
        plt.close("all")
        shap.plots.bar(given, show=False)
        axes = figure()
        legend = [text.get_text() for text in axes[0].get_legend().get_texts()]
        assert legend == [f"{name} [{len(each)}]" for name, each in cohorts.items()]


def test_bar_of_one_class(classes, form, figure):
    shap.plots.bar(form(classes[:, :, "1"]), show=False)
    np.testing.assert_allclose(
        bar_lengths(figure()), sorted(np.abs(classes.values[:, :, 1]).mean(0), reverse=True), rtol=1e-12
    )


@pytest.mark.parametrize(
    "order",
    [
        lambda _: shap.Explanation.abs.mean(0),
        lambda _: shap.Explanation.abs.max(0),
        lambda e: e.abs.max(0).argsort.flip,
    ],
)
def test_beeswarm_has_a_point_for_each_value(one_output, form, figure, order):
    explanation = form(one_output[1])
    shap.plots.beeswarm(explanation, order=order(explanation), show=False, color_bar=False)
    axes = figure()
    assert sum(len(points.get_offsets()) for points in axes[0].collections) == N * 5
    drawn = np.sort(np.concatenate([points.get_offsets()[:, 0] for points in axes[0].collections]))
    np.testing.assert_allclose(drawn, np.sort(one_output[1].values.ravel()), rtol=0, atol=1e-12)
    assert set(one_output[1].feature_names) <= texts(axes)


def test_beeswarm_of_sizes_and_of_one_class(one_output, classes, form, figure):
    shap.plots.beeswarm(form(one_output[1].abs), show=False)
    shap.plots.beeswarm(form(classes[..., 0]), show=False)
    assert figure()


def test_violin(one_output, form, figure):
    shap.plots.violin(form(one_output[1][:, :2]), show=False)
    assert {"age", "income"} <= texts(figure())


def test_waterfall_goes_from_the_base_to_the_prediction(one_output, classes, form, figure, frame):
    model, explanation = one_output
    shap.plots.waterfall(form(explanation[3]), show=False)
    found = texts(figure())
    assert f"{frame['town'].iloc[3]} = town" in {text.replace("\u2212", "-") for text in found} | found
    labels = " ".join(found).replace("\u2212", "-")
    assert f"{model.predict(frame)[3]:.3f}".lstrip("-") in labels
    assert f"{explanation.base_values[3]:.3f}".rstrip("0") in labels
    plt.close("all")
    shap.plots.waterfall(form(classes[3, :, "0"]), show=False)
    assert figure()


def test_force_in_javascript_and_in_matplotlib(one_output, classes, form, figure, frame):
    model, explanation = one_output
    one = shap.plots.force(form(explanation[3]))
    assert one.data["outValue"] == pytest.approx(model.predict(frame)[3], rel=1e-12)
    assert one.data["featureNames"] == list(explanation.feature_names)
    assert one.data["features"][4]["value"] == frame["town"].iloc[3]
    assert "age" in one.html()
    many = shap.plots.force(form(explanation))
    assert len(many.data["explanations"]) == N
    assert shap.plots.force(form(classes[:, :, 1])).html()
    shap.plots.force(form(explanation[:, :4][3]), matplotlib=True, show=False)
    assert figure()
    assert len(shap.getjs()) > 1000


def test_a_page_of_force_plots_is_saved(one_output, form, tmp_path):
    shap.save_html(str(tmp_path / "force.html"), shap.plots.force(form(one_output[1])))
    assert "age" in (tmp_path / "force.html").read_text()


@pytest.mark.parametrize("feature", ["age", 0, "town"])
def test_scatter_has_a_point_for_each_row(one_output, form, figure, feature, frame):
    explanation = one_output[1]
    shap.plots.scatter(form(explanation)[:, feature], show=False, x_jitter=0, hist=False)
    axes = figure()
    points = np.concatenate([np.asarray(points.get_offsets()) for points in axes[0].collections])
    name = feature if isinstance(feature, str) else "age"
    np.testing.assert_allclose(np.sort(points[:, 1]), np.sort(explanation[:, name].values), rtol=0, atol=1e-12)
    np.testing.assert_allclose(np.sort(points[:, 0]), np.sort(explanation[:, name].data), rtol=0, atol=1e-12)
    assert axes[0].get_xlabel() == name
    if feature == "town":
        assert {"north", "south"} <= texts(axes)


@pytest.mark.parametrize(
    "color", [lambda e: e, lambda e: e[:, "income"], lambda e: e[:, "town"], lambda e: e[:, "income"].data]
)
def test_scatter_in_the_colours_of_another_feature(one_output, form, figure, color):
    explanation = form(one_output[1])
    shap.plots.scatter(explanation[:, "age"], color=color(explanation), show=False)
    assert figure()


def test_scatter_of_several_features_and_of_the_most_important_one(one_output, form, figure):
    explanation = form(one_output[1])
    shap.plots.scatter(explanation[:, ["age", "income"]], show=False)
    assert len(figure()) >= 2
    plt.close("all")
    shap.plots.scatter(one_output[1][:, shap.Explanation.abs.mean(0).argsort[-1]], show=False)
    best = one_output[1].feature_names[int(np.abs(one_output[1].values).mean(0).argmax())]
    assert figure()[0].get_xlabel() == best


@pytest.mark.parametrize(
    "order",
    [
        lambda _: shap.Explanation.hclust(),
        lambda _: shap.Explanation.sum(1),
        lambda e: e.sum(1).argsort.flip,
        lambda e: e.hclust(),
    ],
)
def test_heatmap(one_output, form, figure, order):
    explanation = form(one_output[1])
    shap.plots.heatmap(explanation, instance_order=order(explanation), show=False)
    assert {"age", "town"} <= texts(figure())


def test_an_order_by_values_is_refused_by_the_plots_where_it_would_be_taken_for_positions(one_output):
    sizes = one_output[1].abs.max(0)
    with pytest.raises(TypeError, match=r"units of margin is no position; an order is `….argsort` .*to_shap"):
        shap.plots.beeswarm(one_output[1], order=sizes, show=False)
    with pytest.raises(IndexError):
        shap.plots.heatmap(one_output[1], instance_order=one_output[1].sum(1), show=False)
    shap.plots.beeswarm(one_output[1], order=sizes.to_shap(), show=False)


def test_decision(one_output, classes, form, figure):
    explanation = form(one_output[1])
    shap.plots.decision(
        float(explanation.base_values[0]), explanation.values, explanation.display_data, list(explanation.feature_names), show=False
    )  # fmt: skip
    assert "age" in texts(figure())
    plt.close("all")
    several = form(classes)
    values = [several.values[:, :, at] for at in range(3)]
    shap.multioutput_decision_plot(several.base_values[0].tolist(), values, 0, show=False)
    assert figure()


def test_embedding(one_output, form, figure):
    explanation = form(one_output[1])
    shap.plots.embedding(0, explanation.values, list(explanation.feature_names), show=False)
    assert figure()


def test_group_difference(one_output, form, figure, frame):
    explanation = form(one_output[1])
    south = (frame["town"] == "south").to_numpy()
    shap.plots.group_difference(explanation.values, south, list(explanation.feature_names), show=False)
    assert {"age", "town"} <= texts(figure())


def test_monitoring(one_output, form, figure, frame):
    explanation = form(one_output[1])
    rows = np.resize(np.arange(N), 150)  # it compares stretches of 50
    shap.plots.monitoring(0, explanation.values[rows], frame.iloc[rows], show=False)
    assert figure()


def test_partial_dependence_with_an_explanation_of_one_row(form, figure):
    rows = _frame().iloc[:, :4].to_numpy()
    model, explanation = explained(rows, rows[:, 0] + rows[:, 1], lightgbm.LGBMRegressor)
    shap.plots.partial_dependence(
        0, model.predict, rows, ice=False, model_expected_value=True, feature_expected_value=True,
        shap_values=form(explanation)[0:1, :], feature_names=list("abcd"), show=False,
    )  # fmt: skip
    assert figure()


def test_text_takes_an_explanation_whose_data_are_tokens(form):
    tokens = np.array([["good", " film"], ["bad", " film"]], dtype=object)
    explanation = Explanation(
        [[1.0, 0.25], [-1.0, 0.5]], [0.1, 0.1], tokens, axes=("row", "feature"), output_space="margin", algorithm="any"
    )
    page = shap.plots.text(form(explanation), display=False)
    assert "good" in page
    assert "bad" in page
    assert "film" in shap.plots.text(form(explanation[0]), display=False)
    several = Explanation(
        np.arange(8.0).reshape(2, 2, 2), np.zeros((2, 2)), tokens, axes=("row", "feature", "output"),
        output_names=("no", "yes"), output_space="margin", algorithm="any",
    )  # fmt: skip
    assert "good" in shap.plots.text(form(several), display=False)


def test_image_takes_values_laid_out_as_pixels(figure):
    pixels = np.random.default_rng(0).random((2, 16))
    explanation = Explanation(
        pixels - 0.5, np.zeros(2), pixels, axes=("row", "feature"), output_space="margin", algorithm="any"
    )
    for given in (explanation, explanation.to_shap()):
        shap.plots.image(given.values.reshape(2, 4, 4, 1), given.data.reshape(2, 4, 4, 1), show=False)
        assert figure()


@pytest.mark.parametrize("kind", ["dot", "bar", "violin"])
def test_the_summary_plot_of_old(one_output, form, figure, kind):
    shap.summary_plot(form(one_output[1][:, :4]), plot_type=kind, show=False)
    assert "age" in texts(figure())


def test_the_other_plots_of_old(one_output, classes, form, figure, frame):
    explanation = form(one_output[1])
    shap.summary_plot(
        [classes.values[..., at] for at in range(3)], frame, plot_type="bar", class_names=list("abc"), show=False
    )
    shap.dependence_plot("age", explanation.values, frame.assign(town=0.0), show=False, interaction_index="income")
    shap.bar_plot(explanation.values[0], feature_names=list(explanation.feature_names), show=False)
    shap.plots._waterfall.waterfall_legacy(
        explanation.base_values[0], explanation.values[0], feature_names=list(explanation.feature_names), show=False
    )
    assert figure()


# What takes no explanation of rows and features: results of shap.benchmark, the explanation of a captioned image, and
# nothing at all (initjs, which needs IPython).
OTHER = {"benchmark", "image_to_text", "initjs"}


def test_a_missing_category_is_drawn(one_output, frame, form, figure):
    holed = frame.assign(town=frame["town"].where(frame["age"] > 0))
    explanation = form(TreeExplainer(one_output[0])(holed))
    at = int(np.flatnonzero(holed["town"].isna())[0])
    shap.plots.bar(explanation[at], show=False)
    assert "nan = town" in texts(figure())
    plt.close("all")
    shap.plots.waterfall(explanation[at], show=False)
    shap.plots.beeswarm(explanation, show=False)
    shap.plots.scatter(explanation[:, "town"], show=False)
    assert figure()
    assert shap.plots.force(explanation).html()


def test_every_plot_function_is_called_in_this_file():
    source = inspect.getsource(sys.modules[__name__])
    drawn = {name for name in shap.plots.__all__ if f"shap.plots.{name}(" in source}
    assert {*shap.plots.__all__} - drawn == OTHER & {*shap.plots.__all__}
    assert len(drawn) >= 14


def test_image_to_text_takes_a_list_of_pixels_for_each_token(form):
    explanation = Explanation(
        np.zeros((16, 2)), np.zeros(2), axes=("feature", "output"), output_names=("a", "cat"), output_space="margin",
        algorithm="any",
    )  # fmt: skip
    assert form(explanation).output_dims == (1,)


def test_an_explanation_is_shaps_to_isinstance_and_ours_to_type(one_output):
    explanation = one_output[1]
    assert isinstance(explanation, shap.Explanation)
    assert isinstance(explanation, Explanation)
    assert type(explanation) is Explanation
    assert not isinstance(explanation, dict)
