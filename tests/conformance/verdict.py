"""One case: trained, loaded, and held against its library, the exact oracle and every door."""

import time
import warnings
from dataclasses import dataclass, field

import numpy as np
from conformance import every_door
from conformance.against import background_gaps
from conformance.data import CATEGORIES, NAMES, frame, numbers
from conformance.subject import UntrainableError
from ferroshap import FerroshapError, TreeExplainer, load_model
from oracle.shap import shap_values

ROWS, EXPLAINED, TIES = 36, 12, 10
ORACLE_GAP = ADDITIVITY = 1e-12
LAST_BITS = 1e-15
EPSILON = {"float32": 2.0**-23, "float64": 1e-12}


@dataclass
class Verdict:
    """What was found. Gaps: `sum_gap` of base + Σφ from the float64 sum and `predict_gap` of that from the prediction, as
    parts of the model's scale; `oracle_gap`, `against_gap` (with a background) and `own_gap` as parts of the largest SHAP
    value; `own_sum_gap` is how far the library's own values are from its own prediction, in its units.
    """

    case: dict
    untrainable: str = ""
    refused: str = ""
    failures: list = field(default_factory=list)
    rows: int = 0
    explained: int = 0
    doors: int = 0
    outputs: int = 0
    max_depth: int = 0
    path_features: int = 0
    sum_gap: float = 0.0
    predict_gap: float = 0.0
    oracle_gap: float = 0.0
    against_gap: float = 0.0
    own_gap: float | None = None
    own_sum_gap: float | None = None
    defect: str = ""
    last_bits: str = ""
    seconds: float = 0.0


def judge(family, case):
    """The verdict on a case."""
    start = time.perf_counter()
    verdict = Verdict(case)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            _judge(verdict, family, case)
        except UntrainableError as error:
            verdict.untrainable = " ".join(str(error).split())[-120:]
        except Exception as error:  # noqa: BLE001  (one case must not hide the others)
            verdict.failures.append(f"{type(error).__name__}: {error}")
    verdict.seconds = time.perf_counter() - start
    return verdict


def _judge(verdict, family, case):
    subject = family.train(case)
    try:
        model = load_model(subject.live, **subject.options)
    except FerroshapError as error:
        if any(reason in str(error) for reason in subject.may_refuse):
            verdict.refused = str(error)
        else:
            verdict.failures.append(f"refused: {error}")
        return
    arrays = model._parsed().arrays
    verdict.max_depth, verdict.outputs = model.max_depth, model.n_outputs
    table = _table(case, subject)
    _check_predictions(verdict, subject, model, arrays, table)
    values, base = _check_values(verdict, subject, model, arrays, table)
    _check_against(verdict, subject, model, arrays, table)
    _check_own(verdict, family, subject, arrays, table, values, base)
    _check_doors(verdict, subject, model, table)


def _table(case, subject):
    """The first rows of the training table."""
    missing = {"Min": "NaN", "Max": "NaN", "Forbidden": "none", "zero": "NaN"}.get(case["missing"], case["missing"])
    X = numbers(missing, categorical=subject.categorical)[:ROWS].copy()
    if subject.categorical and not subject.codes_in_arrays and case["missing"] in {"Min", "Max"}:
        X[:, list(CATEGORIES)] = np.nan_to_num(X[:, list(CATEGORIES)])  # CatBoost refuses a missing category
    return X


