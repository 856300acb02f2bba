"""Live CatBoost models: through their own JSON, so that object and file mean the same."""

import tempfile
from pathlib import Path
from typing import Any

from ferroshap import _native
from ferroshap.errors import ModelError, UnsupportedModelError

from .catboost_columns import refuse_features
from .catboost_document import parse_catboost
from .catboost_options import with_signed_options
from .info import ParsedModel
from .live_boosters import class_labels
from .options import refuse_missing


def parse_catboost_model(model: Any, *, iteration_range: Any, missing: Any) -> ParsedModel:
    """A `catboost.CatBoost` or one of its subclasses: all trees there are, as its `predict` uses them."""
    refuse_missing(missing, "CatBoost")
    if not model.is_fitted():
        raise ModelError(f"the {type(model).__name__} holds no model yet: call fit() before it is explained")
    _, document = _native.read_document(with_signed_options(_json(model)))
    labels = class_labels(model) if len(getattr(model, "classes_", ())) else None
    return parse_catboost(document, type(model).__name__, iteration_range=iteration_range, labels=labels)


def _json(model: Any) -> bytes:
    for kind in ("text", "embedding"):  # CatBoost cannot write these to JSON
        indices = getattr(model, f"get_{kind}_feature_indices", None)
        if indices is not None and len(indices()):
            refuse_features(f"{kind}_features")
    with tempfile.TemporaryDirectory() as folder:  # CatBoost writes JSON to files only
        path = Path(folder) / "model.json"
        try:
            model.save_model(str(path), format="json")
        except Exception as error:
            if not type(error).__module__.partition(".")[0].endswith("catboost"):
                raise
            raise UnsupportedModelError(
                f"CatBoost cannot write this {type(model).__name__} as JSON, which it is read through: {error}"
            ) from error
        return path.read_bytes()
