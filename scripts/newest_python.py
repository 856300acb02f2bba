"""Prints the path of the newest CPython at or above a version: `python scripts/newest_python.py 3.12`.

Looks along PATH and in pyenv's folder, and runs each candidate: a pyenv shim exists for versions that are not active.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

PROBE = "import sys; print(sys.implementation.name, *sys.version_info[:3], sys.executable)"
NAME = re.compile(r"python3(\.\d+)?")


def candidates() -> list[Path]:
    folders = [Path(folder) for folder in os.get_exec_path()]
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    folders += sorted(pyenv.glob("*/bin"))
    return [path for folder in folders if folder.is_dir() for path in folder.iterdir() if NAME.fullmatch(path.name)]


def probe(path: Path) -> tuple[tuple[int, ...], str] | None:
    """The version and the real path of a CPython; None for anything else."""
    try:
        said = subprocess.run([path, "-c", PROBE], capture_output=True, text=True, timeout=20, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    name, major, minor, micro, executable = said.strip().split(" ", 4)
    return ((int(major), int(minor), int(micro)), executable) if name == "cpython" else None


if __name__ == "__main__":
    floor = tuple(map(int, sys.argv[1].split(".")))
    found = [version for version in map(probe, candidates()) if version and version[0] >= floor]
    if not found:
        sys.exit(f"no CPython >= {sys.argv[1]} on PATH or in pyenv: the newest XGBoost and shap need one")
    print(max(found)[1])
