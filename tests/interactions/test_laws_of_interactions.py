"""Laws of interaction values, whatever the model: sums, zeros, the same bits however they are computed."""

import pickle

import ferroshap
import numpy as np
import pytest
from ferroshap import TreeExplainer, _native
from interventional.models import case
from kernel.conftest import LEVELS
from kernel.random_models import core, random_ensemble, rows_for

KINDS = [
    "XGBoost, missing values",
    "XGBoost, vector leaves",
    "XGBoost, nine features on a path",
    "LightGBM, sets of categories",
    "LightGBM, classes",
    "scikit-learn, forest of classes",
    "CatBoost, one category each",
]


@pytest.fixture(params=[False, True], ids=["path-dependent", "interventional"])
def against(request):
    return request.param


@pytest.fixture(params=KINDS)
def explained(request, against):
    model, rows, _, options = case(request.param)
    return TreeExplainer(model, rows[:50] if against else None, **options), rows


def test_rows_add_up_to_the_values_and_all_to_the_prediction(explained):
    explainer, rows = explained
    matrices, values = explainer.shap_interaction_values(rows), explainer.shap_values(rows)
    bound = 1e-12 * (explainer.scale if values.ndim == 3 else explainer.scale[0])
    assert (np.abs(matrices.sum(axis=2) - values) <= bound).all()
    predicted = explainer.model.predict(rows, dtype="float64")
    assert (np.abs(matrices.sum(axis=(1, 2)) + explainer.expected_value - predicted) <= bound).all()


def test_threads_and_batches_do_not_change_a_bit(explained):
    explainer, rows = explained
    want = explainer.shap_interaction_values(rows)
    for threads in (1, 3):
        other = TreeExplainer(
            explainer.model,
            None if explainer.algorithm == "path-dependent" else explainer._game.background,
            threads=threads,
        )
        for batch in (1, 7, 61):
            parts = [other.shap_interaction_values(rows[at : at + batch]) for at in range(0, 122, batch)]
            np.testing.assert_array_equal(np.concatenate(parts)[:122], want[:122])


@pytest.mark.parametrize("dense", [None, "256KiB"])
def test_a_weighted_background_is_folded_by_any_number_of_threads_with_the_same_bits(dense):
    """Of several blocks of rows, whose weights are no whole numbers: their order shows in the last bits."""
    random = np.random.default_rng(1)
    model, rows, _, _ = case("XGBoost, missing values")
    many, weights = random.normal(size=(1_000, rows.shape[1])), random.random(1_000)
    one, *more = (
        TreeExplainer(model, many, weights=weights, threads=threads, max_memory=dense).shap_interaction_values(
            rows[:99]
        )
        for threads in (1, 2, 7)
    )
    for values in more:
        np.testing.assert_array_equal(values, one)


@pytest.mark.parametrize("options", [{}, {"n_outputs": 3, "vector": True}, {"round_to_float32": True}])
def test_levels_do_not_change_a_bit(options, against):
    a = random_ensemble(5, n_features=6, n_trees=6, **options)
    rows, background = rows_for(a, 333, 5), rows_for(a, 70, 6) if against else None
    results = []
    for level in LEVELS:
        model = _native.Interactions(core(a), background=background, level=level)
        assert model.describe()["simd"] == level
        out = np.full((333, 36, a.n_outputs), np.nan)
        model.run(rows, out)
        results.append(out)
    for other in results[1:]:
        np.testing.assert_array_equal(other, results[0])


def test_more_rows_than_a_chunk_and_blocks_of_few_rows():
    """120 features: a block holds few rows of so many sums, and a chunk of the result is a part of the rows."""
    rng = np.random.default_rng(2)
    a = random_ensemble(9, n_features=120, n_trees=60)
    rows = rows_for(a, 500, 9)
    model = _native.Interactions(core(a))
    assert model.describe()["pairs"] > 1500
    out = np.empty((500, 120 * 120, 1))
    model.run(rows, out, threads=2)
    for row in rng.choice(500, 20, replace=False):
        alone = np.empty((1, 120 * 120, 1))
        model.run(rows[row : row + 1], alone)
        np.testing.assert_array_equal(alone[0], out[row])


def test_pairs_and_features_are_parts_of_the_matrix(explained):
    explainer, rows = explained
    matrices = explainer.shap_interaction_values(rows)
    pairs = [(2, 1), (0, 0), (1, 2), (0, 2)]
    first, second = np.transpose(pairs)
    np.testing.assert_array_equal(explainer.shap_interaction_values(rows, pairs=pairs), matrices[:, first, second])
    part = explainer.shap_interaction_values(rows, features=[2, 0])
    np.testing.assert_array_equal(part, matrices[:, [2, 0]][:, :, [2, 0]])


