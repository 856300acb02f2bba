"""python tests/conformance/damage.py [FILES]: damaged model files of every format.

Each is read by us in a process whose memory is limited to what it had, 16 times the file's size and 64 MB, within 10 s. What
we accept we predict and explain; the training library reads the same bytes in another process, and where it predicts, its
predictions have to be ours. Findings go to build/damage/; their number, at most 100, is the exit status. Writes its section
of docs/conformance.md.
"""

import contextlib
import multiprocessing
import os
import resource
import sys
import tempfile
import time
import warnings
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ["OMP_NUM_THREADS"] = "1"  # before the libraries are loaded: a forked process has no pool of threads

from conformance import damage_seeds, page
from conformance.damaging import damaged
from ferroshap import AdditivityError, FerroshapError, TreeExplainer, load_model

FILES = 100_000
SECONDS, LIBRARY_SECONDS = 10, 3
FOUND = Path(__file__).resolve().parents[2] / "build" / "damage"
# CatBoost's reader of JSON does not round decimal numbers to the nearest float64.
GAPS = {"CatBoost": 1e-13}
FORK = multiprocessing.get_context("fork")


class Child:
    """A process that answers questions, and is made anew when it dies or takes too long."""

    def __init__(self, answer, seconds):
        self._answer, self._seconds, self._process = answer, seconds, None

    def ask(self, *question):
        """The answer; ("hang",) or ("crash", exit code)."""
        if self._process is None:
            self._pipe, theirs = FORK.Pipe()
            self._process = FORK.Process(target=_serve, args=(theirs, self._answer), daemon=True)
            self._process.start()
            theirs.close()
        try:
            self._pipe.send(question)
            if self._pipe.poll(self._seconds):
                return self._pipe.recv()
            answer = ("hang",)
        except (EOFError, OSError):
            self._process.join(5)
            answer = ("crash", self._process.exitcode)
        self.close()
        return answer

    def close(self):
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._pipe.close()
            self._process = None


def _serve(pipe, answer):
    sys.stdout = sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115  (for as long as the process lives)
    os.dup2(sys.stderr.fileno(), 2)
    os.dup2(sys.stderr.fileno(), 1)
    warnings.simplefilter("ignore")
    with contextlib.suppress(EOFError):
        while True:
            pipe.send(answer(*pipe.recv()))


