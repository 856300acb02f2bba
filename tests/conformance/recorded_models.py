"""python tests/conformance/recorded_models.py DIR: every recorded model of the libraries below DIR against ferroshap.

Raw predictions have to be equal bit for bit, whole and by iteration range; SHAP values within 1e-12 of the largest one of
the row's model to the exact oracle, and within their own noise to the library's; what cannot be explained has to be
refused by name. Prints a line a folder and one a mismatch, and writes its section of docs/conformance.md; the exit status is
the number of mismatches, at most 100.
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from conformance import page
from ferroshap import _native
from ferroshap.adapters import parse_model
from ferroshap.errors import UnsupportedModelError
from oracle import recorded
from oracle.shap import shap_values

ROWS = 24
ORACLE_GAP = 1e-12
# LightGBM and CatBoost add in float64, XGBoost in float32: relative to the largest value, at least 1.
LIBRARY_GAP = {"l": 1e-11, "x": 2e-6, "c": 1e-12}


class Folder:
    """The tally of one folder."""

    def __init__(self, path):
        self.path, self.family = path, path.name[0]
        self.models = self.refused = self.predictions = self.explained = self.mismatches = 0
        self.oracle_gap = self.library_gap = 0.0
        self.doomed = recorded.refused(path)

    def mismatch(self, path, what):
        self.mismatches += 1
        print(f"  {path.parent.name}/{path.name}: {what}")

    def run(self):
        for path in recorded.models(self.path):
            if path in self.doomed:
                continue
            self.models += 1
            try:
                self.model(path)
            except Exception as error:  # noqa: BLE001  (a crash on one model must not hide the others)
                self.mismatch(path, f"{type(error).__name__}: {error}")
        self.refusals()

    def model(self, path):
        model = parse_model(path)
        ensemble = _native.Ensemble(**vars(model.arrays))
        for what, iterations, rows, want in recorded.predictions(path, model.schema):
            if iterations is None:
                part, arrays = ensemble, model.arrays
            elif iterations[1] * model.arrays.n_outputs > len(model.arrays.tree_outputs) and self.family == "l":
                continue  # a model that stopped after its first iteration
            else:
                arrays = parse_model(path, iteration_range=iterations).arrays
                part = _native.Ensemble(**vars(arrays))
            self.predictions += 1
            got = part.predict(rows)
            if not np.array_equal(got, want.reshape(got.shape) / arrays.divisor, equal_nan=True):
                self.mismatch(
                    path, f"{what} is not bit-equal, largest gap {np.nanmax(np.abs(got - want.reshape(got.shape)))}"
                )
        self.explain(path, model, ensemble)

    def explain(self, path, model, ensemble):
        arrays = model.arrays
        if arrays.cover is None or recorded.has_linear_trees(path):
            self.must_refuse(path, lambda: _native.Plan(ensemble))
            return
        self.explained += 1
        rows = np.ascontiguousarray(recorded.rows(path, model.schema)[:ROWS])
        got = np.empty((len(rows), arrays.n_features, arrays.n_outputs))
        plan = _native.Plan(ensemble)
        plan.run(rows, got)
        got = np.concatenate([got, np.broadcast_to(plan.expected_value, (len(rows), 1, arrays.n_outputs))], axis=1)
        phi, base = shap_values(arrays, rows)
        want = np.concatenate([phi, np.broadcast_to(base, (len(rows), 1, arrays.n_outputs))], axis=1)
        gap = np.abs(got - want).max() / max(np.abs(phi).max(), np.finfo(float).tiny)
        self.oracle_gap = max(self.oracle_gap, gap)
        if not gap <= ORACLE_GAP:
            self.mismatch(path, f"SHAP values are {gap:.2e} of the largest off the exact oracle")
        own = recorded.contributions(path, arrays.n_features, arrays.n_outputs)
        if own is not None:
            own = own[:ROWS] / arrays.divisor
            gap = np.abs(got - own).max() / max(np.abs(own).max(), 1.0)
            self.library_gap = max(self.library_gap, gap)
            if not gap <= LIBRARY_GAP[self.family]:
                self.mismatch(path, f"SHAP values are {gap:.2e} off the library's own")

    def refusals(self):
        for path in sorted(self.doomed):
            self.must_refuse(path, lambda path=path: parse_model(path))

    def must_refuse(self, path, action):
        self.refused += 1
        try:
            action()
        except UnsupportedModelError:
            return
        except Exception as error:  # noqa: BLE001  (any other error is a mismatch to report)
            self.mismatch(path, f"expected UnsupportedModelError, got {type(error).__name__}: {error}")
        else:
            self.mismatch(path, "expected UnsupportedModelError, nothing was raised")

    def line(self):
        shap = f"SHAP of {self.explained}: off the oracle {self.oracle_gap:.1e}, off the library {self.library_gap:.1e}"
        return (
            f"{self.path.name}: {self.models} models, {self.predictions} predictions, {self.refused} refusals; {shap};"
            f" {self.mismatches} mismatches"
        )


def main(root):
    folders = recorded.folders(root)
    if not folders:
        print(f"{root} holds no folder of recorded models (x34, l47, ...)", file=sys.stderr)
        return 1
    run = [Folder(path) for path in folders]
    for folder in run:
        folder.run()
        print(folder.line(), flush=True)
    page.replace("recorded", section(run))
    return min(sum(folder.mismatches for folder in run), 100)


def section(run):
    """The section of the page."""
    head = [
        "by",
        "models",
        "predictions",
        "explained",
        "values off the oracle",
        "off the library's",
        "refused",
        "mismatches",
    ]
    rows = [
        [
            recorded.writer(folder.path),
            *(f"{count:,}" for count in (folder.models, folder.predictions, folder.explained)),
            *(f"{gap:.1e}" if folder.explained else "–" for gap in (folder.oracle_gap, folder.library_gap)),
            folder.refused,
            folder.mismatches,
        ]
        for folder in run
    ]
    return (
        f"## Models recorded with older and newer versions\n\n*{page.stamp()}.* Model files with their library's own outputs, by"
        " versions that cannot all be installed side by side. Raw predictions, whole and by range of iterations, have to be equal"
        f" bit for bit; SHAP values of {ROWS} rows within {ORACLE_GAP:.0e} of the largest to those of the oracle.\n\n"
        + page.table(head, rows)
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
