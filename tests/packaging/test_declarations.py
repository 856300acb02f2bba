"""What pyproject.toml promises is what `make test-matrix` tries."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
MATRIX = tomllib.loads((ROOT / "tests" / "matrix.toml").read_text())


def released(version):
    """`1.26` and `1.26.0` are one version."""
    parts = [int(part) for part in version.split(".")]
    return tuple(parts + [0] * (3 - len(parts)))


def test_the_oldest_environment_has_the_lowest_version_of_each_dependency():
    required = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["cli"]]
    floors = dict(re.fullmatch(r"([a-z-]+)>=([\d.]+)", text).groups() for text in required)
    pins = dict(text.split("==") for text in MATRIX["oldest"]["packages"] if "==" in text)
    assert {name: released(pins[name]) for name in floors} == {name: released(floors[name]) for name in floors}


def test_the_oldest_python_is_in_the_matrix_with_the_oldest_and_the_newest_libraries():
    lowest = PROJECT["requires-python"].removeprefix(">=")
    there = {name for name, environment in MATRIX.items() if environment["python"] == lowest}
    assert {"oldest", f"newest-{lowest}"} <= there
