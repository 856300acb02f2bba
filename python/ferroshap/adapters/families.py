"""What is read and what its values add up to: the one source of the README's table, of error messages and of tests."""

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
        ("`gblinear`", "trees with vector leaves as 2.0 to 3.1 store them: no covers"),
    ),
    Family(
        "LightGBM",
        ("Booster", "LGBMRegressor", "LGBMClassifier", "LGBMRanker"),
        ("object", "text"),
        (
            Sum("", "predict(X, raw_score=True)", "margin"),
            Sum("random-forest mode", "predict(X, raw_score=True) / n_estimators", "mean of trees"),
        ),
        ("`linear_tree`",),
    ),
    Family(
        "scikit-learn",
        (
            "DecisionTreeRegressor", "DecisionTreeClassifier", "ExtraTreeRegressor", "ExtraTreeClassifier",
            "RandomForestRegressor", "RandomForestClassifier", "ExtraTreesRegressor", "ExtraTreesClassifier",
        ),
        ("object",),
        (Sum("regressors", "predict(X)", "target"), Sum("classifiers", "predict_proba(X)", "probability")),
    ),
    Family(
        "scikit-learn",
        ("GradientBoostingRegressor", "GradientBoostingClassifier"),
        ("object",),
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
        ("object",),
        (
            Sum("regressors", "predict(X)", "target"),
            Sum("losses `poisson`, `gamma`", "log(predict(X))", "margin"),
            Sum("classifiers", "decision_function(X)", "log-odds"),
        ),
        ("categories that are no texts, numbers or booleans",),
    ),
)  # fmt: skip


def classes_of_libraries() -> dict[str, tuple[str, ...]]:
    """The classes of each library, in order."""
    found: dict[str, tuple[str, ...]] = {}
    for family in FAMILIES:
        found[family.library] = found.get(family.library, ()) + family.classes
    return found
