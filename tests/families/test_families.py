"""Every cell of the README's table: each class is trained, explained, and compared with its own library's numbers."""

import subprocess
import sys
import warnings
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import ferroshap
import lightgbm
import numpy as np
import pandas as pd
import pytest
import xgboost
from ferroshap.adapters.detect import ADAPTERS
from ferroshap.adapters.families import FAMILIES, classes_of_libraries
from sklearn import ensemble, linear_model, tree

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "tests" / "reference"

random = np.random.default_rng(11)
X = random.normal(size=(240, 5))
HOLED = np.where(random.random(X.shape) < 0.1, np.nan, X)
Y = X[:, 0] + X[:, 1] * X[:, 2] + 0.1 * random.normal(size=240)
POSITIVE = np.exp(Y / 3)
SEVERAL = np.column_stack([Y, -Y, Y**2])
TWO = (Y > 0).astype(int)
THREE = np.digitize(Y, [-0.5, 0.5])
GROUPS = {"group": np.full(24, 10)}

SMALL = {"n_estimators": 7, "max_depth": 4, "random_state": 0}
LGB = {**SMALL, "n_jobs": 1, "verbose": -1}
FOREST = {**LGB, "boosting_type": "rf", "bagging_freq": 1, "bagging_fraction": 0.7}
HIST = {"max_iter": 7, "min_samples_leaf": 5, "random_state": 0}


class Case(NamedTuple):
    """A model to train: the number of its family, which of the family's sums it has."""

    family: int
    models: str
    estimator: Any
    target: Any
    fit: dict | None = None
    part: str | None = None  # the attribute or method of the fitted estimator that gives the model

    @property
    def rows(self):
        return HOLED if self.family in {0, 1, 4} else X


def of(module, names, targets, **options):
    """An estimator for each name and target that fits it."""
    for name in names:
        for target in targets:
            if (target is TWO or target is THREE) == name.endswith("Classifier"):
                yield getattr(module, name)(**options), target


def all_cases():
    yield from _boosters(0, xgboost, "wrappers", "`Booster`", "get_booster", {**SMALL, "n_jobs": 1})
    yield from _boosters(1, lightgbm, "", "", "booster_", LGB)
    for estimator, target in of(lightgbm, ("LGBMRegressor", "LGBMClassifier"), (Y, TWO, THREE), **FOREST):
        yield Case(1, "random-forest mode", estimator, target)
    for module, names, options in (
        (tree, FAMILIES[2].classes[:4], {"max_depth": 4, "random_state": 0}),
        (ensemble, FAMILIES[2].classes[4:], SMALL),
    ):
        for estimator, target in of(module, names, (Y, SEVERAL, TWO, THREE), **options):
            yield Case(2, "classifiers" if target.dtype == int else "regressors", estimator, target)
    for family, options in ((3, SMALL), (4, HIST)):
        for estimator, target in of(ensemble, FAMILIES[family].classes, (Y, TWO, THREE), **options):
            yield Case(family, "classifiers" if target.dtype == int else "regressors", estimator, target)
    yield Case(3, "loss `exponential`", ensemble.GradientBoostingClassifier(**SMALL, loss="exponential"), TWO)
    for loss in ("poisson", "gamma"):
        estimator = ensemble.HistGradientBoostingRegressor(**HIST, loss=loss)
        yield Case(4, "losses `poisson`, `gamma`", estimator, POSITIVE)


def _boosters(family, module, models, of_booster, part, options):
    """Each wrapper, and its booster."""
    _, regressor, classifier, ranker, *others = FAMILIES[family].classes
    found = [(*each, None) for each in of(module, (regressor, classifier, *others), (Y, TWO, THREE), **options)]
    found.append((getattr(module, ranker)(**options), TWO, GROUPS))
    for estimator, target, fit in found:
        yield Case(family, models, estimator, target, fit)
        yield Case(family, of_booster, estimator, target, fit, part)


with warnings.catch_warnings():
    warnings.filterwarnings("ignore", "`XGBRF", FutureWarning)  # deprecated since 3.4
    CASES = list(all_cases())

pytestmark = pytest.mark.filterwarnings("ignore:`XGBRF:FutureWarning")


@cache
def trained(number):
    case = CASES[number]
    model = case.estimator.fit(case.rows, case.target, **(case.fit or {}))
    if case.part is None:
        return model
    part = getattr(model, case.part)
    return part() if callable(part) else part


@pytest.fixture(
    params=range(len(CASES)), ids=lambda at: f"{type(CASES[at].estimator).__name__}-{CASES[at].models}-{at}"
)
def number(request):
    return request.param


