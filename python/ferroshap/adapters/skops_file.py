"""scikit-learn models in skops files, read without scikit-learn and without executing anything.

A skops file is a zip of `schema.json`, which describes each object by its class and attributes, and of numpy arrays. What is
read here becomes objects with nothing but those attributes, which the adapters of live estimators read too. Everything that
is no plain value, array or object with attributes is left out.
"""

import io
import json
import struct
import zipfile
from typing import Any

import numpy as np

from ferroshap.errors import ModelError

from .limits import most_unpacked

SCHEMA = "schema.json"


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
    except (zipfile.BadZipFile, EOFError, ValueError, OSError, OverflowError, RuntimeError, struct.error):
        return False  # damaged: whoever reads it says how


def read_skops(data: bytes) -> Any:
    """The object of a skops file, a `StoredObject` for an estimator."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as members:
            size = sum(entry.file_size for entry in members.infolist())
            if size > most_unpacked(len(data)):
                raise ModelError(f"the skops file of {len(data):,} bytes unpacks to {size:,}, more than a model would")
            return _Reader(members).value(json.loads(members.read(SCHEMA)))
    except ModelError:
        raise
    except (
        zipfile.BadZipFile,
        EOFError,
        OSError,
        OverflowError,
        RuntimeError,
        SyntaxError,
        NotImplementedError,
    ) as error:
        raise _damaged(error) from error
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise _damaged(error) from error


def _damaged(error: Exception) -> ModelError:
    return ModelError(f"a damaged skops file: {type(error).__name__}: {str(error)[:200]}")


class _Reader:
    def __init__(self, members: zipfile.ZipFile) -> None:
        self._members = members
        self._known: dict[Any, Any] = {}

    def value(self, node: Any) -> Any:
        """What a node describes; None for kinds that no model of trees needs."""
        kind = node["__loader__"]
        if kind == "CachedNode":
            return self._known.get(node["__id__"])
        read = getattr(self, f"_{kind}", None)
        found = None if read is None else read(node)
        self._known[node.get("__id__")] = found
        return found

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
        content = self._members.read(node["file"])
        array = np.load(io.BytesIO(content), allow_pickle=False)
        return array if array.ndim or array.dtype.names else array[()]

    def _ObjectNode(self, node: Any) -> Any:
        attributes = self.value(node["content"]) if "content" in node else {}
        if not isinstance(attributes, dict):
            attributes = {}
        return StoredObject(str(node["__class__"]), str(node["__module__"]), attributes)

    def _TreeNode(self, node: Any) -> Any:
        state = self.value(node["content"])
        nodes, values = state["nodes"], state["values"]
        if (
            not isinstance(nodes, np.ndarray)
            or nodes.dtype.names is None
            or values.ndim != 3
            or len(values) != len(nodes)
        ):
            raise ModelError("a damaged skops file: a tree without nodes and values of the same number")
        return StoredTree(state)
