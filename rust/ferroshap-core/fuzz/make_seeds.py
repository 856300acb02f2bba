# ruff: noqa: INP001 a script beside the corpus that it writes
"""Writes the seeds of the fuzz targets: small models of both libraries, and small documents with every construct.

Run with xgboost (3.x) and lightgbm (4.x) installed: python make_seeds.py
"""

import pathlib

import lightgbm
import numpy as np
import xgboost

CORPUS = pathlib.Path(__file__).parent / "corpus"
rng = np.random.default_rng(7)
X = rng.normal(size=(60, 3))
X[:, 2] = rng.integers(0, 6, 60)
X[rng.random(X.shape) < 0.1] = np.nan
X[:, 2] = np.nan_to_num(X[:, 2])
y = np.nan_to_num(X[:, 0]) + (X[:, 2] == 3)


def xgboost_seeds() -> None:
    types = ["float", "float", "c"]
    rows = xgboost.DMatrix(X, y, feature_types=types, feature_names=["a", "b ü", "c"], enable_categorical=True)
    tree = {"max_depth": 2, "nthread": 1}
    regression = xgboost.train(tree | {"max_cat_to_onehot": 1}, rows, 2)
    regression.set_attr(best_iteration="1")
    rows.set_label(np.arange(60) % 3)
    classes = xgboost.train(tree | {"objective": "multi:softprob", "num_class": 3, "booster": "dart"}, rows, 1)
    for name, booster in {"regression": regression, "classes": classes}.items():
        (CORPUS / "json" / f"xgboost_{name}.json").write_bytes(booster.save_raw("json"))
        (CORPUS / "ubjson" / f"{name}.ubj").write_bytes(booster.save_raw("ubj"))


def catboost_seed() -> None:
    recorded = pathlib.Path(__file__).resolve().parents[3] / "tests" / "reference" / "cb12" / "reg_depth1.json"
    (CORPUS / "json" / "catboost.json").write_bytes(recorded.read_bytes())


def lightgbm_seeds() -> None:
    common = {"verbose": -1, "num_leaves": 4, "min_data_in_leaf": 3, "num_threads": 1, "min_data_per_group": 2}
    for name, extra in {
        "categories": {"max_cat_to_onehot": 1, "cat_smooth": 0, "cat_l2": 0},
        "forest": {"boosting": "rf", "bagging_fraction": 0.5, "bagging_freq": 1},
        "linear": {"linear_tree": True},
        "leaf": {"min_data_in_leaf": 60},
    }.items():
        columns = [2] if name == "categories" else []
        booster = lightgbm.train(
            common | extra, lightgbm.Dataset(X, y, params=common | extra, categorical_feature=columns), 2
        )
        booster.pandas_categorical = [["x", "ü"], [1, 2.5], []] if name == "categories" else None
        (CORPUS / "lightgbm_text" / f"{name}.txt").write_text(booster.model_to_string(), encoding="utf-8")


def length(n: int) -> bytes:
    return b"L" + n.to_bytes(8, "big")


def constructs() -> None:
    members = [
        r'"s": "\"\\\/\b\f\n\r\t\u00fc\ud83d\ude00ü"',
        r'"n": [NaN, Infinity, -Infinity, -0E0, 5E-1], "i": [0, -1, 9223372036854775807], "f": [1, 2.5]',
        r'"b": [true, false], "t": ["", "a"], "m": [1, null, "x", [], {}], "m": 2, "deep": [[[[[1]]]]]',
    ]
    text = '{"learner": {' + ", ".join(members) + "}}\n"
    (CORPUS / "json" / "constructs.json").write_text(text, encoding="utf-8")

    values = []
    for kind, size in {b"i": 1, b"U": 1, b"I": 2, b"l": 4, b"L": 8, b"d": 4, b"D": 8}.items():
        values.append(b"[$" + kind + b"#" + length(2) + bytes(range(60, 60 + 2 * size)))
        values.append(kind + bytes(range(60, 60 + size)))
    values += [b"[#" + length(4) + b"i\x01d\x3f\x80\x00\x00TZ", b"[i\x01U\xff]", b"[TF]", b"Ca", b"{}"]
    values += [b"[#" + length(2) + b"S" + length(1) + b"aS" + length(0), b"S" + length(2) + "ü".encode()]
    values += [b"[#" + length(0)]
    members = [length(1) + bytes([ord("a") + i]) + value for i, value in enumerate(values)]
    members.append(length(1) + b"aZ")  # a second "a"
    document = b"{" + length(7) + b"learner{" + b"".join(members) + b"}}"
    (CORPUS / "ubjson" / "constructs.ubj").write_bytes(document)


for folder in ("json", "ubjson", "lightgbm_text"):
    (CORPUS / folder).mkdir(parents=True, exist_ok=True)
xgboost_seeds()
catboost_seed()
lightgbm_seeds()
constructs()
