"""What is installed here: for bug reports."""

import importlib.metadata
import platform
import sys
from typing import Any

from . import _native

PACKAGES = (
    "numpy", "narwhals", "xgboost", "xgboost-cpu", "lightgbm", "scikit-learn", "pandas", "polars", "pyarrow", "click",
    "rich", "shap",
)  # fmt: skip


def build_info() -> dict[str, Any]:
    """The build, a dict.

    `version`; `simd`, the vector instructions in use, and `simd_available`, a list of those that this processor has;
    `threads`, the number that a call uses by default; `profile`, `"release"` unless built for debugging.

    Examples
    --------
    >>> import ferroshap
    >>> sorted(ferroshap.build_info())
    ['profile', 'simd', 'simd_available', 'threads', 'version']
    """
    return _native.build_info()


def show_versions() -> None:
    """Prints the versions of ferroshap, Python and the libraries it can work with; imports none of them."""
    info = build_info()
    lines = {
        "ferroshap": f"{info['version']} ({info['profile']})",
        "simd": info["simd"],
        "threads": info["threads"],
        "python": f"{platform.python_version()} ({sys.platform}, {platform.machine()})",
    }
    for name in PACKAGES:
        try:
            lines[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    width = max(map(len, lines))
    print("\n".join(f"{name:<{width}}  {value}" for name, value in lines.items()))  # noqa: T201
