"""Typed reading of a document: whatever is missing or of another kind is a ModelError that says where."""

import re
import reprlib
from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from ferroshap.errors import ModelError

WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,18}")
MISSING = object()


def brief(value: object) -> str:
    """A short text for what was found in a document; never longer than a line, whatever it is."""
    return {dict: "an object", list: "a list", np.ndarray: "an array", type(None): "null"}.get(
        type(value), reprlib.repr(value)
    )


class Record:
    """An object of a document and the path that leads to it."""

    def __init__(self, fields: object, path: str) -> None:
        if not isinstance(fields, dict):
            raise ModelError(f"{path or 'the document'} is {brief(fields)}, expected an object")
        self.fields: dict[str, Any] = fields
        self.path = path

    def __contains__(self, key: str) -> bool:
        return key in self.fields

    def fail(self, key: str, expected: str) -> NoReturn:
        """Raises the error for a field that is not what it should be."""
        found = brief(self.fields[key]) if key in self.fields else "missing"
        raise ModelError(f"{self.at(key)} is {found}, expected {expected}")

    def at(self, key: str) -> str:
        """The path of a field, for messages."""
        if self.path.startswith("tree "):
            return f"{self.path}: {key}"
        return f"{self.path}.{key}" if self.path else key

    def record(self, key: str) -> "Record":
        """The object below `key`; keys may be joined by dots."""
        record = self
        for part in key.split("."):
            if not isinstance(record.fields.get(part), dict):
                record.fail(part, "an object")
            record = Record(record.fields[part], record.at(part))
        return record

    def text(self, key: str, default: Any = MISSING) -> Any:
        """A text; `default` where there is none."""
        if key not in self.fields and default is not MISSING:
            return default
        value = self.fields.get(key)
        if not isinstance(value, str):
            self.fail(key, "a text")
        return value

    def whole(self, key: str, default: int | None = None, *, least: int = 0, most: int = 2**31 - 1) -> int:
        """A whole number in `least..=most`, stored as a number or, as model files often do, as a text."""
        if key not in self.fields and default is not None:
            return default
        value = self.fields.get(key)
        if isinstance(value, str) and WHOLE_NUMBER.fullmatch(value.strip()):
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            self.fail(key, f"a whole number from {least} to {most}")
        return value

    def number(self, key: str) -> float:
        """A number, whole or not."""
        value = self.fields.get(key)
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            self.fail(key, "a number")
        return float(value)

    def sequence(self, key: str) -> Sequence[Any]:
        """A list; packed arrays do not count."""
        value = self.fields.get(key)
        if not isinstance(value, list):
            self.fail(key, "a list")
        return value

    def texts(self, key: str) -> list[str]:
        """A list of texts, empty where the key is missing."""
        values = self.sequence(key) if key in self.fields else []
        if not all(isinstance(v, str) for v in values):
            self.fail(key, "a list of texts")
        return list(values)

    def numbers(self, key: str) -> NDArray[Any]:
        """A packed array of whole or other numbers; an empty list counts."""
        array = packed(self.fields.get(key))
        if array is None or array.dtype.kind == "b":
            self.fail(key, "an array of numbers")
        return array

    def whole_numbers(self, key: str) -> NDArray[np.int64]:
        """A packed array of whole numbers."""
        array = self.numbers(key)
        if array.size and array.dtype.kind not in "iu":
            self.fail(key, "an array of whole numbers")
        return array.astype(np.int64)


def packed(value: object) -> NDArray[Any] | None:
    """`value` as a flat array of numbers, or None if it is none. Readers give an empty array as an empty list."""
    if isinstance(value, np.ndarray) and value.ndim == 1 and value.dtype.kind in "biuf":
        return value
    return np.zeros(0, np.int64) if isinstance(value, list) and not value else None
