"""Players: groups of columns, axes and labels; players that do not differ."""

import ferroshap
import numpy as np
import pandas as pd
import pytest
from oracle import coalitions

GROUPS = [[0, 3], [1], [2, 4, 5]]


@pytest.fixture(scope="module")
def expected(cases):
    return np.stack([coalitions.of_row(cases.one, x, cases.background, groups=GROUPS)[:, 0] for x in cases.rows])


@pytest.mark.parametrize(
    "groups",
    [
        GROUPS,
        {"p": [0, 3], "q": [1], "r": [2, 4, 5]},
        {"p": np.array([0, 3]), "q": 1, "r": (2, -2, -1)},
        np.array([0, 1, 2, 0, 2, 2]),
        np.array(["p", "q", "r", "p", "r", "r"]),
    ],
    ids=["lists", "mapping", "kinds of lists", "numbers", "labels"],
)
def test_columns_of_a_group_enter_together(cases, expected, groups):
    explainer = ferroshap.KernelExplainer(cases.one, cases.background, groups=groups)
    explanation = explainer(cases.rows)
    np.testing.assert_allclose(explanation.values, expected, rtol=0, atol=1e-9)
    assert explanation.data is None
    assert len(explainer.feature_names) == 3


def test_columns_of_a_frame_are_grouped_by_name(cases, expected):
    frame = pd.DataFrame(cases.X, columns=cases.names)
    explainer = ferroshap.KernelExplainer(cases.one, frame[:8], groups={"p": ["a", "d"], "r": ["c", "e", "f"]})
    assert explainer.feature_names == ["p", "r", "b"]
    np.testing.assert_allclose(explainer.shap_values(frame[8:12]), expected[:, [0, 2, 1]], rtol=0, atol=1e-9)
    assert ferroshap.KernelExplainer(cases.one, frame[:8], groups=[["a", "d"]]).feature_names == ["a & d", *"bcef"]


def test_a_group_is_not_the_sum_of_its_columns(cases, expected):
    alone = ferroshap.KernelExplainer(cases.one, cases.background).shap_values(cases.rows)
    assert np.abs(alone[:, [0, 3]].sum(axis=1) - expected[:, 0]).max() > 0.01


