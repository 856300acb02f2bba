"""Measures ferroshap against the libraries it replaces, checks every answer, and says which bar was missed.

`python benches/run.py [--quick] [--only NAME ...]`, as definitions.toml says: NAME is a peer or a limit. A whole run
writes a record to benches/record/. Exit status: 0 every bar cleared, 1 a bar missed or an answer wrong.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"  # before a library starts its threads

import argparse
import sys
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from statistics import geometric_mean, median

import ferroshap
import numpy as np
from data import DATA
from engines import ENGINES, Peer
from limits import MEASURES
from record import write_record
from run_only import building, large_plans, levels_of, runs_alone

DEFINITIONS = tomllib.loads((Path(__file__).parent / "definitions.toml").read_text())
MOST_CPU = 1.2  # processor seconds per second: more than one thread ran
HEADER = f"{'case':<34}{'leaves':>8}{'ours':>11}{'peer':>11}{'ratio':>8}{'per leaf':>11}{'Δ values':>10}{'Δ sums':>10}"


def run_case(definition: dict, kind: dict[str, int], data_name: str, repetitions: int) -> list[dict]:
    """Lines of the table: median seconds per row of both sides, and how far the answers are apart. First that of the values as a
    user gets them, then those of the run alone.
    """
    data = DATA[data_name](definition["rows"])
    peer = ENGINES[definition["engine"]](kind, data, definition["peer_rows"])
    start = time.perf_counter()
    explainer = ferroshap.TreeExplainer(peer.model, peer.background, threads=1)
    prepare = time.perf_counter() - start
    explain = ours_of(explainer, peer, data.rows, whole=definition.get("whole", False))
    alone = runs_alone(definition, explainer)
    ways = {peer.name: explain} | {f"{peer.name}, {what}": run for what, run in alone.items()}
    for way in ways.values():
        way(data.rows[:100])
    ours: dict[str, list[float]] = {name: [] for name in ways}
    values, theirs = {}, []
    for _ in range(repetitions):  # alternating: what else the machine does falls on both
        for name, way in ways.items():
            seconds, values[name] = timed(lambda way=way: way(data.rows))
            ours[name].append(seconds / len(data.rows))
        seconds, expected = timed(peer.contributions)
        theirs.append(seconds / len(peer.raw))
    size = ", ".join(f"{name} {value}" for name, value in kind.items() if name != "trees")
    common = {
        "case": f"{kind['trees']} trees, {size}, {data_name}",
        "leaves": explainer.model.n_leaves,
        "peer_seconds_per_row": median(theirs),
        "prepare_seconds": prepare,
    } | (building(explainer.model) if "building" in definition else {})
    return [
        {
            "peer": name,
            "ratio": median(theirs) / median(ours[name]),
            "seconds_per_row": median(ours[name]),
            "runs": {"ours": ours[name], "peer": theirs},
        }
        | common
        | differences(explainer, peer, values[name], expected, definition.get("rows_apart", 0))
        for name in ways
    ]


def ours_of(
    explainer: ferroshap.TreeExplainer, peer: Peer, rows: np.ndarray, *, whole: bool
) -> Callable[[np.ndarray], np.ndarray]:
    """What is timed on our side."""

    def made() -> ferroshap.TreeExplainer:
        return ferroshap.TreeExplainer(peer.model, peer.background, threads=1) if whole else explainer

    if not peer.interactions:
        return lambda some: made().shap_values(some)
    n, f = rows.shape
    out = np.zeros((n, f, f))
    return lambda some: made().shap_interaction_values(some, out=out[: len(some)])


def timed(work: Callable[[], np.ndarray]) -> tuple[float, np.ndarray]:
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    if cpu > MOST_CPU * wall and wall > 0.05:
        sys.exit(f"{cpu / wall:.1f} processor seconds per second: this is a comparison of one thread with one thread")
    return wall, result


def differences(
    explainer: ferroshap.TreeExplainer, peer: Peer, values: np.ndarray, expected: np.ndarray, rows_apart: int
) -> dict:
    """Largest differences of values and base from the peer's, but for the worst `rows_apart` rows that it has wrong, and of our
    sums, of all rows, from its raw predictions.
    """
    ours, base, scale = values[: len(expected)], explainer.expected_value, float(explainer.scale[0])
    if peer.interactions:
        gaps = (np.sort(np.abs(ours - expected).max(axis=(1, 2)))[-1 - rows_apart],)
        sums = np.abs(base + ours.sum(axis=(1, 2)) - peer.raw).max()
    else:
        of_rows = np.sort(np.abs(ours - expected[:, :-1]).max(axis=1))
        gaps = of_rows[-1 - rows_apart], np.abs(base - expected[:, -1]).max()
        sums = np.abs(base + ours.sum(axis=1) - peer.raw).max()
    return {"values_difference": float(max(gaps) / np.abs(ours).max()), "sums_difference": float(sums / scale)}


def run_peer(definition: dict, *, quick: bool) -> tuple[list[dict], list[str]]:
    """The peer's cases and what is wrong with them; prints as it goes."""
    repetitions = DEFINITIONS["repetitions"]
    if quick:
        repetitions, fewer = 1, {"rows": 2_000, "peer_rows": max(2, definition["peer_rows"] // 10)}
        definition = definition | fewer | {"models": definition["models"][:1]}
    cases: list[dict] = []
    faults: list[str] = []
    for name in definition["data"]:
        for kind in definition["models"]:
            found = run_case(definition, kind, name, repetitions)
            if not cases:
                print(f"\n{found[0]['peer']}\n{HEADER}")
            for case in found:
                print(line(case) + case["peer"].removeprefix(found[0]["peer"]).replace(", ", "  ", 1), flush=True)
                faults += wrong_answers(case, definition["tolerance"])
            cases += found
            if not quick:
                faults += large_plans(found[0], definition.get("building", {}))
    names = list(dict.fromkeys(case["peer"] for case in cases))
    bars = [definition["bar"], *(asked["bar"] for asked in levels_of(definition))]
    for name, bar in zip(names, bars, strict=True):
        mean = geometric_mean(case["ratio"] for case in cases if case["peer"] == name)
        print(f"{'geometric mean':<64}{mean:>7.1f}×  (bar {bar}×){name.removeprefix(names[0])}")
        if mean < bar and not quick:
            faults.append(f"{name}: {mean:.1f} times, the bar is {bar}")
    return cases, faults


def wrong_answers(case: dict, tolerance: dict[str, float]) -> list[str]:
    return [
        f"{case['peer']}, {case['case']}: {what} {case[f'{what}_difference']:.1e} apart, tolerance {most}"
        for what, most in tolerance.items()
        if not case[f"{what}_difference"] <= most  # not `>`: NaN is wrong
    ]


def line(case: dict) -> str:
    ours, theirs = case["seconds_per_row"] * 1e6, case["peer_seconds_per_row"] * 1e6
    return (
        f"{case['case']:<34}{case['leaves']:>8}{ours:>8.1f} µs{theirs:>8.0f} µs{case['ratio']:>7.1f}×"
        f"{ours / case['leaves'] * 1e3:>8.2f} ns{case['values_difference']:>10.0e}{case['sums_difference']:>10.0e}"
    )


def run_limit(name: str, definition: dict) -> tuple[dict, list[str]]:
    value = MEASURES[name]()
    least = "least" in definition
    limit = definition["least" if least else "most"]
    bound = f"at {'least' if least else 'most'} {limit:g}"
    print(f"{definition['what']:<66}{value:>8.3g} {definition['unit']}  ({bound})", flush=True)
    kept = value >= limit if least else value <= limit
    return definition | {"value": value}, [] if kept else [f"{definition['what']}: {value:.3g}, {bound}"]


def main() -> None:
    peers = {definition.get("name", definition["engine"]): definition for definition in DEFINITIONS["peer"]}
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument(
        "--quick", action="store_true", help="a few rows of one model size: answers are checked, bars are not"
    )
    options.add_argument("--only", nargs="+", choices=[*peers, *DEFINITIONS["limit"]], help="these alone")
    chosen = options.parse_args()
    info = ferroshap.build_info()
    print(f"ferroshap {info['version']}, {info['profile']} build, {info['simd']}; microseconds per row, one thread")
    faults = [] if info["profile"] == "release" else [f"ferroshap was built with the profile {info['profile']}"]
    results, limits = [], {}
    for name, definition in peers.items():
        if not chosen.only or name in chosen.only:
            cases, wrong = run_peer(definition, quick=chosen.quick)
            results, faults = results + cases, faults + wrong
    print()
    for name, definition in DEFINITIONS["limit"].items():
        if name in chosen.only if chosen.only else not chosen.quick:
            limits[name], wrong = run_limit(name, definition)
            faults += wrong
    if not (chosen.quick or chosen.only):
        print("wrote", write_record(results, limits, faults))
    cleared = "" if chosen.quick else ", every bar cleared"
    print("\n".join(f"MISSED: {fault}" for fault in faults) or f"every answer is right{cleared}")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
