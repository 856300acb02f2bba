"""Every cell of the README's table: each class is trained, explained, and compared with its own library's numbers."""

import subprocess
import sys
import warnings
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import catboost
import ferroshap
import joblib
import lightgbm
import numpy as np
import pandas as pd
import pytest
import skops.io
import xgboost
from ferroshap.adapters.detect import ADAPTERS
from ferroshap.adapters.families import FAMILIES, classes_of_libraries
from sklearn import compose, ensemble, linear_model, model_selection, multioutput, pipeline, preprocessing, tree
from sklearn.experimental import enable_halving_search_cv  # noqa: F401

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
CAT = {"iterations": 7, "depth": 4, "random_seed": 0, "thread_count": 1, "verbose": 0, "allow_writing_files": False}


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
        return HOLED if self.family in {0, 1, 4, 10} else X


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
    yield Case(5, "", ensemble.IsolationForest(n_estimators=7, random_state=0), None)
    yield from _meta()
    yield from _wrappers()
    yield from _catboost()


def _meta():
    """Estimators of estimators."""
    regressor, classifier = tree.DecisionTreeRegressor(max_depth=4), tree.DecisionTreeClassifier(max_depth=4)
    members = {"n_estimators": 5, "max_features": 0.7, "random_state": 0}
    yield Case(6, "regressors", ensemble.BaggingRegressor(regressor, **members), Y)
    yield Case(
        6,
        "regressors",
        ensemble.VotingRegressor([("one", regressor), ("all", ensemble.RandomForestRegressor(**SMALL))]),
        Y,
    )
    for target in (TWO, THREE):
        yield Case(6, "classifiers", ensemble.BaggingClassifier(classifier, **members), target)
        voters = [("one", classifier), ("all", ensemble.RandomForestClassifier(**SMALL))]
        yield Case(6, "classifiers", ensemble.VotingClassifier(voters, voting="soft", weights=[1, 3]), target)
        yield Case(7, "", ensemble.AdaBoostClassifier(classifier, n_estimators=5, random_state=0), target)
    regressors, classifiers = (each.models for each in FAMILIES[8].sums)
    yield Case(8, regressors, multioutput.MultiOutputRegressor(ensemble.RandomForestRegressor(**SMALL)), SEVERAL)
    both = np.column_stack([TWO, THREE])
    yield Case(8, classifiers, multioutput.MultiOutputClassifier(ensemble.RandomForestClassifier(**SMALL)), both)


def _wrappers():
    """Forests inside."""
    regressor, classifier = ensemble.RandomForestRegressor(**SMALL), ensemble.RandomForestClassifier(**SMALL)
    grid = {"max_depth": [2, 4]}
    of_forest, of_classes = (each.models for each in FAMILIES[9].sums)
    for inside, target, models in ((regressor, Y, of_forest), (classifier, THREE, of_classes)):
        yield Case(9, models, pipeline.make_pipeline(preprocessing.StandardScaler(), inside), target)
        for search, options in (
            (model_selection.GridSearchCV, {}),
            (model_selection.HalvingGridSearchCV, {}),
            (model_selection.RandomizedSearchCV, {"n_iter": 2, "random_state": 0}),
            (model_selection.HalvingRandomSearchCV, {"n_candidates": 2, "random_state": 0}),
        ):
            yield Case(9, models, search(inside, grid, cv=2, **options), target)
    yield Case(9, of_forest, compose.TransformedTargetRegressor(regressor), Y)


def _catboost():
    several = {**CAT, "loss_function": "MultiRMSE"}
    for estimator, target in (
        (catboost.CatBoost(CAT), Y), (catboost.CatBoostRegressor(**CAT), Y), (catboost.CatBoostRegressor(**several), SEVERAL),
        (catboost.CatBoostClassifier(**CAT), TWO), (catboost.CatBoostClassifier(**CAT), THREE),
    ):  # fmt: skip
        yield Case(10, "", estimator, target)
    yield Case(10, "`CatBoostRanker`", catboost.CatBoostRanker(**CAT), TWO, {"group_id": np.repeat(np.arange(24), 10)})


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
    starts = ("predict", "decision", "score_samples")
    methods = {
        name: getattr(model, name) for name in dir(type(model)) if name.startswith(starts) and hasattr(model, name)
    }
    scope = {**vars(model), **methods, "log": np.log, "DMatrix": xgboost.DMatrix, "X": rows}
    scope |= {"log2": np.log2, "c": lambda n: 2 * (np.log(n - 1) + np.euler_gamma) - 2 * (n - 1) / n}
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
    assert {name for _, name, _ in ADAPTERS} - {"XGBModel", "LGBMModel"} <= named  # what their wrappers derive from


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
    model.save_model(f"{path}.json", **({"format": "json"} if isinstance(model, catboost.CatBoost) else {}))
    return f"{path}.json"


