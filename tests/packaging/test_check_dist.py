"""What `make wheel` refuses to hand out, on archives made for the purpose."""

import importlib
import io
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
INFO = "ferroshap-1.0.dist-info"
LICENCES = ["LICENSE-MIT", "LICENSE-APACHE", "THIRD-PARTY-NOTICES"]
WHEEL = [
    *(path.relative_to(ROOT / "python").as_posix() for path in (ROOT / "python").rglob("*.py")),
    *("ferroshap/_native.abi3.so", "ferroshap/_native.pyi", "ferroshap/py.typed"),
    *(f"{INFO}/licenses/{name}" for name in LICENCES),
    f"{INFO}/METADATA",
]
SOURCES = ["PKG-INFO", "Cargo.toml", "Cargo.lock", "pyproject.toml", "README.md", "python/x.py", "rust/x.rs", *LICENCES]
SDIST = [f"ferroshap-1.0/{name}" for name in SOURCES]


@pytest.fixture
def check_dist(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "scripts")
    return importlib.import_module("check_dist")


@pytest.fixture
def archives(tmp_path):
    """A function: wheel and sdist that hold files of these names."""

    def make(wheel_names, sdist_names):
        wheel, sdist = tmp_path / "ferroshap-1.0-cp311-abi3-any.whl", tmp_path / "ferroshap-1.0.tar.gz"
        with zipfile.ZipFile(wheel, "w") as archive:
            for name in wheel_names:
                archive.writestr(name, "")
        with tarfile.open(sdist, "w:gz") as archive:
            for name in sdist_names:
                archive.addfile(tarfile.TarInfo(name), io.BytesIO())
        return wheel, sdist

    return make


def test_what_a_wheel_and_an_sdist_hold_is_accepted(check_dist, archives):
    check_dist.check_content(*archives(WHEEL, SDIST))


@pytest.mark.parametrize("name", [WHEEL[0], "ferroshap/_native.abi3.so", f"{INFO}/licenses/THIRD-PARTY-NOTICES"])
def test_a_file_missing_from_the_wheel_is_named(check_dist, archives, name):
    with pytest.raises(SystemExit, match=name.replace(".", r"\.")):
        check_dist.check_content(*archives([other for other in WHEEL if other != name], SDIST))


@pytest.mark.parametrize("name", ["ferroshap/left_over.py", "tests/test_x.py"])
def test_a_file_that_does_not_belong_into_the_wheel_is_named(check_dist, archives, name):
    with pytest.raises(SystemExit, match=name.split("/")[0]):
        check_dist.check_content(*archives([*WHEEL, name], SDIST))


@pytest.mark.parametrize("name", SDIST)
def test_an_sdist_that_lacks_a_source_is_refused(check_dist, archives, name):
    with pytest.raises(SystemExit, match="content of the sdist"):
        check_dist.check_content(*archives(WHEEL, [other for other in SDIST if other != name]))


def test_an_sdist_with_the_tests_data_is_refused(check_dist, archives):
    with pytest.raises(SystemExit, match="tests"):
        check_dist.check_content(*archives(WHEEL, [*SDIST, "ferroshap-1.0/tests/reference/x.npz"]))


def test_a_wheel_beyond_its_limit_is_refused_with_both_sizes(check_dist, tmp_path):
    wheel = tmp_path / "some.whl"
    wheel.write_bytes(b"1234")
    with pytest.raises(SystemExit, match=r"some\.whl has 4 bytes, more than 3"):
        check_dist.check_size(wheel, 3)
