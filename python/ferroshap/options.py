"""The options that every call shares: checked once, with a message that says what to pass."""

import operator
import re
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from .errors import OptionError

UNITS = {
    "": 1, "B": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40,
    "KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40,
    "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12,
}  # fmt: skip


MOST_THREADS = 1024  # as in the core: a thousand take a second to start


def whole_number(name: str, value: Any, *, at_least: int = 1, at_most: int | None = None) -> int:
    """`value` as an int; raises `OptionError` for anything but a whole number from `at_least` to `at_most`."""
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, (bool, np.bool_)) or number < at_least:
        raise OptionError(f"{name} is {value!r}; expected a whole number of at least {at_least}")
    if at_most is not None and number > at_most:
        raise OptionError(f"{name} is {value!r}; expected a whole number of at most {at_most:,}")
    return number


def thread_count(threads: Any) -> int | None:
    """The number of threads asked for; None: the environment's or the machine's."""
    return None if threads is None else whole_number("threads", threads, at_most=MOST_THREADS)


def float_dtype(name: str, dtype: Any) -> Literal["float32", "float64"]:
    """The name of a floating-point type given by name or as numpy's type."""
    try:
        found = np.dtype(dtype).name if dtype is not None else None
    except TypeError:
        found = None
    if found == "float32":
        return "float32"
    if found == "float64":
        return "float64"
    raise OptionError(f"{name} is {dtype!r}; expected 'float64' or 'float32'")


def byte_count(name: str, value: Any) -> int | None:
    """A number of bytes: an int or text such as "512MiB" or "2 GB"; None stays None."""
    if value is None:
        return None
    if not isinstance(value, str):
        return whole_number(name, value)
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]*)\s*", value)
    unit = UNITS.get(match[2].upper()) if match else None
    size = int(float(match[1]) * unit) if match and unit else 0
    if size < 1:
        raise OptionError(f"{name} is {value!r}; expected a number of bytes, or text such as '512MiB' or '2GB'")
    return size


FEWER_AT_A_TIME = (
    "explain fewer rows at a time (iter_chunks, BatchExplainer and the command line do so), with dtype='float32', or into a "
    "numpy.memmap (out=)"
)


def empty_output(shape: tuple[int, ...], dtype: npt.DTypeLike, *, instead: str = FEWER_AT_A_TIME) -> npt.NDArray[Any]:
    """Memory for a result of this shape; raises `OptionError` saying how much it would be, and what to do, if there is not so much."""
    try:
        return np.empty(shape, dtype=dtype)
    except (MemoryError, ValueError) as error:
        size = np.dtype(dtype).itemsize / 2**30
        for length in shape:
            size *= length
        raise OptionError(
            f"the result of shape {shape} takes {size:,.1f} GiB, more than there is; {instead}"
        ) from error
