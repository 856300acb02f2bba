"""scikit-learn models in skops files, read without scikit-learn and without executing anything.

A skops file is a zip of `schema.json`, which describes each object by its class and attributes, and of numpy arrays. What is
read here becomes objects with nothing but those attributes, which the adapters of live estimators read too. Everything that
is no plain value, array or object with attributes is left out.
"""

import io
import json
import struct
import tokenize
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ferroshap.errors import FerroshapError, ModelError

from .limits import most_unpacked

SCHEMA = "schema.json"
SCHEMA_PART = 8  # of the bytes that a file may unpack to: objects of Python take several times their text
MOST_COLUMNS = 2**22
UNFINISHED = object()
COUNTS = ("n_features_in_", "n_outputs_", "n_classes_", "n_trees_per_iteration_")
FIELDS = {
    "left_child": "iu", "right_child": "iu", "feature": "iu", "threshold": "f", "n_node_samples": "iu",
    "weighted_n_node_samples": "f",
}  # fmt: skip
ERRORS = (
    zipfile.BadZipFile, EOFError, OSError, RuntimeError, SyntaxError, LookupError, TypeError, ValueError, AttributeError,
    ArithmeticError, MemoryError, struct.error, tokenize.TokenError,
)  # fmt: skip


class StoredObject:
    """An object of a skops file: its class by name, and its attributes."""

    def __init__(self, kind: str, module: str, attributes: dict[str, Any]) -> None:
        self.__class__ = type(kind, (StoredObject,), {"__module__": module})
        vars(self).update(attributes)


class StoredTree(StoredObject):
    """A `sklearn.tree._tree.Tree`: what the adapters ask of a live one."""

    def __init__(self, state: dict[str, Any]) -> None:
        self.state = state
        self.value = state["values"]

    def __getstate__(self) -> dict[str, Any]:
        return self.state


def is_skops(data: bytes) -> bool:
    """Whether a zip is a skops file."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as members:
            return SCHEMA in members.namelist()
    except ERRORS:
        return False  # damaged: whoever reads it says how


def read_skops(data: bytes) -> Any:
    """The object of a skops file, a `StoredObject` for an estimator."""
    with skops_errors(), zipfile.ZipFile(io.BytesIO(data)) as members:
        most = most_unpacked(len(data))
        size = sum(entry.file_size for entry in members.infolist())
        if size > most or members.getinfo(SCHEMA).file_size > most // SCHEMA_PART:
            raise ModelError(f"the skops file of {len(data):,} bytes unpacks to {size:,}, more than a model would")
        return _Reader(members).value(json.loads(members.read(SCHEMA)))


@contextmanager
def skops_errors() -> Iterator[None]:
    """Whatever goes wrong with what a skops file holds is a `ModelError`."""
    try:
        with np.errstate(all="ignore"):
            yield
    except FerroshapError:
        raise
    except ERRORS as error:
        raise ModelError(f"a damaged skops file: {type(error).__name__}: {str(error)[:200]}") from error


class _Reader:
    def __init__(self, members: zipfile.ZipFile) -> None:
        self._members = members
        self._known: dict[Any, Any] = {}
        self._arrays: dict[str, Any] = {}

    def value(self, node: Any) -> Any:
        """What a node describes; None for kinds that no model of trees needs."""
        number = node.get("__id__")
        if number in self._known:  # whatever else this node says: so skops goes about it
            if self._known[number] is UNFINISHED:
                raise ModelError(f"a damaged skops file: the object {number} holds itself")
            return self._known[number]
        read = getattr(self, f"_{node['__loader__']}", None)
        if read is None or not number:
            return None if read is None else read(node)
        self._known[number] = UNFINISHED
        self._known[number] = read(node)
        return self._known[number]

    def _JsonNode(self, node: Any) -> Any:
        return json.loads(node["content"]) if node["is_json"] else node["content"]

    def _ListNode(self, node: Any) -> Any:
        return [self.value(each) for each in node["content"]]

    def _TupleNode(self, node: Any) -> Any:
        return tuple(self.value(each) for each in node["content"])

    def _SliceNode(self, node: Any) -> Any:
        content = node["content"]
        return slice(content["start"], content["stop"], content["step"])

    def _DictNode(self, node: Any) -> Any:
        return {str(key): self.value(each) for key, each in node["content"].items()}

    def _NdArrayNode(self, node: Any) -> Any:
        if node["type"] == "json":
            return np.array([self.value(each) for each in node["content"]], object)
        name = node["file"]
        if name not in self._arrays:  # once: many nodes may name one file
            self._arrays[name] = _array(self._members.read(name), name)
        array = self._arrays[name]
        return array if array.ndim or array.dtype.names else array[()]

    def _ObjectNode(self, node: Any) -> Any:
        attributes = self.value(node["content"]) if "content" in node else {}
        if not isinstance(attributes, dict):
            attributes = {}
        for name in COUNTS:
            count = attributes.get(name)
            if isinstance(count, (int, float)) and not (type(count) is int and 0 <= count <= MOST_COLUMNS):
                raise ModelError(f"{name} of the skops file is {count}, expected a whole number, 0 to {MOST_COLUMNS}")
        return StoredObject(str(node["__class__"]), str(node["__module__"]), attributes)

    def _TreeNode(self, node: Any) -> Any:
        state = self.value(node["content"])
        nodes, values = state["nodes"], state["values"]
        fields = nodes.dtype.fields or {}
        if any(name not in fields or fields[name][0].kind not in kinds for name, kinds in FIELDS.items()):
            raise ModelError(
                f"a damaged skops file: the nodes of a tree are {nodes.dtype}, expected {', '.join(FIELDS)}"
            )
        if values.dtype != np.float64 or values.ndim != 3 or nodes.ndim != 1 or len(values) != len(nodes):
            raise ModelError("a damaged skops file: a tree without nodes and values of the same number")
        if type(state["node_count"]) is not int or state["node_count"] != len(nodes):
            raise ModelError(
                f"a damaged skops file: node_count of a tree is {state['node_count']!r}, expected {len(nodes)}, its nodes"
            )
        return StoredTree(state)


def _array(content: bytes, name: str) -> Any:
    """The array of a member, made of the bytes that are there: a shape is only a claim."""
    file = io.BytesIO(content)
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, by_columns, dtype = read(file)
    if dtype.hasobject:
        raise ModelError(f"{name} of the skops file holds objects, which would be pickles, expected numbers or texts")
    array = np.frombuffer(content, dtype, offset=file.tell())
    return array.reshape(shape, order="F" if by_columns else "C")
