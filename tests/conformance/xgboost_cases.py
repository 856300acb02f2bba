"""XGBoost: every objective, booster, missing mode, kind of categorical split and form of several outputs."""

import numpy as np
import xgboost
from conformance.data import SENTINEL, N, frame, numbers, target
from conformance.subject import Family, Subject, UntrainableError

VERSION = tuple(int(part) for part in xgboost.__version__.split(".")[:2])
OBJECTIVES = {
    "reg:squarederror": "real", "reg:squaredlogerror": "positive", "reg:logistic": "shares",
    "reg:pseudohubererror": "real", "reg:absoluteerror": "real", "reg:quantileerror": "real", "reg:gamma": "positive",
    "reg:tweedie": "positive", "count:poisson": "counts", "binary:logistic": "binary", "binary:logitraw": "binary",
    "binary:hinge": "binary", "survival:cox": "positive", "survival:aft": "positive", "multi:softmax": "classes",
    "multi:softprob": "classes", "rank:ndcg": "binary", "rank:pairwise": "binary", "rank:map": "binary", "custom": "real",
} | ({"reg:expectileerror": "real"} if VERSION >= (3, 4) else {})  # fmt: skip
LEVELS = {"reg:quantileerror": "quantile_alpha", "reg:expectileerror": "expectile_alpha"}
TARGETS = {"reg:squarederror": "several", "reg:absoluteerror": "several", "binary:logistic": "labels"}
AXES = {
    "objective": list(OBJECTIVES),
    "missing": ["none", "NaN", "value"],
    "categories": ["none", "one-hot", "partition"],
    "outputs": ["as the objective", "several", "vector leaves"],
    "depth": [1, 2, 6, 12, 30],
    "booster": ["gbtree", "dart", "forest"],
}
BOOSTERS = {
    "gbtree": {},
    "dart": {"booster": "dart", "rate_drop": 0.5, "one_drop": True},
    "forest": {"num_parallel_tree": 3, "subsample": 0.7, "colsample_bynode": 0.8},
}


# Of weights that fall by many orders of magnitude XGBoost rounds sums of hessians below 0, or to none at all.
SPOILT = ("cover is -", "cover is NaN", "leaf value is NaN")


def fits(case):
    several = case["objective"] in TARGETS or case["objective"] in LEVELS
    if case["outputs"] == "several":
        return several
    if case["outputs"] == "vector leaves":
        multi = case["objective"].startswith("multi:") or case["objective"] in TARGETS
        return multi and case["booster"] != "dart" and case["categories"] == "none"
    return True


def parameters(case):
    objective = case["objective"]
    chosen = {
        "max_depth": case["depth"], "eta": 0.4, "tree_method": "hist", "nthread": 1, "seed": 3, "verbosity": 0,
        "lambda": 0.1, "min_child_weight": 0, "max_cat_to_onehot": 100 if case["categories"] == "one-hot" else 1,
        **BOOSTERS[case["booster"]],
    }  # fmt: skip
    if objective != "custom":
        chosen["objective"] = objective
    if objective.startswith("multi:"):
        chosen["num_class"] = 3
    if objective in LEVELS:
        chosen[LEVELS[objective]] = [0.2, 0.5, 0.8] if case["outputs"] == "several" else 0.7
    if case["outputs"] == "vector leaves":
        chosen["multi_strategy"] = "multi_output_tree"
    return chosen


def train(case):
    categorical, objective = case["categories"] != "none", case["objective"]
    X = numbers(case["missing"], categorical=categorical)
    missing = SENTINEL if case["missing"] == "value" else np.nan
    kind = OBJECTIVES[objective]
    if case["outputs"] != "as the objective":
        kind = TARGETS.get(objective, kind)
    label, weight = target(kind, case["depth"], X)

    def matrix(rows):
        table = frame(rows, categorical=categorical)
        return xgboost.DMatrix(table, missing=missing, enable_categorical=categorical, nthread=1)

    data = matrix(X)
    if objective == "survival:aft":
        data.set_float_info("label_lower_bound", label)
        data.set_float_info("label_upper_bound", label * 1.5)
    else:
        data.set_label(label)
    if objective.startswith("rank:"):
        data.set_group([20] * (N // 20))
    elif weight is not None:
        data.set_weight(weight)
    own_objective = (lambda score, data: (score - data.get_label(), np.ones(N))) if objective == "custom" else None
    try:
        booster = xgboost.train(parameters(case), data, 3, obj=own_objective)
    except xgboost.core.XGBoostError as error:
        raise UntrainableError(str(error)) from error

    def own(rows):
        try:
            found = booster.predict(matrix(rows), pred_contribs=True, strict_shape=True)
        except xgboost.core.XGBoostError:  # vector leaves, before 3.4
            return None
        return found.transpose(0, 2, 1)

    return Subject(
        booster,
        lambda rows: booster.predict(matrix(rows), output_margin=True),
        own,
        options={"missing": SENTINEL} if case["missing"] == "value" else {},
        categorical=categorical,
        takes_infinity=False,
        may_refuse=SPOILT if weight is not None else (),
        dmatrix=None if case["missing"] == "value" else matrix,  # a DMatrix has its own rule for missing entries
    )


FAMILY = Family("XGBoost", xgboost.__version__, AXES, ("booster",), fits, train, 2e-5, np.float32)