def write_ubjson(model, path):
    model.save_model(f"{path}.ubj")
    return f"{path}.ubj"


def write_text(model, path):
    getattr(model, "booster_", model).save_model(path)
    return path


def write_skops(model, path):
    skops.io.dump(model, f"{path}.skops")
    return f"{path}.skops"


def write_pickle(model, path):
    joblib.dump(model, f"{path}.joblib")
    return f"{path}.joblib"


FORMS = {
    "object": lambda model, _: model, "JSON": write_json, "UBJSON": write_ubjson, "text": write_text, "skops": write_skops,
    "pickle": write_pickle,
}  # fmt: skip


def test_every_form_of_the_table_gives_the_same_bits(number, tmp_path):
    case, model = CASES[number], trained(number)
    want = ferroshap.TreeExplainer(model).shap_values(case.rows)
    for form in FAMILIES[case.family].forms:
        source = FORMS[form](model, tmp_path / "model")
        found = ferroshap.load_model(source, trust_pickle=form == "pickle")
        assert form == "pickle" or ferroshap.supports(source)
        np.testing.assert_array_equal(ferroshap.TreeExplainer(found).shap_values(case.rows), want)


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


def votes():
    return ensemble.VotingClassifier([("tree", tree.DecisionTreeClassifier())]).fit(X, TWO)


def other_unit():
    return ensemble.BaggingClassifier(ensemble.GradientBoostingClassifier(**SMALL), n_estimators=2).fit(X, TWO)


def real_adaboost():
    model = ensemble.AdaBoostClassifier(tree.DecisionTreeClassifier(max_depth=2), n_estimators=3).fit(X, TWO)
    model.algorithm = "SAMME.R"  # gone since 1.6, in older pickles
    return model


def forests_in_adaboost():
    return ensemble.AdaBoostClassifier(ensemble.RandomForestClassifier(**SMALL), n_estimators=2).fit(X, TWO)


def units_mixed():
    model = multioutput.MultiOutputClassifier(tree.DecisionTreeClassifier()).fit(X, np.column_stack([TWO, THREE]))
    model.estimators_[1] = ensemble.GradientBoostingClassifier(**SMALL).fit(X, TWO)
    return model


def target_transformed():
    return compose.TransformedTargetRegressor(
        ensemble.RandomForestRegressor(**SMALL), func=np.log, inverse_func=np.exp
    ).fit(X, POSITIVE)


WORDS = pd.DataFrame(
    {"word": np.array(["a", "b", "c"])[THREE], "other": np.array(["d", "e", "f"])[THREE[::-1]], "x": Y}
)


def of_combinations():
    options = {
        **CAT,
        "iterations": 40,
        "max_ctr_complexity": 3,
        "one_hot_max_size": 1,
        "cat_features": ["word", "other"],
    }
    return catboost.CatBoostRegressor(**options).fit(WORDS, (WORDS["word"] == "a") * (WORDS["other"] == "d") * 1.0)


def of_several_targets():
    options = {**CAT, "loss_function": "MultiRMSE", "one_hot_max_size": 1, "max_ctr_complexity": 1}
    return catboost.CatBoostRegressor(**options, cat_features=["word", "other"]).fit(WORDS[["word", "other"]], SEVERAL)


def of_texts():
    return catboost.CatBoostClassifier(**CAT, text_features=["text"]).fit(
        pd.DataFrame({"text": np.array(["red car", "blue house"])[TWO], "x": X[:, 1]}), TWO
    )


def scaled():
    model = catboost.CatBoostRegressor(**CAT).fit(X, Y)
    model.set_scale_and_bias(2.0, 1.0)
    return model


REFUSED = {
    "`gblinear`": (linear_booster, "gblinear"),
    "trees with vector leaves as 2.0 to 3.1 store them, without covers, unless there are background rows": (
        lambda: REFERENCE / "x20" / "mo.json",
        "cover",
    ),
    "`linear_tree`, which predicts only": (linear_trees, "linear tree"),
    "`voting='hard'`": (votes, "supported is voting='soft'"),
    "members that are no sum of trees in the same unit": (other_unit, "log-odds"),
    "`SAMME.R`": (real_adaboost, "supported is algorithm='SAMME'"),
    "members of several trees": (forests_in_adaboost, "supported are decision trees"),
    "members of different units": (units_mixed, "different units"),
    "a target that is transformed": (target_transformed, "pass its regressor_"),
    "statistics of combined categorical features": (of_combinations, "combination of features"),
    "several targets with statistics of the target": (of_several_targets, "several outputs that are no classes"),
    "text and embedding features": (of_texts, "text features"),
    "`set_scale_and_bias`": (scaled, "set_scale_and_bias"),
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
