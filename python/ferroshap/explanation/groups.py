"""Groups of rows: one label a row, of any array or column."""

import datetime as dt
import numbers
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ferroshap.errors import OptionError
from ferroshap.inputs.names import listed

Label = Any  # a number, a text, a truth value, a date; None: missing
Array = npt.NDArray[Any]

KINDS = (
    ("truth values", (bool, np.bool_)),
    ("numbers", numbers.Number),
    ("texts", str),
    ("dates", (dt.date, np.datetime64)),
)


def grouped(by: Any, n: int) -> tuple[tuple[Label, ...], npt.NDArray[np.uint32]]:
    """The different labels in ascending order, a missing one (None, NaN) last as None; and the number of each row's label.

    Raises `OptionError` for anything but one label a row, all of one kind.
    """
    if isinstance(by, (str, bytes)):
        raise OptionError(
            f"by is the text {by!r}; expected one label for each row: the column itself, by=table[{by!r}]"
        )
    given = _array(by)
    if given.shape != (n,):
        shape = "" if given.ndim == 0 else f" of shape {given.shape}"
        raise OptionError(f"by is {type(by).__name__}{shape}; expected {n} labels, one for each row")
    return _of_objects(given) if given.dtype.kind == "O" else _of_array(given)


def name_of(by: Any) -> str:
    """What the labels are called: the name of the column that they are, if they are one."""
    name = getattr(by, "name", None)
    return name if isinstance(name, str) and name else "group"


def in_order(labels: Collection[Label]) -> tuple[Label, ...]:
    """Different labels of one kind in ascending order, None last; raises `OptionError`."""
    there = [label for label in labels if label is not None]
    kinds = {_kind(label) for label in there}
    if len(kinds) > 1:
        raise OptionError(
            f"labels of groups are {' and '.join(sorted(kinds))}: {listed(there)}; expected one kind, such as texts"
        )
    try:
        return (*sorted(there), *([None] if len(there) < len(labels) else []))
    except TypeError as error:  # dates with and without a time
        raise OptionError(
            f"labels of groups have no order: {listed(there)}; expected one kind, such as texts"
        ) from error


def column(labels: Sequence[Label]) -> Any:
    """The labels as a column of a table: texts as a list, all else as an array."""
    there = [label for label in labels if label is not None]
    kind = _kind(there[0]) if there else "texts"
    if kind == "texts":
        return list(labels)
    if kind == "truth values" and len(there) < len(labels):
        return [None if label is None else str(label) for label in labels]
    if kind == "dates":
        return np.array([np.datetime64("NaT") if label is None else np.datetime64(label) for label in labels])
    return np.array([np.nan if label is None else label for label in labels])


def _array(by: Any) -> Array:
    package, nulls = type(by).__module__.partition(".")[0], getattr(by, "null_count", 0)
    if package in ("pyarrow", "polars") and (nulls() if callable(nulls) else nulls):
        # numpy would make floats of integers beside a null, and large ones would be rounded to each other
        by = np.array(by.to_pylist() if package == "pyarrow" else by.to_list(), dtype=object)
    try:
        return np.asarray(by)
    except ValueError:  # lists of different lengths
        return np.empty((0, 0))


def _kind(label: Label) -> str:
    for name, types in KINDS:
        if isinstance(label, types):
            return name
    raise OptionError(f"the label {label!r} of a group is {type(label).__name__}; expected a number, a text or a date")


def _of_array(given: Array) -> tuple[tuple[Label, ...], npt.NDArray[np.uint32]]:
    if given.dtype.kind not in "biufUM":
        raise OptionError(f"by has dtype {given.dtype}; expected labels that are numbers, texts or dates")
    found, numbers_of_rows = np.unique(given, return_inverse=True)
    values = list(found) if given.dtype.kind == "M" else found.tolist()
    labels = tuple(None if _is_missing(value) else value for value in values)
    return labels, numbers_of_rows.astype(np.uint32).reshape(-1)


def _of_objects(given: Array) -> tuple[tuple[Label, ...], npt.NDArray[np.uint32]]:
    try:
        first_seen: dict[Label, int] = {}
        seen = np.fromiter(
            (first_seen.setdefault(label, len(first_seen)) for label in given.tolist()), np.intp, len(given)
        )
    except TypeError as error:
        raise OptionError(f"by holds what is no label ({error}); expected numbers, texts or dates") from error
    as_labels = [None if _is_missing(label) else label for label in first_seen]
    labels = in_order(dict.fromkeys(as_labels))
    place = {label: at for at, label in enumerate(labels)}
    return labels, np.array([place[label] for label in as_labels], np.uint32)[seen]


def _is_missing(label: Label) -> bool:
    if label is None or type(label).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(label, (float, np.floating, np.datetime64)) and bool(label != label)  # noqa: PLR0124
