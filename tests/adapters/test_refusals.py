"""What is not supported is refused with what it is, what is supported, and the nearest of that."""

import subprocess
import sys

import numpy as np
import pytest
import xgboost as xgb
from ferroshap import load_model
from ferroshap.adapters import parse_model
from ferroshap.errors import ModelError, UnsupportedModelError
from sklearn import ensemble, linear_model
from sklearn.calibration import CalibratedClassifierCV
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

NOT_YET = [
    ensemble.IsolationForest(),
    ensemble.BaggingRegressor(),
    ensemble.AdaBoostClassifier(),
]
CONTAINERS = [
    (make_pipeline(StandardScaler(), DecisionTreeRegressor()), r"pipeline\[-1\]"),
    (GridSearchCV(DecisionTreeRegressor(), {}), "best_estimator_"),
    (MultiOutputRegressor(DecisionTreeRegressor()), "estimators_"),
    (CalibratedClassifierCV(DecisionTreeClassifier()), "not additive"),
]


@pytest.mark.parametrize("model", NOT_YET, ids=lambda m: type(m).__name__)
def test_tree_models_of_a_later_version_are_not_supported_yet(model):
    with pytest.raises(UnsupportedModelError, match=f"{type(model).__name__} is not supported yet.*XGBClassifier"):
        parse_model(model)


@pytest.mark.parametrize(("model", "advice"), CONTAINERS, ids=lambda m: type(m).__name__)
def test_containers_are_refused_with_what_to_pass_instead(model, advice):
    with pytest.raises(UnsupportedModelError, match=advice):
        parse_model(model)


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (linear_model.LinearRegression(), "LinearRegression is not a model that ferroshap explains"),
        (ensemble.RandomTreesEmbedding(), "RandomTreesEmbedding is not a model"),
        (ensemble.AdaBoostRegressor(), "nearest that is: "),
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
