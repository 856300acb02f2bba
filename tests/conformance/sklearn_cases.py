"""scikit-learn: every class that is read, with every criterion or loss."""

import numpy as np
import sklearn
from conformance.data import NAMES, frame, numbers, target
from conformance.subject import Family, Subject, UntrainableError
from sklearn import ensemble, multioutput, tree

CRITERIA = {
    "Regressor": ["squared_error", "absolute_error", "friedman_mse", "poisson"],
    "Classifier": ["gini", "entropy", "log_loss"],
}
FORESTS = ["RandomForest", "ExtraTrees"]
KINDS = [
    *(
        f"{name}{kind}: {criterion}"
        for name in ["DecisionTree", "ExtraTree", *FORESTS]
        for kind, criteria in CRITERIA.items()
        for criterion in criteria
        if criterion in {"squared_error", "gini"} or name in {"DecisionTree", "RandomForest"}
    ),
    *(f"GradientBoostingRegressor: {loss}" for loss in ("squared_error", "absolute_error", "huber", "quantile")),
    *(f"GradientBoostingClassifier: {loss}" for loss in ("log_loss", "exponential")),
    *(
        f"HistGradientBoostingRegressor: {loss}"
        for loss in ("squared_error", "absolute_error", "gamma", "poisson", "quantile")
    ),
    "HistGradientBoostingClassifier: log_loss",
    "IsolationForest: ",
    "BaggingRegressor: squared_error",
    "BaggingClassifier: gini",
    "VotingRegressor: squared_error",
    "VotingClassifier: gini",
    "AdaBoostClassifier: gini",
    "MultiOutputRegressor: squared_error",
    "MultiOutputClassifier: gini",
]
AXES = {
    "model": KINDS,
    "missing": ["none", "NaN"],
    "categories": ["none", "native"],
    "outputs": ["one", "several"],
    "depth": [1, 2, 6, 12, 30],
}
ONE_OUTPUT = ("GradientBoostingRegressor", "HistGradientBoostingRegressor", "IsolationForest", "BaggingRegressor")
DENSE_ONLY = ("GradientBoosting", "AdaBoost")  # and no missing values


def fits(case):
    name, loss = case["model"].split(": ")
    if name.startswith("MultiOutput"):
        several_fits = case["outputs"] == "several"
    else:
        several = case["outputs"] == "several"
        never = name in ONE_OUTPUT or name == "VotingRegressor" or loss in {"exponential", "poisson"}
        several_fits = not (several and never)
    categorical = case["categories"] == "none" or name.startswith("Hist")
    holes = case["missing"] == "none" or not (name.startswith(DENSE_ONLY) or loss in {"absolute_error", "friedman_mse"})
    holes = holes or (name.startswith("Hist") and case["missing"] == "NaN")
    return several_fits and categorical and holes


def estimator(case):
    name, loss = case["model"].split(": ")
    depth, seed = {"max_depth": case["depth"]}, {"random_state": 0}
    kind = "Classifier" if name.endswith("Classifier") else "Regressor"
    one = getattr(tree, f"DecisionTree{kind}")(**depth, **seed)
    if name in {"DecisionTreeRegressor", "DecisionTreeClassifier", "ExtraTreeRegressor", "ExtraTreeClassifier"}:
        return getattr(tree, name)(criterion=loss, **depth, **seed)
    if name.startswith(tuple(FORESTS)):
        return getattr(ensemble, name)(5, criterion=loss, **depth, **seed)
    if name.startswith("GradientBoosting"):
        return getattr(ensemble, name)(n_estimators=4, loss=loss, **depth, **seed)
    if name.startswith("Hist"):
        quantile = {"quantile": 0.7} if loss == "quantile" else {}
        categories = {"categorical_features": "from_dtype"} if case["categories"] == "native" else {}
        limits = {"min_samples_leaf": 1, "max_leaf_nodes": 48}
        return getattr(ensemble, name)(max_iter=3, loss=loss, **depth, **seed, **limits, **quantile, **categories)
    if name == "IsolationForest":
        return ensemble.IsolationForest(
            n_estimators=6, max_samples=2 ** min(case["depth"], 7), max_features=0.7, **seed
        )
    if name.startswith("Bagging"):
        return getattr(ensemble, name)(one, n_estimators=4, max_features=0.7, **seed)
    if name.startswith("Voting"):
        forest = getattr(ensemble, f"RandomForest{kind}")(3, **depth, **seed)
        soft = {"voting": "soft"} if kind == "Classifier" else {}
        return getattr(ensemble, name)([("tree", one), ("forest", forest)], weights=[2, 1], **soft)
    if name == "AdaBoostClassifier":
        return ensemble.AdaBoostClassifier(one, n_estimators=4, **seed)
    return getattr(multioutput, name)(one)


def label_of(case, X):
    name, loss = case["model"].split(": ")
    several = case["outputs"] == "several"
    if name.startswith("MultiOutput"):
        kind = "labels" if name.endswith("Classifier") else "several"
    elif name.endswith("Classifier"):
        kind = "classes" if several else "binary"
    elif loss in {"poisson", "gamma"}:
        kind = "positive"
    else:
        kind = "several" if several else "real"
    return target(kind, case["depth"], X)


def raw_output(model, rows):
    """What the SHAP values of a model add up to, as scikit-learn computes it."""
    if isinstance(model, ensemble.IsolationForest):
        return mean_depth(model, rows)
    if isinstance(model, (ensemble.HistGradientBoostingRegressor, ensemble.HistGradientBoostingClassifier)):
        return model._raw_predict(rows)  # poisson and gamma predict its exponential
    if isinstance(model, (ensemble.GradientBoostingClassifier, ensemble.AdaBoostClassifier)):
        return model.decision_function(rows)
    if not hasattr(model, "predict_proba"):
        return model.predict(rows)
    found = model.predict_proba(rows)
    return np.concatenate(found, axis=1) if isinstance(found, list) else found


def mean_depth(forest, rows):
    """What `IsolationForest.score_samples` transforms, added up in its order."""
    depths = np.zeros(len(rows))
    for at, (member, columns) in enumerate(zip(forest.estimators_, forest.estimators_features_, strict=True)):
        leaves = member.apply(np.asarray(rows, np.float32)[:, columns], check_input=False)
        depths += forest._decision_path_lengths[at][leaves] + forest._average_path_length_per_tree[at][leaves] - 1.0
    return depths / len(forest.estimators_)


def train(case):
    categorical = case["categories"] == "native"
    X = numbers(case["missing"], categorical=categorical)
    label, weight = label_of(case, X)
    model = estimator(case)
    histogram = case["model"].startswith("Hist")
    weights = {} if weight is None or case["model"].startswith("IsolationForest") else {"sample_weight": weight}
    try:
        model.fit(frame(X, categorical=categorical), label, **weights)
    except (ValueError, TypeError) as error:
        raise UntrainableError(str(error)) from error
    dense = histogram or case["missing"] == "NaN"
    return Subject(
        model,
        lambda rows: raw_output(model, frame(rows, categorical=categorical)[NAMES]),
        step=np.float64 if histogram else np.float32,
        categorical=categorical,
        codes_in_arrays=False,
        takes_sparse=not dense,
        takes_infinity=histogram,
        last_bits="a mean of means, added up as one sum" if case["model"].startswith("Voting") else "",
    )


FAMILY = Family("scikit-learn", sklearn.__version__, AXES, (), fits, train, None, np.float32)
