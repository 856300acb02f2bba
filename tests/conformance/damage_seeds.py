"""Sound model files of every format, and how their library reads them: what `damage.py` damages."""

import re
import tempfile
import warnings
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import catboost
import lightgbm
import numpy as np
import sklearn
import skops.io
import xgboost
from conformance import catboost_cases, lightgbm_cases, sklearn_cases, xgboost_cases
from conformance.data import CATEGORIES, frame, numbers
from ferroshap import load_model
from ferroshap.errors import ModelError

REFERENCE = Path(__file__).resolve().parents[1] / "reference"
ROWS = 6
GUID = re.compile(rb'("model_guid":")[0-9a-f-]*')  # drawn anew in each training, when the damage is to be the same


@dataclass(frozen=True)
class Seed:
    """A sound file: its bytes, its format, and whether rows are frames with texts for categories."""

    data: bytes
    form: str
    texts: bool = False


@cache
def rows():
    """(n, f): numbers, missing entries, and categories' codes where some models have them."""
    return numbers("NaN", categorical=True)[:ROWS]


def resized(n_features):
    """The rows for a file that says it has other columns."""
    return np.ascontiguousarray(np.resize(rows(), (ROWS, n_features)))


@cache
def table_with_texts():
    """The rows as CatBoost takes them."""
    X = rows().copy()
    X[:, list(CATEGORIES)] = np.nan_to_num(X[:, list(CATEGORIES)])
    return frame(X, categorical=True, texts=True)


def _case(family, **chosen):
    first = {axis: values[0] for axis, values in family.axes.items()}
    return family.train({**first, "depth": 2, **chosen}).live


def _xgboost(form, **chosen):
    return Seed(bytes(_case(xgboost_cases.FAMILY, missing="NaN", **chosen).save_raw(form)), "XGBoost")


def _lightgbm(**chosen):
    return Seed(_case(lightgbm_cases.FAMILY, **chosen).model_to_string().encode(), "LightGBM")


def _catboost(folder, **chosen):
    chosen = {"missing": "Min", **chosen}
    path = folder / "model.json"
    _case(catboost_cases.FAMILY, **chosen).save_model(str(path), format="json")
    data = GUID.sub(rb"\g<1>0-0-0-0", path.read_bytes())
    return Seed(data, "CatBoost", texts=chosen.get("categories", "none") != "none")


def _skops(**chosen):
    return Seed(skops.io.dumps(_case(sklearn_cases.FAMILY, **chosen)), "skops")


def _saved(model, folder):
    path = folder / "model"
    load_model(model).save(path)
    return Seed(path.read_bytes(), "ferroshap")


def seeds(folder):
    """The sound files by name; `folder` is for scratch files."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {
            "XGBoost JSON": _xgboost("json"),
            "XGBoost JSON, DART": _xgboost("json", booster="dart"),
            "XGBoost JSON, categories": _xgboost("json", categories="partition"),
            "XGBoost UBJSON, classes": _xgboost("ubj", objective="multi:softprob"),
            "XGBoost UBJSON, categories": _xgboost("ubj", categories="one-hot"),
            "XGBoost UBJSON, vector leaves": _xgboost("ubj", objective="multi:softprob", outputs="vector leaves"),
            "LightGBM text": _lightgbm(),
            "LightGBM text, pandas categories": _lightgbm(categories="subsets"),
            "LightGBM text, random forest": _lightgbm(boosting="rf"),
            "LightGBM text, classes": _lightgbm(objective="multiclass"),
            "LightGBM text, linear trees": Seed((REFERENCE / "l47" / "linear.txt").read_bytes(), "LightGBM"),
            "CatBoost JSON": _catboost(folder),
            "CatBoost JSON, statistics": _catboost(folder, categories="statistics"),
            "CatBoost JSON, one-hot, classes": _catboost(folder, categories="one-hot", objective="MultiClass"),
            "CatBoost JSON, other trees": _catboost(folder, trees="Lossguide"),
            "ferroshap, categories": _saved(_case(xgboost_cases.FAMILY, categories="partition"), folder),
            "ferroshap, forest": _saved(_case(sklearn_cases.FAMILY, model="RandomForestClassifier: gini"), folder),
            "skops, forest": _skops(model="RandomForestRegressor: squared_error"),
            "skops, classes": _skops(model="RandomForestClassifier: gini"),
            "skops, histograms": _skops(model="HistGradientBoostingRegressor: squared_error"),
        }


def versions():
    """The libraries that read the files too."""
    found = {"XGBoost": xgboost, "LightGBM": lightgbm, "CatBoost": catboost, "scikit-learn": sklearn, "skops": skops}
    return ", ".join(f"{name} {module.__version__}" for name, module in found.items())


def ours(seed, model):
    """Our prediction, (n, o) float64, and the rows; `ModelError` where a file asks for more columns than rows are made for."""
    if model.n_features > 4096:
        raise ModelError("too many columns to try")
    given = table_with_texts() if seed.texts else resized(model.n_features)
    return np.asarray(model.predict(given, threads=1), float).reshape(ROWS, -1), given


def library(seed, data, n_features, divisor):
    """What the training library predicts from the same bytes, (n, o) float64; any exception where it does not."""
    given = table_with_texts() if seed.texts else resized(n_features)
    found = {"XGBoost": _by_xgboost, "LightGBM": _by_lightgbm, "CatBoost": _by_catboost, "skops": _by_sklearn}[
        seed.form
    ](data, given)
    # The raw score of LightGBM's random forests is a sum.
    return np.asarray(found, float).reshape(ROWS, -1) / (divisor if seed.form == "LightGBM" else 1)


def _by_xgboost(data, given):
    booster = xgboost.Booster({"nthread": 1})
    booster.load_model(bytearray(data))
    matrix = xgboost.DMatrix(given, feature_types=booster.feature_types, enable_categorical=True, nthread=1)
    return booster.predict(matrix, output_margin=True, validate_features=False)


def _by_lightgbm(data, given):
    booster = lightgbm.Booster(model_str=data.decode("utf-8", "surrogateescape"))
    return booster.predict(given, raw_score=True, num_threads=1)


def _by_catboost(data, given):
    with tempfile.NamedTemporaryFile(suffix=".json") as file:  # CatBoost takes its JSON from files only
        file.write(data)
        file.flush()
        model = catboost.CatBoost().load_model(file.name, format="json")
    pool = catboost.Pool(given, cat_features=model.get_cat_feature_indices() or None)
    return model.predict(pool, prediction_type="RawFormulaVal", thread_count=1)


def _by_sklearn(data, given):
    model = skops.io.loads(data, trusted=skops.io.get_untrusted_types(data=data))
    return sklearn_cases.raw_output(model, given)