@contextlib.contextmanager
def memory(size):
    """No more address space than the process has now, and `size` bytes."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (hard, hard))


def read(seed, data):
    """What we make of a file: ("refused", error's name), ("accepted", prediction, features, divisor) or a finding."""
    try:
        with memory(16 * len(data) + (64 << 20)):
            model = load_model(data)
            found, given = damage_seeds.ours(seed, model)
        with contextlib.suppress(MemoryError):
            TreeExplainer(model).shap_values(given)
    except AdditivityError as error:
        return "finding", str(error)
    except FerroshapError as error:
        if "found" not in locals():
            return "refused", type(error).__name__
    except BaseException as error:  # noqa: BLE001  (anything else is a finding, a panic too)
        return "finding", f"{type(error).__name__}: {error}"
    return "accepted", found, model.n_features, model._core.arrays()["divisor"]


def compare(seed, data, n_features, divisor):
    """What the library makes of it: ("refused",) or ("predicted", prediction)."""
    try:
        return "predicted", damage_seeds.library(seed, data, n_features, divisor)
    except Exception:  # noqa: BLE001  (whatever it raises, it does not predict)
        return ("refused",)


def tried(name, seed, numbers, tally, readers):
    """Damages a seed by each number and counts what comes of it."""
    for number in numbers:
        data = damaged(seed.data, number)
        reader, library = readers
        kind, *rest = reader.ask(seed, data)
        tally["files"] += 1
        if kind == "refused":
            tally[rest[0]] += 1
        elif kind == "accepted":
            tally["accepted"] += 1
            kind = _held_against_library(seed, data, rest, tally, library)
        if kind not in {"refused", "accepted"}:
            tally["findings"] += 1
            FOUND.mkdir(parents=True, exist_ok=True)
            (FOUND / f"{name.replace(', ', '-').replace(' ', '-')}-{number}").write_bytes(data)
            print(f"  {name}, {number}: {kind} {' '.join(str(each) for each in rest)[:300]}", flush=True)


def _held_against_library(seed, data, found, tally, library):
    if seed.form == "ferroshap":
        return "accepted"
    theirs, *prediction = library.ask(seed, data, *found[1:])
    tally["library: " + theirs] += 1
    if theirs != "predicted":
        return "accepted"
    ours, want = found[0], prediction[0]
    gap = GAPS.get(seed.form, 0.0)
    with np.errstate(all="ignore"):
        same = (
            want.shape == ours.shape
            and (
                np.isclose(ours, want, gap, gap, equal_nan=True) | (ours == want) | (np.isnan(ours) & np.isnan(want))
            ).all()
        )
    if same:
        tally["equal"] += 1
        return "accepted"
    found[:] = [f"we predict {ours.ravel()[:4]}, the library {want.ravel()[:4]}"]
    return "other prediction"


def shard(job):
    """The tally of a part of the numbers, for every seed."""
    seeds, first, last, step = job
    readers, tallies = (Child(read, SECONDS), Child(compare, LIBRARY_SECONDS)), {}
    for name, seed in seeds.items():
        tallies[name] = Counter()
        tried(name, seed, range(first, last, step), tallies[name], readers)
    for reader in readers:
        reader.close()
    return tallies


def run(files, processes):
    """The tally of each seed."""
    with tempfile.TemporaryDirectory() as folder:
        seeds = damage_seeds.seeds(Path(folder))
    for seed in seeds.values():  # what reading needs once is not a file's cost
        with contextlib.suppress(FerroshapError):
            read(seed, seed.data)
    jobs = [(seeds, first, -(-files // len(seeds)), processes) for first in range(processes)]
    if processes == 1:
        shards = [shard(jobs[0])]
    else:
        with ProcessPoolExecutor(processes, FORK) as pool:
            shards = list(pool.map(shard, jobs))
    return {name: sum((tallies[name] for tallies in shards), Counter()) for name in seeds}


def section(tallies, seconds):
    """The section of the page."""
    total = sum(tallies.values(), Counter())
    rows = [
        [
            name,
            *(f"{tally[key]:,}" for key in ("files", "ModelError", "UnsupportedModelError", "accepted")),
            f"{tally['library: predicted']:,}" if not name.startswith("ferroshap") else "–",
            f"{tally['equal']:,}" if not name.startswith("ferroshap") else "–",
            tally["findings"] or "0",
        ]
        for name, tally in [*tallies.items(), ("**all**", total)]
    ]
    head = [
        "file", "damaged", "broken (`ModelError`)", "not supported (`UnsupportedModelError`)", "read", "read by its library too",
        "same prediction", "findings",
    ]  # fmt: skip
    other = (
        total["files"] - total["ModelError"] - total["UnsupportedModelError"] - total["accepted"] - total["findings"]
    )
    return (
        f"## Damaged files\n\n*{page.stamp()}, against {damage_seeds.versions()}.* {total['files']:,} damaged copies of"
        f" {len(tallies)} sound files: bits turned over, bytes lost, added and overwritten, ends missing, sections lost or"
        " doubled, numbers exchanged or replaced by extreme ones; inside of zips, under a checksum that is right. Each copy was"
        " read by a process that may have 16 times the file's size and 64 MB more memory than before, and has 10 s. It has"
        " to be refused by name, or read; what was read was predicted and explained. Where the training library predicts"
        f" from the same bytes, it has to predict the same: bit for bit, from CatBoost's JSON within {GAPS['CatBoost']:.0e},"
        " since CatBoost does not round its decimal numbers to the nearest.\n\n"
        + page.table(head, rows)
        + f"\n\nAnother {other:,} were read as models that do not take the rows (`DataError`)."
        f" The training libraries crashed on {total['library: crash']:,} of the files that were read, and did not end within"
        f" {LIBRARY_SECONDS} s on {total['library: hang']:,}. {seconds / 60:.0f} minutes."
    )


def main(files=FILES):
    start = time.perf_counter()
    tallies = run(int(files), len(os.sched_getaffinity(0)))
    for name, tally in tallies.items():
        print(f"{name}: {', '.join(f'{count} {what}' for what, count in sorted(tally.items()))}")
    page.replace("damaged", section(tallies, time.perf_counter() - start))
    return min(sum(tally["findings"] for tally in tallies.values()), 100)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
