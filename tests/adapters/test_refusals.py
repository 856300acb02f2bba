"""What is not supported is refused with what it is, what is supported, and the nearest of that."""

import subprocess
import sys
import types

import numpy as np
import pytest
import xgboost as xgb
from ferroshap import load_model
from ferroshap.adapters import parse_model
from ferroshap.errors import ModelError, UnsupportedModelError
from sklearn import ensemble, linear_model
from sklearn.calibration import CalibratedClassifierCV
from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier, OutputCodeClassifier
from sklearn.multioutput import ClassifierChain, RegressorChain
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

CONTAINERS = [
    (CalibratedClassifierCV(DecisionTreeClassifier()), "not additive"),
    (ensemble.AdaBoostRegressor(), "weighted median .*estimators_"),
    (ensemble.StackingRegressor([("a", DecisionTreeRegressor())]), "final estimator .*estimators_"),
    (ensemble.StackingClassifier([("a", DecisionTreeClassifier())]), "final estimator .*estimators_"),
    (ensemble.RandomTreesEmbedding(), "pass a forest"),
    (RegressorChain(DecisionTreeRegressor()), "the ones before predict.*estimators_"),
    (ClassifierChain(DecisionTreeClassifier()), "the ones before predict.*estimators_"),
    (OneVsRestClassifier(DecisionTreeClassifier()), "estimators_"),
    (OneVsOneClassifier(DecisionTreeClassifier()), "estimators_"),
    (OutputCodeClassifier(DecisionTreeClassifier()), "estimators_"),
    (FixedThresholdClassifier(DecisionTreeClassifier()), "estimator_"),
    (TunedThresholdClassifierCV(DecisionTreeClassifier()), "estimator_"),
]
ELSEWHERE = [
    ("quantile_forest", "RandomForestQuantileRegressor", "quantiles .*RandomForestRegressor"),
    ("quantile_forest", "ExtraTreesQuantileRegressor", "quantiles .*RandomForestRegressor"),
    ("sksurv.ensemble", "RandomSurvivalForest", "functions of time.*survival:cox"),
    ("sksurv.ensemble", "ExtraSurvivalTrees", "functions of time.*survival:cox"),
    ("sksurv.ensemble", "GradientBoostingSurvivalAnalysis", "survival:cox.*build_ensemble"),
    ("sksurv.tree", "SurvivalTree", "functions of time.*survival:cox"),
]


@pytest.mark.parametrize(("model", "advice"), CONTAINERS, ids=lambda m: type(m).__name__)
def test_estimators_of_trees_that_are_no_sum_of_them_are_refused_with_what_to_pass_instead(model, advice):
    with pytest.raises(UnsupportedModelError, match=f"{type(model).__name__} is no sum of trees: .*{advice}"):
        parse_model(model)


@pytest.mark.parametrize(("library", "name", "advice"), ELSEWHERE)
def test_libraries_that_are_not_read_are_named_with_the_way_out(library, name, advice, monkeypatch):
    module = types.ModuleType(library)
    kind = type(name, (), {"__module__": library})
    setattr(module, name, kind)
    monkeypatch.setitem(sys.modules, library, module)
    with pytest.raises(UnsupportedModelError, match=f"{name} is no sum of trees: .*{advice}"):
        parse_model(kind())


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (linear_model.LinearRegression(), "LinearRegression is not a model that ferroshap explains"),
        (linear_model.SGDRegressor(), "nearest that is: "),
        (None, "NoneType"),
        (3.5, "float"),
        (DecisionTreeRegressor, "DecisionTreeRegressor is a class: pass a fitted object"),
    ],
    ids=str,
)
def test_anything_else_is_named(model, says):
    with pytest.raises(UnsupportedModelError, match=says):
        parse_model(model)


def test_a_linear_booster_is_refused_by_name():
    x = np.arange(20.0).reshape(10, 2)
    booster = xgb.train({"booster": "gblinear", "nthread": 1, "verbosity": 0}, xgb.DMatrix(x, x[:, 0]), 2)
    for source in (booster, bytes(booster.save_raw("json"))):
        with pytest.raises(UnsupportedModelError, match="gblinear"):
            parse_model(source)


def test_a_broken_file_is_named(tmp_path):
    path = tmp_path / "broken.json"
    path.write_text('{"learner": {}}')
    with pytest.raises(ModelError, match=r"broken\.json: learner"):
        load_model(path)
    tree = DecisionTreeRegressor(max_depth=2).fit([[0.0], [1.0]], [0.0, 1.0])
    tree.tree_.value[1] = np.inf
    with pytest.raises(ModelError, match=r"^tree 0, node 1: "):
        load_model(tree)
    booster = xgb.train({"max_depth": 2}, xgb.DMatrix([[0.0], [1.0]], [0.0, 1.0]), 1)
    path.write_text(booster.save_raw("json").decode().replace('"left_children":[1', '"left_children":[7'))
    with pytest.raises(ModelError, match=r"broken\.json: tree 0"):
        load_model(path)
    with pytest.raises(FileNotFoundError):
        load_model(tmp_path / "absent.json")


def test_recognising_a_model_imports_no_library():
    code = (
        "import sys, ferroshap.adapters as a\n"
        "try: a.parse_model(object())\n"
        "except ValueError: pass\n"
        "print(sorted({'xgboost', 'lightgbm', 'sklearn', 'catboost', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
