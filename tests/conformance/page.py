"""docs/conformance.md, a section of which each run writes anew."""

import datetime as dt
import re
from pathlib import Path

import ferroshap

PAGE = Path(__file__).resolve().parents[2] / "docs" / "conformance.md"
SECTIONS = ("trained", "recorded", "damaged")
HEAD = """\
# Conformance

*Written by `make conformance`, `make conformance FIXTURES=dir` and `make damage`; not by hand.*

Right or refused: what ferroshap reads it must predict as the training library does, explain exactly, or refuse by name. This
page says how that was checked, on what, and the worst that was found. A number is always the worst of all rows and outputs
checked, never a mean. Bounds are those of the code that checks, in
[`tests/conformance/`](https://github.com/ferroshap/ferroshap/tree/main/tests/conformance), which anyone can run.
"""


def replace(name, text):
    """Puts a section in the place of the one of that name."""
    page = PAGE.read_text() if PAGE.exists() else ""
    kept = {section: _section(page, section) for section in SECTIONS}
    kept[name] = text.strip() + "\n"
    blocks = [
        f"<!-- {section} -->\n\n{kept[section]}\n<!-- end of {section} -->\n" for section in SECTIONS if kept[section]
    ]
    PAGE.write_text(HEAD + "\n" + "\n".join(blocks))


def _section(page, name):
    found = re.search(rf"<!-- {name} -->\n\n(.*?)\n<!-- end of {name} -->", page, re.DOTALL)
    return found[1] if found else ""


def stamp():
    """The day, and what was checked."""
    return f"{dt.datetime.now(dt.UTC):%Y-%m-%d}, ferroshap {ferroshap.__version__}"


def table(head, rows):
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)
