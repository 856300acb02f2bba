"""What CatBoost's loss functions make of the raw value: `predict` of its regressors and rankers, `predict_proba`."""

from ferroshap.links import EXPONENTIAL, IDENTITY, LOGISTIC, OF_TARGET, SOFTMAX, Link, unknown

LINKS = {
    **dict.fromkeys(
        ("RMSE", "MAE", "MAPE", "Huber", "LogCosh", "Lq", "MultiRMSE", "MultiRMSEWithMissingValues"), OF_TARGET
    ),
    **dict.fromkeys(
        (
            "Quantile", "MultiQuantile", "GroupQuantile", "Expectile", "LogLinQuantile", "Cox", "SurvivalAft",
            "YetiRank", "YetiRankPairwise", "QueryRMSE", "QuerySoftMax", "PairLogit", "PairLogitPairwise",
            "StochasticFilter", "StochasticRank", "LambdaMart",
        ),
        IDENTITY,
    ),
    **dict.fromkeys(
        ("Logloss", "CrossEntropy", "Focal", "MultiClassOneVsAll", "MultiLogloss", "MultiCrossEntropy"), LOGISTIC
    ),
    **dict.fromkeys(("Poisson", "Tweedie"), EXPONENTIAL),
    "MultiClass": SOFTMAX,
    "RMSEWithUncertainty": unknown(
        "with CatBoost's loss RMSEWithUncertainty the outputs are a mean and the logarithm of a deviation"
    ),
}  # fmt: skip


def link_of(loss: str | None) -> Link:
    """The link of a loss function."""
    if loss is None:
        return unknown("the CatBoost model does not name its loss function")
    if loss.startswith("PythonUserDefined"):
        return unknown(
            "the CatBoost model was trained with a loss function of its own, whose prediction depends on the class that asks"
        )
    return LINKS.get(loss, unknown(f"ferroshap does not know CatBoost's loss function {loss[:80]!r}"))
