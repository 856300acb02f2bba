"""Measures Kernel SHAP against shap's, with errors from exact values, and says which bar was missed.

`python benches/run_kernel.py [--only K3 ...]`, as kernel.toml says. A whole run writes a record to benches/record/kernel/.
Exit status: 0 every bar cleared, 1 a bar missed or an answer wrong.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"  # before a library starts its threads

import argparse
import sys
import time
import tomllib
from pathlib import Path

import ferroshap
from kernel import errors, exactness, interrupts, memory, native, same_bits, speed, uncertainty
from kernel.readings import Measure, Reading
from record import write_kernel_record

DEFINITIONS = tomllib.loads((Path(__file__).parent / "kernel.toml").read_text())
MEASURES: dict[str, Measure] = {
    "K1": speed.overhead,
    "K2": speed.cheap_model,
    "K3": errors.per_reference,
    "K4": errors.shared,
    "K5": speed.equal_error,
    "K6": memory.peak,
    "K7": exactness.exact_values,
    "K8": exactness.discrete,
    "K9": uncertainty.calibration,
    "K10": same_bits.same_bits,
    "K11": native.trees_in_the_core,
    "K12": interrupts.ctrl_c,
    "K13": errors.small_budget,
}


def measured(name: str, definition: dict) -> tuple[dict, list[str]]:
    """The readings of a measure, for the record, and the bars that they miss; prints as it goes."""
    print(f"\n{name}: {definition['what']}")
    found, missed = [], []
    start = time.perf_counter()
    for reading in MEASURES[name](definition):
        bar = definition["bars"][reading.bar]
        kept = bar.get("least", -float("inf")) <= reading.value <= bar.get("most", float("inf"))  # NaN is not
        print(line(reading, bar) + ("" if kept else "  MISSED"), flush=True)
        found.append({"bar": reading.bar, "case": reading.case, "value": reading.value} | reading.details)
        if not kept:
            missed.append(f"{name}, {bar['what']}, {reading.case}: {reading.value:.3g}, {bound(bar)}")
    taken = time.perf_counter() - start
    print(f"  ({taken:.0f} s)")
    return {"what": definition["what"], "bars": definition["bars"], "readings": found, "seconds": taken}, missed


def line(reading: Reading, bar: dict) -> str:
    return f"  {reading.case:<44}{bar['what']:<58}{reading.value:>9.3g} {bar.get('unit', ''):<4}({bound(bar)})"


def bound(bar: dict) -> str:
    limits = [f"at {which} {bar[which]:g}" for which in ("least", "most") if which in bar]
    return ", ".join(limits) or "no bar"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--only", nargs="+", choices=list(MEASURES), help="these alone; writes no record")
    chosen = options.parse_args()
    info = ferroshap.build_info()
    print(f"ferroshap {info['version']}, {info['profile']} build, {info['simd']}")
    faults = [] if info["profile"] == "release" else [f"ferroshap was built with the profile {info['profile']}"]
    results = {}
    for name in chosen.only or MEASURES:
        results[name], missed = measured(name, DEFINITIONS[name])
        faults += missed
    print()
    if not chosen.only:
        print("wrote", write_kernel_record(results, faults))
    print("\n".join(f"MISSED: {fault}" for fault in faults) or "every answer is right, every bar cleared")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
