"""`python -m kernel.memory_of_call ours|shap M B nsamples rows`: prints by how many bytes a call raises what is resident at most."""

import re
import sys
from pathlib import Path

import ferroshap
import numpy as np

from .peers import shap_kernel

STATUS = Path("/proc/self/status")


def kilobytes(name: str) -> int:
    found = re.search(rf"{name}:\s*(\d+) kB", STATUS.read_text())
    assert found is not None, name
    return int(found[1])


def main() -> None:
    side, (p, b, m, n) = sys.argv[1], (int(number) for number in sys.argv[2:])
    rng = np.random.default_rng(1)
    background, rows, weights = rng.normal(size=(b, p)), rng.normal(size=(n, p)), rng.normal(size=p)

    def model(some: np.ndarray) -> np.ndarray:
        return some @ weights

    def call(some: np.ndarray, references: np.ndarray, samples: int) -> np.ndarray:
        if side == "shap":
            return shap_kernel(model, references, some, samples)
        return ferroshap.KernelExplainer(model, references, nsamples=samples).shap_values(some)

    call(rows[:1], background[:2], 2 * p)  # what is loaded once
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    before = kilobytes("VmRSS")
    values = call(rows, background, m)
    extra = kilobytes("VmHWM") - before
    assert np.allclose(values, (rows - background.mean(axis=0)) * weights)
    print(extra * 1024)


if __name__ == "__main__":
    main()
