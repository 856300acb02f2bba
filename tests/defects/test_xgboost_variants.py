"""Every kind of model that XGBoost trains here is right, live and by its files: objectives, updates, boosters, snapshots."""

import json
import pickle

import ferroshap
import numpy as np
import pytest
import xgboost
from defects.right import assert_right
from defects.rows import AS_CODES, COUNTS, EFFECT, HOLED, SEVERAL, THREE, TWO, Y

SMALL = {"max_depth": 3, "eta": 0.4, "nthread": 1, "seed": 3}
POSITIVE = np.exp(Y / 3)
GROUPS = {"group": [24] * 10}


def trained(target, rounds=6, group=None, **params):
    data = xgboost.DMatrix(HOLED, target)
    if group is not None:
        data.set_group(group)
    return xgboost.train({**SMALL, **params}, data, rounds)


OBJECTIVES = {
    "reg:squaredlogerror": (POSITIVE, {}),
    "reg:absoluteerror": (Y, {}),
    "reg:pseudohubererror": (Y, {}),
    "reg:quantileerror": (Y, {"quantile_alpha": 0.7}),
    "binary:logitraw": (TWO, {}),
    "binary:hinge": (TWO, {}),
    "multi:softmax": (THREE, {"num_class": 3}),
    "rank:ndcg": (TWO, GROUPS),
    "rank:map": (TWO, GROUPS),
    "rank:pairwise": (THREE, GROUPS),
    "reg:tweedie": (COUNTS, {"tweedie_variance_power": 1.2}),
}


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_an_objective(objective):
    """Poisson, gamma, Tweedie, Cox, AFT and logistic are in `test_xgboost.py`, with their links."""
    target, params = OBJECTIVES[objective]
    booster = trained(target, objective=objective, **params)
    assert_right(booster, HOLED, booster.predict(xgboost.DMatrix(HOLED), output_margin=True))


def test_several_quantiles():
    booster = trained(Y, objective="reg:quantileerror", quantile_alpha=[0.1, 0.5, 0.9])
    values = assert_right(booster, HOLED, booster.predict(xgboost.DMatrix(HOLED), output_margin=True))
    assert values.shape == (*HOLED.shape, 3)


def test_several_labels_at_once():
    booster = trained(np.column_stack([TWO, 1 - TWO]), objective="binary:logistic")
    assert_right(booster, HOLED, booster.predict(xgboost.DMatrix(HOLED), output_margin=True))


def test_all_labels_the_same():
    """The base is a probability of 1, which the margin clips."""
    booster = trained(np.ones(len(Y)), objective="binary:logistic")
    raw = booster.predict(xgboost.DMatrix(HOLED), output_margin=True)
    assert np.isfinite(raw).all()
    assert_right(booster, HOLED, raw)


def test_an_objective_of_the_callers():
    def squared(margin, data):
        return margin - data.get_label(), np.ones(len(margin))

    booster = xgboost.train(SMALL, xgboost.DMatrix(HOLED, Y), 6, obj=squared)
    assert_right(booster, HOLED, booster.predict(xgboost.DMatrix(HOLED), output_margin=True))


def trees(booster):
    found = json.loads(booster.save_raw("json"))["learner"]["gradient_booster"]
    return found.get("gbtree", found)["model"]["trees"]


def test_nodes_that_pruning_left_behind_are_not_reached():
    booster = trained(Y, tree_method="exact", gamma=2.0, max_depth=6)
    assert any(int(tree["tree_param"]["num_deleted"]) for tree in trees(booster))
    assert_right(booster, HOLED, booster.predict(xgboost.DMatrix(HOLED), output_margin=True))


@pytest.mark.parametrize("refresh_leaf", [True, False])
def test_covers_of_zero_after_a_refresh(refresh_leaf):
    """On rows that reach a part of the nodes only; where both children have none, each counts one half."""
    few = xgboost.DMatrix(HOLED[:5], Y[:5])
    again = {**SMALL, "process_type": "update", "updater": "refresh", "refresh_leaf": refresh_leaf, "verbosity": 0}
    booster = xgboost.train(again, few, 6, xgb_model=trained(Y, max_depth=5))
    hessians = [(tree["sum_hessian"], tree["left_children"]) for tree in trees(booster)]
    assert any(cover == 0 and left >= 0 for tree in hessians for cover, left in zip(*tree, strict=True))
    assert_right(booster, HOLED, booster.predict(xgboost.DMatrix(HOLED), output_margin=True))


