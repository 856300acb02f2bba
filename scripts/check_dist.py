"""Checks what `make wheel` built: size and content, and that wheel and sdist install and work where nothing else is.

Each is installed with its command line into an environment of its own; the sdist is compiled there as a user's pip would.
The command runs on a copy of a model file, in a folder outside the repository. Silent about what is right but for a line each.
"""

import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

from environments import ROOT, built, make_environment

MAX_WHEEL, MAX_SDIST = 5_000_000, 1_000_000  # bytes
MODEL = ROOT / "tests/reference/l47/multi.txt"
FACTS = {"source": "LightGBM text v4", "trees": 18, "leaves": 180, "depth": 8, "n_features": 6, "supported": True}
LICENCES = {"LICENSE-MIT", "LICENSE-APACHE", "THIRD-PARTY-NOTICES"}
# What an sdist is built from, by folder or name. Tests, benchmarks and their data stay in the repository.
SOURCES = {"Cargo.toml", "Cargo.lock", "pyproject.toml", "README.md", "PKG-INFO", "python", "rust", *LICENCES}
EXPLAIN = """
import ferroshap, numpy
explained = ferroshap.TreeExplainer("model.txt")(numpy.zeros((2, 6)))
print(ferroshap.build_info()["profile"], explained.values.shape)
"""


def expect(found: object, wanted: object, what: str) -> None:
    if found != wanted:
        sys.exit(f"{what}: found {found!r}, expected {wanted!r}")


def check_size(path: Path, limit: int) -> None:
    size = path.stat().st_size
    if size > limit:
        sys.exit(f"{path.name} has {size:,} bytes, more than {limit:,}")
    print(f"{path.name}: {size:,} bytes")


def check_content(wheel: Path, sdist: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    version = wheel.name.split("-")[1]
    info = f"ferroshap-{version}.dist-info"
    expect({name.split("/")[0] for name in names}, {"ferroshap", info}, "folders of the wheel")
    needed = {"ferroshap/_native.abi3.so", "ferroshap/_native.pyi", "ferroshap/py.typed"}
    expect((needed | {f"{info}/licenses/{name}" for name in LICENCES}) - names, set(), "missing from the wheel")
    modules = {path.relative_to(ROOT / "python").as_posix() for path in (ROOT / "python").rglob("*.py")}
    expect({name for name in names if name.endswith(".py")}, modules, "modules of the wheel")
    with tarfile.open(sdist) as archive:
        paths = [Path(name) for name in archive.getnames()]
    expect({path.parts[0] for path in paths}, {f"ferroshap-{version}"}, "folders of the sdist")
    expect({path.parts[1] for path in paths if len(path.parts) > 1}, SOURCES, "content of the sdist")


def run(command: list, folder: Path, code: int = 0) -> tuple[str, str]:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != code:
        sys.exit(f"{command} ended with {done.returncode}, expected {code}:\n{done.stdout}{done.stderr}")
    return done.stdout, done.stderr


def check_command(programs: Path, folder: Path) -> None:
    lines = run([programs / "ferroshap", "inspect", "model.txt"], folder)[0].splitlines()
    told = dict(line.split(maxsplit=1) for line in lines)
    expect((told.get("trees"), told.get("leaves")), ("18", "180"), "ferroshap inspect")
    facts = json.loads(run([programs / "ferroshap", "inspect", "model.txt", "--json"], folder)[0])
    expect({name: facts.get(name) for name in FACTS}, FACTS, "ferroshap inspect --json")


def check_without_extra(programs: Path, folder: Path) -> None:
    """With numpy and narwhals alone the package explains; its command says which extra it needs."""
    printed = run([programs / "python", "-I", "-c", EXPLAIN], folder)[0]
    expect(printed, "release (2, 6, 3)\n", "values without the extra")
    said = run([programs / "ferroshap", "inspect", "model.txt"], folder, code=2)[1]
    if "pip install 'ferroshap[cli]'" not in said:
        sys.exit(f"without the extra the command does not say how to install it: {said!r}")


if __name__ == "__main__":
    wheel, sdist = built("*.whl"), built("*.tar.gz")
    check_size(wheel, MAX_WHEEL)
    check_size(sdist, MAX_SDIST)
    check_content(wheel, sdist)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copy(MODEL, folder / "model.txt")
        for kind, archive in (("wheel", wheel), ("sdist", sdist)):
            programs = make_environment(folder / "env", sys.executable, [f"ferroshap[cli] @ {archive.as_uri()}"])
            check_command(programs, folder)
            print(f"{kind}: installs into an empty environment, `ferroshap inspect` runs")
        check_without_extra(make_environment(folder / "env", sys.executable, [str(wheel)]), folder)
        print("wheel: explains without the extra, and the command names it")
