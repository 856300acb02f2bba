"""The command line: `ferroshap explain`, `ferroshap inspect`."""

import sys


def main() -> int:
    """Runs the command line on `sys.argv`; returns the exit code (`exit_codes.py`)."""
    try:
        import click
        import pyarrow as pa  # on the main thread, before any other thread imports it: apache/arrow#50908
        import rich
    except ImportError as error:
        sys.stderr.write(
            f"ferroshap: {error.name} is not installed; the command line needs it: pip install 'ferroshap[cli]'\n"
        )
        return 2
    del click, pa, rich
    from .app import run

    return run(sys.argv[1:])
