"""scikit-learn's trees and forests predict as they do themselves, from the attributes of the live object."""

import numpy as np
import pandas as pd
import pytest
from ferroshap.adapters import parse_model
from ferroshap.errors import ModelError, OptionError
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor, RandomForestClassifier, RandomForestRegressor
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier, ExtraTreeRegressor

rng = np.random.default_rng(8)
X = rng.normal(size=(300, 5))
X[:, 2] = rng.integers(0, 6, 300)
y = X[:, 0] + np.sin(X[:, 1]) * X[:, 2]
holes = np.where(rng.random(X.shape) < 0.1, np.nan, X)
labels = np.array(["low", "mid", "top"])[np.digitize(y, [-1, 1])]
weights = rng.uniform(0.1, 3, 300)

TREES = {"max_depth": 6, "random_state": 0}
FOREST = {**TREES, "n_estimators": 12}
REGRESSORS = [
    DecisionTreeRegressor(**TREES),
    ExtraTreeRegressor(**TREES),
    RandomForestRegressor(**FOREST),
    ExtraTreesRegressor(**FOREST),
]
CLASSIFIERS = [
    DecisionTreeClassifier(**TREES),
    ExtraTreeClassifier(**TREES),
    RandomForestClassifier(**FOREST),
    ExtraTreesClassifier(**FOREST),
]


def ties(model):
    """Rows at the model's thresholds (infinite where a split parts missing values from the others) and one step of either precision beside them."""
    tree = getattr(model, "estimators_", [model])[0].tree_
    rows = []
    for node in np.flatnonzero((tree.children_left >= 0) & np.isfinite(tree.threshold)):
        threshold = tree.threshold[node]
        narrow = np.float32(threshold)
        for value in (threshold, np.nextafter(threshold, 9e9), narrow, np.nextafter(narrow, np.float32(9e9))):
            row = X[len(rows) % len(X)].copy()
            row[tree.feature[node]] = value
            rows.append(row)
    return np.array(rows)


@pytest.mark.parametrize("model", REGRESSORS, ids=lambda m: type(m).__name__)
@pytest.mark.parametrize("rows", [X, holes], ids=["full", "with missing"])
def test_regressors_predict_bit_equally(model, rows, predict):
    model.fit(rows, y, sample_weight=weights)
    parsed = parse_model(model)
    for x in (rows, ties(model)):
        np.testing.assert_array_equal(predict(parsed, x)[:, 0], model.predict(x))
    assert parsed.info.output_space == "target"
    assert parsed.info.output_names == ("output",)
    assert parsed.info.source.startswith(f"sklearn.{'ensemble' if hasattr(model, 'estimators_') else 'tree'}.")


@pytest.mark.parametrize("model", CLASSIFIERS, ids=lambda m: type(m).__name__)
@pytest.mark.parametrize("rows", [X, holes], ids=["full", "with missing"])
def test_classifiers_predict_probabilities_bit_equally(model, rows, predict):
    model.fit(rows, labels, sample_weight=weights)
    parsed = parse_model(model)
    for x in (rows, ties(model)):
        np.testing.assert_array_equal(predict(parsed, x), model.predict_proba(x))
    assert parsed.info.output_space == "probability"
    assert parsed.info.output_names == ("low", "mid", "top")
    assert parsed.info.cover_kind == "weighted count"


@pytest.mark.parametrize("model", REGRESSORS, ids=lambda m: type(m).__name__)
def test_several_targets_are_several_outputs(model, predict):
    model.fit(X, np.column_stack([y, -y, X[:, 0]]))
    parsed = parse_model(model)
    np.testing.assert_array_equal(predict(parsed, X), model.predict(X))
    assert parsed.info.output_names == ("0", "1", "2")


@pytest.mark.parametrize("model", CLASSIFIERS, ids=lambda m: type(m).__name__)
def test_several_targets_with_classes_lose_the_padding_of_the_shorter_ones(model, predict):
    model.fit(X, np.column_stack([labels, np.where(y > 0, "yes", "no")]))
    parsed = parse_model(model)
    np.testing.assert_array_equal(predict(parsed, X), np.concatenate(model.predict_proba(X), axis=1))
    assert parsed.info.output_names == ("0:low", "0:mid", "0:top", "1:no", "1:yes")


@pytest.mark.parametrize("model", [*REGRESSORS, *CLASSIFIERS], ids=lambda m: type(m).__name__)
def test_an_unfitted_estimator_is_told_so(model):
    with pytest.raises(ModelError, match=r"not fitted.*call fit\(\)"):
        parse_model(type(model)())


def test_a_classifier_that_saw_one_class_has_one_output(predict):
    model = RandomForestClassifier(**FOREST).fit(X, np.full(300, "only"))
    parsed = parse_model(model)
    assert parsed.info.output_names == ("only",)
    np.testing.assert_array_equal(predict(parsed, X), np.ones((300, 1)))


def test_weighted_counts_of_older_trees_become_fractions(predict):
    """Up to 1.3 a classifier stored weighted counts: a tree of today with the values of that time."""
    model = DecisionTreeClassifier(**TREES).fit(X, labels, sample_weight=weights)
    want = model.predict_proba(X)
    model.tree_.value[...] *= model.tree_.weighted_n_node_samples[:, np.newaxis, np.newaxis]
    np.testing.assert_allclose(predict(parse_model(model), X), want, rtol=1e-15, atol=0)


def test_covers_include_weights_and_bootstrap(predict):
    model = RandomForestRegressor(**FOREST).fit(X, y)
    arrays = parse_model(model).arrays
    np.testing.assert_array_equal(arrays.cover[arrays.tree_starts[:-1]], 300.0)


def test_feature_names_come_from_the_training_frame():
    model = DecisionTreeRegressor(**TREES).fit(pd.DataFrame(X, columns=list("abcde")), y)
    assert parse_model(model).schema.feature_names == tuple("abcde")
    assert parse_model(DecisionTreeRegressor(**TREES).fit(X, y)).schema.feature_names is None


def test_options_of_boosters_are_refused():
    model = RandomForestRegressor(**FOREST).fit(X, y)
    with pytest.raises(OptionError, match="estimators_"):
        parse_model(model, iteration_range=(0, 3))
    with pytest.raises(OptionError, match="scikit-learn"):
        parse_model(model, missing=0.0)
