"""Models in pickle and joblib files: read only if the caller trusts them, since loading one can run any code."""

import io
import pickle
from typing import Any

from ferroshap.errors import ModelError

MARKS = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"x\x01", b"x\x5e", b"x\x9c", b"x\xda")  # what joblib compresses with


def is_pickle(data: bytes) -> bool:
    """Whether the bytes start as a pickle, or as what joblib compresses one with."""
    return (len(data) > 1 and data[0] == 0x80 and 2 <= data[1] <= 5) or data.startswith(MARKS)


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
