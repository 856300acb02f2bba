"""Values of a column → the codes of the categories that the model stores: value by value, whatever codes the table has."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ferroshap.errors import DataError, warn

from .categories import Categories
from .names import counted, listed

Codes = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Coded:
    """A column of codes, NaN where the value is missing or unseen.

    unseen
        The distinct values that the model does not know.
    unseen_rows
        How many rows hold one of them.
    counts_as
        What they are to the library: "missing", or "unknown".
    """

    codes: Codes
    unseen: list[Any]
    unseen_rows: int
    counts_as: str = "missing"


def code_numbers(values: npt.NDArray[Any], name: str, stored: Categories) -> Coded:
    """Codes of numbers or booleans; NaN is missing.

    Compared in the common type of both (`numpy.result_type`), as numpy and scikit-learn's encoder compare.
    """
    of_booleans = values.dtype.kind == "b"
    known = {
        value: code
        for value, code in stored.codes().items()
        if isinstance(value, (int, float)) and (stored.booleans_are_numbers or isinstance(value, bool) == of_booleans)
    }
    codes = np.full(len(values), np.nan)
    if known:
        table = np.array(list(known))
        order = np.argsort(table)
        common = np.result_type(table, values)
        table, given = table[order].astype(common), values.astype(common)
        at = np.minimum(np.searchsorted(table, given), len(table) - 1)
        codes = np.where(table[at] == given, np.array(list(known.values()), float)[order][at], np.nan)
    lost = np.isnan(codes) & (values == values)  # noqa: PLR0124  (not NaN)
    return _coded(codes, lost, np.unique(values[lost]).tolist(), name, stored)


def code_objects(values: Sequence[Any], null: npt.NDArray[np.bool_], name: str, stored: Categories) -> Coded:
    """Codes of Python objects; `null` says where there is no value. None has a code where the model stores one for it."""
    table = {(_kind(value, stored), value): float(code) for value, code in stored.codes().items()}
    try:
        codes = np.array([table.get((_kind(value, stored), value), np.nan) for value in map(_plain, values)], float)
        absent = null & np.array([value is not None or None not in stored.values for value in values], bool)
        codes[absent] = np.nan
        lost = np.isnan(codes) & ~null
        lost[lost] = [values[at] == values[at] for at in np.flatnonzero(lost).tolist()]  # not NaN
        unseen = list({_plain(values[at]) for at in np.flatnonzero(lost).tolist()})
    except TypeError as error:
        raise DataError(f"the column {name} holds values that cannot be categories: {error}") from error
    return _coded(codes, lost, unseen, name, stored)


def code_dictionary(own: npt.NDArray[Any], values: Sequence[Any], name: str, stored: Categories) -> Coded:
    """Codes of a column that holds positions in `values`, −1 where missing."""
    table = {(_kind(value, stored), value): float(code) for value, code in stored.codes().items()}
    plain = [_plain(value) for value in values]
    by_own = np.array([*(table.get((_kind(value, stored), value), np.nan) for value in plain), np.nan])
    codes = by_own[own]
    lost = np.isnan(codes) & (own >= 0)
    return _coded(codes, lost, [plain[code] for code in np.unique(own[lost])], name, stored)


def _coded(codes: Codes, lost: npt.NDArray[np.bool_], unseen: list[Any], name: str, stored: Categories) -> Coded:
    unseen = sorted(unseen, key=str)
    if unseen:
        _check_unseen(unseen, name, stored)
    return Coded(codes, unseen, int(lost.sum()))


def _check_unseen(unseen: list[Any], name: str, stored: Categories) -> None:
    kinds = {_kind(value, stored) for value in stored.values if value is not None}
    others = [value for value in unseen if kinds and _kind(value, stored) not in kinds]
    if others:
        raise DataError(
            f"the column {name} holds {_kind(others[0], stored)} such as {others[0]!r}, but the model's categories are "
            f"{' and '.join(sorted(kinds))}: {some(stored.values)}; pass the categories themselves, not codes"
        )
    if stored.unseen == "error":
        raise DataError(
            f"the column {name} holds {some(unseen)}, which the model did not see in training and XGBoost refuses; it "
            f"knows {some(stored.values)}; pass a missing value instead if that is what they mean"
        )


def warn_unseen(columns: dict[str, Coded]) -> None:
    """One warning for a table: in which columns how many rows hold categories that training had not."""
    lost = {name: coded for name, coded in columns.items() if coded.unseen}
    if lost:
        what = " or ".join(sorted({coded.counts_as for coded in lost.values()}))
        text = "; ".join(
            f"{name}: {listed(coded.unseen)} ({counted(coded.unseen_rows, 'row')})"
            for name, coded in list(lost.items())[:8]
        )
        more = f"; and {counted(len(lost) - 8, 'more column')}" if len(lost) > 8 else ""
        warn(f"categories that the model did not see in training count as {what}, as in the library: {text}{more}")


def some(values: Sequence[Any]) -> str:
    """The first values, and how many there are in all."""
    return ", ".join(repr(value) for value in values[:5]) + (f" … ({len(values)} in all)" if len(values) > 5 else "")


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _kind(value: Any, stored: Categories) -> str:
    """What a value is: 1 and True are equal to Python, but not the same category to XGBoost and LightGBM."""
    if isinstance(value, str):
        return "text"
    if isinstance(value, bool):
        return "numbers" if stored.booleans_are_numbers else "booleans"
    if isinstance(value, (int, float)):
        return "numbers"
    return type(value).__name__
