"""`ferroshap.Explainer` in the place of `shap.Explainer`: the same shapes and values, and every refusal with its way out."""

import inspect
import pickle

import ferroshap
import numpy as np
import pytest
import shap
from ferroshap import OptionError, UnsupportedModelError
from sklearn.linear_model import LinearRegression

ROWS = 40
# shap computes in float64, but reads XGBoost's leaves and the rows as float32.
RELATIVE = 1e-6


def test_values_base_and_shapes_are_those_of_shap(trained):
    theirs = shap.Explainer(trained.model)(trained.X[:ROWS])
    ours = ferroshap.Explainer(trained.model)(trained.X[:ROWS])
    assert ours.values.shape == theirs.values.shape
    assert ours.base_values.shape == theirs.base_values.shape
    size = np.abs(theirs.values).max()
    np.testing.assert_allclose(ours.values, theirs.values, rtol=0, atol=RELATIVE * size)
    np.testing.assert_allclose(ours.base_values, theirs.base_values, rtol=RELATIVE, atol=RELATIVE)
    assert list(ours.feature_names) == list(theirs.feature_names)
    np.testing.assert_array_equal(ours.data, theirs.data)


@pytest.mark.filterwarnings("ignore:LightGBM binary classifier with TreeExplainer:UserWarning")  # of shap
def test_calling_gives_what_shap_values_gives(trained):
    explainer = ferroshap.Explainer(trained.model)
    np.testing.assert_array_equal(explainer(trained.X[:ROWS]).values, explainer.shap_values(trained.X[:ROWS]))
    theirs = shap.TreeExplainer(trained.model)
    assert explainer.shap_values(trained.X[:ROWS]).shape == theirs.shap_values(trained.X[:ROWS]).shape
    n_outputs = explainer.model.n_outputs
    assert np.shape(explainer.expected_value) == (() if n_outputs == 1 else np.shape(theirs.expected_value))


@pytest.mark.filterwarnings("ignore::UserWarning:shap")
def test_values_against_a_background_are_those_of_shap(trained):
    """shap takes the first 100 rows or draws them: with so many there is nothing to draw."""
    background = trained.X[:100]
    theirs = shap.Explainer(trained.model, background)(trained.X[:ROWS], check_additivity=False)
    ours = ferroshap.Explainer(trained.model, background)(trained.X[:ROWS])
    assert ours.algorithm == "interventional"
    assert ours.values.shape == theirs.values.shape
    assert ours.base_values.shape == theirs.base_values.shape
    exact = ferroshap.load_model(trained.model).predict(background, dtype="float64").mean(axis=0)
    np.testing.assert_allclose(ours.base_values[0], exact, rtol=1e-12, atol=1e-12)
    if "forest" in trained.name or "boosting" in trained.name:  # shap rounds their thresholds: `tests/defects/`
        return
    size = np.abs(theirs.values).max()
    np.testing.assert_allclose(ours.values, theirs.values, rtol=0, atol=RELATIVE * size)
    np.testing.assert_array_equal(
        ours.values, ferroshap.TreeExplainer(trained.model, background).shap_values(trained.X[:ROWS])
    )


OUTPUTS = {
    "xgboost classes": ("0", "1", "2"),
    "lightgbm classes": ("low", "mid", "top"),
    "forest targets": ("0", "1"),
    "forest binary": ("high", "low"),
    "forest classes": ("low", "mid", "top"),
}


def test_class_labels_are_the_output_names(trained):
    explanation = ferroshap.Explainer(trained.model)(trained.X[:2])
    assert tuple(np.atleast_1d(explanation.output_names)) == OUTPUTS.get(trained.name, ("output",))


def test_names_can_be_chosen(models):
    features = [f"column {at}" for at in range(models.X.shape[1])]
    explainer = ferroshap.Explainer(models.named["forest classes"], output_names=list("abc"), feature_names=features)
    explanation = explainer(models.X[:2])
    assert list(explanation.output_names) == list("abc")
    assert list(explanation.feature_names) == features


def test_it_makes_a_tree_explainer_that_is_an_explainer_too(models):
    explainer = ferroshap.Explainer(models.named["forest binary"], dtype="float32", threads=1)
    assert type(explainer) is ferroshap.TreeExplainer
    assert isinstance(explainer, ferroshap.Explainer)
    assert issubclass(ferroshap.TreeExplainer, ferroshap.Explainer)
    assert not isinstance(models.named["forest binary"], ferroshap.Explainer)
    assert explainer.shap_values(models.X[:2]).dtype == np.float32
    again = pickle.loads(pickle.dumps(explainer))
    np.testing.assert_array_equal(again.shap_values(models.X), explainer.shap_values(models.X))
    assert ferroshap.Explainer | None  # as in annotations


