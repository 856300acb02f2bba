"""How the documentation is built: `make docs`, without the network, every warning an error."""

import ferroshap
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
napoleon_use_rtype = False

# Single backticks in docstrings link where there is something to link to, and are plain code elsewhere.
default_role = "py:obj"
nitpick_ignore_regex = [
    ("py:obj", ".*"),
    ("py:class", r"ferroshap\.background\.Table"),  # a type variable
    ("py:class", r"(collections\.abc|np|npt|numpy|nw|os|pa|pathlib|pd|pl)\..*"),  # an inventory would need the network
]

html_theme = "furo"
html_title = f"ferroshap {release}"
html_show_sphinx = False
html_copy_source = False


def property_as_written(app, what, name, obj, options, lines: list[str]) -> None:  # noqa: ANN001
    """Undoes napoleon for properties: it takes whatever stands before a colon in their first line for a type."""
    if what == "property":
        lines[:] = prepare_docstring(obj.__doc__ or "")


def setup(app) -> None:  # noqa: ANN001
    """Called by Sphinx."""
    app.connect("autodoc-process-docstring", property_as_written, priority=900)  # after napoleon's 500
