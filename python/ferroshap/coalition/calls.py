"""What calls are given besides rows: each argument checked, with a message that says what to pass."""

from typing import Any, Literal

from ferroshap.errors import FeatureMismatchError, OptionError
from ferroshap.inputs.names import counted


def display_names(what: Literal["feature", "output"], names: Any, count: int) -> tuple[str, ...] | None:
    """The names that the user chose for players or outputs, one each; raises `FeatureMismatchError` or `OptionError`."""
    if names is None:
        return None
    if isinstance(names, str):
        raise OptionError(f"{what}_names is the text {names!r}; expected a name for each")
    chosen = tuple(str(name) for name in names)
    if len(chosen) != count:
        error = FeatureMismatchError if what == "feature" else OptionError
        noun = "player" if what == "feature" else "output"
        raise error(f"{what}_names has {counted(len(chosen), 'name')}, but there {_are(count)} {counted(count, noun)}")
    return chosen


def _are(count: int) -> str:
    return "is" if count == 1 else "are"
