"""Model files with the inputs they were given and the outputs their own library made of them.

A folder is named after what wrote it: `x34` XGBoost 3.4, `l47` LightGBM 4.7, `cb12` CatBoost 1.2. Beside each model file
`name.json`, `.ubj` or `.txt` stands `name.npz`, and maybe `name.ties.npz`. See tests/reference/README.md.
"""

import json
from pathlib import Path

import numpy as np

SUFFIXES = {"x": (".json", ".ubj"), "l": (".txt",), "c": (".json",)}


LIBRARIES = {"x": "XGBoost", "l": "LightGBM", "c": "CatBoost"}


def writer(folder):
    """What wrote the models of a folder."""
    return f"{LIBRARIES[folder.name[0]]} {'.'.join(folder.name.lstrip('xlcb'))}"


def models(folder):
    """The model files of a folder that have recorded outputs, whether or not they can be read."""
    paths = (path.with_suffix(suffix) for path in folder.glob("*.npz") for suffix in SUFFIXES[folder.name[0]])
    return sorted(path for path in paths if path.exists())


def has_linear_trees(path):
    """Whether a LightGBM model has linear functions for leaves; 2.3 accepted the option and ignored it."""
    return path.suffix == ".txt" and b"\nis_linear=1" in path.read_bytes()


def old_binaries(folder):
    """XGBoost's old binary format, under whatever name."""
    return sorted(path for path in folder.iterdir() if path.read_bytes()[:4] in (b"binf", b"bs64"))


def outputs(path):
    """The recorded arrays of a model file."""
    with np.load(path.with_suffix(".npz")) as stored:
        return dict(stored)


def is_combination(path):
    """Whether a CatBoost model splits on statistics of several features together, which is refused."""
    if not path.parent.name.startswith("cb"):
        return False
    ctrs = json.loads(path.read_bytes())["features_info"].get("ctrs") or []
    return any(len(ctr["elements"]) > 1 for ctr in ctrs)


def refused(folder):
    """The files of a folder that are to be refused by name."""
    doomed = {path for path in models(folder) if is_combination(path)}
    return doomed | set(old_binaries(folder))


def iterations(path):
    """The range of the recorded `margin_it` and `raw_it`; LightGBM 2.3 could only start at 0."""
    return (0, 3) if path.parent.name == "l231" else (2, 5)


def rows(path, schema):
    """(n, f): the recorded inputs of a model, frames as the codes of the model's (or the frame's own) categories."""
    stored = outputs(path)
    if "cat_columns" in stored and path.parent.name.startswith("cb"):
        return _hashed_frame(path, stored, schema)
    if path.stem.startswith(("frame", "cat_frame")):
        return _frame(stored, schema)
    return stored["T"] if "T" in stored else np.load(path.with_name("Xt.npy"))


def predictions(path, schema):
    """Each recorded raw output as (what it is, iteration range, rows, output); sums in random-forest mode too."""
    stored, x = outputs(path), rows(path, schema)
    if path.stem == "cat_frame":
        yield "pred", None, x, stored["pred"]
    for key in ("margin", "raw", "raw_reordered"):
        if key in stored:
            yield key, None, x, stored[key]
    if "raw32" in stored:
        with np.errstate(over="ignore"):
            yield "raw32", None, x.astype(np.float32), stored["raw32"]
    for key in ("margin_it", "raw_it"):
        if key in stored:
            yield key, iterations(path), x, stored[key]
    if "raw_unseen" in stored:
        unseen = x.copy()
        unseen[:, schema.feature_names.index("colour")] = np.nan
        yield "raw_unseen", None, unseen, stored["raw_unseen"]
    ties = path.with_name(f"{path.stem}.ties.npz")
    if ties.exists():
        with np.load(ties) as tied:
            yield "ties", None, tied["T"], tied["margin"]


def contributions(path, n_features, n_outputs):
    """(n, f + 1, o): the library's own SHAP values, the base last; None where it recorded none, or wrong ones."""
    stored = outputs(path)
    own = stored.get("contrib", stored.get("contribs", stored.get("shap")))
    if "shap" in stored and (own.size < len(own) * n_outputs * (n_features + 1) or not _is_symmetric(path)):
        return None  # CatBoost explains one of two outputs of its uncertainty, and trees that are not symmetric wrongly
    return None if own is None else own.reshape(len(own), n_outputs, n_features + 1).transpose(0, 2, 1)


def _is_symmetric(path):
    return "oblivious_trees" in json.loads(path.read_bytes())


def _hashed_frame(path, stored, schema):
    """CatBoost frames: categories by the hashes that the document lists beside their texts."""
    listed = json.loads(path.read_bytes())["features_info"]["cat_features_hash"]
    hash_of = {str(each["value"]): int(each["hash"]) for each in listed}
    coded = []
    for index, name in enumerate(stored["columns"]):
        column = stored[f"T_{name}"]
        if name in stored["cat_columns"]:
            code = {value: float(at) for at, value in enumerate(schema.categories[index].values)}
            column = np.array([code.get(hash_of.get(text), np.nan) for text in column.tolist()])
        coded.append(column)
    return np.column_stack(coded)


def _frame(stored, schema):
    lightgbm = "columns" in stored
    columns = stored["columns"] if lightgbm else ("x", "colour", "w", "shop")
    coded = []
    for index, name in enumerate(columns):
        column = stored[f"T_{name}" if lightgbm else name]
        if f"{name}_categories" in stored:  # XGBoost: before 3.1 the file stores none, 3.1 cuts texts beyond ASCII
            categories = stored[f"{name}_categories"].tolist()
        elif index in schema.categories:
            categories = schema.categories[index].values
        else:
            coded.append(column.astype(float))
            continue
        code = {str(category): float(i) for i, category in enumerate(categories)}
        coded.append(np.array([code.get(str(value), np.nan) for value in column]))
    return np.column_stack(coded)


def folders(root):
    """The folders of recorded models below `root`."""
    return sorted(
        path for path in Path(root).iterdir() if path.is_dir() and path.name[:1] in SUFFIXES and path.name[-1].isdigit()
    )
