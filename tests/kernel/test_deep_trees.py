"""Paths as long as unlimited forests have them, and longer: exact, or refused."""

from fractions import Fraction

import numpy as np
import pytest
from ferroshap import _native
from ferroshap.errors import PlanError
from kernel import rational
from kernel.random_models import Grower, core, ensemble, explain
from oracle.shap import shap_values

RELATIVE = Fraction(1, 10**13)


def chain(features, seed, *, balanced=False):
    """A tree that tests `features` one after the other, one leaf beside each; shares are sixteenths."""
    random, tree = np.random.default_rng(seed), Grower(1)
    cover, node = 16.0, None
    for g in features:
        at = tree.split(g, float(random.normal()), cover, flags=int(random.integers(2)))
        share = 8.0 if balanced else float(random.integers(1, 16))
        beside = tree.leaf(float(random.integers(-1000, 1000)), 16 - share)
        if node is not None:
            tree.attach(node[0], *((node[1], at) if node[2] else (at, node[1])))
        node, cover = (at, beside, random.random() < 0.5), share
    end = tree.leaf(float(random.integers(-1000, 1000)), cover)
    tree.attach(node[0], *((node[1], end) if node[2] else (end, node[1])))
    return ensemble([tree], n_features=max(features) + 1)


def towards_the_end(a, seed, along):
    """(f): a row that takes the way on with probability `along` at every node."""
    random = np.random.default_rng(seed)
    row = np.empty(a.n_features)
    for node in np.flatnonzero(a.left >= 0)[::-1]:
        on_left = a.left[a.left[node]] >= 0
        left = on_left == (random.random() < along)
        row[a.feature[node]] = a.threshold[node] - 1 if left else a.threshold[node] + 1
    return row


@pytest.mark.parametrize("along", [1.0, 0.9, 0.5])
@pytest.mark.parametrize(
    ("name", "features"),
    [
        ("100 different features", range(100)),
        ("100 nodes on 60 features", np.random.default_rng(0).integers(60, size=100)),
        ("100 nodes on 4 features", np.arange(100) % 4),
        ("300 nodes on 40 features", np.random.default_rng(0).integers(40, size=300)),
        ("300 different features", range(300)),
    ],
)
def test_chains_are_exact_within_1e_13_of_the_largest_value(name, features, along, plans):
    a = chain([int(g) for g in features], 1)
    row = towards_the_end(a, 2, along)
    exact = rational.shap_values(a, row)
    bound = RELATIVE * max(map(abs, exact))
    for level, plan in plans(a):
        values = explain(plan, a, np.tile(row, (9, 1)))[:, :, 0]
        assert (values == values[0]).all()
        gaps = [abs(Fraction(float(v)) - e) for v, e in zip(values[0], exact, strict=True)]
        assert max(gaps) <= bound, f"{name}, {level}: {float(max(gaps) / bound):.3g} times the bound"


def test_the_rational_judge_agrees_with_the_float64_oracle():
    a = chain([0, 1, 2, 1, 3, 0, 4], 5)
    rows = np.random.default_rng(0).normal(size=(20, 5))
    want = [[float(v) for v in rational.shap_values(a, row)] for row in rows]
    np.testing.assert_allclose(shap_values(a, rows)[0][:, :, 0], want, rtol=0, atol=1e-12)


def test_512_different_features_on_a_path_are_explained(plans):
    a = chain(range(512), 3)
    rows = np.stack([towards_the_end(a, seed, along) for seed, along in enumerate((1.0, 0.99, 0.9, 0.5))])
    predicted = core(a).predict(rows, exact=True)[:, 0]
    for _, plan in plans(a):
        assert plan.describe()["points"] == 256
        values = explain(plan, a, rows)[:, :, 0]
        gap = np.abs(predicted - plan.expected_value - values.sum(axis=1))
        assert (gap <= 1e-12 * plan.scale).all()


def test_more_than_512_different_features_on_a_path_are_refused_with_a_way_out():
    with pytest.raises(PlanError, match=r"tree 0 tests 513 different features on one path, the limit is 512.*depth"):
        _native.Plan(core(chain(range(513), 3)))


def test_a_wide_model_with_short_paths_is_no_deep_one(plans):
    a = chain([g % 3 + 1000 * (g % 7) for g in range(50)], 0)
    rows = np.random.default_rng(0).normal(size=(40, a.n_features))
    want, _ = shap_values(a, rows)
    for _, plan in plans(a):
        np.testing.assert_allclose(explain(plan, a, rows), want, rtol=0, atol=1e-12 * np.abs(want).max())


@pytest.mark.parametrize("n_features", [1, 3])
def test_a_chain_of_20_000_nodes_is_explained(n_features, plans):
    a = chain([g % n_features for g in range(20_000)], 4)
    rows = np.random.default_rng(0).normal(size=(6, n_features))
    want, expected = shap_values(a, rows)
    for _, plan in plans(a):
        got = explain(plan, a, rows)
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-12 * max(np.abs(want).max(), plan.scale[0]))
        assert abs(plan.expected_value[0] - expected[0]) <= 1e-12 * plan.scale[0]
