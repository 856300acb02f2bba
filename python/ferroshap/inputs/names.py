"""Which column of the user's table is which feature of the model.

By name where the model knows names (any order), by position where it does not.
"""

import difflib
import logging
from collections.abc import Iterable, Sequence
from typing import Literal

from ferroshap.errors import FeatureMismatchError

from .schema import InputSchema

log = logging.getLogger("ferroshap")

# By what told the names: what was expected, headings of those that are unknown and that are missing, and whose names they are.
WORDINGS = {
    "fit": (  # scikit-learn's, which users know
        "The feature names should match those that were passed during fit.",
        "Feature names unseen at fit time:",
        "Feature names seen at fit time, yet now missing:",
        "the model's",
    ),
    "background": (
        "The columns should be those of the background.",
        "Columns that the background does not have:",
        "Columns of the background that are missing:",
        "its",
    ),
}
SHOWN = 8  # names listed in a message before "… and k more"


def listed(names: Iterable[object]) -> str:
    """The names as one line, shortened."""
    names = list(names)
    text = ", ".join(repr(name) for name in names[:SHOWN])
    return text if len(names) <= SHOWN else f"{text} … and {len(names) - SHOWN} more"


def check_count(found: int, schema: InputSchema) -> None:
    """Refuses rows that have more or fewer columns than the model has features.

    XGBoost reads absent last columns of an array as missing. ferroshap does not: a forgotten column looks the same.
    """
    if found != schema.n_features:
        raise FeatureMismatchError(
            f"the rows have {counted(found, 'column')}, but the model expects {counted(schema.n_features, 'feature')} as "
            "input"
        )


def match_columns(columns: Sequence[str], schema: InputSchema, extra: Literal["error", "ignore"]) -> list[int]:
    """For each feature of the model, the position of its column in the table.

    `extra="ignore"` drops columns that the model does not know, with one log line; it needs a model that knows names.
    Raises `FeatureMismatchError` naming what is missing, unknown or ambiguous.
    """
    if schema.feature_names is None:
        check_count(len(columns), schema)
        return list(range(len(columns)))
    stored = _as_stored(columns, schema)
    position = {name: at for at, name in enumerate(stored)}
    known = set(schema.feature_names)
    missing = [name for name in schema.feature_names if name not in position]
    unknown = [columns[at] for at, name in enumerate(stored) if name not in known]
    if missing or (unknown and extra == "error"):
        wording = WORDINGS[schema.names_from]
        raise FeatureMismatchError(_mismatch(missing, unknown if extra == "error" or missing else [], wording))
    if unknown:
        log.info("ignored %s the model does not know: %s", counted(len(unknown), "column"), listed(unknown))
    return [position[name] for name in schema.feature_names]


def _as_stored(columns: Sequence[str], schema: InputSchema) -> list[str]:
    stored = [name.replace(" ", "_") if schema.spaces_become_underscores else name for name in columns]
    first: dict[str, str] = {}
    for name, given in zip(stored, columns, strict=True):
        if name in first and given == first[name]:
            raise FeatureMismatchError(f"the column name {given!r} occurs twice; give each column a name of its own")
        if name in first:
            raise FeatureMismatchError(
                f"the columns {first[name]!r} and {given!r} are the same feature {name!r} to LightGBM, which stores "
                "every space as an underscore; rename or drop one of them"
            )
        first[name] = given
    return stored


def _mismatch(missing: list[str], unknown: list[str], wording: tuple[str, str, str, str]) -> str:
    """What does not match, and what may have been meant."""
    expected, are_unknown, are_missing, owner = wording
    lines = [expected]
    if unknown:
        lines += [are_unknown, *_bullets(unknown)]
    if missing:
        lines += [are_missing, *_bullets(missing)]
    hints = []
    for name in missing:
        close = difflib.get_close_matches(name, unknown, n=1, cutoff=0.7) or [
            other for other in unknown if other.casefold().strip() == name.casefold().strip()
        ]
        hints += [f"{close[0]!r} for {name!r}"] if close else []
    if hints:
        lines.append(f"Did you mean: {'; '.join(hints[:SHOWN])}? Rename the columns to {owner} names.")
    return "\n".join(lines)


def _bullets(names: list[str]) -> list[str]:
    shown = [f"- {name}" for name in names[:SHOWN]]
    return shown if len(names) <= SHOWN else [*shown, f"- … and {len(names) - SHOWN} more"]


def counted(count: int, noun: str) -> str:
    """The count and the noun, in the plural if need be."""
    return f"{count} {_plural(count, noun)}"


def _plural(count: int, noun: str) -> str:
    return noun if count == 1 else noun + "s"
