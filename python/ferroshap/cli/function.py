"""`--kernel module:function`: the user's function, imported and called; what it raises is told with where it was raised."""

import difflib
import importlib
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, TracebackType
from typing import Any

from ferroshap.errors import FerroshapError, ModelError, OptionError

from .signals import raise_if_interrupted

Failure = (Exception, SystemExit)


class UserFunction:
    """A function of rows by its name, `module:function`; attributes may follow, as in `module:model.predict_proba`."""

    def __init__(self, name: str, function: Callable[[Any], Any]) -> None:
        self.__qualname__ = name  # what messages call it
        self._function = function
        self._raised: list[BaseException] = []

    def __call__(self, rows: Any) -> Any:
        """Its answer. An interruption that its own code has caught is raised again."""
        raise_if_interrupted()
        try:
            answer = self._function(rows)
        except Failure as error:
            self._raised.append(error)
            raise
        finally:
            raise_if_interrupted()
        return answer

    @contextmanager
    def failing_as_model(self) -> Iterator[None]:
        """What the function raised, or returned where numbers were expected, becomes a `ModelError`."""
        try:
            yield
        except Failure as error:
            name = self.__qualname__
            if any(error is raised for raised in self._raised):
                _show_where(error, UserFunction.__call__.__code__)
                raise ModelError(f"{name} raised {_told(error)}") from error
            if isinstance(error, TypeError) and str(error).startswith(f"{name} returned"):
                raise ModelError(str(error)) from error
            raise


@contextmanager
def imported(name: str) -> Iterator[UserFunction]:
    """The function that `module:function` names, with the working directory on the path of imports meanwhile.

    Raises `OptionError` for another form of name, `ModelError` if there is no such function or importing its module fails.
    """
    module_name, colon, attributes = name.partition(":")
    if module_name.endswith(".py") or "/" in module_name or not colon or not module_name or not attributes:
        meant = Path(module_name).stem or "module"
        raise OptionError(
            f"--kernel is {name!r}; expected a module and its function, such as {meant}:{attributes or 'predict'}, which is imported from "
            "the working directory or the installed packages"
        )
    before = list(sys.path)
    sys.path.insert(0, str(Path.cwd()))
    try:
        yield UserFunction(name, _found(_module(module_name), module_name, attributes))
    finally:
        sys.path[:] = before


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except Failure as error:
        absent = error.name if isinstance(error, ModuleNotFoundError) else None
        if absent is not None and (name == absent or name.startswith(f"{absent}.")):
            raise ModelError(
                f"there is no module {absent!r} for --kernel in {Path.cwd()} or the installed packages"
            ) from error
        _show_where(error, _module.__code__)
        raise ModelError(f"importing {name!r} for --kernel raised {_told(error)}") from error
    finally:
        raise_if_interrupted()


def _found(module: Any, module_name: str, attributes: str) -> Any:
    found, path = module, module_name
    for attribute in attributes.split("."):
        if not hasattr(found, attribute):
            near = difflib.get_close_matches(attribute, [each for each in dir(found) if not each.startswith("_")], n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ModelError(f"{path!r} has no {attribute!r} for --kernel{hint}")
        found, path = getattr(found, attribute), f"{path}.{attribute}"
    if not callable(found):
        methods = [each for each in ("predict_proba", "predict") if callable(getattr(found, each, None))]
        hint = f"; did you mean {module_name}:{attributes}.{methods[0]}?" if methods else ""
        raise ModelError(f"{path!r} for --kernel is of type {type(found).__name__}; expected a function of rows{hint}")
    return found


def _told(error: BaseException) -> str:
    notes = "".join(f"\n{note}" for note in getattr(error, "__notes__", ()))
    return f"{type(error).__name__}: {error}{notes}"


def _show_where(error: BaseException, below: CodeType) -> None:
    """Writes the user's part of the traceback: what was called from the code `below` on, without the machinery of imports."""
    if isinstance(error, FerroshapError):
        return
    at: TracebackType | None = error.__traceback__
    while at is not None and at.tb_frame.f_code is not below:
        at = at.tb_next
    frames = traceback.extract_tb(at.tb_next if at is not None else None)
    shown = [
        frame for frame in frames if not frame.filename.startswith("<frozen") and "importlib" not in frame.filename
    ]
    if shown:
        sys.stderr.write("".join(["Traceback (most recent call last):\n", *traceback.format_list(shown)]))
