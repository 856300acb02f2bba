"""Models in pickle and joblib files: read only if the caller trusts them, since loading one can run any code."""

import io
import pickle
from typing import Any

from ferroshap.errors import ModelError, OptionError

from .info import ParsedModel

PROTOCOL = b"\x80"
MARKS = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"x\x01", b"x\x5e", b"x\x9c", b"x\xda")  # what joblib compresses with

UNTRUSTED = (
    "a Python pickle or joblib file: loading one can run any code; if you trust it, load_model(path, trust_pickle=True), or "
    "load it yourself and pass the object; save models as JSON, text, a skops file or with TreeEnsemble.save"
)


def is_pickle(data: bytes) -> bool:
    """Whether the bytes start as a pickle, or as what joblib compresses one with."""
    return (len(data) > 1 and data.startswith(PROTOCOL) and 2 <= data[1] <= 5) or data.startswith(MARKS)


def read_pickle(data: bytes) -> Any:
    """The object of a pickle. It needs the libraries of its classes, and joblib where joblib wrote it."""
    try:
        from joblib import load
    except ImportError:
        load = pickle.load
    try:
        return load(io.BytesIO(data))
    except ImportError as error:
        raise ModelError(f"the pickle needs {error.name}, which is not installed: {error}") from error
    except Exception as error:
        raise ModelError(f"the pickle cannot be loaded: {type(error).__name__}: {str(error)[:200]}") from error


def own_model(model: Any) -> ParsedModel | None:
    """The model in one of ferroshap's own objects; None for anything else. These modules are beyond this one's reach."""
    if type(model).__module__.startswith("ferroshap.tree."):
        model = model.model
    if type(model).__module__ != "ferroshap.ensemble":
        return None
    parsed: ParsedModel = model._parsed(model._before)  # noqa: SLF001
    return parsed


def refuse_choices(iteration_range: Any, missing: Any) -> None:
    """Raises OptionError for what was chosen when a model of ferroshap's own was read."""
    if iteration_range is not None or missing is not None:
        raise OptionError(
            "iteration_range and missing are chosen when a model is read from its library's file; this one was pickled with "
            "the choice made"
        )
