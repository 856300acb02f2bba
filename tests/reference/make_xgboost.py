"""python tests/reference/make_xgboost.py DIR: the models of XGBoost with its outputs, by the installed XGBoost.

Each configuration gives `<name>.ubj` (some `.json` too) and `<name>.npz`: T (n, f) float64 inputs, ordinary rows first, then
rows at a threshold and one float32 step beside it, float64 values that round onto it, and special values; `margin`,
`margin_it` (iterations 2 to 5) and `contribs` (of all rows) as the library returns them.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import xgboost as xgb

OUT = Path(sys.argv[1])
N, F, ROUNDS = 500, 6, 6
BOTH = {"sqerr", "softprob", "mo", "dart", "cat_partition_nan", "cat_frame"}  # saved as JSON too

rng = np.random.default_rng(17)
X = rng.normal(size=(N, F)).astype(np.float32)
X[:, 2] = rng.integers(-3, 9, N)  # whole numbers: thresholds equal data values
X[:, 3] = np.round(X[:, 3], 1)
signal = X[:, 0] * X[:, 1] + np.sin(2 * X[:, 2]) + (X[:, 3] > 0) * X[:, 4]
X[rng.random(X.shape) < 0.15] = np.nan
y = signal + 0.1 * rng.normal(size=N)
binary = (signal > 0).astype(float)
classes = np.digitize(signal, [-1, 0, 1]).astype(float)
positive = np.exp(np.clip(signal / 2, -2, 2))
counts = rng.poisson(positive).astype(float)
targets = np.column_stack([y, -2 * y + signal, signal**2])
weights = rng.uniform(0.2, 3, N)
codes = np.column_stack([rng.integers(0, 5, N), rng.zipf(1.5, N) % 70]).astype(np.float32)
C = np.column_stack([X[:, 0], codes[:, 0], X[:, 1], codes[:, 1]])
c_signal = np.array([0, 2, -1, 1, -2])[codes[:, 0].astype(int)] + np.sin(codes[:, 1]) + np.nan_to_num(X[:, 0])
C_TYPES = ["q", "c", "q", "c"]

BASE = {"max_depth": 3, "eta": 0.4, "tree_method": "hist", "nthread": 1, "seed": 3, "verbosity": 0}


def tie_rows(booster, rows):
    """Copies of rows with one value at, or one step beside, a threshold of the model."""
    trees = json.loads(booster.save_raw("json"))["learner"]["gradient_booster"]
    trees = trees.get("gbtree", trees)["model"]["trees"]
    splits = {
        (feature, np.float32(threshold))
        for tree in trees
        for feature, threshold, child in zip(
            tree["split_indices"], tree["split_conditions"], tree["left_children"], strict=True
        )
        if child >= 0
    }
    made = []
    for feature, threshold in sorted(splits)[:: len(splits) // 20 + 1]:
        beside = [np.nextafter(threshold, np.float32(side)) for side in (-np.inf, np.inf)]
        halfway = [(float(threshold) + float(b)) / 2 for b in beside]
        for value in [threshold, *beside, *(h * (1 - 1e-12) for h in halfway)]:
            row = rows[len(made) % len(rows)].astype(float)
            row[feature] = value
            made.append(row)
    return made


def matrix(rows, **labels):
    kinds = {"feature_types": C_TYPES, "enable_categorical": True} if rows.shape[1] == len(C_TYPES) else {}
    return xgb.DMatrix(rows, **kinds, **labels)


def record(name, booster, rows):
    data = matrix(rows)
    outputs = {"T": rows, "margin": booster.predict(data, output_margin=True)}
    outputs["margin_it"] = booster.predict(data, output_margin=True, iteration_range=(2, 5))
    try:
        outputs["contribs"] = booster.predict(data, pred_contribs=True)
    except xgb.core.XGBoostError as error:  # vector leaves, in 3.2
        print(name, str(error).splitlines()[0][-60:])
    for suffix in (".ubj", ".json") if name in BOTH else (".ubj",):
        booster.save_model(OUT / f"{name}{suffix}")
    np.savez_compressed(OUT / f"{name}.npz", **outputs)


def numeric(name, label, objective="reg:squarederror", weight=None, bounds=None, obj=None, **params):
    data = xgb.DMatrix(X, None if bounds else label, weight=weight)
    if bounds:
        data.set_float_info("label_lower_bound", label)
        data.set_float_info("label_upper_bound", label * 1.5)
    if objective.startswith("rank"):
        data.set_group([50] * 10)
    chosen = {**BASE, **params, **({} if obj else {"objective": objective})}
    booster = xgb.train(chosen, data, ROUNDS, obj=obj)
    special = np.repeat(X[:4], 2, axis=0).astype(float)
    special[:, 0] = [0.0, -0.0, 1e-45, -1e-45, 3e38, -3e38, 1e-40, 16777217.0]
    record(name, booster, np.vstack([X[:24].astype(float), *tie_rows(booster, X), special]))


def refreshed():
    """Covers refreshed on rows that reach a part of the nodes: zero covers."""
    booster = xgb.train(BASE, xgb.DMatrix(X, y), ROUNDS)
    few = xgb.DMatrix(X[:6], y[:6])
    again = {**BASE, "process_type": "update", "updater": "refresh", "refresh_leaf": False}
    record("refreshed", xgb.train(again, few, ROUNDS, xgb_model=booster), X[:24].astype(float))


def categorical(name, label, missing=False, **params):
    data = C.copy()
    if not missing:
        data = np.nan_to_num(data)
    booster = xgb.train({**BASE, **params}, matrix(data, label=label), ROUNDS)
    first, second = np.repeat(data[:1], 16, axis=0), np.repeat(data[1:2], 12, axis=0)
    first[:, 1] = [5, 6, 31, 32, 63, 64, 1000, -1, -0.5, 0.5, 1.999, 4.9, 16777215, 16777216, np.nan, 0]
    second[:, 3] = [69, 70, 71, 95, 96, 127, 128, 1e6, -1, -0.25, np.nan, 3.5]
    record(name, booster, np.vstack([data[:24], first, second]).astype(float))


def frame():
    """A frame with text and whole-number categories, which the file stores since 3.1."""
    colours = np.array(["red", "grün", "blue", "a b", "Z"])[codes[:, 0].astype(int)]
    shops = (codes[:, 1] * 10).astype("int64")
    table = pd.DataFrame({"x": X[:, 0], "colour": pd.Categorical(colours), "w": X[:, 1], "shop": pd.Categorical(shops)})
    data = xgb.DMatrix(table, c_signal, enable_categorical=True)
    booster = xgb.train({**BASE, "max_cat_to_onehot": 3}, data, ROUNDS)
    part = table.iloc[:40]
    outputs = {"pred": booster.predict(xgb.DMatrix(part, enable_categorical=True), output_margin=True)}
    outputs |= {"x": part["x"].to_numpy(), "w": part["w"].to_numpy(), "shop": shops[:40]}
    outputs |= {"colour": colours[:40].astype("U8")}
    outputs |= {f"{c}_categories": np.array(list(table[c].cat.categories)) for c in ("colour", "shop")}
    outputs["colour_categories"] = outputs["colour_categories"].astype("U8")
    for suffix in (".ubj", ".json"):
        booster.save_model(OUT / f"cat_frame{suffix}")
    np.savez_compressed(OUT / "cat_frame.npz", **outputs)


def custom(margin, data):
    """Squared error as a function of the caller's."""
    return margin - data.get_label(), np.ones(len(margin))


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    numeric("sqerr", y)
    numeric("sqerr_bs", y, base_score=1.7, weight=weights)
    numeric("binlog", binary, "binary:logistic")
    numeric("binlog_bs", binary, "binary:logistic", base_score=0.123)
    numeric("one_class", np.ones(N), "binary:logistic")
    numeric("logitraw", binary, "binary:logitraw")
    numeric("hinge", binary, "binary:hinge")
    numeric("poisson", counts, "count:poisson")
    numeric("gamma", positive, "reg:gamma")
    numeric("tweedie_bs", counts, "reg:tweedie", base_score=0.77)
    numeric("cox", positive * np.where(binary, 1, -1), "survival:cox")
    numeric("aft", positive, "survival:aft", bounds=True, base_score=1.3)
    numeric("rank", binary, "rank:ndcg")
    numeric("mae", y, "reg:absoluteerror")
    numeric("softprob", classes, "multi:softprob", num_class=4)
    numeric("softmax", classes, "multi:softmax", num_class=4)
    numeric("quant3", y, "reg:quantileerror", quantile_alpha=[0.1, 0.5, 0.9])
    numeric("custom", y, obj=custom)
    numeric("dart", y, booster="dart", rate_drop=0.4)
    numeric("dart_mc", classes, "multi:softprob", num_class=4, booster="dart", rate_drop=0.4)
    numeric("rf_mc", classes, "multi:softprob", num_class=4, num_parallel_tree=3, subsample=0.7)
    numeric("mt", targets)
    numeric("mo", targets, multi_strategy="multi_output_tree")
    numeric("ml", np.column_stack([binary, 1 - binary]), "binary:logistic")
    numeric("prune", y, tree_method="exact", gamma=3.0, max_depth=5)
    numeric("depth0", y, gamma=1e9)
    numeric("stump", y, max_depth=1)
    numeric("lossguide", y, grow_policy="lossguide", max_leaves=12, max_depth=0)
    numeric("approx", y, tree_method="approx")
    refreshed()
    categorical("cat_partition", c_signal, max_cat_to_onehot=1)
    categorical("cat_partition_nan", c_signal, missing=True, max_cat_to_onehot=1)
    categorical("cat_onehot_nan", c_signal, missing=True, max_cat_to_onehot=100)
    multi = {"objective": "multi:softprob", "num_class": 3, "max_cat_to_onehot": 6}
    categorical("cat_mixed_multi", np.digitize(c_signal, [-1, 1]), missing=True, **multi)
    categorical("cat_dart", c_signal, booster="dart", rate_drop=0.4, max_cat_to_onehot=6)
    frame()
    print("XGBoost", xgb.__version__)


if __name__ == "__main__":
    main()
