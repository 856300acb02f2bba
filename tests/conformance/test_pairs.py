"""Every pair of values of every family's axes, trained and held against library, oracle and doors."""

from itertools import combinations

import pytest
from conformance.covering import combined, covering, pairs_of
from conformance.run import FAMILIES, everything, pairs
from conformance.verdict import judge

JOBS = [(name, part) for name in FAMILIES for part in range(4)]


@pytest.mark.parametrize("name,part", JOBS, ids=str)
def test_every_pair_of_values_agrees(name, part):
    verdicts = [judge(FAMILIES[name], case) for case in pairs(FAMILIES[name])[part::4]]
    assert [(verdict.case, verdict.failures) for verdict in verdicts if verdict.failures] == []
    assert sum(bool(verdict.explained) for verdict in verdicts) >= 0.7 * len(verdicts)  # LightGBM does not train all


@pytest.mark.parametrize("name", FAMILIES)
def test_the_pairs_and_the_whole_leave_no_pair_out(name):
    family = FAMILIES[name]
    possible = set().union(*map(pairs_of, combined(family.axes, family.fits)))
    for cases in (pairs(family), everything(family)):
        assert set().union(*map(pairs_of, cases)) == possible
    assert {axis for pair in possible for axis, _ in pair} == set(family.axes)


def test_a_covering_is_small_and_complete():
    cases = combined({"a": range(4), "b": range(3), "c": range(3)}, lambda case: case != {"a": 0, "b": 0, "c": 0})
    chosen = covering(cases)
    wanted = {pair for case in cases for pair in combinations(case.items(), 2)}
    assert set().union(*map(pairs_of, chosen)) == wanted
    assert 12 <= len(chosen) <= 16
