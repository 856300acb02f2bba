"""Shapley values of a game of coalitions by the definition: over all coalitions, never optimised."""

from itertools import product
from math import factorial

import numpy as np


def shapley(value, players):
    """`(players, k)`: `value` takes `(m, players)` bool and returns `(m, k)`."""
    masks = np.array(list(product([False, True], repeat=players)), dtype=bool).reshape(-1, players)
    values = np.asarray(value(masks), np.float64).reshape(len(masks), -1)
    place = {tuple(mask): at for at, mask in enumerate(masks.tolist())}
    phi = np.zeros((players, values.shape[1]))
    for mask, without in zip(masks.tolist(), values, strict=True):
        s = sum(mask)
        for player in np.flatnonzero(~np.array(mask, dtype=bool)):
            joined = list(mask)
            joined[player] = True
            weight = factorial(s) * factorial(players - s - 1) / factorial(players)
            phi[player] += weight * (values[place[tuple(joined)]] - without)
    return phi


def of_row(model, x, background, weights=None, groups=None, link=None):
    """`(players, k)`: of one row, `model` taking matrices, against background rows; `groups` are lists of columns."""
    groups = [[at] for at in range(len(x))] if groups is None else groups
    weights = (
        np.full(len(background), 1 / len(background)) if weights is None else np.asarray(weights) / np.sum(weights)
    )

    def value(masks):
        values = []
        for mask in masks:
            columns = [column for player, known in enumerate(mask) if known for column in groups[player]]
            rows = np.array(background)
            rows[:, columns] = np.asarray(x)[columns]
            answers = np.asarray(model(rows), np.float64).reshape(len(rows), -1)
            mean = (weights[:, None] * answers).sum(axis=0)
            values.append(mean if link is None else link(mean))
        return np.array(values)

    return shapley(value, len(groups))
