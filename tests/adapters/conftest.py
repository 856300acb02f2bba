from pathlib import Path

import numpy as np
import pytest
from ferroshap import _native

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
