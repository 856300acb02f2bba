"""What is read and what its values add up to: the one source of the README's table, of error messages and of tests."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Sum:
    """What base value plus SHAP values is, for some models of a family.

    models
        Which; empty: all that the others of the family do not name.
    call
        What of the library gives the same numbers, as an expression of the model's methods and attributes.
    unit
        The `output_space`.
    """

    models: str
    call: str
    unit: str


@dataclass(frozen=True)
class Family:
    """Classes that are read the same way.

    forms
        `"object"`, and the kinds of file.
    refused
        What of these classes is refused.
    """

    library: str
    classes: tuple[str, ...]
    forms: tuple[str, ...]
    sums: tuple[Sum, ...]
    refused: tuple[str, ...] = ()


FAMILIES = (
    Family(
        "XGBoost",
        ("Booster", "XGBRegressor", "XGBClassifier", "XGBRanker", "XGBRFRegressor", "XGBRFClassifier"),
        ("object", "JSON", "UBJSON"),
        (
            Sum("wrappers", "predict(X, output_margin=True)", "margin"),
            Sum("`Booster`", "predict(DMatrix(X), output_margin=True)", "margin"),
        ),
        ("`gblinear`", "trees with vector leaves as 2.0 to 3.1 store them, without covers, unless there are background rows"),
    ),
    Family(
        "LightGBM",
        ("Booster", "LGBMRegressor", "LGBMClassifier", "LGBMRanker"),
        ("object", "text"),
        (
            Sum("", "predict(X, raw_score=True)", "margin"),
            Sum("random-forest mode", "predict(X, raw_score=True) / n_estimators", "mean of trees"),
        ),
        ("`linear_tree`, which predicts only",),
    ),
    Family(
        "scikit-learn",
        (
            "DecisionTreeRegressor", "DecisionTreeClassifier", "ExtraTreeRegressor", "ExtraTreeClassifier",
            "RandomForestRegressor", "RandomForestClassifier", "ExtraTreesRegressor", "ExtraTreesClassifier",
        ),
        ("object", "skops", "pickle"),
        (Sum("regressors", "predict(X)", "target"), Sum("classifiers", "predict_proba(X)", "probability")),
    ),
    Family(
        "scikit-learn",
        ("GradientBoostingRegressor", "GradientBoostingClassifier"),
        ("object", "pickle"),
        (
            Sum("regressors", "predict(X)", "target"),
            Sum("classifiers", "decision_function(X)", "log-odds"),
            Sum("loss `exponential`", "decision_function(X)", "margin"),
        ),
        ("an `init` estimator whose predictions differ from row to row, unless `without_init=True`",),
    ),
    Family(
        "scikit-learn",
        ("HistGradientBoostingRegressor", "HistGradientBoostingClassifier"),
        ("object", "skops", "pickle"),
        (
            Sum("regressors", "predict(X)", "target"),
            Sum("losses `poisson`, `gamma`", "log(predict(X))", "margin"),
            Sum("classifiers", "decision_function(X)", "log-odds"),
        ),
        ("categories that are no texts, numbers or booleans",),
    ),
    Family(
        "scikit-learn",
        ("IsolationForest",),
        ("object", "skops", "pickle"),
        (Sum("", "-log2(-score_samples(X)) * c(max_samples_)", "depth"),),
    ),
    Family(
        "scikit-learn",
        ("BaggingRegressor", "BaggingClassifier", "VotingRegressor", "VotingClassifier"),
        ("object", "skops", "pickle"),
        (Sum("regressors", "predict(X)", "target"), Sum("classifiers", "predict_proba(X)", "probability")),
        ("`voting='hard'`", "members that are no sum of trees in the same unit"),
    ),
    Family(
        "scikit-learn",
        ("AdaBoostClassifier",),
        ("object", "skops", "pickle"),
        (Sum("", "decision_function(X)", "margin"),),
        ("`SAMME.R`", "members of several trees"),
    ),
    Family(
        "scikit-learn",
        ("MultiOutputRegressor", "MultiOutputClassifier"),
        ("object", "skops", "pickle"),
        (
            Sum("regressors", "predict(X)", "target"),
            Sum("classifiers, with members that give probabilities", "predict_proba(X)", "probability"),
        ),
        ("members of different units",),
    ),
    Family(
        "scikit-learn",
        (
            "Pipeline", "GridSearchCV", "RandomizedSearchCV", "HalvingGridSearchCV", "HalvingRandomSearchCV",
            "TransformedTargetRegressor",
        ),
        ("object", "pickle"),
        (
            Sum("as the model inside, a forest regressor", "predict(X)", "target"),
            Sum("a forest classifier", "predict_proba(X)", "probability"),
        ),
        ("a target that is transformed",),
    ),
    Family(
        "CatBoost",
        ("CatBoost", "CatBoostRegressor", "CatBoostClassifier", "CatBoostRanker"),
        ("object", "JSON"),
        (
            Sum("", "predict(X, prediction_type='RawFormulaVal')", "margin"),
            Sum("`CatBoostRanker`", "predict(X)", "margin"),
        ),
        (
            "statistics of combined categorical features", "several targets with statistics of the target",
            "text and embedding features", "`set_scale_and_bias`",
        ),
    ),
)  # fmt: skip


def classes_of_libraries() -> dict[str, tuple[str, ...]]:
    """The classes of each library, in order."""
    found: dict[str, tuple[str, ...]] = {}
    for family in FAMILIES:
        found[family.library] = found.get(family.library, ()) + family.classes
    return found


def paired(classes: tuple[str, ...]) -> list[str]:
    """`AbcRegressor` and `AbcClassifier` as `Abc*`, where that means no other class too."""
    short = {}
    for name in classes:
        stem = re.sub("(Regressor|Classifier)$", "", name)
        alike = [other for other in classes if other.startswith(stem)]
        short[name] = f"{stem}*" if alike == [f"{stem}Regressor", f"{stem}Classifier"] else name
    return list(dict.fromkeys(short.values()))
