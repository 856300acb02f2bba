"""Explanations of interactions: two axes of features, each with its names."""

import copy
import pickle
import warnings

import lightgbm
import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import shap
from ferroshap import Explanation, OptionError, TreeExplainer

mpl.use("Agg")
from matplotlib import pyplot as plt

NAMES = ("age", "income", "debt", "rate")
N = 60


def made(kind):
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(N, 4)), columns=list(NAMES))
    y = frame["age"] + frame["income"] * frame["debt"]
    target = y if kind is lightgbm.LGBMRegressor else np.digitize(y, [-0.5, 0.5])
    model = kind(n_estimators=8, min_child_samples=3, num_leaves=6, n_jobs=1, verbose=-1).fit(frame, target)
    return model, frame


@pytest.fixture(scope="module")
def one():
    model, frame = made(lightgbm.LGBMRegressor)
    explainer = TreeExplainer(model)
    return explainer, frame, explainer(frame, interactions=True)


@pytest.fixture(scope="module")
def classes():
    model, frame = made(lightgbm.LGBMClassifier)
    explainer = TreeExplainer(model)
    return explainer, frame, explainer(frame, interactions=True)


def test_axes_and_fields(one, classes):
    explainer, frame, explanation = one
    assert explanation.axes == ("row", "feature", "other feature")
    np.testing.assert_array_equal(explanation.values, explainer.shap_interaction_values(frame))
    assert explanation.feature_names == explanation.other_feature_names == NAMES
    np.testing.assert_array_equal(explanation.data, frame)
    np.testing.assert_array_equal(explanation.base_values, np.full(N, explainer.expected_value))
    assert (explanation.algorithm, explanation.output_space) == ("path-dependent", "margin")
    explainer, frame, explanation = classes
    assert explanation.axes == ("row", "feature", "other feature", "output")
    assert explanation.base_values.shape == (N, 3)
    alone = explainer(frame.iloc[0], interactions=True)
    assert alone.axes == ("feature", "other feature", "output")
    np.testing.assert_array_equal(alone.values, explanation.values[0])


def test_features_are_chosen_by_name_on_both_axes(one):
    _, frame, explanation = one
    pair = explanation[:, "income", "debt"]
    np.testing.assert_array_equal(pair.values, explanation.values[:, 1, 2])
    assert (pair.axes, pair.feature_names, pair.other_feature_names) == (("row",), "income", "debt")
    np.testing.assert_array_equal(pair.data, frame["income"])
    part = explanation[3:9, ["debt", "age"], ["rate"]]
    np.testing.assert_array_equal(part.values, explanation.values[3:9][:, [2, 0]][:, :, [3]])
    assert (part.feature_names, part.other_feature_names) == (("debt", "age"), ("rate",))
    np.testing.assert_array_equal(part.data, frame.iloc[3:9][["debt", "age"]])
    with pytest.raises(IndexError, match="no other feature is called 'dept'; did you mean 'debt'"):
        explanation[:, "age", "dept"]
    with pytest.raises(IndexError, match="there is no other feature 4"):
        explanation[0, 0, 4]


def test_the_sum_over_other_features_is_the_explanation_of_values(one, classes):
    for explainer, frame, explanation in (one, classes):
        values, sums = explainer(frame), explanation.sum(2)
        assert sums.axes == values.axes
        np.testing.assert_allclose(sums.values, values.values, rtol=0, atol=1e-12)
        np.testing.assert_array_equal(sums.base_values, values.base_values)
        np.testing.assert_array_equal(sums.data, values.data)
        assert (sums.feature_names, sums.other_feature_names) == (NAMES, None)
        assert explanation.mean(2).base_values is None
        np.testing.assert_allclose(explanation.sum(1).values, values.values, rtol=0, atol=1e-12)


def test_means_of_sizes_over_rows(one):
    explainer, frame, explanation = one
    sizes = explanation.abs.mean(0)
    assert (sizes.axes, sizes.other_feature_names) == (("feature", "other feature"), NAMES)
    mean = explainer.shap_interaction_values(frame, aggregate="mean_abs")
    np.testing.assert_allclose(sizes.values, mean, rtol=0, atol=1e-14)
    order = sizes["age"].argsort.flip
    assert (order.axes, order.other_feature_names) == (("other feature",), None)


def test_arithmetic_keeps_both_names(one):
    _, _, explanation = one
    centred = explanation - explanation.mean(0)
    assert centred.axes == explanation.axes
    assert centred.other_feature_names == NAMES
    np.testing.assert_array_equal((2 * explanation).values, 2 * explanation.values)
    with pytest.raises(OptionError, match="other features of the two explanations are not the same"):
        explanation + explanation[:, :, ::-1]


def test_copies_and_pickles(one):
    _, _, explanation = one
    for other in (copy.deepcopy(explanation), pickle.loads(pickle.dumps(explanation))):
        np.testing.assert_array_equal(other.values, explanation.values)
        assert (other.axes, other.other_feature_names) == (explanation.axes, NAMES)


def test_what_knows_one_axis_of_features_refuses_two(one):
    _, _, explanation = one
    calls = (
        lambda: explanation.top(2),
        explanation.to_pandas,
        lambda: explanation.to_arrow("long"),
        lambda: explanation.hstack(explanation),
        lambda: explanation.sum(grouping={"age": "who"}),
        lambda: explanation.cohorts(2),
    )
    for call in calls:
        with pytest.raises(OptionError, match=r"interactions|the axes are"):
            call()


def test_it_shows_itself(one, classes):
    text = repr(one[2])
    assert "60 rows × 4 features × 4 other features" in text
    assert "feature 'age', other feature 'debt'" in repr(one[2][:, "age", "debt"])
    assert "4 other features" in classes[2]._repr_html_()


def test_names_are_checked():
    with pytest.raises(OptionError, match="other_feature_names has 1 names; expected 2"):
        Explanation(
            np.zeros((3, 2, 2)),
            axes=("row", "feature", "other feature"),
            other_feature_names=["a"],
            output_space="margin",
            algorithm="path-dependent",
        )


@pytest.mark.filterwarnings("ignore::Warning")  # between shap and matplotlib
def test_the_plots_of_shap_that_take_interactions(one):
    explainer, frame, explanation = one
    values = explainer.shap_interaction_values(frame)
    for matrices in (values, explanation.values, explanation.to_shap().values):
        shap.summary_plot(matrices, frame, show=False)
        assert len(plt.gcf().axes) == 4  # a column a feature
        plt.close("all")
        shap.dependence_plot(("income", "debt"), matrices, frame, show=False)
        drawn = plt.gca().collections[0].get_offsets()
        np.testing.assert_allclose(np.sort(drawn[:, 0]), np.sort(frame["income"]))
        np.testing.assert_allclose(np.sort(drawn[:, 1]), np.sort(2 * values[:, 1, 2]))
        plt.close("all")
    sums = explanation.sum(2)
    shap.plots.beeswarm(sums, show=False)
    plt.close("all")
    main = explanation[:, "age", "age"]
    np.testing.assert_array_equal(main.values, values[:, 0, 0])


def test_to_shap_is_what_shap_makes_itself(one):
    _, _, explanation = one
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model, frame = made(lightgbm.LGBMRegressor)
        theirs = shap.TreeExplainer(model)(frame, interactions=True)
    ours = explanation.to_shap()
    assert type(ours) is type(theirs)
    assert ours.values.shape == theirs.values.shape
    assert list(ours.feature_names) == list(theirs.feature_names)
    np.testing.assert_allclose(ours.values, theirs.values, rtol=0, atol=1e-10)
