"""What the exit code says. Jobs and schedulers stand on these numbers: they do not change."""

from enum import IntEnum

from ferroshap.errors import (
    AdditivityError,
    DataError,
    FerroshapError,
    ModelError,
    OptionError,
    PlanError,
    UnsupportedModelError,
)


class ExitCode(IntEnum):
    """6 (finished with skipped parts) belongs to the resumable output, which does not exist yet."""

    OK = 0
    INTERNAL = 1
    USAGE = 2  # or over budget
    MODEL = 3  # unreadable or unsupported
    DATA = 4  # unreadable or mismatched
    ADDITIVITY = 5
    OUTPUT = 7  # not written: exists, read-only, disk full
    # 128 + the signal's number: 130 after SIGINT, 143 after SIGTERM


class OutputError(FerroshapError, OSError):
    """The output cannot be written."""


CODES: tuple[tuple[type[FerroshapError], ExitCode], ...] = (
    (OptionError, ExitCode.USAGE),
    (PlanError, ExitCode.USAGE),
    (UnsupportedModelError, ExitCode.MODEL),
    (ModelError, ExitCode.MODEL),
    (DataError, ExitCode.DATA),
    (AdditivityError, ExitCode.ADDITIVITY),
    (OutputError, ExitCode.OUTPUT),
)


def exit_code(error: FerroshapError) -> ExitCode:
    """The exit code of an error of ferroshap's own."""
    return next((code for kind, code in CODES if isinstance(error, kind)), ExitCode.INTERNAL)
