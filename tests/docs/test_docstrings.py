"""The examples in public docstrings are run, and every public name is in the reference."""

import builtins
import doctest
import inspect
import re
from pathlib import Path

import ferroshap
import pytest

API = Path(__file__).resolve().parents[2] / "docs" / "api"
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def with_examples():
    """(name, doctest) of every public class, method and function whose docstring has examples."""
    finder = doctest.DocTestFinder(exclude_empty=True)
    names = {name: getattr(ferroshap, name) for name in ferroshap.__all__}
    for name in ferroshap.__all__:
        for test in finder.find(getattr(ferroshap, name), f"ferroshap.{name}", module=False, globs=names):
            if test.examples:
                yield pytest.param(test, id=test.name)


@pytest.mark.parametrize("test", list(with_examples()))
def test_the_examples_of_a_docstring_give_what_they_show(test, tmp_path, monkeypatch):
    assert not any(doctest.SKIP in example.options for example in test.examples)
    monkeypatch.chdir(tmp_path)
    report = []
    result = doctest.DocTestRunner(optionflags=FLAGS).run(test, out=report.append)
    assert not result.failed, "".join(report)


@pytest.mark.parametrize("name", ["TreeExplainer", "TreeEnsemble", "load_model", "supports", "BatchExplainer"])
def test_the_names_that_users_start_from_have_examples(name):
    assert ">>> " in getattr(ferroshap, name).__doc__


def test_the_reference_has_every_public_name_once():
    text = "\n".join(page.read_text() for page in sorted(API.glob("*.md")))
    listed = re.findall(r"^\.\. auto(?:class|function|exception):: ferroshap\.(\w+)$", text, re.MULTILINE)
    assert sorted(listed) == sorted(ferroshap.__all__)


def test_every_public_name_says_what_it_is():
    for name in ferroshap.__all__:
        assert (getattr(ferroshap, name).__doc__ or "").strip(), name


def callables():
    """(name, object) of every public function, class and method but exceptions."""
    for name in ferroshap.__all__:
        thing = getattr(ferroshap, name)
        if isinstance(thing, type) and issubclass(thing, Exception):
            continue
        yield pytest.param(thing, id=name)
        if isinstance(thing, type):
            for method, function in inspect.getmembers(thing, inspect.isfunction):
                if not method.startswith("_") or method in {"__call__", "__getitem__"}:
                    yield pytest.param(function, id=f"{name}.{method}")


def names_in(section, doc):
    """The names that a section of a docstring in numpy's style explains; None without the section."""
    found = re.search(rf"^{section}\n-+\n(.*?)(?=^\w[^\n]*\n-+\n|\Z)", doc, re.MULTILINE | re.DOTALL)
    if found is None:
        return None
    heads = [line.partition(" : ")[0] for line in found[1].splitlines() if line and not line.startswith(" ")]
    return {name.strip().lstrip("*") for head in heads for name in head.split(",")}


@pytest.mark.parametrize("thing", list(callables()))
def test_what_is_raised_is_an_exception(thing):
    for name in names_in("Raises", inspect.getdoc(thing)) or ():
        kind = getattr(ferroshap, name, None) or getattr(builtins, name)
        assert issubclass(kind, Exception)


@pytest.mark.parametrize("thing", list(callables()))
def test_every_parameter_is_explained(thing):
    if thing is ferroshap.TreeEnsemble:
        return  # users do not make one: load_model and build_ensemble do
    doc = inspect.getdoc(thing)
    parameters = set(inspect.signature(thing).parameters) - {"self"}
    explained = names_in("Parameters", doc) or names_in("Attributes", doc)
    if explained is None:  # a line or two, with the parameters in it
        explained = {name for name in parameters if re.search(rf"`[^`]*\b{name}\b[^`]*`", doc)}
    assert explained == parameters
