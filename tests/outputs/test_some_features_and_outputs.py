"""`features=` and `outputs=`: what choosing from the whole explanation gives, bit for bit, without the whole."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest
import xgboost
from ferroshap import AdditivityError, OptionError, TreeExplainer
from ferroshap.tree.prepared import PreparedRaw
from interventional.models import KINDS, case

ONE, CLASSES = "XGBoost, missing values", "scikit-learn, forest of classes"


def explainers_of(kind):
    model, rows, _, options = case(kind)
    if "without covers" not in kind:
        yield TreeExplainer(model, **options), rows
    yield TreeExplainer(model, rows[:40], **options), rows


@pytest.mark.parametrize("kind", KINDS)
def test_values_are_those_of_the_whole(kind):
    for explainer, rows in explainers_of(kind):
        whole = explainer.shap_values(rows)
        features, n_outputs = [explainer.model.n_features - 1, 0], explainer.model.n_outputs
        np.testing.assert_array_equal(explainer.shap_values(rows, features=features), whole[:, features])
        if n_outputs > 1:
            outputs = [n_outputs - 1, 0]
            np.testing.assert_array_equal(explainer.shap_values(rows, outputs=outputs), whole[..., outputs])
            np.testing.assert_array_equal(explainer.shap_values(rows, outputs=1), whole[..., 1])
            both = explainer.shap_values(rows, features=features, outputs=outputs)
            np.testing.assert_array_equal(both, whole[:, features][..., outputs])


def same(ours, theirs):
    """The two explanations are the same in all that they hold."""
    assert ours.axes == theirs.axes
    for field in ("values", "base_values", "data", "display_data"):
        mine, other = getattr(ours, field), getattr(theirs, field)
        assert (mine is None) == (other is None), field
        if mine is not None:
            np.testing.assert_array_equal(mine, other)
    for field in ("feature_names", "other_feature_names", "output_names", "output_space", "algorithm", "model"):
        assert getattr(ours, field) == getattr(theirs, field), field
    assert [step.name for step in ours.op_history] == [step.name for step in theirs.op_history]
    assert [step.prev_shape for step in ours.op_history] == [step.prev_shape for step in theirs.op_history]


@pytest.fixture(scope="module")
def named():
    """Three classes by name, four named columns."""
    random = np.random.default_rng(0)
    table = pd.DataFrame(random.normal(size=(200, 4)), columns=["age", "income", "size", "colour"])
    table["colour"] = pd.Categorical.from_codes(random.integers(0, 3, size=200), ["red", "green", "blue"])
    target = (table["age"] > 0).astype(int) + (table["income"] + table["colour"].cat.codes > 1)
    model = xgboost.XGBClassifier(n_estimators=5, max_depth=3, n_jobs=1, enable_categorical=True).fit(table, target)
    return TreeExplainer(model, output_names=["low", "middle", "high"]), table


CHOICES = [
    {"features": "age"},
    {"features": ["income", "age"]},
    {"features": slice(None, None, -2)},
    {"features": np.array([True, False, True, False])},
    {"features": np.array([3, 3, -1])},
    {"features": []},
    {"outputs": "high"},
    {"outputs": -1},
    {"outputs": ["low"]},
    {"outputs": ["high", "low"]},
    {"outputs": []},
    {"features": 2, "outputs": "middle"},
    {"features": ["colour", "age"], "outputs": [2, 1]},
]


@pytest.mark.parametrize("choice", CHOICES, ids=str)
def test_an_explanation_is_that_which_was_chosen(named, choice):
    explainer, table = named
    features, outputs = choice.get("features", slice(None)), choice.get("outputs", slice(None))
    same(explainer(table, **choice), explainer(table)[:, features, outputs])
    same(explainer(table.iloc[0], **choice), explainer(table.iloc[0])[features, outputs])
    np.testing.assert_array_equal(explainer.shap_values(table, **choice), explainer(table, **choice).values)
    matrix = explainer(table[:9], interactions=True)[:, features, features, outputs]
    same(explainer(table[:9], interactions=True, **choice), matrix)
    values = explainer.shap_interaction_values(table[:9], **choice)
    np.testing.assert_array_equal(values, matrix.values)
    mean = explainer.shap_interaction_values(table[:9], aggregate="mean_abs", **choice)
    np.testing.assert_allclose(mean, np.abs(matrix.values).mean(axis=0), rtol=0, atol=1e-15)


def test_nothing_chosen_is_the_explanation_as_ever(named):
    explainer, table = named
    assert explainer(table).op_history == ()
    assert explainer(table).axes == ("row", "feature", "output")
    names = explainer(table, features=slice(None)).feature_names
    assert names == ("age", "income", "size", "colour")


def test_features_without_names_are_named_by_their_positions():
    explainer = TreeExplainer(case(ONE).model)
    assert explainer(case(ONE).rows, features=[3, 1]).feature_names == ("3", "1")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("choice", [{"features": ["income", "age"]}, {"outputs": 1}, {"features": 0, "outputs": [2]}])
def test_into_an_array_and_in_chunks(named, dtype, choice, monkeypatch):
    explainer, table = named
    many = pd.concat([table] * 5, ignore_index=True)
    want = explainer.shap_values(many, **choice)
    monkeypatch.setattr("ferroshap.tree.part.CHUNK_BYTES", 1)
    out = np.full(want.shape, np.nan, dtype)
    assert explainer.shap_values(many, out=out, **choice) is out
    np.testing.assert_array_equal(out, want.astype(dtype))
    alone = TreeExplainer(explainer.model, threads=1, dtype=dtype).shap_values(many, **choice | {"features": [1, 0]})
    some = TreeExplainer(explainer.model, threads=3, dtype=dtype).shap_values(many, **choice | {"features": [1, 0]})
    np.testing.assert_array_equal(alone, some)
    assert alone.dtype == dtype


@pytest.mark.parametrize(
    ("choice", "text"),
    [
        ({"features": "weight"}, "features: no feature is called 'weight'; they are"),
        ({"features": "Age"}, "did you mean 'age'"),
        ({"features": [0, 4]}, "features: there is no feature 4"),
        ({"features": [0.5]}, "does not name features"),
        ({"features": [True]}, "the mask has 1 truth values, but there are 4 features"),
        ({"outputs": "medium"}, "outputs: no output is called 'medium'; they are 'low', 'middle', 'high'"),
        ({"outputs": 3}, "outputs: there is no output 3"),
        ({"outputs": True}, "does not name outputs"),
    ],
)
def test_what_is_not_there_is_refused(named, choice, text):
    explainer, table = named
    for call in (explainer.shap_values, explainer, explainer.shap_interaction_values):
        with pytest.raises(OptionError, match=text):
            call(table, **choice)


def test_a_single_output_is_not_chosen_from():
    explainer, rows = TreeExplainer(case(ONE).model), case(ONE).rows
    for call in (explainer.shap_values, explainer, explainer.shap_interaction_values):
        with pytest.raises(OptionError, match="a single output; leave outputs out"):
            call(rows, outputs=0)


def test_rows_are_checked_with_all_their_features(named):
    """A prepared model that gives wrong values for features that are not asked for is found out."""
    explainer, table = named
    wrong = TreeExplainer(explainer.model)
    wrong.shap_values(table, features=["age"], outputs=[1])
    other = TreeExplainer(
        xgboost.XGBClassifier(n_estimators=4, max_depth=2, n_jobs=1, enable_categorical=True).fit(
            table, np.arange(200) % 3
        )
    )
    wrong._prepared = PreparedRaw(wrong.model, other._prepared.plan)
    with pytest.raises(AdditivityError, match="row "):
        wrong.shap_values(table, features=["age"])
    with pytest.raises(AdditivityError, match="row "):
        wrong(table, features=[], outputs=["1"])
    wrong.shap_values(table, features=["age"], check_additivity=False)


def test_the_library_is_asked_for_the_outputs_chosen():
    rows = np.random.default_rng(2).normal(size=(90, 3))
    model = xgboost.XGBClassifier(n_estimators=3, max_depth=2, n_jobs=1).fit(rows, np.arange(90) % 3)
    explainer = TreeExplainer(model)
    choice = {"features": [1], "outputs": [2, 0], "check_additivity": "library"}
    np.testing.assert_array_equal(
        explainer.shap_values(rows, **choice), explainer.shap_values(rows)[:, [1]][..., [2, 0]]
    )
    model.fit(rows[::-1], np.arange(90) % 3)
    with pytest.raises(AdditivityError, match="the training library's own"):
        explainer.shap_values(rows, **choice)


def test_the_whole_is_never_held():
    rows = np.random.default_rng(1).normal(size=(20_000, 60))
    model = xgboost.XGBRegressor(n_estimators=3, max_depth=3, n_jobs=1).fit(rows, rows[:, 0] + rows[:, 1])
    explainer = TreeExplainer(model)
    explainer.shap_values(rows[:10], features=[0])
    tracemalloc.start()
    explainer.shap_values(rows, features=[0, 1])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3e6  # the whole takes 9.6 MB, the result 0.32 MB, sums and predictions of a chunk as much each


def test_progress_is_told_to_the_end(named):
    seen = []
    explainer = TreeExplainer(named[0].model, progress=lambda done, total: seen.append((done, total)))
    explainer.shap_values(named[1], features=["age"])
    assert seen[-1] == (200, 200)
