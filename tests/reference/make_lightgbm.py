"""python tests/reference/make_lightgbm.py DIR: the models of LightGBM with its outputs, by the installed LightGBM.

Each configuration gives `<name>.txt` and `<name>.npz`: T (n, f) float64 inputs, ordinary rows first, then rows at a
threshold and one float64 step beside it, and special values; `raw`, `raw_it` (iterations 2 to 5), `raw32` (the same rows
as float32) and `contrib` as the library returns them. In random-forest mode these are sums.
"""

import sys
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pandas as pd

OUT = Path(sys.argv[1])
N, F, ROUNDS = 600, 6, 6
BASE = {
    "verbose": -1, "num_threads": 1, "seed": 1, "num_leaves": 10, "min_data_in_leaf": 5, "learning_rate": 0.3,
    "min_data_per_group": 5, "cat_smooth": 1.0, "deterministic": True, "force_col_wise": True,
}  # fmt: skip

rng = np.random.default_rng(23)
X = rng.normal(size=(N, F))
X[:, 1] = rng.zipf(1.6, N) % 40  # categories, in some configurations
X[:, 3] = np.round(X[:, 3], 1)
X[rng.random(N) < 0.3, 4] = 0.0
signal = X[:, 0] * X[:, 3] + np.sin(X[:, 1]) + (X[:, 4] > 0) * X[:, 5]
X[rng.random((N, F)) < 0.1] = np.nan
y = signal + 0.1 * rng.normal(size=N)
binary, classes = (signal > 0).astype(float), np.digitize(signal, [-1, 1]).astype(float)
counts = rng.poisson(np.exp(np.clip(signal / 2, -2, 2))).astype(float)


def inputs(model):
    """Ordinary rows, ties with numeric thresholds, special numbers and categories."""
    ties = []

    def visit(node):
        if "split_feature" not in node:
            return
        if node["decision_type"] == "<=" and len(ties) < 60:
            for side in (None, -np.inf, np.inf):
                row = X[len(ties) % N].copy()
                value = node["threshold"]
                row[node["split_feature"]] = value if side is None else np.nextafter(value, side)
                ties.append(row)
        visit(node["left_child"])
        visit(node["right_child"])

    for tree in model.dump_model()["tree_info"]:
        visit(tree["tree_structure"])
    zeros = np.repeat(X[:2], 6, axis=0)
    for column in range(F):
        zeros[column::F, column] = [1.0000000180025095e-35, -1.0000000180025095e-35]
    odd = np.repeat(X[2:3], 14, axis=0)
    odd[:, 1] = [-2, -1, -0.5, -0.0, 0.5, 1.999, 39, 40, 41, 63, 64, 1e6, 2.0**32 + 3, np.nan]
    huge = np.repeat(X[3:4], 4, axis=0)
    huge[:, 0] = [np.inf, -np.inf, 1e308, 1e-36]
    return np.vstack([X[:24], *ties, zeros, odd, huge])


def record(name, label, rounds=ROUNDS, weight=None, data=X, columns="auto", **params):
    train = lgb.Dataset(data, label, weight=weight, categorical_feature=columns)
    if params.get("objective") == "lambdarank":
        train.set_group([50] * 12)
    model = lgb.train({**BASE, **params}, train, rounds)
    rows = inputs(model)
    with np.errstate(over="ignore"):
        narrow = rows.astype(np.float32)
    outputs = {"T": rows, "raw": model.predict(rows, raw_score=True), "raw32": model.predict(narrow, raw_score=True)}
    if model.current_iteration() > 4:
        outputs["raw_it"] = model.predict(rows, raw_score=True, start_iteration=2, num_iteration=3)
    if not params.get("linear_tree"):
        outputs["contrib"] = model.predict(rows, pred_contrib=True)
    model.save_model(OUT / f"{name}.txt")
    np.savez_compressed(OUT / f"{name}.npz", **outputs)


def frame(name, label, **params):
    """A frame with text and whole-number categories, a category column that no tree uses, and names with spaces."""
    colour = np.array(["red", "grün", "a b", "Z"])[rng.integers(0, 4, N)]
    table = pd.DataFrame({"x": X[:, 0], "never used": pd.Categorical(["one"] * N), "colour": pd.Categorical(colour)})
    table["w w"], table["shop"] = X[:, 5], pd.Categorical(rng.zipf(1.6, N) % 30 * 10)
    table.loc[rng.random(N) < 0.1, "colour"] = np.nan
    label = label + (colour == "red") if label.dtype == y.dtype and params["objective"] == "regression" else label
    model = lgb.train({**BASE, **params}, lgb.Dataset(table, label), ROUNDS)
    part = table.iloc[:60].copy()
    chosen = [c for c in table if isinstance(table[c].dtype, pd.CategoricalDtype)]
    reordered, unseen = part.copy(), part.copy()
    for column in chosen:
        reordered[column] = part[column].cat.reorder_categories(list(part[column].cat.categories)[::-1])
    unseen["colour"] = pd.Categorical(["never seen"] * len(part))
    outputs = {"columns": np.array(list(table)), "cat_columns": np.array(chosen)}
    for column in table:
        values = part[column]
        outputs[f"T_{column}"] = values.astype(str).to_numpy().astype("U16") if column in chosen else values.to_numpy()
    for key, rows in (("raw", part), ("raw_reordered", reordered), ("raw_unseen", unseen)):
        outputs[key] = model.predict(rows, raw_score=True)
    model.save_model(OUT / f"{name}.txt")
    np.savez_compressed(OUT / f"{name}.npz", **outputs)


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    forest = {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.6}
    record("reg", y, objective="regression")
    record("reg_sqrt", y, objective="regression", reg_sqrt=True)
    record("weights", y, objective="regression", weight=rng.uniform(0.2, 3, N))
    record("l1", y, objective="l1")
    record("poisson", counts, objective="poisson")
    record("binary_sig2", binary, objective="binary", sigmoid=2.0)
    record("xentlambda", binary, objective="cross_entropy_lambda")
    record("rank", classes, objective="lambdarank")
    record("multi", classes, objective="multiclass", num_class=3)
    record("ova", classes, objective="multiclassova", num_class=3)
    record("custom", y, objective=lambda score, data: (score - data.get_label(), np.ones(len(score))))
    record("dart", y, objective="regression", boosting="dart", drop_rate=0.5)
    record("goss", y, objective="regression", data_sample_strategy="goss")
    record("rf_reg", y, objective="regression", **forest)
    record("rf_multi", classes, objective="multiclass", num_class=3, **forest)
    record("zero_missing", y, objective="regression", zero_as_missing=True)
    record("no_missing", np.nan_to_num(y), objective="regression", use_missing=False)
    record("cat", y, objective="regression", columns=[1])
    record("cat_onehot", y, objective="regression", columns=[1], max_cat_to_onehot=64)
    record("cat_multi", classes, objective="multiclass", num_class=3, columns=[1])
    record("mono", y, objective="regression", monotone_constraints=[1, 0, 0, -1, 0, 0])
    record("stump", np.ones(N), objective="regression")
    scaled = X * np.array([1e300, 1, 1e-36, 1e-35, 1e-34, 1])
    record("extreme", y, objective="regression", data=scaled)
    record("linear", y, objective="regression", linear_tree=True)
    frame("frame", y, objective="regression")
    frame("frame_multi", classes, objective="multiclass", num_class=3)
    print("LightGBM", lgb.__version__)


if __name__ == "__main__":
    main()
