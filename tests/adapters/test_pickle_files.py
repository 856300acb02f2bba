"""Pickle and joblib files: read on explicit trust only, then as the live object."""

import pickle

import joblib
import lightgbm
import numpy as np
import pytest
import xgboost
from ferroshap import OptionError, TreeExplainer, load_model
from ferroshap.errors import ModelError, UnsupportedModelError
from sklearn import linear_model
from sklearn.ensemble import RandomForestRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

random = np.random.default_rng(2)
X = random.normal(size=(80, 3))
Y = X[:, 0] * X[:, 1]
SMALL = {"n_estimators": 4, "max_depth": 3, "n_jobs": 1}
MODELS = {
    "forest": RandomForestRegressor(**SMALL).fit(X, Y),
    "xgboost": xgboost.XGBRegressor(**SMALL).fit(X, Y),
    "lightgbm": lightgbm.LGBMRegressor(**SMALL, verbose=-1).fit(X, Y),
    "pipeline": make_pipeline(StandardScaler(), RandomForestRegressor(**SMALL)).fit(X, Y),
}
WRITERS = {
    "pickle": lambda model, path: path.write_bytes(pickle.dumps(model)),
    "pickle, protocol 2": lambda model, path: path.write_bytes(pickle.dumps(model, protocol=2)),
    "joblib": joblib.dump,
    "joblib, zlib": lambda model, path: joblib.dump(model, path, compress=3),
    "joblib, gzip": lambda model, path: joblib.dump(model, path, compress=("gzip", 3)),
    "joblib, bz2": lambda model, path: joblib.dump(model, path, compress=("bz2", 3)),
    "joblib, xz": lambda model, path: joblib.dump(model, path, compress=("xz", 3)),
}


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("name", MODELS)
def test_a_trusted_file_is_the_live_object(name, writer, tmp_path):
    WRITERS[writer](MODELS[name], tmp_path / "model")
    found = load_model(tmp_path / "model", trust_pickle=True)
    np.testing.assert_array_equal(found.predict(X), load_model(MODELS[name]).predict(X))
    np.testing.assert_array_equal(TreeExplainer(found).shap_values(X), TreeExplainer(MODELS[name]).shap_values(X))


class Trap:
    def __reduce__(self):
        return (pytest.fail, ("unpickled without trust",))


@pytest.mark.parametrize("writer", WRITERS)
def test_without_trust_nothing_is_loaded(writer, tmp_path):
    WRITERS[writer](Trap(), tmp_path / "model")
    says = "trust_pickle=True" if writer in {"pickle", "pickle, protocol 2", "joblib"} else "compressed .*joblib"
    with pytest.raises(UnsupportedModelError, match=says):
        load_model(tmp_path / "model")
    with pytest.raises(UnsupportedModelError, match=says):
        load_model((tmp_path / "model").read_bytes())


@pytest.mark.parametrize(
    ("thing", "says"),
    [
        (linear_model.LinearRegression(), "LinearRegression is not a model"),
        ({"model": MODELS["forest"]}, "dict is not a model"),
        (None, "NoneType"),
    ],
    ids=str,
)
def test_a_pickle_of_something_else_is_named(thing, says):
    with pytest.raises(UnsupportedModelError, match=says):
        load_model(pickle.dumps(thing), trust_pickle=True)


def test_a_pickle_that_cannot_be_loaded_is_a_model_error():
    whole = pickle.dumps(MODELS["forest"])
    for data in (whole[:100], whole[:-1], b"\x80\x04garbage", b"\x1f\x8bgarbage"):
        with pytest.raises(ModelError, match="the pickle cannot be loaded"):
            load_model(data, trust_pickle=True)
    absent = pickle.dumps(MODELS["forest"], protocol=2).replace(
        b"sklearn.ensemble._forest", b"absent_1.ensemble._forest"[:24]
    )
    with pytest.raises(ModelError, match=r"the pickle (needs|cannot be loaded)"):
        load_model(absent, trust_pickle=True)


@pytest.mark.parametrize("name", MODELS)
def test_a_pickle_of_ferroshaps_own_objects_is_read_too(name):
    explainer = TreeExplainer(MODELS[name])
    for thing in (explainer, explainer.model):
        found = load_model(pickle.dumps(thing), trust_pickle=True)
        np.testing.assert_array_equal(found.predict(X), explainer.model.predict(X))
        assert found.has_steps_before == (name == "pipeline")
    with pytest.raises(OptionError, match="pickled with the choice made"):
        load_model(pickle.dumps(explainer.model), trust_pickle=True, iteration_range=(0, 1))


def test_options_reach_the_model_of_a_pickle_and_trust_does_not_matter_elsewhere(tmp_path):
    data = pickle.dumps(MODELS["xgboost"])
    want = MODELS["xgboost"].predict(X, output_margin=True, iteration_range=(0, 2))
    np.testing.assert_array_equal(load_model(data, trust_pickle=True, iteration_range=(0, 2)).predict(X), want)
    MODELS["xgboost"].save_model(tmp_path / "model.json")
    assert load_model(tmp_path / "model.json", trust_pickle=True).n_trees == 4
