"""Trees for custom ensembles, and rows for them."""

import numpy as np
import pytest
from builder.random_trees import grow
from ferroshap import Tree


@pytest.fixture
def forest():
    """Five random trees over four features, as fields."""
    random = np.random.default_rng(7)
    return [grow(random, 4, 4) for _ in range(5)]


@pytest.fixture
def rows():
    """Rows on the grid of the thresholds, a tenth missing."""
    random = np.random.default_rng(8)
    x = random.integers(-4, 5, (200, 4)) / 2
    x[random.random(x.shape) < 0.1] = np.nan
    return x


@pytest.fixture
def stump():
    """The fields of a tree of one split, to be spoilt; `stump(left=…)` replaces one."""

    def stump(**changed):
        fields = {
            "left": [1, -1, -1],
            "right": [2, -1, -1],
            "feature": [0, -1, -1],
            "threshold": [0.5, 0.0, 0.0],
            "value": [0.0, 1.0, 3.0],
            "cover": [4.0, 3.0, 1.0],
        }
        return Tree(**fields | changed)

    return stump
