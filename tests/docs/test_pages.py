"""Tables of the pages that the code knows too: they name the same things."""

import inspect
import re
from operator import attrgetter
from pathlib import Path

import ferroshap
import pytest
from ferroshap.cli.exit_codes import ExitCode

DOCS = Path(__file__).resolve().parents[2] / "docs"


def rows(text):
    """The cells of the rows of all tables."""
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]


@pytest.mark.parametrize("page", [DOCS / "command-line.md", DOCS.parent / "README.md"], ids=lambda page: page.name)
def test_every_exit_code_is_in_the_table(page):
    named = {int(code) for first, *_ in rows(page.read_text()) for code in first.split(", ") if code.isdigit()}
    assert named == {*map(int, ExitCode), 130, 143}


def test_every_error_is_in_the_table_with_the_kind_that_it_also_is():
    named = {
        cells[0].strip("`"): cells[1].strip("`") for cells in rows((DOCS / "errors.md").read_text()) if len(cells) == 4
    }
    del named["class"], named["---"]
    errors = [getattr(ferroshap, name) for name in ferroshap.__all__ if name.endswith("Error")]
    assert set(named) == {error.__name__ for error in errors} - {"FerroshapError"}
    for error in errors:
        if error is not ferroshap.FerroshapError:
            kind = next(base for base in error.__mro__[1:] if base is not ferroshap.FerroshapError)
            assert named[error.__name__] == kind.__name__


def test_the_pages_are_all_in_the_index():
    listed = set(re.findall(r"^(?:guides/)?[a-z-]+$", (DOCS / "index.md").read_text(), re.MULTILINE))
    pages = {str(page.relative_to(DOCS).with_suffix("")) for page in [*DOCS.glob("*.md"), *DOCS.glob("guides/*.md")]}
    assert pages - {"index"} <= listed


@pytest.mark.filterwarnings("ignore::Warning:shap")  # those are between shap and matplotlib
@pytest.mark.parametrize("name", ["Explainer", "TreeExplainer", "TreeExplainer.shap_values", "TreeExplainer.__call__"])
def test_every_argument_of_shap_and_of_ours_is_compared(name):
    import shap

    text = (DOCS / "guides" / "from-shap.md").read_text()
    both = [attrgetter(name)(library) for library in (ferroshap, shap)]
    arguments = {argument for thing in both for argument in inspect.signature(thing).parameters}
    own_to_python = {"self", "X", "args", "kwargs", "options", "from_call"}  # the last is shap's own business
    assert [argument for argument in sorted(arguments - own_to_python) if not re.search(rf"\b{argument}\b", text)] == []
