"""Every block of code in README.md and the pages of docs/ runs, and prints what the page shows.

The blocks of a page run in order, in one namespace and one temporary folder. A `text` block right after a block of code
is its output. Where code ends in an exception, the output ends in a line with its class and message; the page may break
that line. Blocks of `sh` run too, but not those of README.md, which set up machines, nor blocks of `console`.
"""

import contextlib
import io
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import ferroshap
import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted(p for p in (ROOT / "docs").rglob("*.md") if "decisions" not in p.parts)]
FENCE = re.compile(r"^```(?P<language>\S*)[^\n`]*\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
SHOWN = {"text", "console"}
DIRECTIVES = {"{toctree}", "{eval-rst}", "{include}"}


class Block(NamedTuple):
    language: str
    body: str
    line: int
    shows: str | None  # the `text` block right below


def blocks(page):
    text = page.read_text()
    found = list(FENCE.finditer(text))
    for fence, following in zip(found, [*found[1:], None][: len(found)], strict=True):
        below = (
            following is not None
            and following["language"] == "text"
            and not text[fence.end() : following.start()].strip()
        )
        line = text.count("\n", 0, fence.start()) + 2
        yield Block(fence["language"], fence["body"], line, following["body"] if below else None)


def run_python(block, page, namespace):
    """What the block prints; an error of ferroshap's own, or a warning, is printed as an interpreter would."""
    printed = io.StringIO()
    code = "\n" * (block.line - 1) + block.body  # so that a traceback names the line of the page
    with contextlib.redirect_stdout(printed):
        try:
            exec(compile(code, str(page), "exec"), namespace)
        except (ferroshap.FerroshapError, IndexError, TypeError) as error:
            if block.shows is None:
                raise
            kind = type(error)
            name = kind.__name__ if kind.__module__ == "builtins" else f"ferroshap.{kind.__name__}"
            print(f"{name}: {error}")
    return printed.getvalue()


def run_shell(block):
    """What the block prints on both streams. The `ferroshap` and `python` of this environment come first."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "COLUMNS": "100"}
    done = subprocess.run(
        ["sh", "-c", block.body],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if block.shows is None:
        assert done.returncode == 0, done.stdout
    return done.stdout


def same(printed, shown):
    """Equal line by line, up to the error at the end, which may be broken anywhere."""
    at = re.search(r"^(ferroshap\.|IndexError|TypeError)\w*: ", shown, re.MULTILINE)
    start = at.start() if at else len(shown)
    return printed[:start] == shown[:start] and printed[start:].split() == shown[start:].split()


@pytest.mark.filterwarnings("ignore::Warning:shap")  # those are between shap and matplotlib
@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_blocks_of_a_page_run_and_print_what_it_shows(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    namespace = {"__name__": page.stem}
    for block in blocks(page):
        assert block.language in {"python", "sh"} | SHOWN | DIRECTIVES, (
            f"line {block.line}: {block.language!r} is not run"
        )
        if block.language == "python":
            printed = run_python(block, page, namespace)
        elif block.language == "sh" and page.name != "README.md":
            printed = run_shell(block)
        else:
            continue
        if block.shows is not None:
            assert same(printed, block.shows), f"line {block.line} prints\n{printed}"


def test_the_readme_starts_with_an_example_of_eight_lines_and_its_output():
    first = next(blocks(ROOT / "README.md"))
    assert (first.language, len(first.body.splitlines())) == ("python", 8)
    assert first.shows


def test_many_blocks_show_what_they_print():
    assert sum(block.shows is not None for page in PAGES for block in blocks(page) if block.language == "python") >= 15


def test_a_block_that_prints_something_else_is_noticed():
    assert not same("1\n", "2\n")
    assert not same("1\nferroshap.DataError: a b\n", "2\nferroshap.DataError: a\nb\n")
    assert same("1\nferroshap.DataError: a b\n", "1\nferroshap.DataError: a\nb\n")
