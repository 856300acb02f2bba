"""Says in one line each what this machine lacks to build ferroshap; silent when nothing is missing.

Written for any Python 3, so that an old interpreter reads this message and not a syntax error.
"""

import re
import shutil
import subprocess
import sys

PYTHON = (3, 11)
RUST = (1, 89)


def dotted(version):
    return ".".join(map(str, version))


def python_problems():
    if sys.version_info < PYTHON:
        yield (
            "ferroshap needs CPython >= %s, this is %s (%s); name another one: make PYTHON=/path/to/python3"
            % (dotted(PYTHON), dotted(sys.version_info[:3]), sys.executable)
        )
        return
    try:
        # Debian ships the first and not the second without its package python3-venv.
        import ensurepip
        import venv
    except ImportError as error:
        yield "the %s module of %s is missing; on Debian: apt install python3-venv" % (error.name, sys.executable)


def rust_problems():
    if shutil.which("cargo") is None or shutil.which("rustc") is None:
        yield "cargo was not found: install Rust >= %s (https://rustup.rs)" % dotted(RUST)
        return
    said = subprocess.run(["rustc", "--version"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout.decode()
    found = re.search(r"(\d+)\.(\d+)", said)
    if not found or tuple(map(int, found.groups())) < RUST:
        yield "ferroshap needs Rust >= %s, found: %s; with rustup: rustup update stable" % (dotted(RUST), said.strip())
    if shutil.which("cc") is None:
        yield "Rust needs a C linker and `cc` was not found; on Debian: apt install gcc"


if __name__ == "__main__":
    problems = list(python_problems()) + list(rust_problems())
    for problem in problems:
        sys.stderr.write(problem + "\n")
    sys.exit(2 if problems else 0)
