"""What XGBoost's objectives make of the margin."""

from ferroshap.links import EXPONENTIAL, IDENTITY, LOGISTIC, OF_TARGET, SOFTMAX, Link, unknown

LINKS = {
    **dict.fromkeys(
        (
            "reg:squarederror", "reg:linear", "reg:squaredlogerror", "reg:pseudohubererror", "reg:absoluteerror",
        ),
        OF_TARGET,
    ),
    # A custom objective is stored under the name of the objective that it replaces, whose link XGBoost applies.
    **dict.fromkeys(
        (
            "reg:quantileerror", "reg:expectileerror", "binary:logitraw", "rank:pairwise", "rank:ndcg", "rank:map",
        ),
        IDENTITY,
    ),
    **dict.fromkeys(("binary:logistic", "reg:logistic"), LOGISTIC),
    **dict.fromkeys(("multi:softprob", "multi:softmax"), SOFTMAX),  # of softmax, predict gives the most probable class
    **dict.fromkeys(("count:poisson", "reg:gamma", "reg:tweedie", "survival:cox", "survival:aft"), EXPONENTIAL),
    "binary:hinge": unknown(
        "with XGBoost's objective binary:hinge the prediction is 1 where the margin is positive, and 0 elsewhere"
    ),
}  # fmt: skip
COUPLED = {
    "reg:quantileerror": "XGBoost 3.4 and later sort the quantiles of a row, and earlier versions do not",
    "reg:expectileerror": "with XGBoost's objective reg:expectileerror each level is predicted as a step from the one before",
}


def link_of(objective: str, n_outputs: int) -> Link:
    """The link of an objective."""
    if n_outputs > 1 and objective in COUPLED:
        return unknown(COUPLED[objective])
    known = LINKS.get(objective)
    if known is None:
        return unknown(f"ferroshap does not know XGBoost's objective {objective[:80]!r}")
    return known
