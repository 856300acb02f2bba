"""How the documentation is built: `make docs`, without the network, every warning an error."""

import re
import sys
from typing import TypeVar

import ferroshap
from docutils import nodes, utils
from sphinx.domains.python import PyXRefRole
from sphinx.util.docstrings import prepare_docstring

project = "ferroshap"
author = "the ferroshap developers"
version = release = ferroshap.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.mathjax"]
exclude_patterns = ["_build"]
nitpicky = True

myst_enable_extensions = ["dollarmath", "deflist", "colon_fence"]
myst_heading_anchors = 3

# Signatures stay short; the types stand with the parameters.
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_typehints_format = "short"
autodoc_member_order = "bysource"
autoclass_content = "class"
napoleon_google_docstring = False
napoleon_use_ivar = True

# Single backticks in docstrings link where there is something to link to, and are plain code elsewhere.
default_role = "code-or-link"
nitpick_ignore_regex = [
    ("py:obj", ".*"),
    ("py:class", r"(?!ferroshap\.).*"),  # types said in words, and other projects: an inventory would need the network
]

# Type variables are no classes that a page could have.
nitpick_ignore = [
    ("py:class", f"{name}.{variable}")
    for name, module in list(sys.modules.items())
    if name.partition(".")[0] == "ferroshap"
    for variable, value in vars(module).items()
    if isinstance(value, TypeVar)
]

# A name that explanations, explainers and models have is a link to one of them: none is wrong, and no page needs the others.
suppress_warnings = ["ref.python"]

html_theme = "furo"
html_title = f"ferroshap {release}"
html_show_sphinx = False
html_copy_source = False


def plain_text(app, what, name, obj, options, lines: list[str]) -> None:  # noqa: ANN001
    """Undoes what napoleon and reStructuredText make of docstrings that are written as plain text.

    Napoleon takes whatever stands before a colon in the first line of a property for a type, and between bars, as in
    |value|, stands the name of a substitution to reStructuredText.
    """
    if what == "property":
        lines[:] = prepare_docstring(obj.__doc__ or "")
    lines[:] = [
        re.sub(r"`[^`]*`|\|", lambda found: found[0].replace("|", r"\|", found[0] == "|"), line) for line in lines
    ]


def code_or_link(_name, raw, text, *place):  # noqa: ANN001, ANN002, ANN201
    """A link for what looks like a name of Python; Sphinx would take the end of `shap_<feature>` for the target of one."""
    if re.fullmatch(r"[A-Za-z_][\w.]*", text):
        return PyXRefRole()("py:obj", raw, text, *place)
    return [nodes.literal(raw, utils.unescape(text))], []


def setup(app) -> None:  # noqa: ANN001
    """Called by Sphinx."""
    app.add_role("code-or-link", code_or_link)
    app.connect("autodoc-process-docstring", plain_text, priority=900)  # after napoleon's 500