def _beside_thresholds(arrays, subject, X):
    """Rows with one entry at a threshold, and one step of the library's precision beside it; infinities and zeros."""
    numeric = np.flatnonzero((arrays.left >= 0) & (arrays.category_set < 0) & np.isfinite(arrays.threshold))
    made = []
    for node in numeric[:: len(numeric) // TIES + 1]:
        value = subject.step(arrays.threshold[node])
        for near in (value, np.nextafter(value, subject.step(-np.inf)), np.nextafter(value, subject.step(np.inf))):
            row = X[len(made) % len(X)].copy()
            row[arrays.feature[node]] = near
            made.append(row)
    special = [0.0, -0.0, 1e-36, -1e-36, 1e38, -1e38, *([np.inf, -np.inf] if subject.takes_infinity else [])]
    for column in (0, 6):
        for number in special:
            row = X[len(made) % len(X)].copy()
            row[column] = number
            made.append(row)
    return np.array(made)


def _check_predictions(verdict, subject, model, arrays, X):
    rows = np.vstack([X, _beside_thresholds(arrays, subject, X)])
    want = np.asarray(subject.raw(rows))
    got = model.predict(_frame(rows, subject))
    verdict.rows = len(rows)
    if want.dtype != got.dtype:
        verdict.failures.append(f"the library predicts {want.dtype}, we {got.dtype}")
    want = want.reshape(got.shape)
    wrong = ~((got == want) | (np.isnan(got) & np.isnan(want)))
    if wrong.any() and subject.last_bits:
        verdict.last_bits = subject.last_bits
        wrong = ~(np.abs(got - want) <= LAST_BITS * _scale(arrays).max())
    if wrong.any():
        gap = np.abs(got.astype(float) - want)[wrong].max()
        verdict.failures.append(f"{wrong.sum()} of {wrong.size} predictions are not bit-equal, the worst by {gap:.2e}")


def _check_values(verdict, subject, model, arrays, X):
    """Additivity on all rows, the oracle on some; the values (n, f, o) and base (o,)."""
    explainer = TreeExplainer(model)
    given = _frame(X, subject)
    values = explainer.shap_values(given).reshape(len(X), model.n_features, model.n_outputs)
    base = np.atleast_1d(explainer.expected_value)
    verdict.explained = len(X)
    exact = model.predict(given, dtype="float64").reshape(len(X), model.n_outputs)
    library = np.asarray(subject.raw(X), float).reshape(exact.shape)
    scale = _scale(arrays)
    verdict.sum_gap = float((np.abs(exact - base - values.sum(axis=1)) / scale).max())
    verdict.predict_gap = float((np.abs(exact - library) / scale).max())
    if not verdict.sum_gap <= ADDITIVITY:
        verdict.failures.append(f"base + Σφ is {verdict.sum_gap:.2e} of the scale off the float64 sum")
    noise = EPSILON["float32"] * (model.n_trees + 1) if arrays.accumulation.startswith("f32") else EPSILON["float64"]
    if not verdict.predict_gap <= noise:
        verdict.failures.append(
            f"the float64 sum is {verdict.predict_gap:.2e} of the scale off the library's prediction"
        )
    coded = np.concatenate([block for _, block in model.read_rows(given).blocks()])[:EXPLAINED]
    phi, expected = shap_values(arrays, np.asarray(coded, float), model.schema.missing)
    largest = max(np.abs(phi).max(initial=0), np.finfo(float).tiny)
    verdict.oracle_gap = float(np.abs(values[: len(coded)] - phi).max() / largest)
    if not verdict.oracle_gap <= ORACLE_GAP:
        verdict.failures.append(f"SHAP values are {verdict.oracle_gap:.2e} of the largest off the exact oracle")
    base_gap = float((np.abs(base - expected) / scale).max())
    if not base_gap <= ORACLE_GAP:
        verdict.failures.append(f"the base value is {base_gap:.2e} of the scale off the exact oracle's")
    verdict.path_features = _path_features(arrays)
    return values, base


def _check_against(verdict, subject, model, arrays, X):
    verdict.against_gap, base_gap = background_gaps(
        model, arrays, _frame(X[:EXPLAINED], subject), _frame(X[EXPLAINED:], subject)
    )
    if not verdict.against_gap <= ORACLE_GAP:
        verdict.failures.append(
            f"values against a background are {verdict.against_gap:.2e} of the largest off the oracle of pairs"
        )
    if not (base_gap <= ORACLE_GAP * _scale(arrays)).all():
        verdict.failures.append(f"the mean prediction of a background is {base_gap.max():.2e} off the oracle of pairs")


def _scale(arrays):
    """(o,): |base| and the largest leaf of each tree, as the prediction adds them up."""
    scale = np.abs(arrays.base).astype(float)
    for tree, output in enumerate(arrays.tree_outputs):
        part = slice(*arrays.tree_starts[tree : tree + 2])
        leaves = np.abs(arrays.values[part][arrays.left[part] < 0]).max(axis=0)
        scale[slice(None) if output < 0 else output] += leaves if output < 0 else leaves[0]
    return np.maximum(scale / arrays.divisor, np.finfo(float).tiny)


def _path_features(arrays):
    """The most different features on a path."""
    most = 0
    for first in arrays.tree_starts[:-1]:
        pending = [(first, frozenset())]
        while pending:
            node, seen = pending.pop()
            if arrays.left[node] < 0:
                most = max(most, len(seen))
                continue
            below = seen | {int(arrays.feature[node])}
            pending += [(first + arrays.left[node], below), (first + arrays.right[node], below)]
    return most


def _check_own(verdict, family, subject, arrays, X, values, base):
    """The library's own SHAP values, where it has any and they are not known to be wrong."""
    own = subject.own(X) if family.own_gap is not None else None
    if own is None:
        return
    verdict.defect = subject.defect or ("many features a path" if _strains_float32(verdict, arrays) else "")
    ours = np.concatenate([values, np.broadcast_to(base, (len(X), 1, len(base)))], axis=1)[:, :, : own.shape[2]]
    largest = max(np.abs(ours).max(), np.finfo(float).tiny)
    verdict.own_gap = float(np.abs(own - ours).max() / largest)
    library = np.asarray(subject.raw(X), float).reshape(len(X), -1)[:, : own.shape[2]]
    verdict.own_sum_gap = float(np.abs(own.sum(axis=1) - library).max() / largest)
    if not verdict.defect and not verdict.own_gap <= family.own_gap:
        verdict.failures.append(f"SHAP values are {verdict.own_gap:.2e} of the largest off the library's own")


def _strains_float32(verdict, arrays):
    return arrays.accumulation.startswith("f32") and verdict.path_features > 8


def _frame(X, subject):
    """The table as the library was trained on it."""
    return frame(X, categorical=subject.categorical, texts=subject.categorical and not subject.codes_in_arrays)


def _all_doors(subject, X):
    if not subject.categorical:
        yield from every_door.arrays(X)
        yield from every_door.frames(X)
    else:
        if subject.codes_in_arrays:
            yield from every_door.arrays(X)
        yield from every_door.frames_with_categories(X)
    if subject.takes_sparse and (not subject.categorical or subject.codes_in_arrays):
        yield from every_door.sparse(X)
    if subject.dmatrix is not None and not subject.categorical:
        yield "DMatrix", subject.dmatrix(X)


def _check_doors(verdict, subject, model, X):
    X = X[:EXPLAINED]
    explainer = TreeExplainer(model)
    given = _frame(X, subject)
    want, values = model.predict(given).tobytes(), explainer.shap_values(given).tobytes()
    assert list(given) == NAMES
    for door, table in _all_doors(subject, X):
        verdict.doors += 1
        try:
            if model.predict(table).tobytes() != want:
                verdict.failures.append(f"{door}: other predictions")
            if explainer.shap_values(table).tobytes() != values:
                verdict.failures.append(f"{door}: other SHAP values")
        except FerroshapError as error:
            verdict.failures.append(f"{door}: refused: {error}")
