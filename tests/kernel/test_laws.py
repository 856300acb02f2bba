"""What SHAP values have to obey whatever the model: additivity, dummy, symmetry, linearity, permutation of columns."""

from dataclasses import replace

import numpy as np
import pytest
from kernel.random_models import Grower, core, ensemble, explain, random_ensemble, rows_for

SEEDS = range(4)
LIGHTGBM = {"flush_tiny": True, "truncate_category_first": True}
MODELS = {
    "numeric": {"n_trees": 15, "depth": 6, "n_features": 8},
    "categorical": {"n_trees": 15, "categorical": {0, 1, 4}, **LIGHTGBM},
    "several outputs": {"n_trees": 12, "n_outputs": 4, "round_to_float32": True, "accumulation": "f32-from-base"},
    "vector leaves": {"n_trees": 5, "n_outputs": 3, "vector": True, "zero_covers": 0.2},
    "mean of trees": {"n_trees": 10, "accumulation": "f64-mean", "divisor": 10},
    "deep chains": {"n_trees": 3, "shape": "chain", "depth": 60, "n_features": 50},
}
OF_NODES = ("left", "right", "feature", "threshold", "flags", "category_set", "values", "cover")
TOLERANCE = 1e-12  # of the model's scale, or of the largest value


@pytest.fixture(params=MODELS)
def options(request):
    return MODELS[request.param]


@pytest.mark.parametrize("seed", SEEDS)
def test_base_value_and_values_add_up_to_the_prediction(options, seed, plans):
    a = random_ensemble(seed, **options)
    rows = rows_for(a, 400, seed)
    predicted = core(a).predict(rows, exact=True)
    for _, plan in plans(a):
        gap = np.abs(predicted - plan.expected_value - explain(plan, a, rows).sum(axis=1))
        assert (gap <= TOLERANCE * plan.scale).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_features_that_no_split_tests_have_exactly_zero(options, seed, plans):
    a = random_ensemble(seed, **options)
    wide = replace(a, n_features=2 * a.n_features + 3, feature=2 * a.feature + 1)
    rows = rows_for(wide, 200, seed)
    for _, plan in plans(wide):
        values = explain(plan, wide, rows)
        assert (values[:, 0::2] == 0).all()
        assert (values[:, 1::2] != 0).any()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_feature_whose_split_changes_nothing_has_zero(options, seed, plans):
    options = {**options, "n_trees": 1, "shape": options.get("shape", "full"), "divisor": 1}
    a = random_ensemble(seed, **options)
    new = a.n_features
    a = below_both_sides(a, new)
    rows = rows_for(a, 200, seed)
    for _, plan in plans(a):
        values = explain(plan, a, rows)
        assert np.abs(values[:, new]).max() <= TOLERANCE * np.abs(values).max()
        assert values.any()


@pytest.mark.parametrize("seed", SEEDS)
def test_features_that_the_model_treats_alike_have_equal_values(options, seed, plans):
    a = random_ensemble(seed, **options)
    swap = np.arange(a.n_features)
    swap[[0, 1]] = 1, 0
    twin = both(a, replace(a, feature=swap[a.feature].astype(np.int32)))
    rows = rows_for(twin, 200, seed)
    rows[:, 0] = rows[:, 1]
    for _, plan in plans(twin):
        values = explain(plan, twin, rows)
        assert np.abs(values[:, 0] - values[:, 1]).max() <= TOLERANCE * np.abs(values).max()
        assert values[:, 0].any()


@pytest.mark.parametrize("seed", SEEDS)
def test_values_of_an_ensemble_are_the_sums_over_its_trees(options, seed, plans):
    a = random_ensemble(seed, **options)
    rows = rows_for(a, 150, seed)
    for level, plan in plans(a):
        want, base = np.zeros((len(rows), a.n_features, a.n_outputs)), a.base / a.divisor
        for tree in range(len(a.tree_outputs)):
            alone = one_tree(a, tree)
            single = dict(plans(alone))[level]
            want += explain(single, alone, rows)
            base = base + single.expected_value
        got = explain(plan, a, rows)
        np.testing.assert_allclose(got, want, rtol=0, atol=TOLERANCE * np.abs(want).max())
        assert (np.abs(plan.expected_value - base) <= TOLERANCE * plan.scale).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_permuted_columns_give_permuted_values_bit_for_bit(options, seed, plans):
    a = random_ensemble(seed, **options)
    rows = rows_for(a, 150, seed)
    to = np.random.default_rng(seed).permutation(a.n_features)
    other = replace(a, feature=to[a.feature].astype(np.int32))
    permuted = np.empty_like(rows)
    permuted[:, to] = rows
    for (_, plan), (_, plan_of_other) in zip(plans(a), plans(other), strict=True):
        got = explain(plan_of_other, other, permuted)
        np.testing.assert_array_equal(got[:, to], explain(plan, a, rows))


@pytest.mark.parametrize("seed", SEEDS)
def test_rows_are_explained_one_by_one(options, seed, plans):
    a = random_ensemble(seed, **options)
    rows = rows_for(a, 300, seed)
    order = np.random.default_rng(seed).permutation(300)
    for _, plan in plans(a):
        np.testing.assert_array_equal(explain(plan, a, rows[order]), explain(plan, a, rows)[order])


def both(a, b):
    """The trees of `a`, then those of `b`, which has the same sets."""
    joined = {name: np.concatenate([getattr(a, name), getattr(b, name)]) for name in ("tree_outputs", *OF_NODES)}
    return replace(a, tree_starts=np.concatenate([a.tree_starts, a.tree_starts[-1] + b.tree_starts[1:]]), **joined)


def below_both_sides(a, feature):
    """The only tree of `a` twice, below a split on a new feature."""
    copies = [
        replace(a, left=np.where(a.left < 0, -1, a.left + at), right=np.where(a.right < 0, -1, a.right + at))
        for at in (1, 1 + len(a.left))
    ]
    root = Grower(a.values.shape[1])
    root.attach(root.split(feature, 0.25, 9.0, flags=1), 1, 1 + len(a.left))
    split = ensemble([root], n_features=feature + 1)
    nodes = {name: np.concatenate([getattr(part, name) for part in (split, *copies)]) for name in OF_NODES}
    nodes |= {name: nodes[name].astype(np.int32) for name in ("left", "right")}
    return replace(a, n_features=feature + 1, tree_starts=np.array([0, 1 + 2 * len(a.left)]), **nodes)


def one_tree(a, tree):
    """One tree of `a` with base 0."""
    nodes = slice(*a.tree_starts[tree : tree + 2])
    part = {name: getattr(a, name)[nodes] for name in OF_NODES}
    starts = np.array([0, nodes.stop - nodes.start])
    return replace(a, base=0 * a.base, tree_starts=starts, tree_outputs=a.tree_outputs[tree : tree + 1], **part)
