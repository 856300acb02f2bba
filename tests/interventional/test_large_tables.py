"""Tables of a large forest are made in passing by a first run, and kept from the second on: with the same bits."""

import numpy as np
import pytest
from ferroshap import TreeExplainer
from sklearn import ensemble

RANDOM = np.random.default_rng(5)
X = RANDOM.normal(size=(4000, 30))
Y = X[:, :12].sum(axis=1) + X[:, 0] * X[:, 1] + RANDOM.normal(size=len(X))
FOREST = ensemble.RandomForestRegressor(4, max_depth=12, max_features=1 / 3, random_state=0, n_jobs=1).fit(X, Y)
LARGE = 128 << 20  # bytes of tables that are made at once
BACKGROUND, ROWS = X[:300], X[1000:1300]
WEIGHTS = 1.0 + RANDOM.integers(0, 3, len(BACKGROUND))


def explainer(background=BACKGROUND, **options):
    made = TreeExplainer(FOREST, background, max_memory="4GiB", expected_rows=10**12, **options)
    assert made.describe()["table_bytes"] > LARGE
    return made


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["whole numbers", "weights"])
@pytest.mark.parametrize("threads", [1, 2])
def test_runs_in_passing_and_later_ones_give_the_same_bits(weights, threads):
    made = explainer(weights=weights, threads=threads)
    first = made.shap_values(ROWS)
    np.testing.assert_array_equal(made.shap_values(ROWS), first)
    alone = explainer(weights=weights, threads=1)
    np.testing.assert_array_equal(alone.shap_values(ROWS[:1]), first[:1])
    np.testing.assert_array_equal(alone.shap_values(ROWS[7:9]), first[7:9])


def test_weights_of_large_tables_are_repetitions():
    """Of whole numbers, which count the repeated rows as rows of their own."""
    found = explainer(weights=WEIGHTS).shap_values(ROWS[:20])
    repeated = TreeExplainer(FOREST, np.repeat(BACKGROUND, WEIGHTS.astype(int), axis=0)).shap_values(ROWS[:20])
    np.testing.assert_allclose(found, repeated, rtol=0, atol=1e-12 * np.abs(repeated).max())


def test_aggregates_and_parts_come_from_the_same_tables():
    values = explainer().shap_values(ROWS)
    np.testing.assert_array_equal(explainer(threads=2).shap_values(ROWS, features=[3, 0]), values[:, [3, 0]])
    summed = explainer(threads=2).aggregate(ROWS).mean_abs
    np.testing.assert_allclose(summed, np.abs(values).mean(axis=0), rtol=1e-13, atol=0)
