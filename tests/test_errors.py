"""The catalogue: every exception and warning is raised from outside, and says what was given, expected and to be done."""

import inspect
import pickle
import warnings
from pathlib import Path

import ferroshap
import numpy as np
import pandas as pd
import pytest
import xgboost
from ferroshap import TreeExplainer, errors, load_model
from sklearn.linear_model import LinearRegression
from sklearn.tree import DecisionTreeRegressor

REFERENCE = Path(__file__).parent / "reference"

TREE = {
    "FerroshapError": (Exception,),
    "UnsupportedModelError": (errors.FerroshapError, ValueError),
    "ModelError": (errors.FerroshapError, ValueError),
    "DataError": (errors.FerroshapError, ValueError),
    "FeatureMismatchError": (errors.DataError,),
    "OptionError": (errors.FerroshapError, ValueError),
    "PlanError": (errors.FerroshapError, ValueError),
    "AdditivityError": (errors.FerroshapError, ArithmeticError),
    "FerroshapWarning": (UserWarning,),
    "ConvergenceWarning": (errors.FerroshapWarning,),
}

X = np.random.default_rng(0).normal(size=(60, 3))
FRAME = pd.DataFrame(X, columns=["height", "weight", "age"])
MODEL = DecisionTreeRegressor(max_depth=3, random_state=0).fit(FRAME, X[:, 0])


def wrong_prediction():
    """What only a defect of ferroshap could do."""
    explainer = TreeExplainer(MODEL)
    right = explainer.model.predict_rows
    explainer.model.predict_rows = lambda *rows, **options: right(*rows, **options) + 0.25
    explainer.shap_values(FRAME)


def stopped_early():
    data = xgboost.DMatrix(X, X[:, 0])
    booster = xgboost.train({"nthread": 1}, data, 3)
    booster.set_attr(best_iteration="1")
    load_model(booster)


# What raises, and the parts of its message in order: what was given, what was expected, what to do.
CATALOGUE = {
    "UnsupportedModelError": [
        (lambda: load_model(LinearRegression()), ["LinearRegression is not a model", "Supported are XGBoost"]),
        (
            lambda: TreeExplainer(REFERENCE / "x20" / "mo.json", iteration_range=(0, 0)),
            ["need the cover of every node", "this model holds none", "pass background rows (data=)"],
        ),
        (
            lambda: TreeExplainer(REFERENCE / "l47" / "linear.txt"),
            ["has linear trees", "prediction works", "Train without"],
        ),
    ],
    "ModelError": [
        (lambda: load_model(b'{"learner": {'), ["XGBoost JSON", "byte 13"]),
        (
            lambda: load_model(b'{"learner": {"learner_model_param": 1}}'),
            ["learner.learner_model_param", "expected an object"],
        ),
        (lambda: load_model(DecisionTreeRegressor()), ["DecisionTreeRegressor is not fitted", "call fit()"]),
    ],
    "DataError": [
        (
            lambda: TreeExplainer(MODEL).shap_values(FRAME.assign(age="old")),
            ["'age'", "dtype str", "as a number", "convert it"],
        ),
        (lambda: TreeExplainer(MODEL).shap_values("rows"), ["str", "pass a numpy array"]),
        (lambda: ferroshap.kmeans([[np.inf]], 1), ["column '0'", "infinite", "leave these rows out"]),
        (lambda: TreeExplainer(MODEL, X[:0]), ["data, the background", "no rows", "expected at least one"]),
        (
            lambda: TreeExplainer(MODEL, X, weights=np.arange(60) - 1),
            ["weight of background row 0 is -1", "expected a finite number of 0 or more"],
        ),
    ],
    "FeatureMismatchError": [
        (lambda: TreeExplainer(MODEL).shap_values(X[:, :2]), ["2 columns", "expects 3 features"]),
        (lambda: TreeExplainer(MODEL, X[:, :2]), ["data, the background", "2 columns", "expects 3 features"]),
        (lambda: load_model(MODEL).predict(FRAME.rename(columns={"age": "Age"})), ["Age", "age", "Did you mean"]),
        (lambda: TreeExplainer(MODEL, feature_names=["a"]), ["has 1 name", "3 features"]),
    ],
    "OptionError": [
        (
            lambda: TreeExplainer(MODEL, feature_perturbation="interventional"),
            ["'interventional'", "needs background rows", "pass data="],
        ),
        (
            lambda: TreeExplainer(MODEL, X, feature_perturbation="tree_path_dependent"),
            ["'tree_path_dependent'", "takes no background rows", "leave data out"],
        ),
        (lambda: TreeExplainer(MODEL, threads=0), ["threads is 0", "expected a whole number of at least 1"]),
        (lambda: TreeExplainer(MODEL).shap_values(FRAME, tree_limit=3), ["tree_limit=3", "iteration_range=(0, n)"]),
        (
            lambda: ferroshap.Explainer(MODEL, algorithm="exact"),
            ["algorithm is 'exact'", "expected 'auto', 'tree' or 'kernel'"],
        ),
    ],
    "PlanError": [
        (lambda: TreeExplainer(MODEL, max_memory=1), ["takes", "max_memory allows 1", "iteration_range"]),
        (
            lambda: TreeExplainer(MODEL, X, max_memory=1),
            ["the background takes", "max_memory allows 1", "pass fewer rows"],
        ),
    ],
    "AdditivityError": [
        (wrong_prediction, ["row ", "output 0", "by 0.25", "more than the bound", "please report"]),
    ],
    "FerroshapWarning": [
        (stopped_early, ["best_iteration=1", "all trees count", "iteration_range=(0, 2)"]),
    ],
}
# A base that is only caught, and what is for estimates, of which there are none yet.
NEVER_RAISED = {"FerroshapError", "ConvergenceWarning"}
CASES = [(name, *case) for name, cases in CATALOGUE.items() for case in cases]


