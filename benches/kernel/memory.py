"""K6: the memory of a call beyond what there was before it, each in a process of its own."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .readings import Reading

MIB = 1 << 20
FOLDER = Path(__file__).parent.parent


def peak(definition: dict[str, Any]) -> Iterator[Reading]:
    """MiB of a call less what grows by right: outputs, and `b M²` float64 of the designs, which are capped at 64 MiB."""
    smallest: dict[tuple[int, int], float] = {}
    for asked in definition["cases"]:
        p, b, n = asked["columns"], asked["background"], asked["rows"]
        extra = of_process("ours", p, b, asked["nsamples"], n)
        designs, outputs = min(b * p * p * 8, 64 * MIB), n * p * 8
        name = f"M={p}, B={b}, m={asked['nsamples']}, {n} rows"
        details: dict[str, Any] = {"extra_bytes": extra, "designs_bytes": designs, "outputs_bytes": outputs}
        if asked.get("peer"):
            details["peer_extra_bytes"] = of_process("shap", p, b, asked["nsamples"], n)
        yield Reading("extra", name, (extra - designs - outputs) / MIB, details)
        first = smallest.setdefault((p, b), extra)
        if extra != first:
            yield Reading("growth", name, (extra - outputs - first) / MIB)


def of_process(side: str, *numbers: int) -> int:
    """Bytes that a call of `side` adds at its peak."""
    command = [sys.executable, "-m", "kernel.memory_of_call", side, *map(str, numbers)]
    found = subprocess.run(command, cwd=FOLDER, stdout=subprocess.PIPE, check=True)
    return int(json.loads(found.stdout))
