"""Records of whole runs: what was measured, where, with which versions, at which commit. `docs/make_chart.py` draws one."""

import json
import os
import platform
import re
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import ferroshap

FOLDER = Path(__file__).parent / "record"
PACKAGES = ("numpy", "xgboost-cpu", "lightgbm", "scikit-learn", "shap")


def write_record(results: list[dict], limits: dict[str, dict], faults: list[str]) -> str:
    """Writes benches/record/<date>-<processor>.json, and returns that name."""
    return _write(FOLDER, {"faults": faults, "results": results, "limits": limits})


def write_kernel_record(results: dict[str, dict], faults: list[str]) -> str:
    """Writes benches/record/kernel/<date>-<processor>.json, and returns that name."""
    return _write(FOLDER / "kernel", {"faults": faults, "results": results})


def _write(folder: Path, measured: dict) -> str:
    date, processor = datetime.now(UTC).date().isoformat(), processor_name()
    record = {
        "machine": f"{processor}, {os.cpu_count()} cores",
        "date": date,
        "commit": commit(),
        "build": ferroshap.build_info(),
        "versions": {"python": platform.python_version()} | {name: version(name) for name in PACKAGES},
    } | measured
    slug = re.sub(r"[^a-z0-9]+", "-", re.sub(r"\((r|tm)\)", "", processor.lower())).strip("-")
    path = folder / f"{date}-{slug}.json"
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(rounded(record), indent=1, ensure_ascii=False) + "\n")
    return f"benches/record/{path.relative_to(FOLDER).as_posix()}"


def processor_name() -> str:
    """As Linux names it; elsewhere what Python knows."""
    cpuinfo = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*:\s*(.+)", cpuinfo.read_text()) if cpuinfo.exists() else None
    return found[1].strip() if found else platform.processor() or platform.machine()


def commit() -> str:
    """The commit measured, marked where the package's sources differ from it."""
    here = Path(__file__).parent
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=here, capture_output=True, text=True, check=True
    ).stdout.strip()
    sources = ["git", "status", "--porcelain", "--untracked-files=no", "--", "../rust", "../python"]
    changed = subprocess.run(sources, cwd=here, capture_output=True, text=True, check=True).stdout
    return head[:12] + ("-changed" if changed else "")


def rounded(entry: object) -> object:
    """The same with four significant digits: more would be noise."""
    if isinstance(entry, dict):
        return {name: rounded(value) for name, value in entry.items()}
    if isinstance(entry, list):
        return [rounded(value) for value in entry]
    return float(f"{entry:.4g}") if isinstance(entry, float) else entry
