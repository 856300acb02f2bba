"""Runs the tests from the one wheel in dist/ in every environment of tests/matrix.toml, or in those named as arguments.

Each environment is made anew in build/matrix/; what pytest says goes to a log there, its last line is shown. A test that
an environment cannot run is named in tests/matrix.toml with the reason, and shown: nothing is left out in silence.
"""

import os
import subprocess
import sys
import time
import tomllib
from pathlib import Path

from environments import ROOT, built, make_environment
from newest_python import candidates, probe

FOLDER = ROOT / "build" / "matrix"
ENVIRONMENTS = tomllib.loads((ROOT / "tests" / "matrix.toml").read_text(encoding="utf-8"))
NEWEST = ["--group", "pyproject.toml:test"]


def interpreters() -> dict[str, str]:
    """The newest CPython of each series on this machine, such as {"3.11": path}."""
    found = sorted(version for version in map(probe, candidates()) if version)
    return {f"{version[0]}.{version[1]}": path for version, path in found}


def is_there(test: str) -> bool:
    """Whether the folder, the file or the function of a test exists."""
    path, _, function = test.partition("::")
    place = ROOT / path
    return place.exists() and (not function or f"def {function.split('[')[0]}(" in place.read_text(encoding="utf-8"))


def left_out(environment: dict) -> list[str]:
    """The options of pytest for what this environment does not run, after showing it."""
    options = []
    for reason, tests in environment.get("not_run", {}).items():
        print("\n    ".join([f"  not run: {reason}", *tests]), flush=True)
        options += [f"--deselect={test}" if "::" in test else f"--ignore={test}" for test in tests]
    return options


def run(name: str, environment: dict, python: str, wheel: Path) -> bool:
    """Whether every test passed there."""
    folder, log = FOLDER / name, FOLDER / f"{name}.log"
    print(f"{name}: CPython {environment['python']}", flush=True)
    packages = environment.get("packages", NEWEST)
    programs = make_environment(folder, python, [f"ferroshap[cli] @ {wheel.as_uri()}", *packages])
    own = [programs / "python", "-I"]  # neither this folder nor PYTHONPATH: the wheel is what is imported
    where = subprocess.run([*own, "-c", "import ferroshap; print(ferroshap.__file__)"], capture_output=True, check=True)
    if not Path(where.stdout.decode().strip()).is_relative_to(folder):
        sys.exit(f"{name} would test {where.stdout.decode().strip()}, not the wheel")
    command = [
        *own,
        "-m",
        "pytest",
        "-q",
        "-rfEs",
        "--continue-on-collection-errors",
        "-p",
        "no:cacheprovider",
        *left_out(environment),
    ]
    tests = environment.get("tests", ["tests"])
    start = time.monotonic()
    with log.open("w", encoding="utf-8") as output:
        done = subprocess.run([*command, *tests], cwd=ROOT, stdout=output, stderr=subprocess.STDOUT, check=False)
    lines = log.read_text(encoding="utf-8").rstrip().splitlines()
    told = [line for line in lines if line.startswith(("FAILED ", "ERROR ", "SKIPPED "))]
    for line in [*told[:20], lines[-1].strip("= ")]:
        print(f"  {line}")
    print(f"  {time.monotonic() - start:.0f} s, log in {log.relative_to(ROOT)}", flush=True)
    return done.returncode == 0


if __name__ == "__main__":
    chosen = sys.argv[1:] or list(ENVIRONMENTS)
    if unknown := set(chosen) - set(ENVIRONMENTS):
        sys.exit(f"tests/matrix.toml has no {', '.join(sorted(unknown))}: it has {', '.join(ENVIRONMENTS)}")
    named = [test for name in chosen for tests in ENVIRONMENTS[name].get("not_run", {}).values() for test in tests]
    if gone := [test for test in named if not is_there(test)]:
        sys.exit(f"tests/matrix.toml leaves out what is not there any more: {', '.join(gone)}")
    pythons = interpreters()
    if missing := {ENVIRONMENTS[name]["python"] for name in chosen} - set(pythons):
        sys.exit(
            f"no CPython {', '.join(sorted(missing))} on PATH or in pyenv: install it, or name environments to run"
        )
    wheel = built("*.whl")
    os.environ.pop("PYTHONPATH", None)
    FOLDER.mkdir(parents=True, exist_ok=True)
    passed = {name: run(name, ENVIRONMENTS[name], pythons[ENVIRONMENTS[name]["python"]], wheel) for name in chosen}
    failed = [name for name, good in passed.items() if not good]
    sys.exit(f"tests failed in {', '.join(failed)}" if failed else 0)
