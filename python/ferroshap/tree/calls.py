"""What a call of the explainer may be given besides rows: each argument checked, with a message that says what to pass."""

from typing import Any, Literal

import numpy as np

from ferroshap.errors import FeatureMismatchError, OptionError
from ferroshap.inputs.names import counted


def check_call(tree_limit: Any) -> None:
    """Raises `OptionError` for what shap takes and ferroshap does not."""
    if tree_limit is not None:
        raise OptionError(
            f"tree_limit={tree_limit!r} is not supported; choose boosting iterations when the explainer is made: "
            "TreeExplainer(model, iteration_range=(0, n))"
        )


def checked(check_additivity: Any) -> "bool | Literal['library']":
    """`check_additivity` as a bool or `"library"`."""
    if isinstance(check_additivity, (bool, np.bool_)):
        return bool(check_additivity)
    if isinstance(check_additivity, str) and check_additivity == "library":
        return "library"
    raise OptionError(f"check_additivity is {check_additivity!r}; expected True, False or 'library'")


def refuse_beside(what: str, options: dict[str, bool]) -> None:
    """Raises `OptionError` that says `what` and names those of the other `options` that are given."""
    given = [name for name, is_given in options.items() if is_given]
    if given:
        raise OptionError(f"{what}; call it without {' and '.join(given)}")


def display_names(what: Literal["feature", "output"], names: Any, count: int) -> tuple[str, ...] | None:
    """The names that the user chose for features or outputs, one each."""
    if names is None:
        return None
    if isinstance(names, str):
        raise OptionError(f"{what}_names is the text {names!r}; expected a name for each {what}")
    chosen = tuple(str(name) for name in names)
    if len(chosen) != count:
        error = FeatureMismatchError if what == "feature" else OptionError
        raise error(f"{what}_names has {counted(len(chosen), 'name')}, but the model has {counted(count, what)}")
    return chosen
