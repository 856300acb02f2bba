"""Which levels of vector instructions this processor has, by its own account, and which of them ran."""

import platform
from collections import Counter
from pathlib import Path

import pytest
from ferroshap import _native
from kernel.random_models import core

NEEDS = {"avx2": {"avx2"}, "avx512": {"avx512f", "avx512dq"}}  # flags of /proc/cpuinfo
_ran = Counter()


def levels_of_the_processor():
    """The levels that have to run here; from the operating system, not from ferroshap."""
    if platform.machine() == "aarch64":
        return ["scalar", "neon"]
    found = {
        flag
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("flags")
        for flag in line.split()
    }
    return ["scalar", *(level for level, needs in NEEDS.items() if needs <= found)]


LEVELS = levels_of_the_processor()


@pytest.fixture
def plans():
    """A function from canonical arrays to a plan at every level: pairs (level, plan)."""

    def plans(a):
        model = core(a)
        for level in LEVELS:
            plan = _native.Plan(model, level=level)
            assert plan.describe()["simd"] == level
            _ran[level] += 1
            yield level, plan

    return plans


def pytest_terminal_summary(terminalreporter):
    if _ran:
        counts = ", ".join(f"{level} ({_ran[level]} plans)" for level in LEVELS)
        terminalreporter.write_line(f"levels of vector instructions that ran: {counts}")
