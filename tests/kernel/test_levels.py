"""Which vector level is used: the processor's best, or a lower one that FERROSHAP_SIMD names."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from ferroshap import _native
from ferroshap.errors import OptionError
from kernel.conftest import LEVELS
from kernel.random_models import core, explain, random_ensemble, rows_for

TESTS = Path(__file__).resolve().parents[1]
SCRIPT = """
from ferroshap import _native
from kernel.random_models import core, explain, random_ensemble, rows_for
a = random_ensemble(4, n_trees=9)
plan = _native.Plan(core(a))
print(_native.build_info()["simd"], plan.describe()["simd"], *_native.build_info()["simd_available"])
print(explain(plan, a, rows_for(a, 200, 4)).tobytes().hex())
"""


def run_with(level):
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    environment.pop("FERROSHAP_SIMD", None)
    if level is not None:
        environment["FERROSHAP_SIMD"] = level
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=True)
    levels, values = done.stdout.splitlines()
    in_use, of_plan, *available = levels.split()
    assert in_use == of_plan
    assert available == LEVELS
    return in_use, bytes.fromhex(values)


@pytest.fixture(scope="module")
def values():
    a = random_ensemble(4, n_trees=9)
    return explain(_native.Plan(core(a)), a, rows_for(a, 200, 4)).tobytes()


@pytest.mark.parametrize("level", LEVELS)
def test_the_environment_lowers_the_level_and_no_bit_changes(level, values):
    assert run_with(level) == (level, values)


@pytest.mark.parametrize("level", [None, "", "avx1024", "AVX2", "neon" if "neon" not in LEVELS else "avx512"])
def test_the_environment_cannot_name_a_level_that_is_not_there(level, values):
    assert run_with(level) == (LEVELS[-1], values)


def test_a_plan_for_a_level_that_is_not_there_is_refused_with_those_that_are():
    with pytest.raises(OptionError, match=f"avx1024.* is not available.*{', '.join(LEVELS)}"):
        _native.Plan(core(random_ensemble(0)), level="avx1024")
