"""Whatever a plan is made of, tables, leaves by themselves, more or less memory, values are the same; and bits at any level."""

import os
import subprocess
import sys

import numpy as np
import pytest
from defects.rows import HOLED, Y
from ferroshap import TreeExplainer
from interventional.models import case, xgb
from kernel.conftest import LEVELS
from sklearn import ensemble

WIDE = np.random.default_rng(2).normal(size=(400, 30))
NOISE = np.random.default_rng(3).normal(size=400)
PLANS = {
    "as it comes": {},
    "tables that never pay off": {"expected_rows": 1},
    "tables that always do": {"expected_rows": 10**12},
    "little memory": {"max_memory": "3MiB"},
}
MODELS = {
    "missing values": lambda: (case("XGBoost, missing values").model, HOLED),
    "classes": lambda: (case("LightGBM, classes").model, HOLED),
    "deep": lambda: (ensemble.ExtraTreesRegressor(2, random_state=0).fit(WIDE, NOISE), WIDE),
    "sets of categories": lambda: case("LightGBM, sets of categories")[:2],
}


def described(explainer):
    return {name: explainer.describe()[name] for name in ("groups", "bits", "table_bytes", "deep_leaves")}


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("weighted", [False, True])
def test_the_parts_of_a_plan_do_not_show_in_the_values(kind, weighted):
    model, rows = MODELS[kind]()
    weights = np.arange(len(rows)) % 3 if weighted else None
    plans = [TreeExplainer(model, rows, weights=weights, **options) for options in PLANS.values()]
    assert len({str(described(plan)) for plan in plans}) > 1
    values = [plan.shap_values(rows) for plan in plans]
    for found in values[1:]:
        np.testing.assert_allclose(found, values[0], rtol=0, atol=1e-12 * np.abs(values[0]).max())


@pytest.mark.parametrize("against", [False, True], ids=["path-dependent", "a background"])
@pytest.mark.parametrize("expected", [1, 10_000, 10**12])
def test_a_whole_tree_is_no_table_where_none_pays_off(against, expected):
    """Costs that are both infinite are no choice: a table of a deep root would have 2^30 lines."""
    model, rows = MODELS["deep"]()
    assert TreeExplainer(model).model._core.max_path_features > 12
    found = TreeExplainer(model, rows if against else None, expected_rows=expected, max_memory="4MiB").describe()
    assert found["bits"] <= 12
    assert found["table_bytes"] <= 2 * 2**20


@pytest.mark.parametrize("weighted", [False, True])
def test_a_large_background_is_folded_by_any_number_of_threads_with_the_same_bits(weighted):
    random = np.random.default_rng(1)
    many = random.normal(size=(20_000, 5))
    weights = random.random(len(many)) if weighted else None
    model = xgb(Y, max_depth=6, rounds=3).model
    one, *more = (TreeExplainer(model, many, weights=weights, threads=threads) for threads in (1, 2, 7))
    for explainer in more:
        np.testing.assert_array_equal(explainer.expected_value, one.expected_value)
        np.testing.assert_array_equal(explainer.shap_values(HOLED), one.shap_values(HOLED))


@pytest.mark.parametrize("weighted", [False, True])
def test_leaves_by_themselves_have_the_same_bits_by_any_number_of_threads(weighted):
    model, rows = MODELS["deep"]()
    many = np.concatenate([rows, rows[::-1] * np.float32(0.5)] * 3)
    weights = np.random.default_rng(1).random(len(many)) if weighted else None
    one, *more = (TreeExplainer(model, many, weights=weights, threads=threads) for threads in (1, 2, 7))
    assert len(many) > 2 * 128
    assert one.describe()["deep_leaves"] > 0
    for explainer in more:
        np.testing.assert_array_equal(explainer.expected_value, one.expected_value)
        np.testing.assert_array_equal(explainer.shap_values(rows), one.shap_values(rows))


SCRIPT = """
import hashlib, sys, numpy as np, ferroshap
file = np.load(sys.argv[1] + "/rows.npz")
for options in ({}, {"expected_rows": 1}, {"weights": file["weights"]}, {"model_output": "log_loss"}):
    explainer = ferroshap.TreeExplainer(sys.argv[1] + "/model", file["rows"], **options)
    y = file["y"] if "model_output" in options else None
    print(hashlib.sha256(explainer.shap_values(file["rows"], y).tobytes()).hexdigest())
explainer = ferroshap.TreeExplainer(sys.argv[1] + "/model", file["rows"])
print(hashlib.sha256(explainer.shap_interaction_values(file["rows"][:50]).tobytes()).hexdigest())
print(explainer.describe()["simd"])
"""


def test_every_level_gives_the_same_bits(tmp_path):
    rows = np.where(np.random.default_rng(5).random(WIDE.shape) < 0.1, np.nan, WIDE)
    deep = {"max_depth": 14, "min_child_weight": 0, "reg_lambda": 0, "colsample_bynode": 0.1}
    model = xgb(NOISE > 0, rows, rounds=2, objective="binary:logistic", **deep).model
    explainer = TreeExplainer(model, rows, expected_rows=1)
    assert explainer.describe()["deep_leaves"] > 0
    explainer.model.save(tmp_path / "model")
    np.savez(tmp_path / "rows.npz", rows=rows, weights=np.arange(len(rows)) % 3, y=NOISE > 0)
    printed = []
    for level in LEVELS:
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, str(tmp_path)],
            env=os.environ | {"FERROSHAP_SIMD": level},
            capture_output=True,
            text=True,
            check=True,
        )
        printed.append(done.stdout.split())
    assert printed[0][-1] == "scalar"
    assert all(of_level[:-1] == printed[0][:-1] for of_level in printed)
