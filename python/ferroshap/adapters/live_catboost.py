"""Live CatBoost models: through their own JSON, so that object and file mean the same."""

import tempfile
from pathlib import Path
from typing import Any

from ferroshap import _native
from ferroshap.errors import ModelError

from .catboost_document import parse_catboost
from .info import ParsedModel
from .live_boosters import class_labels
from .options import refuse_missing


def parse_catboost_model(model: Any, *, iteration_range: Any, missing: Any) -> ParsedModel:
    """A `catboost.CatBoost` or one of its subclasses: all trees there are, as its `predict` uses them."""
    refuse_missing(missing, "CatBoost")
    if not model.is_fitted():
        raise ModelError(f"the {type(model).__name__} holds no model yet: call fit() before it is explained")
    with tempfile.TemporaryDirectory() as folder:  # CatBoost writes JSON to files only
        path = Path(folder) / "model.json"
        model.save_model(str(path), format="json")
        data = path.read_bytes()
    _, document = _native.read_document(data)
    labels = class_labels(model) if len(getattr(model, "classes_", ())) else None
    return parse_catboost(document, type(model).__name__, iteration_range=iteration_range, labels=labels)
