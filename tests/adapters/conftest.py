from pathlib import Path

import numpy as np
import pytest
import sklearn
from ferroshap import _native

# Categories of HistGradientBoosting: codes until scikit-learn 1.3, values since. Each has a file that the other cannot run.
ENCODES = tuple(map(int, sklearn.__version__.split(".")[:2])) >= (1, 4)
collect_ignore = [f"test_live_sklearn_hist_{'codes' if ENCODES else 'encoder'}.py"]

REFERENCE = Path(__file__).resolve().parents[1] / "reference"


@pytest.fixture(scope="session")
def predict():
    """The raw output of a parsed model through the validated one: what the adapters' arrays amount to."""

    def run(model, rows, **options):
        ensemble = _native.Ensemble(**vars(model.arrays))
        return ensemble.predict(np.ascontiguousarray(rows), missing=model.schema.missing, **options)

    return run


@pytest.fixture(scope="session")
def reference():
    """The folder of recorded models."""
    return REFERENCE
