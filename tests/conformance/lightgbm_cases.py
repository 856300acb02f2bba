"""LightGBM: every objective, boosting mode, missing mode and kind of categorical split."""

import lightgbm
import numpy as np
from conformance.data import N, frame, numbers, target
from conformance.subject import Family, Subject, UntrainableError

OBJECTIVES = {
    "regression": "real", "regression_l1": "real", "huber": "real", "fair": "real", "quantile": "real", "mape": "positive",
    "poisson": "counts", "gamma": "positive", "tweedie": "positive", "binary": "binary", "cross_entropy": "shares",
    "cross_entropy_lambda": "shares", "multiclass": "classes", "multiclassova": "classes", "lambdarank": "classes",
    "rank_xendcg": "classes", "custom": "real",
}  # fmt: skip
AXES = {
    "objective": list(OBJECTIVES),
    "missing": ["NaN", "none", "zero"],
    "categories": ["none", "one-hot", "subsets"],
    "depth": [1, 2, 6, 12, 30],
    "boosting": ["gbdt", "dart", "goss", "rf"],
}
MISSING = {"NaN": {}, "none": {"use_missing": False}, "zero": {"zero_as_missing": True}}
BOOSTING = {
    "gbdt": {},
    "dart": {"boosting": "dart", "drop_rate": 0.5},
    "goss": {"data_sample_strategy": "goss"},
    "rf": {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.6},
}


def fits(case):
    return case["objective"] != "custom" or case["boosting"] != "rf"  # which refuses one


def objective_of(case):
    if case["objective"] == "custom":
        return lambda score, data: (score - data.get_label(), np.ones(N))
    return case["objective"]


def train(case):
    categorical = case["categories"] != "none"
    X = numbers("none" if case["missing"] == "none" else "NaN", categorical=categorical)
    label, weight = target(OBJECTIVES[case["objective"]], case["depth"], X, falls=0.3, scale=1)
    weight = None if weight is None else weight + 1e-13  # LightGBM's own checks fail below
    ranking = "rank" in case["objective"]
    chosen = {
        "verbose": -1, "num_threads": 1, "seed": 1, "deterministic": True, "force_col_wise": True, "learning_rate": 0.3,
        "max_depth": case["depth"], "num_leaves": min(2 ** case["depth"], 48), "min_data_in_leaf": 1, "min_data_in_bin": 1,
        "min_sum_hessian_in_leaf": 0, "min_data_per_group": 3, "cat_smooth": 1.0, "cat_l2": 1.0,
        "max_cat_to_onehot": 100 if case["categories"] == "one-hot" else 1, "objective": objective_of(case),
        **({"num_class": 3} if "multi" in case["objective"] else {}), **MISSING[case["missing"]],
        **BOOSTING[case["boosting"]],
    }  # fmt: skip
    data = lightgbm.Dataset(
        frame(X, categorical=categorical),
        label,
        weight=None if ranking else weight,
        group=[20] * (N // 20) if ranking else None,
        params={"verbose": -1},
    )
    try:
        booster = lightgbm.train(chosen, data, 3)
    except lightgbm.basic.LightGBMError as error:
        raise UntrainableError(str(error)) from error
    outputs = 3 if "multi" in case["objective"] else 1
    # The raw score of a random forest is a sum, which its own `predict` divides before it transforms it.
    divisor = booster.current_iteration() if case["boosting"] == "rf" else 1

    def own(rows):
        found = booster.predict(frame(rows, categorical=categorical), pred_contrib=True)
        return found.reshape(len(rows), outputs, -1).transpose(0, 2, 1)

    return Subject(
        booster,
        lambda rows: booster.predict(frame(rows, categorical=categorical), raw_score=True) / divisor,
        own,
        step=np.float64,
        categorical=categorical,
        defect="random forest" if divisor > 1 else "",
    )


FAMILY = Family("LightGBM", lightgbm.__version__, AXES, ("boosting",), fits, train, 1e-11, np.float64)
