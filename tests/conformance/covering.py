"""Cases out of axes: all combinations, and few that hold every pair of values. Both are the same in every run."""

import heapq
from itertools import combinations, product


def combined(axes, fits):
    """Every combination of values, a dict each, that `fits`."""
    cases = (dict(zip(axes, values, strict=True)) for values in product(*axes.values()))
    return [case for case in cases if fits(case)]


def pairs_of(case):
    """The pairs of (axis, value) in a case."""
    return set(combinations(case.items(), 2))


def covering(cases):
    """A part of the cases that holds every pair of values that some case holds: greedily the one with most new pairs.

    The number of new pairs of a case only falls, so a count that is still the largest when taken anew is the largest.
    """
    queue = [(-len(pairs_of(case)), at) for at, case in enumerate(cases)]
    heapq.heapify(queue)
    left, chosen = set().union(*map(pairs_of, cases)), []
    while left:
        _, at = heapq.heappop(queue)
        new = len(pairs_of(cases[at]) & left)
        if queue and -queue[0][0] > new:
            heapq.heappush(queue, (-new, at))
        else:
            chosen.append(cases[at])
            left -= pairs_of(cases[at])
    return chosen
