"""`kernel_shap`: games of coalitions that are no models."""

import warnings

import ferroshap
import numpy as np
import pytest


def majority(masks):
    return masks.sum(axis=1) * 2 > masks.shape[1]


def test_equal_players_have_equal_shares():
    explanation = ferroshap.kernel_shap(majority, 9)
    np.testing.assert_allclose(explanation.values, np.full(9, 1 / 9), rtol=0, atol=1e-12)
    assert explanation.axes == ("feature",)
    assert explanation.base_values == 0
    assert explanation.algorithm == "kernel"
    assert explanation.details.exact


def test_a_game_gets_coalitions_of_bools_the_ends_first():
    seen = []

    def game(masks):
        assert masks.dtype == np.bool_
        seen.append(masks)
        return masks.sum(axis=1)

    ferroshap.kernel_shap(game, 5, batch_rows=10)
    np.testing.assert_array_equal(seen[0], [[False] * 5, [True] * 5])
    rest = np.concatenate(seen[1:])
    assert len(rest) == len(np.unique(rest, axis=0)) == 30
    np.testing.assert_array_equal(rest[::2], ~rest[1::2])  # a coalition and its complement
    assert max(len(masks) for masks in seen[1:]) == 10


def test_several_games_at_once_with_names():
    def games(masks):
        return np.column_stack([masks[:, 0] & masks[:, 1], masks[:, 2] * 3.0 + 1])

    explanation = ferroshap.kernel_shap(games, 3, feature_names=list("abc"), output_names=["both", "last"])
    np.testing.assert_allclose(explanation.values, [[0.5, 0], [0.5, 0], [0, 3]], rtol=0, atol=1e-12)
    np.testing.assert_array_equal(explanation.base_values, [0, 1])
    assert explanation["a", "both"].values == pytest.approx(0.5)


def test_large_games_are_estimated_within_the_budget():
    rng = np.random.default_rng(0)
    weights = rng.normal(size=40)

    def game(masks):
        asked.append(len(masks))
        return masks @ weights + masks[:, 0] * masks[:, 1] * masks[:, 2] * 6

    expected = weights + np.where(np.arange(40) < 3, 2, 0)
    asked = []
    explanation = ferroshap.kernel_shap(game, 40, nsamples=1000)
    assert sum(asked[1:]) == explanation.details.n_evals <= 1000
    assert not explanation.details.exact
    errors = explanation.details.standard_errors
    assert (np.abs(explanation.values - expected) <= 5 * errors + 1e-12).all()
    assert explanation.values.sum() == pytest.approx(weights.sum() + 6, rel=1e-12)
    again = ferroshap.kernel_shap(game, 40, nsamples=1000, threads=1, batch_rows=64)
    np.testing.assert_array_equal(again.values, explanation.values)
    assert (ferroshap.kernel_shap(game, 40, nsamples=1000, seed=1).values != explanation.values).any()


def test_one_player_has_it_all():
    asked = []

    def game(masks):
        asked.append(len(masks))
        return masks[:, 0] * 7.0

    assert ferroshap.kernel_shap(game, 1).values.tolist() == [7.0]
    assert asked == [2]


def test_mistakes_are_told():
    with pytest.raises(ferroshap.OptionError, match="n_players is 0"):
        ferroshap.kernel_shap(majority, 0)
    with pytest.raises(
        ferroshap.ModelError, match=r"majority.* was given 2 rows and returned the shape \(1,\)|returned the shape"
    ):
        ferroshap.kernel_shap(lambda masks: masks[0], 3)
    with pytest.raises(ferroshap.ModelError, match="returned nan"):
        ferroshap.kernel_shap(lambda masks: masks[:, 0] * np.nan, 3)
    with pytest.raises(TypeError, match="max_evals"):
        ferroshap.kernel_shap(majority, 3, max_evals=3)
    with np.errstate(invalid="ignore", divide="ignore"):
        found = ferroshap.kernel_shap(
            lambda masks: np.column_stack([np.log(masks[:, 0].astype(float)), masks[:, 1]]), 3, nan_policy="propagate"
        )
    assert np.isnan(found.values[:, 0]).all()
    np.testing.assert_allclose(found.values[:, 1], [0, 1, 0], rtol=0, atol=1e-12)


@pytest.mark.parametrize("players", [11, 12, 13, 30])
@pytest.mark.parametrize("nsamples", [6, 40, 400])
def test_every_coalition_comes_once_and_with_its_complement(players, nsamples):
    """Those of half the players too, where a coalition and its complement are of one size."""
    seen = []

    def game(masks):
        seen.append(masks)
        return masks[:, 0] * 1.0

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ferroshap.FerroshapWarning)  # of the low budgets
        explanation = ferroshap.kernel_shap(game, players, nsamples=nsamples)
    masks = np.concatenate(seen[1:])
    np.testing.assert_array_equal(masks[::2], ~masks[1::2])
    assert len(np.unique(masks, axis=0)) == len(masks) == explanation.details.n_evals <= nsamples
    assert explanation.values.sum() == pytest.approx(1, rel=1e-12)
    assert np.isfinite(explanation.values).all()


def test_several_games_at_once_are_each_by_itself():
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(16, 3))

    def games(masks):
        return np.sin(masks @ weights)

    together = ferroshap.kernel_shap(games, 16, nsamples=300)
    for at in range(3):
        alone = ferroshap.kernel_shap(lambda masks, at=at: games(masks)[:, at], 16, nsamples=300)
        np.testing.assert_allclose(together.values[:, at], alone.values, rtol=0, atol=1e-12)
        np.testing.assert_allclose(
            together.details.standard_errors[:, at], alone.details.standard_errors, rtol=1e-9, atol=0
        )
