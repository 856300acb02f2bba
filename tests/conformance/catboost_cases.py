"""CatBoost: every objective, shape of trees, missing mode and kind of categorical split."""

import catboost
import numpy as np
from conformance.data import CATEGORIES, N, frame, numbers, target
from conformance.subject import Family, Subject, UntrainableError

OBJECTIVES = {
    "RMSE": "real", "MAE": "real", "Quantile:alpha=0.7": "real", "Huber:delta=1": "real", "Expectile:alpha=0.7": "real",
    "MAPE": "positive", "Poisson": "counts", "Tweedie:variance_power=1.5": "counts", "Logloss": "binary",
    "CrossEntropy": "shares", "MultiClass": "classes", "MultiClassOneVsAll": "classes", "MultiRMSE": "several",
    "RMSEWithUncertainty": "real", "MultiLogloss": "labels", "QueryRMSE": "real", "YetiRank": "shares",
}  # fmt: skip
# 16 is the most that CatBoost takes.
AXES = {
    "objective": list(OBJECTIVES),
    "missing": ["Forbidden", "Min", "Max"],
    "categories": ["none", "one-hot", "statistics"],
    "depth": [1, 2, 6, 10, 16],
    "trees": ["SymmetricTree", "Depthwise", "Lossguide"],
}
OF_PAIRS = {"YetiRank"}


def fits(case):
    symmetric = case["trees"] == "SymmetricTree"
    # A symmetric tree of depth 16 has 65,536 leaves; CatBoost trains multi-target trees in symmetric shape only.
    return case["depth"] != 16 if symmetric else case["objective"] not in {"MultiRMSE", "MultiLogloss", *OF_PAIRS}


def train(case):
    categorical = case["categories"] != "none"
    X = numbers("none" if case["missing"] == "Forbidden" else "NaN", categorical=categorical)
    if categorical:  # CatBoost refuses a missing category
        X = X.copy()
        X[:, list(CATEGORIES)] = np.nan_to_num(X[:, list(CATEGORIES)])
    label, weight = target(OBJECTIVES[case["objective"]], 30 if case["depth"] == 16 else case["depth"], X)
    ranking = case["objective"] in {"QueryRMSE", "YetiRank"}

    def pool(rows, **others):
        table = frame(rows, categorical=categorical, texts=True)
        return catboost.Pool(table, cat_features=list(CATEGORIES) if categorical else None, **others)

    chosen = {
        "iterations": 2, "learning_rate": 0.3, "verbose": False, "thread_count": 1, "random_seed": 3,
        "allow_writing_files": False, "loss_function": case["objective"], "depth": case["depth"],
        "grow_policy": case["trees"], "nan_mode": case["missing"], "l2_leaf_reg": 0.1, "border_count": 254,
    }  # fmt: skip
    if categorical:
        chosen |= {"one_hot_max_size": 60 if case["categories"] == "one-hot" else 2, "max_ctr_complexity": 1}
    if case["trees"] == "Lossguide":
        chosen["max_leaves"] = min(2 ** case["depth"], 40)
    groups = {"group_id": np.arange(N) // 20} if ranking else {"weight": weight}
    try:
        model = catboost.CatBoost(chosen).fit(pool(X, label=label, **groups))
    except catboost.CatBoostError as error:
        raise UntrainableError(str(error)) from error

    def own(rows):
        try:
            found = model.get_feature_importance(pool(rows), type="ShapValues")
        except catboost.CatBoostError:
            return None
        return found[:, :, np.newaxis] if found.ndim == 2 else found.transpose(0, 2, 1)

    return Subject(
        model,
        lambda rows: model.predict(pool(rows), prediction_type="RawFormulaVal"),
        own,
        categorical=categorical,
        codes_in_arrays=False,
        takes_sparse=not categorical,
        may_refuse=("several outputs that are no classes",) if case["categories"] == "statistics" else (),
        defect="" if case["trees"] == "SymmetricTree" else "trees of other shapes",
    )


FAMILY = Family("CatBoost", catboost.__version__, AXES, ("trees",), fits, train, 1e-11, np.float32)
