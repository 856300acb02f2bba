"""One small model of every kind, with rows and what its library predicts for them: made when it is asked for, once."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import catboost
import lightgbm
import numpy as np
import pandas as pd
import xgboost
from defects.rows import AS_CODES, CODES, COUNTS, EFFECT, FRAME, HOLED, SEVERAL, THREE, TWO, X, Y
from oracle import recorded
from sklearn import ensemble, multioutput, pipeline, preprocessing, tree

REFERENCE = Path(__file__).resolve().parents[1] / "reference"

XGB = {"max_depth": 4, "eta": 0.4, "nthread": 1, "seed": 3}
LGB = {"num_leaves": 9, "verbose": -1, "num_threads": 1, "seed": 0, "min_data_in_leaf": 5, "min_data_per_group": 5}
SKL = {"n_estimators": 5, "max_depth": 5, "random_state": 0}
HIST = {"max_iter": 6, "min_samples_leaf": 5, "random_state": 0}
CAT = {
    "iterations": 8, "depth": 4, "learning_rate": 0.3, "thread_count": 1, "random_seed": 0, "verbose": 0,
    "allow_writing_files": False,
}  # fmt: skip

TEXTS = pd.DataFrame({"x": X[:, 0], "colour": [f"colour {code}" for code in CODES[:, 0]], "shop": CODES[:, 1] * 10})
BY_CODE = {"feature_types": ["q", "c", "q", "c"], "enable_categorical": True}
RARE = np.where(np.abs(HOLED) < 0.3, 0.0, HOLED)
NINE = np.random.default_rng(8).choice([0.0, 1.0], size=(240, 9), p=[0.75, 0.25])
FIRST_ONE = np.exp2(9 - np.where(NINE.any(axis=1), NINE.argmax(axis=1), 9.0))  # to know it takes all nine columns


class Case(NamedTuple):
    """`raw` is what the library predicts for `rows`."""

    model: Any
    rows: Any
    raw: Any
    options: Mapping[str, Any] = MappingProxyType({})


def xgb(target, rows=HOLED, rounds=6, shown=None, data=None, **params):
    kinds = data or {}
    booster = xgboost.train({**XGB, **params}, xgboost.DMatrix(rows, target, **kinds), rounds)
    shown = rows if shown is None else shown
    return Case(booster, shown, booster.predict(xgboost.DMatrix(shown, **kinds), output_margin=True))


def wrapped_xgb(kind, target, rows=HOLED, **params):
    model = kind(n_estimators=6, max_depth=4, n_jobs=1, random_state=0, **params).fit(rows, target)
    return Case(model, rows, model.predict(rows, output_margin=True))


def recorded_xgb(name):
    path = REFERENCE / name
    every = {"iteration_range": (0, 0)}
    return Case(path, recorded.rows(path, None)[:60], recorded.outputs(path)["margin"][:60], every)


def lgb(target, rows=HOLED, shown=None, divisor=1, **params):
    booster = lightgbm.train({**LGB, **params}, lightgbm.Dataset(rows, target, free_raw_data=False), 8)
    shown = rows if shown is None else shown
    return Case(booster, shown, booster.predict(shown, raw_score=True) / divisor)


def skl(model, target, rows=X, predict="predict"):
    fitted = model.fit(rows, target)
    raw = getattr(fitted, predict)(rows)
    return Case(fitted, rows, np.concatenate(raw, axis=1) if isinstance(raw, list) else raw)


def cat(target, rows=HOLED, kind=catboost.CatBoostRegressor, **params):
    model = kind(**{**CAT, **params}).fit(rows, target)
    return Case(model, rows, model.predict(rows, prediction_type="RawFormulaVal"))


def skl_tree(depth=5, kind=tree.DecisionTreeRegressor):
    return kind(max_depth=depth, random_state=0)


FOREST = {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.6}
CLASSES = {"objective": "multi:softprob", "num_class": 3}
NAN_ABOVE = np.where(np.isnan(HOLED[:, 0]), 3.0, Y)
CATEGORIES = {"cat_features": ["colour", "shop"]}

KINDS = {
    "XGBoost, missing values": lambda: xgb(Y),
    "XGBoost, dart": lambda: xgb(Y, rounds=12, booster="dart", rate_drop=0.5),
    "XGBoost, dart of classes": lambda: xgb(THREE, booster="dart", rate_drop=0.5, **CLASSES),
    "XGBoost, a forest": lambda: xgb(THREE, num_parallel_tree=3, subsample=0.6, **CLASSES),
    "XGBoost, XGBRFRegressor": lambda: wrapped_xgb(xgboost.XGBRFRegressor, Y),
    "XGBoost, another number is missing": lambda: wrapped_xgb(xgboost.XGBRegressor, Y, np.round(X), missing=0.0),
    "XGBoost, classes": lambda: xgb(THREE, **CLASSES),
    "XGBoost, a tree a target": lambda: xgb(SEVERAL),
    "XGBoost, vector leaves": lambda: xgb(SEVERAL, multi_strategy="multi_output_tree", tree_method="hist"),
    "XGBoost, vector leaves without covers": lambda: recorded_xgb("x20/mo.json"),
    "XGBoost, vector leaves without covers, classes": lambda: recorded_xgb("x21/mo_mc.ubj"),
    "XGBoost, counts": lambda: xgb(COUNTS, objective="count:poisson"),
    "XGBoost, expectiles": lambda: recorded_xgb("x34/expect3.ubj"),
    "XGBoost, sets of categories": lambda: xgb(EFFECT, AS_CODES, data=BY_CODE, max_cat_to_onehot=1),
    "XGBoost, one category each": lambda: xgb(EFFECT, AS_CODES, data=BY_CODE, max_cat_to_onehot=100),
    "XGBoost, categories of a frame": lambda: xgb(EFFECT, FRAME, data={"enable_categorical": True}),
    "XGBoost, nine features on a path": lambda: xgb(FIRST_ONE, NINE, max_depth=12, rounds=2, reg_lambda=0),
    "LightGBM, missing values": lambda: lgb(Y),
    "LightGBM, random forest": lambda: lgb(Y, divisor=8, **FOREST),
    "LightGBM, random forest of classes": lambda: lgb(THREE, divisor=8, objective="multiclass", num_class=3, **FOREST),
    "LightGBM, dart": lambda: lgb(Y, boosting="dart", drop_rate=0.5),
    "LightGBM, zero is missing": lambda: lgb(np.nan_to_num(RARE[:, 0]) + (RARE[:, 1] == 0), RARE, zero_as_missing=True),
    "LightGBM, missing values are not used": lambda: lgb(Y, use_missing=False),
    "LightGBM, missing values that training did not see": lambda: lgb(Y, X, shown=HOLED),
    "LightGBM, classes": lambda: lgb(THREE, objective="multiclass", num_class=3),
    "LightGBM, sets of categories": lambda: lgb(EFFECT, FRAME, max_cat_to_onehot=1, cat_smooth=0.1),
    "scikit-learn, tree": lambda: skl(skl_tree(), Y),
    "scikit-learn, tree of classes": lambda: skl(skl_tree(kind=tree.ExtraTreeClassifier), THREE, X, "predict_proba"),
    "scikit-learn, forest": lambda: skl(ensemble.RandomForestRegressor(**SKL), Y, HOLED),
    "scikit-learn, forest of classes": lambda: skl(ensemble.RandomForestClassifier(**SKL), THREE, X, "predict_proba"),
    "scikit-learn, forest of targets": lambda: skl(ensemble.ExtraTreesRegressor(**SKL), SEVERAL),
    "scikit-learn, forest of several classes": lambda: skl(
        ensemble.RandomForestClassifier(**SKL), np.column_stack([TWO, THREE]), X, "predict_proba"
    ),
    "scikit-learn, gradient boosting": lambda: skl(ensemble.GradientBoostingRegressor(**SKL), Y),
    "scikit-learn, gradient boosting of classes": lambda: skl(
        ensemble.GradientBoostingClassifier(**SKL), THREE, X, "decision_function"
    ),
    "scikit-learn, exponential loss": lambda: skl(
        ensemble.GradientBoostingClassifier(**SKL, loss="exponential"), TWO, X, "decision_function"
    ),
    "scikit-learn, histograms": lambda: skl(ensemble.HistGradientBoostingRegressor(**HIST), Y, HOLED),
    "scikit-learn, histograms, classes": lambda: skl(
        ensemble.HistGradientBoostingClassifier(**HIST), THREE, HOLED, "decision_function"
    ),
    "scikit-learn, histograms, categories of a frame": lambda: skl(
        ensemble.HistGradientBoostingRegressor(**HIST, categorical_features="from_dtype"), EFFECT, FRAME
    ),
    "scikit-learn, histograms, categories by code": lambda: skl(
        ensemble.HistGradientBoostingRegressor(**HIST, categorical_features=[1, 3]), EFFECT, AS_CODES
    ),
    "scikit-learn, bagging of some columns": lambda: skl(
        ensemble.BaggingRegressor(skl_tree(3), n_estimators=5, max_features=0.6, random_state=0), Y
    ),
    "scikit-learn, AdaBoost": lambda: skl(
        ensemble.AdaBoostClassifier(skl_tree(3, tree.DecisionTreeClassifier), n_estimators=5, random_state=0),
        THREE, X, "decision_function",
    ),
    "scikit-learn, a model a target": lambda: skl(
        multioutput.MultiOutputRegressor(ensemble.GradientBoostingRegressor(**SKL)), SEVERAL
    ),
    "scikit-learn, pipeline": lambda: skl(
        pipeline.make_pipeline(preprocessing.StandardScaler(), ensemble.RandomForestRegressor(**SKL)), Y
    ),
    "CatBoost, missing is least": lambda: cat(NAN_ABOVE, nan_mode="Min"),
    "CatBoost, missing is largest": lambda: cat(NAN_ABOVE, nan_mode="Max"),
    "CatBoost, leaf by leaf": lambda: cat(Y, grow_policy="Lossguide"),
    "CatBoost, level by level": lambda: cat(Y, grow_policy="Depthwise"),
    "CatBoost, classes": lambda: cat(THREE, kind=catboost.CatBoostClassifier, loss_function="MultiClass"),
    "CatBoost, targets": lambda: cat(SEVERAL, loss_function="MultiRMSE"),
    "CatBoost, one category each": lambda: cat(EFFECT, TEXTS, **CATEGORIES, one_hot_max_size=50),
    "CatBoost, statistics of categories": lambda: cat(EFFECT, TEXTS, **CATEGORIES, max_ctr_complexity=1),
}  # fmt: skip


@cache
def case(kind):
    """The case of this name."""
    return KINDS[kind]()
