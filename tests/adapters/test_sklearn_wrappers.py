"""Pipelines, searches and transformed targets: the model inside, and for a pipeline the columns that its steps make."""

import pickle

import numpy as np
import pandas as pd
import pytest
from ferroshap import TreeExplainer, load_model
from ferroshap.adapters import parse_model
from ferroshap.errors import ModelError, UnsupportedModelError
from imblearn.pipeline import make_pipeline as make_imbalanced
from imblearn.under_sampling import RandomUnderSampler
from oracle.shap import shap_values
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier, RandomForestRegressor
from sklearn.experimental import enable_halving_search_cv  # noqa: F401  (makes the two importable)
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, HalvingRandomSearchCV, RandomizedSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeRegressor

random = np.random.default_rng(4)
FRAME = pd.DataFrame(
    {"a": random.normal(size=120), "k": random.choice(["red", "green", "blue"], 120), "b": random.normal(size=120)}
)
NUMBERS = FRAME[["a", "b"]]
Y = (FRAME["a"] * FRAME["b"] + (FRAME["k"] == "red")).to_numpy()
SMALL = {"n_estimators": 4, "max_depth": 4, "random_state": 0}


def encoder():
    return ColumnTransformer([("k", OneHotEncoder(sparse_output=False), ["k"]), ("x", StandardScaler(), ["a", "b"])])


def agrees(model, want, rows, made):
    explainer = TreeExplainer(model)
    np.testing.assert_array_equal(explainer.model.predict(rows), want)
    phi, _ = shap_values(parse_model(model).arrays, made)
    values = explainer.shap_values(rows)
    assert np.abs(phi).max() > 1e-3
    np.testing.assert_allclose(values.reshape(phi.shape), phi, rtol=0, atol=1e-12 * np.abs(phi).max())
    return explainer


def test_a_pipeline_explains_the_columns_that_its_steps_make():
    model = Pipeline([("encode", encoder()), ("forest", RandomForestRegressor(**SMALL))]).fit(FRAME, Y)
    explainer = agrees(model, model.predict(FRAME), FRAME, model[:-1].transform(FRAME))
    assert explainer.model.feature_names == ("k__k_blue", "k__k_green", "k__k_red", "x__a", "x__b")
    assert explainer.model.has_steps_before
    assert explainer.model.source.endswith("behind ColumnTransformer")
    explanation = explainer(FRAME)
    assert tuple(explanation.feature_names) == explainer.model.feature_names
    np.testing.assert_array_equal(explanation.data, model[:-1].transform(FRAME))
    np.testing.assert_array_equal(explainer.shap_values(FRAME.iloc[:1])[0], explainer.shap_values(FRAME)[0])
    alone = TreeExplainer(explainer.model.alone()).shap_values(model[:-1].transform(FRAME))
    np.testing.assert_array_equal(alone, explainer.shap_values(FRAME))


def test_steps_that_give_frames_and_steps_that_pass_everything_on():
    scaler = StandardScaler().set_output(transform="pandas")
    model = Pipeline(
        [("none", None), ("scale", scaler), ("pass", "passthrough"), ("f", RandomForestRegressor(**SMALL))]
    )
    model.fit(NUMBERS, Y)
    explainer = agrees(model, model.predict(NUMBERS), NUMBERS, model[:-1].transform(NUMBERS).to_numpy())
    assert explainer.model.feature_names == ("a", "b")
    bare = Pipeline([("pass", "passthrough"), ("f", RandomForestRegressor(**SMALL))]).fit(NUMBERS, Y)
    assert not agrees(bare, bare.predict(NUMBERS), NUMBERS, NUMBERS).model.has_steps_before


def test_a_pipeline_in_a_pipeline_and_a_search_of_pipelines():
    inner = make_pipeline(StandardScaler(), RandomForestClassifier(**SMALL))
    search = GridSearchCV(inner, {"randomforestclassifier__max_depth": [2, 3]}, cv=2).fit(NUMBERS, Y > 0)
    best = search.best_estimator_
    agrees(search, search.predict_proba(NUMBERS), NUMBERS, best[:-1].transform(NUMBERS))
    nested = make_pipeline(StandardScaler(), make_pipeline(StandardScaler(), RandomForestRegressor(**SMALL)))
    nested.fit(NUMBERS, Y)
    try:
        explainer = TreeExplainer(nested)
    except UnsupportedModelError:
        return
    np.testing.assert_array_equal(explainer.model.predict(NUMBERS), nested.predict(NUMBERS))


def test_samplers_of_imbalanced_learn_change_no_row_that_is_explained():
    target = Y > 0.8
    for steps in ((), (StandardScaler(),)):
        model = make_imbalanced(*steps, RandomUnderSampler(random_state=0), RandomForestClassifier(**SMALL))
        model.fit(NUMBERS, target)
        made = steps[0].transform(NUMBERS) if steps else NUMBERS
        agrees(model, model.predict_proba(NUMBERS), NUMBERS, made)


@pytest.mark.parametrize(
    ("search", "options"),
    [
        (GridSearchCV, {}),
        (RandomizedSearchCV, {"n_iter": 1}),
        (HalvingGridSearchCV, {}),
        (HalvingRandomSearchCV, {"n_candidates": 2}),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
def test_a_search_is_its_best_estimator(search, options):
    model = search(DecisionTreeRegressor(random_state=0), {"max_depth": [2, 3]}, cv=2, **options)
    with pytest.raises(ModelError, match=r"not fitted .*best_estimator_.*fit\(\)"):
        load_model(model)
    model.fit(NUMBERS, Y)
    agrees(model, model.predict(NUMBERS), NUMBERS, NUMBERS)


def test_iteration_ranges_reach_the_model_inside():
    model = make_pipeline(StandardScaler(), GradientBoostingClassifier(**SMALL)).fit(NUMBERS, Y > 0)
    stages = list(model[-1].staged_decision_function(model[:-1].transform(NUMBERS)))
    ours = load_model(model, iteration_range=(0, 2)).predict(NUMBERS)
    np.testing.assert_array_equal(ours, stages[1][:, 0])


def test_a_transformed_target_is_refused_and_one_that_is_not_is_read():
    plain = TransformedTargetRegressor(RandomForestRegressor(**SMALL)).fit(NUMBERS, Y)
    agrees(plain, plain.predict(NUMBERS), NUMBERS, NUMBERS)
    for options in ({"func": np.cbrt, "inverse_func": np.square}, {"transformer": StandardScaler()}):
        model = TransformedTargetRegressor(RandomForestRegressor(**SMALL), check_inverse=False, **options).fit(
            NUMBERS, Y
        )
        with pytest.raises(UnsupportedModelError, match="no sum of trees; pass its regressor_"):
            load_model(model)
        agrees(model.regressor_, model.regressor_.predict(NUMBERS), NUMBERS, NUMBERS)


def test_what_stays_with_scikit_learn_is_not_saved_but_pickled(tmp_path):
    model = load_model(Pipeline([("encode", encoder()), ("forest", RandomForestRegressor(**SMALL))]).fit(FRAME, Y))
    with pytest.raises(UnsupportedModelError, match=r"pipeline\[-1\].*pickle"):
        model.save(tmp_path / "model")
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(FRAME), model.predict(FRAME))


@pytest.mark.parametrize("last", [LinearRegression(), "passthrough"], ids=["linear", "passthrough"])
def test_a_pipeline_without_a_model_at_its_end_is_refused(last):
    with pytest.raises(UnsupportedModelError):
        load_model(Pipeline([("scale", StandardScaler()), ("last", last)]).fit(NUMBERS, Y))