@pytest.mark.parametrize("params", [{}, {"max_cat_to_onehot": 100}, {"booster": "dart", "rate_drop": 0.5}])
def test_categories_by_code(params):
    kinds = {"feature_types": ["q", "c", "q", "c"], "enable_categorical": True}
    data = xgboost.DMatrix(AS_CODES, EFFECT, **kinds)
    booster = xgboost.train({**SMALL, "max_cat_to_onehot": 1, **params}, data, 8)
    assert any(any(tree["split_type"]) for tree in trees(booster))
    rows = np.vstack([AS_CODES, np.repeat(AS_CODES[:1], 8, axis=0)])
    rows[-8:, 3] = [-1, -0.5, 0.5, 39, 40, 1000, 2.0**24, np.nan]
    assert_right(booster, rows, booster.predict(xgboost.DMatrix(rows, **kinds), output_margin=True))


BOOSTERS = {
    "a tree a target": (SEVERAL, {}),
    "vector leaves": (SEVERAL, {"multi_strategy": "multi_output_tree"}),
    "dart": (Y, {"booster": "dart", "rate_drop": 0.5}),
    "dart of classes": (THREE, {"booster": "dart", "rate_drop": 0.5, "objective": "multi:softprob", "num_class": 3}),
    "a random forest": (Y, {"num_parallel_tree": 5, "subsample": 0.6, "colsample_bynode": 0.6}),
    "leaf by leaf": (Y, {"grow_policy": "lossguide", "max_leaves": 12, "max_depth": 0}),
    "approximate splits": (Y, {"tree_method": "approx"}),
    "trees of one leaf": (Y, {"gamma": 1e9}),
}


@pytest.mark.parametrize("kind", BOOSTERS)
def test_every_form_of_a_booster_is_the_same_model(kind, tmp_path):
    """Live, JSON, UBJSON, and the memory snapshot that a pickle holds, whose trees stand below `Model`."""
    target, params = BOOSTERS[kind]
    booster = trained(target, **params)
    raw = booster.predict(xgboost.DMatrix(HOLED), output_margin=True)
    values = assert_right(booster, HOLED, raw)
    for suffix in ("json", "ubj"):
        booster.save_model(tmp_path / f"model.{suffix}")
    snapshot = bytes(booster.__getstate__()["handle"])
    assert b"Config" in snapshot[:64]
    unpickled = pickle.loads(pickle.dumps(booster))
    for source in (snapshot, unpickled, tmp_path / "model.json", tmp_path / "model.ubj"):
        np.testing.assert_array_equal(assert_right(source, HOLED, raw), values)


def test_a_base_margin_of_the_rows_is_left_out():
    """It takes the place of the model's own base, row by row."""
    booster = trained(Y)
    rows = xgboost.DMatrix(HOLED, base_margin=Y)
    explanation = ferroshap.TreeExplainer(booster)(rows)
    total = explanation.base_values + explanation.values.sum(axis=1)
    np.testing.assert_allclose(
        total, booster.predict(rows, output_margin=True), rtol=0, atol=2e-6 * np.abs(total).max()
    )


def test_a_base_margin_in_training_does_not_enter_the_model():
    booster = xgboost.train(SMALL, xgboost.DMatrix(HOLED, Y, base_margin=2 * Y), 6)
    assert_right(booster, HOLED, booster.predict(xgboost.DMatrix(HOLED), output_margin=True))


def test_a_slice_of_a_booster_is_its_rounds():
    booster = trained(THREE, objective="multi:softprob", num_class=3)[2:5]
    assert_right(booster, HOLED, booster.predict(xgboost.DMatrix(HOLED), output_margin=True))