def names(function):
    chosen = (p for p in inspect.signature(function).parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD)
    return [p.name for p in chosen if p.name != "self"]


def test_the_parameters_are_shaps_in_shaps_order():
    assert names(ferroshap.Explainer) == names(shap.Explainer)
    ours, theirs = ferroshap.TreeExplainer, shap.TreeExplainer
    # deprecated ones and what shap hands to itself come last and are left out
    assert names(ours) == names(theirs)[:5]
    assert names(ours.shap_values) == names(theirs.shap_values)[:5]
    assert names(ours.__call__) == names(theirs.__call__)
    assert names(ours.shap_interaction_values) == names(theirs.shap_interaction_values)
    assert names(ferroshap.sample) == names(shap.sample)
    assert names(ferroshap.kmeans) == names(shap.kmeans)


@pytest.mark.parametrize(
    "options",
    [
        {"link": "identity"},
        {"link": shap.links.identity},
        {"algorithm": "tree"},
        {"linearize_link": False},
        {"seed": 7},
        {"feature_perturbation": "tree_path_dependent"},
        {"model_output": "raw"},
    ],
    ids=str,
)
def test_what_cannot_change_exact_values_is_accepted(models, options):
    model = models.named["xgboost binary"]
    plain = ferroshap.Explainer(model).shap_values(models.X)
    np.testing.assert_array_equal(ferroshap.Explainer(model, **options).shap_values(models.X), plain)


REFUSED = [
    (
        {"masker": shap.maskers.Partition(np.eye(10))},
        OptionError,
        "Partition of shap, whose values are those of another game; pass the background rows",
    ),
    ({"link": shap.links.logit}, OptionError, "link='logit' is not supported; leave it out"),
    ({"link": "logit"}, OptionError, "link='logit' is not supported; leave it out"),
    (
        {"algorithm": "permutation"},
        OptionError,
        "'permutation', which is not supported: 'tree' with background rows .* expected 'auto', 'tree' or 'kernel'",
    ),
    ({"algorithm": "linear"}, OptionError, "'linear', which is not supported: it is for models that are no trees"),
    ({"algorithm": "quick"}, OptionError, "algorithm is 'quick'; expected 'auto', 'tree' or 'kernel'"),
    ({"algorithm": ["tree"]}, OptionError, r"algorithm is \['tree'\]; expected 'auto', 'tree' or 'kernel'"),
    ({"seed": "now"}, OptionError, "seed is 'now'; expected a whole number"),
    ({"output_names": ["a"]}, OptionError, "output_names has 1 name, but the model has 3 outputs"),
    (
        {"feature_names": ["a"]},
        ferroshap.FeatureMismatchError,
        "feature_names has 1 name, but the model has 10 features",
    ),
    ({"model_output": "log_loss"}, UnsupportedModelError, "'log_loss' is not for this model .* 'raw' or 'probability'"),
    ({"feature_perturbation": "interventional"}, OptionError, "needs background rows: pass data="),
    ({"max_evals": 100}, TypeError, "max_evals"),
]


@pytest.mark.parametrize(
    ("options", "error", "text"), REFUSED, ids=[str(next(iter(r[0].items())))[:40] for r in REFUSED]
)
def test_what_is_not_supported_is_refused_with_the_way_out(models, options, error, text):
    with pytest.raises(error, match=text):
        ferroshap.Explainer(models.named["forest classes"], **options)


def test_functions_are_explained_against_background_rows(models):
    forest = models.named["forest binary"]
    explainer = ferroshap.Explainer(forest.predict_proba, models.X[:5])
    assert type(explainer) is ferroshap.KernelExplainer
    assert explainer(models.X[:2]).values.shape == (2, 10, 2)
    with pytest.raises(OptionError, match=r"predict .*needs background rows.*the RandomForestClassifier itself"):
        ferroshap.Explainer(forest.predict)
    for function in (np.linalg.norm, np.sum, len, LinearRegression().predict):  # none of a tree model
        with pytest.raises(OptionError, match=r"needs background rows; pass some as masker, or a tree model$"):
            ferroshap.Explainer(function)
    with pytest.raises(OptionError, match=r"algorithm is 'tree', but the model is a function"):
        ferroshap.Explainer(forest.predict, models.X, algorithm="tree")
    with pytest.raises(OptionError, match=r"algorithm is 'permutation', but the model is a function"):
        ferroshap.Explainer(forest.predict, models.X, algorithm="permutation")
    with pytest.raises(UnsupportedModelError, match="RandomForestClassifier is a class: pass a fitted object"):
        ferroshap.Explainer(type(forest))
    with pytest.raises(UnsupportedModelError, match="NoneType"):
        ferroshap.Explainer(None)
