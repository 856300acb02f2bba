"""Trees at random, and the prediction of a tree by following one row."""

import numpy as np


def grow(random, n_features, depth, width=None):
    """A random tree of at most this depth: its fields as lists, thresholds that rows drawn from the same grid can equal."""
    fields = {name: [] for name in ("left", "right", "feature", "threshold", "value", "cover", "default_left")}

    def node(level):
        at = len(fields["left"])
        inner = level < depth and (level == 0 or random.random() < 0.8)
        fields["left"].append(-1)
        fields["right"].append(-1)
        fields["feature"].append(int(random.integers(n_features)) if inner else -2)
        fields["threshold"].append(float(random.integers(-4, 5)) / 2 if inner else -2.0)
        fields["value"].append(random.normal(size=width).tolist() if width else float(random.normal()))
        fields["cover"].append(float(random.integers(1, 9)))
        fields["default_left"].append(bool(random.integers(2)))
        if inner:
            fields["left"][at], left = node(level + 1)
            fields["right"][at], right = node(level + 1)
            fields["cover"][at] = left + right
        return at, fields["cover"][at]

    node(0)
    return fields


def follow(fields, row, *, strict=False, categories=None):
    """The value of the leaf that a row reaches: the definition, one row at a time."""
    at = 0
    while fields["left"][at] >= 0:
        x, t = row[fields["feature"][at]], fields["threshold"][at]
        if np.isnan(x):
            goes = fields["default_left"][at]
        elif categories and at in categories:
            goes = x >= 0 and int(x) in categories[at]
        else:
            goes = x < t if strict else x <= t
        at = fields["left" if goes else "right"][at]
    return np.asarray(fields["value"][at])
