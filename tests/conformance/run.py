"""python tests/conformance/run.py [FIXTURES]: models of every family, trained and held against their library.

Every combination of a family's axes is trained on small tables, and what the pairs need of the rest (see `covering.py`);
then come the recorded models below FIXTURES, if it is given. A line a family, a line a mismatch; writes
docs/conformance.md; the exit status is the number of mismatches, at most 100.
"""

import logging
import multiprocessing
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
for name in ("OMP_NUM_THREADS", "FERROSHAP_NUM_THREADS"):  # before the libraries are loaded: a process a core
    os.environ.setdefault(name, "1")

import lightgbm  # noqa: E402
from conformance import catboost_cases, lightgbm_cases, page, recorded_models, sklearn_cases, xgboost_cases  # noqa: E402
from conformance.covering import combined, covering  # noqa: E402
from conformance.report import line, trained_section  # noqa: E402
from conformance.verdict import judge  # noqa: E402

FAMILIES = {
    family.name: family
    for family in (xgboost_cases.FAMILY, lightgbm_cases.FAMILY, catboost_cases.FAMILY, sklearn_cases.FAMILY)
}


def pairs(family):
    """Cases that hold every pair of values of the axes."""
    return covering(combined(family.axes, family.fits))


def everything(family):
    """All combinations, the usual axes at their first value; and the pairs that those do not hold."""
    first = {axis: family.axes[axis][0] for axis in family.usual}
    whole = [case for case in combined(family.axes, family.fits) if first.items() <= case.items()]
    return whole + [case for case in pairs(family) if not first.items() <= case.items()]


def judged(job):
    name, case = job
    return judge(FAMILIES[name], case)


def main(fixtures=None):
    mismatches, sections = 0, []
    lightgbm.register_logger(logging.getLogger("quiet"))  # it reports what it does not train as an exception too
    with multiprocessing.get_context("fork").Pool(len(os.sched_getaffinity(0))) as pool:
        for family in FAMILIES.values():
            verdicts = pool.map(judged, [(family.name, case) for case in everything(family)], chunksize=8)
            for verdict in verdicts:
                for failure in verdict.failures:
                    print(f"  {family.name}, {', '.join(map(str, verdict.case.values()))}: {failure.splitlines()[0]}")
            mismatches += sum(bool(verdict.failures) for verdict in verdicts)
            print(line(family, verdicts), flush=True)
            sections.append((family, verdicts))
    page.replace("trained", trained_section(sections))
    if fixtures is not None:
        mismatches += recorded_models.main(fixtures)
    return min(mismatches, 100)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