def own_numbers(model, call, rows):
    """What the table's expression gives."""
    methods = {name: getattr(model, name) for name in dir(type(model)) if name.startswith(("predict", "decision"))}
    scope = {**vars(model), **methods, "log": np.log, "DMatrix": xgboost.DMatrix, "X": rows}
    found = eval(call, {}, scope)
    # one column a class, of each target one after the other
    return (
        np.concatenate([np.asarray(part, np.float64) for part in found], axis=1) if isinstance(found, list) else found
    )


def test_every_class_and_every_sum_of_the_table_is_a_case():
    for at, family in enumerate(FAMILIES):
        cases = [case for case in CASES if case.family == at]
        assert {"Booster" if case.part else type(case.estimator).__name__ for case in cases} == set(family.classes)
        assert {case.models for case in cases} == {each.models for each in family.sums}


def test_the_table_names_what_the_adapters_take():
    named = {name for names in classes_of_libraries().values() for name in names}
    assert {name for _, name, _ in ADAPTERS} <= named | {"XGBModel", "LGBMModel"}  # what their wrappers derive from


def test_base_value_plus_values_is_what_the_table_says(number):
    case, model = CASES[number], trained(number)
    claim = next(each for each in FAMILIES[case.family].sums if each.models == case.models)
    explainer = ferroshap.TreeExplainer(model)
    assert explainer.model.output_space == claim.unit
    raw = np.asarray(own_numbers(model, claim.call, case.rows))
    values = explainer.shap_values(case.rows)
    assert values.shape == (*case.rows.shape, *raw.shape[1:])
    epsilon = 2.0**-23 * (explainer.model.n_trees + 1) if FAMILIES[case.family].library == "XGBoost" else 1e-12
    scale = explainer.scale[0] if raw.ndim == 1 else explainer.scale
    assert (np.abs(raw - explainer.expected_value - values.sum(axis=1)) <= epsilon * scale).all()
    assert np.abs(values).max() > 1e-3


def write_json(model, path):
    model.save_model(f"{path}.json")
    return f"{path}.json"


def write_ubjson(model, path):
    model.save_model(f"{path}.ubj")
    return f"{path}.ubj"


def write_text(model, path):
    getattr(model, "booster_", model).save_model(path)
    return path


FORMS = {"object": lambda model, _: model, "JSON": write_json, "UBJSON": write_ubjson, "text": write_text}


def test_every_form_of_the_table_gives_the_same_bits(number, tmp_path):
    case, model = CASES[number], trained(number)
    want = ferroshap.TreeExplainer(model).shap_values(case.rows)
    for form in FAMILIES[case.family].forms:
        source = FORMS[form](model, tmp_path / "model")
        assert ferroshap.supports(source)
        np.testing.assert_array_equal(ferroshap.TreeExplainer(source).shap_values(case.rows), want)


def linear_booster():
    with xgboost.config_context(verbosity=0):  # deprecated since 3.4
        return bytes(xgboost.train({"booster": "gblinear", "nthread": 1}, xgboost.DMatrix(X, Y), 2).save_raw("json"))


def linear_trees():
    return lightgbm.LGBMRegressor(**LGB, linear_tree=True).fit(X, Y)


def with_an_estimator_before():
    return ensemble.GradientBoostingRegressor(**SMALL, init=linear_model.LinearRegression()).fit(X, Y)


def with_dates_as_categories():
    days = pd.Categorical.from_codes(TWO, pd.to_datetime(["2026-01-01", "2026-01-02"]))
    frame = pd.DataFrame({"day": days, "x": Y})
    return ensemble.HistGradientBoostingRegressor(**HIST, categorical_features="from_dtype").fit(frame, Y)


REFUSED = {
    "`gblinear`": (linear_booster, "gblinear"),
    "trees with vector leaves as 2.0 to 3.1 store them: no covers": (lambda: REFERENCE / "x20" / "mo.json", "cover"),
    "`linear_tree`": (linear_trees, "linear tree"),
    "an `init` estimator whose predictions differ from row to row, unless `without_init=True`": (
        with_an_estimator_before,
        "without_init=True",
    ),
    "categories that are no texts, numbers or booleans": (with_dates_as_categories, "supported are texts, numbers and"),
}


def test_every_refusal_of_the_table_is_a_case():
    assert set(REFUSED) == {each for family in FAMILIES for each in family.refused}


@pytest.mark.parametrize("what", REFUSED)
def test_what_the_table_says_is_refused_is(what):
    make, text = REFUSED[what]
    found = ferroshap.supports(make())
    assert not found
    assert text in found.reason


def test_the_readme_has_the_table():
    command = [sys.executable, ROOT / "scripts" / "families.py", "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