def test_names_choose_as_positions_do(against):
    model, rows, _, _ = case("LightGBM, sets of categories")
    explainer = TreeExplainer(model, rows[:50] if against else None)
    names = list(rows.columns)
    by_name = explainer.shap_interaction_values(rows, pairs=[(names[1], names[0]), (names[1], 2)])
    np.testing.assert_array_equal(by_name, explainer.shap_interaction_values(rows, pairs=[(1, 0), (1, 2)]))
    np.testing.assert_array_equal(
        explainer.shap_interaction_values(rows, features=names[:2]),
        explainer.shap_interaction_values(rows, features=slice(2)),
    )


def test_means_of_sizes_are_those_of_the_matrices(explained):
    explainer, rows = explained
    want = np.abs(explainer.shap_interaction_values(rows)).mean(axis=0)
    mean = explainer.shap_interaction_values(rows, aggregate="mean_abs")
    np.testing.assert_allclose(mean, want, rtol=0, atol=1e-14 * want.max())
    chosen = explainer.shap_interaction_values(rows, pairs=[(0, 1), (2, 2)], aggregate="mean_abs")
    np.testing.assert_array_equal(chosen, mean[[0, 2], [1, 2]])


def test_a_feature_that_no_tree_tests_has_zeros(against):
    rng = np.random.default_rng(0)
    from sklearn.ensemble import RandomForestRegressor

    X = rng.normal(size=(200, 4))
    X[:, 2] = 1.0  # a constant column is never split on
    model = RandomForestRegressor(n_estimators=4, max_depth=4, random_state=0).fit(X, X[:, 0] * X[:, 1] + X[:, 3])
    values = TreeExplainer(model, X[:40] if against else None).shap_interaction_values(X)
    assert (values[:, 2] == 0).all()
    assert (values[:, :, 2] == 0).all()
    assert (values[:, 0, 1] != 0).any()


@pytest.mark.parametrize("kind", KINDS)
def test_two_halves_of_a_background_average_to_the_whole(kind):
    model, rows, _, options = case(kind)
    first, second, whole = (
        TreeExplainer(model, rows[at], **options).shap_interaction_values(rows[:20])
        for at in (slice(0, 30), slice(30, 60), slice(0, 60))
    )
    np.testing.assert_allclose((first + second) / 2, whole, rtol=0, atol=1e-12 * np.abs(whole).max())


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_against_itself_has_zeros(kind):
    model, rows, _, options = case(kind)
    assert not TreeExplainer(model, rows[7:8], **options).shap_interaction_values(rows[7:8]).any()


def test_features_that_a_model_treats_alike_have_the_same_values(against):
    tree = {"left": [1, -1, 3, -1, 5, -1, -1], "right": [2, -1, 4, -1, 6, -1, -1]}
    tree |= {
        "threshold": [0.2, 0, -0.4, 0, 0.1, 0, 0],
        "value": [0, 1, 0, -2, 0, 5, 3],
        "cover": [90, 30, 60, 20, 40, 15, 25],
    }
    trees = [ferroshap.Tree(**tree, feature=[first, 0, second, 0, 2, 0, 0]) for first, second in ((0, 1), (1, 0))]
    rng = np.random.default_rng(4)
    alike = np.repeat(rng.normal(size=(50, 1)), 2, axis=1)
    rows = np.column_stack([alike, rng.normal(size=50)])
    background = rng.normal(size=(40, 3))
    both = np.vstack([background, background[:, [1, 0, 2]]])
    model = ferroshap.build_ensemble(trees, n_features=3)
    values = TreeExplainer(model, both if against else None).shap_interaction_values(rows)
    assert np.abs(values[:, 0, 2]).max() > 0.1
    np.testing.assert_allclose(values[:, [1, 0, 2]][:, :, [1, 0, 2]], values, rtol=0, atol=1e-13 * np.abs(values).max())


def test_additive_models_have_no_interactions(against):
    """Stumps: every tree tests one feature."""
    from sklearn.ensemble import GradientBoostingRegressor

    X = np.random.default_rng(1).normal(size=(200, 4))
    model = GradientBoostingRegressor(n_estimators=20, max_depth=1, random_state=0).fit(X, X.sum(axis=1))
    explainer = TreeExplainer(model, X[:40] if against else None)
    values = explainer.shap_interaction_values(X)
    diagonal = values[:, np.arange(4), np.arange(4)]
    np.testing.assert_allclose(diagonal, explainer.shap_values(X), rtol=0, atol=1e-12 * np.abs(diagonal).max())
    assert np.count_nonzero(values) == np.count_nonzero(diagonal)


def test_a_pickled_explainer_gives_the_same_bits(explained):
    explainer, rows = explained
    want = explainer.shap_interaction_values(rows)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(explainer)).shap_interaction_values(rows), want)
