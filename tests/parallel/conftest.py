"""One model with enough trees to take a while, as a file, and rows for it."""

import lightgbm
import numpy as np
import pytest
from ferroshap import TreeExplainer

F = 6


@pytest.fixture(scope="session")
def rows():
    """(3000, 6), a tenth of it missing: about a dozen blocks to share out."""
    random = np.random.default_rng(21)
    x = random.normal(size=(3_000, F))
    x[random.random(x.shape) < 0.1] = np.nan
    return x


@pytest.fixture(scope="session")
def endless(rows):
    """As many rows as would take minutes; none of them takes memory."""
    return np.broadcast_to(rows[0], (10_000_000, F))


@pytest.fixture(scope="session")
def model_file(rows, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.txt"
    y = np.nan_to_num(rows[:, 0]) * np.nan_to_num(rows[:, 1]) + np.nan_to_num(rows[:, 2])
    settings = {"num_leaves": 63, "min_data_in_leaf": 2, "num_threads": 1, "verbose": -1}
    lightgbm.train(settings, lightgbm.Dataset(rows, y), num_boost_round=100).save_model(path)
    return path


@pytest.fixture(scope="session")
def values(model_file, rows):
    """The values of `rows` on one thread: what every other way has to give, bit for bit."""
    return TreeExplainer(model_file, threads=1).shap_values(rows)