def test_an_axis_or_labels_of_rows_of_several_axes():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(6, 3, 4))

    def model(rows):
        return rows.prod(axis=2).sum(axis=1) + rows[:, 0, 0] * rows[:, 2, 1]

    def flat(rows):
        return model(rows.reshape(-1, 3, 4))

    places = np.arange(12).reshape(3, 4)
    for groups, lists in (
        (1, [places[at].tolist() for at in range(3)]),
        (2, [places[:, at].tolist() for at in range(4)]),
        (places // 6, [list(range(6)), list(range(6, 12))]),
    ):
        found = ferroshap.KernelExplainer(model, X[:3], groups=groups).shap_values(X[3:])
        right = [coalitions.of_row(flat, x.ravel(), X[:3].reshape(3, 12), groups=lists)[:, 0] for x in X[3:]]
        np.testing.assert_allclose(found, right, rtol=0, atol=1e-9)


WRONG = [
    ([[0], [0, 1]], "column 0 is in two groups"),
    ([[0, 0]], "column 0 is in two groups, or twice in one"),
    ([[]], "group 0 has no columns"),
    ({"a": []}, "group 'a' has no columns"),
    ([[6]], "groups names column 6, but there are 6"),
    ({"a": ["x"]}, "groups names the column 'x', but the columns are known by position only"),
    (0, "groups is 0; expected an axis from 1 to 1: axis 0 is that of the rows"),
    (2, "groups is 2; expected an axis from 1 to 1"),
    (np.zeros(5), r"an array of the shape \(5,\); expected \(6,\)"),
    ("a", "groups is 'a'; expected a mapping"),
]


@pytest.mark.parametrize(("groups", "text"), WRONG)
def test_groups_that_are_none_are_refused(cases, groups, text):
    with pytest.raises(ferroshap.OptionError, match=text):
        ferroshap.KernelExplainer(cases.one, cases.background, groups=groups)


def counting(model):
    calls = []

    def counted(X):
        calls.append(len(X))
        return model(X)

    return counted, calls


def test_a_row_without_a_difference_has_zeros_and_costs_nothing(cases):
    model, calls = counting(cases.one)
    background = np.tile(cases.rows[:1], (5, 1))
    explanation = ferroshap.KernelExplainer(model, background)(cases.rows[:1])
    assert (explanation.values == 0).all()
    assert calls == [1, 1]
    assert explanation.details.n_evals.tolist() == [0]
    assert explanation.details.exact.all()


def test_one_player_that_differs_has_all_of_the_difference(cases):
    model, calls = counting(cases.one)
    background = np.tile(cases.rows[:1], (5, 1))
    background[:, 2] = np.arange(5)
    explanation = ferroshap.KernelExplainer(model, background)(cases.rows[0])
    difference = cases.one(cases.rows[:1])[0] - cases.one(background).mean()
    np.testing.assert_allclose(explanation.values, np.eye(6)[2] * difference, rtol=0, atol=1e-12)
    assert not np.delete(explanation.values, 2).any()
    assert calls == [5, 1]


@pytest.mark.parametrize("players", [2, 3])
def test_two_and_three_players_are_exact(cases, players):
    background = np.tile(cases.rows[:1], (4, 1))
    background[:, :players] += np.arange(1, 5)[:, None] / 3
    found = ferroshap.KernelExplainer(cases.one, background).shap_values(cases.rows[0])
    np.testing.assert_allclose(found, coalitions.of_row(cases.one, cases.rows[0], background)[:, 0], rtol=0, atol=1e-12)


def test_players_that_differ_nowhere_are_exactly_zero(cases):
    X = cases.X.copy()
    X[:, 4] = 2.0
    found = ferroshap.KernelExplainer(cases.one, X[:8]).shap_values(X[8:12])
    assert (found[:, 4] == 0.0).all()
    assert np.delete(found, 4, axis=1).all()


def test_only_players_that_differ_from_a_reference_are_evaluated_against_it():
    """On discrete values, most coalitions of a row and a reference are no other rows than those of fewer players."""
    rng = np.random.default_rng(2)
    X = rng.integers(0, 2, size=(30, 12)).astype(float)

    def model(rows):
        return rows[:, 0] * rows[:, 1] * rows[:, 2] + np.sin(rows @ np.arange(12.0))

    explanation = ferroshap.KernelExplainer(model, X[:20], nsamples=2**12)(X[20:])
    different = (X[20:, None] != X[None, :20]).sum(axis=2)
    assert explanation.details.exact.all()
    expected = np.array([sum(2**d - 2 if d > 1 else 0 for d in row) for row in different])
    assert (explanation.details.n_evals <= expected + 20 * 2).all()
    right = coalitions.of_row(model, X[20], X[:20])[:, 0]
    np.testing.assert_allclose(explanation.values[0], right, rtol=0, atol=1e-9)


@pytest.mark.parametrize("players", [63, 64, 65, 127, 128, 129, 1100])
def test_many_players_are_explained(players):
    """Sizes around the words of a mask, and beyond those for which float64 holds the number of coalitions."""
    rng = np.random.default_rng(0)
    x, b = rng.normal(size=(1, players)), np.zeros((1, players))
    coefficients = rng.normal(size=players)
    explainer = ferroshap.KernelExplainer(lambda X: X @ coefficients, b, nsamples=4 * players)
    found = explainer.shap_values(x)
    np.testing.assert_allclose(found, x * coefficients, rtol=0, atol=1e-9)


def test_very_many_players_come_with_advice(cases, monkeypatch):
    monkeypatch.setattr("ferroshap.coalition.run.WIDE", 5)
    with pytest.warns(
        ferroshap.FerroshapWarning, match=r"6 players differ from the background.*Put columns into groups"
    ):
        ferroshap.KernelExplainer(cases.one, cases.background).shap_values(cases.rows)
