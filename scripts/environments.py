"""Makes environments for the scripts that try what was built: empty ones, with what is asked for and nothing else."""

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UV = os.environ.get("UV", str(ROOT / ".uv" / "bin" / "uv"))  # make's own; the name that uv itself uses for its path


def make_environment(folder: Path, python: str, packages: list[str]) -> Path:
    """The folder of the programs of a new environment at `folder`, in which uv has installed `packages`."""
    subprocess.run([UV, "venv", "--quiet", "--clear", "--python", python, folder], check=True)
    subprocess.run([UV, "pip", "install", "--quiet", "--python", folder, *packages], check=True)
    return folder / "bin"


def built(pattern: str) -> Path:
    """The one file in dist/ that `make wheel` left under this pattern."""
    found = sorted((ROOT / "dist").glob(pattern))
    if len(found) != 1:
        raise SystemExit(f"expected one dist/{pattern}, found {len(found)}: run `make wheel`")
    return found[0]
