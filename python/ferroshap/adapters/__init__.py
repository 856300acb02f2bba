"""Stage 2: model files and live models of any library as plain arrays with one meaning a field."""

import os
from pathlib import Path
from typing import Any

from ferroshap import _native
from ferroshap.errors import UnsupportedModelError

from .arrays import EnsembleArrays
from .catboost_document import parse_catboost
from .catboost_options import with_signed_options
from .detect import adapter_of
from .info import ModelInfo, ParsedModel
from .lightgbm_document import parse_lightgbm
from .options import asks_without_init, no_init, refuse_missing, resolve_missing
from .pickle_file import PROTOCOL, UNTRUSTED, is_pickle, own_model, read_pickle, refuse_choices
from .saved import MAGIC, parse_saved, write_saved
from .sklearn_boosting import parse_gradient_boosting
from .skops_file import is_skops, read_skops, skops_errors
from .xgboost_document import parse_xgboost

__all__ = ["EnsembleArrays", "ModelInfo", "ParsedModel", "parse_model", "write_saved"]

XGBOOST_FORMS = {"xgboost-json": "JSON", "xgboost-ubjson": "UBJSON"}


def parse_model(
    source: Any,
    *,
    iteration_range: Any = None,
    missing: Any = None,
    without_init: Any = False,
    trust_pickle: bool = False,
) -> ParsedModel:
    """The trees, inputs and description of a model.

    Parameters
    ----------
    source
        A live model (XGBoost, LightGBM, scikit-learn trees and forests), the path of a model file (`str` or `PathLike`),
        or the bytes of one.
    iteration_range
        `(begin, end)`: only these boosting iterations; an end of 0 or None means all. Default: what the model's own
        `predict` uses. Not for scikit-learn.
    missing
        A number that counts as missing, as XGBoost's `missing=`; default: a wrapper's own, else NaN only.
    trust_pickle
        Whether a pickle or joblib file may be loaded, which can run any code.
    without_init
        The trees alone of a scikit-learn GradientBoosting model that starts from an estimator.

    Raises
    ------
    UnsupportedModelError
        A model of a kind that is not supported; the message names the kind and the nearest supported one.
    ModelError
        A broken model; the message names the place. Files that cannot be opened raise OSError.
    OptionError
        An `iteration_range`, `missing` or `without_init` that the model does not take.
    """
    alone = asks_without_init(without_init)
    if not isinstance(source, str | os.PathLike | bytes | bytearray | memoryview):
        adapter, options = adapter_of(source), {"iteration_range": iteration_range, "missing": missing}
        if alone and adapter is not parse_gradient_boosting:
            raise no_init(f"a {type(source).__name__} has no init")
        return adapter(source, **options, **({"without_init": True} if alone else {}))
    if alone:
        raise no_init("a model file has no init")
    data = Path(source).read_bytes() if isinstance(source, str | os.PathLike) else bytes(source)
    return _parse_bytes(data, iteration_range, missing, trust_pickle=trust_pickle)


def _parse_bytes(data: bytes, iteration_range: Any, missing: Any, *, trust_pickle: bool) -> ParsedModel:
    if trust_pickle and is_pickle(data):
        model = read_pickle(data)
        own = own_model(model)
        if own is not None:
            refuse_choices(iteration_range, missing)
            return own
        return adapter_of(model)(model, iteration_range=iteration_range, missing=missing)
    if data.startswith(PROTOCOL):
        raise UnsupportedModelError(UNTRUSTED)
    if data.startswith(MAGIC) and is_skops(data):
        estimator = read_skops(data)
        with skops_errors():
            return adapter_of(estimator)(estimator, iteration_range=iteration_range, missing=missing)
    if data.startswith(MAGIC):
        return parse_saved(data, iteration_range=iteration_range, missing=missing)
    form, document = _native.read_document(with_signed_options(data))
    if form == "lightgbm-text":
        refuse_missing(missing, "LightGBM")
        return parse_lightgbm(document, iteration_range=iteration_range)
    if form == "catboost-json":
        refuse_missing(missing, "CatBoost")
        return parse_catboost(document, "JSON", iteration_range=iteration_range)
    return parse_xgboost(
        document,
        len(data),
        XGBOOST_FORMS[form],
        iteration_range=iteration_range,
        missing=None if missing is None else resolve_missing(missing),
    )