def raised(name, call):
    """The exception or warning itself."""
    kind = getattr(ferroshap, name)
    if not issubclass(kind, Warning):
        with pytest.raises(ferroshap.FerroshapError) as caught:
            call()
        return caught.value
    with pytest.warns(errors.FerroshapWarning) as told:
        call()
    assert len(told) == 1
    assert told[0].filename == __file__  # the line of the user's code
    return told[0].message


@pytest.mark.parametrize(("name", "call", "parts"), CASES, ids=[f"{case[0]}-{case[2][0]}" for case in CASES])
def test_it_is_raised_and_says_what_was_given_what_was_expected_and_what_to_do(name, call, parts):
    error = raised(name, call)
    assert type(error).__name__ == name
    rest = str(error)
    for part in parts:
        assert part in rest, f"{part!r} is not in its place in {error!s}"
        rest = rest.split(part, 1)[1]


@pytest.mark.parametrize("name", CATALOGUE)
def test_it_comes_out_of_another_process_as_it_went_in(name):
    error = raised(name, CATALOGUE[name][0][0])
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again)) == (type(error), str(error))


def test_the_catalogue_has_every_class():
    assert set(CATALOGUE) | NEVER_RAISED == set(TREE)
    package = Path(ferroshap.__file__).parent
    for name in NEVER_RAISED:  # once one is raised it belongs into the catalogue
        raising = [
            path
            for path in package.rglob("*.py")
            if f"raise {name}" in path.read_text() or f"warn({name}" in path.read_text()
        ]
        assert raising == []


@pytest.mark.parametrize("name", TREE)
def test_each_class_has_its_place_in_the_tree(name):
    cls = getattr(errors, name)
    assert cls.__bases__ == TREE[name]
    assert cls.__doc__


def test_the_tree_lists_every_class():
    found = {
        name for name, value in vars(errors).items() if inspect.isclass(value) and value.__module__ == errors.__name__
    }
    assert found == set(TREE)
    assert set(errors.__all__) == set(TREE)


def test_the_core_raises_these_classes():
    from ferroshap import _native

    with pytest.raises(errors.UnsupportedModelError):
        _native.read_document(b"binf legacy")
    with pytest.raises(errors.ModelError):
        _native.read_document(b'{"learner":')


def test_an_unknown_keyword_is_pythons_type_error():
    with pytest.raises(TypeError, match="iterations"):
        load_model("model.json", iterations=3)


def test_a_warning_can_be_silenced_by_its_class():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ferroshap.FerroshapWarning)
        stopped_early()
