"""scikit-learn's IsolationForest: the mean depth at which its trees isolate a row.

`score_samples` is −2^(−depth / c), with c the mean depth of an unsuccessful search among as many rows as a tree was
trained with (Liu, Ting and Zhou, 2008, "Isolation forest", equation 1); the depth at a leaf of n rows is the number of
splits above it and c(n) more.
"""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ferroshap.links import unknown

from .combined import Member, combine
from .info import ModelInfo, ParsedModel, numbered_outputs
from .options import refuse_iterations, refuse_missing
from .sklearn_boosting import check_fitted
from .sklearn_estimators import FittedTree, allows_nan, parse_tree, schema_of, source_of

OF_DEPTH = unknown("an IsolationForest scores a row by −2^(−depth / c), which is not supported")


def parse_isolation_forest(estimator: Any, *, iteration_range: Any, missing: Any) -> ParsedModel:
    """An `IsolationForest`: depths, of which the smaller ones are the outliers'."""
    refuse_missing(missing, "scikit-learn")
    refuse_iterations(iteration_range, type(estimator).__name__)
    check_fitted(estimator, "estimators_")
    members = []
    for tree, columns in zip(estimator.estimators_, estimator.estimators_features_, strict=True):
        parsed = parse_tree(tree, iteration_range=None, missing=None)
        arrays = replace(parsed.arrays, values=_depths(tree)[:, np.newaxis])
        members.append(Member(replace(parsed, arrays=arrays), np.asarray(columns, np.int64), np.zeros(1, np.int64)))
    info = ModelInfo(
        family="scikit-learn",
        source=source_of(estimator),
        objective=None,
        output_space="depth",
        link=OF_DEPTH,
        output_names=numbered_outputs(1),
        output_dtype="float64",
        best_iteration=None,
        cover_kind="weighted count",
    )
    schema = schema_of(estimator, takes_infinity=False, takes_nan=allows_nan(estimator))
    return ParsedModel(combine(members, int(estimator.n_features_in_), 1, float(len(members))), schema, info)


def _depths(tree: Any) -> NDArray[np.float64]:
    """`(v)`: what a row that ends at a node adds to the sum of depths."""
    nodes = FittedTree(tree.tree_, None).nodes
    depth = np.zeros(nodes.size)
    for node in np.flatnonzero(nodes["left_child"] >= 0):  # parents come first
        depth[nodes["left_child"][node]] = depth[nodes["right_child"][node]] = depth[node] + 1
    return depth + 1.0 + mean_depth(nodes["n_node_samples"]) - 1.0


def mean_depth(rows: NDArray[Any]) -> NDArray[np.float64]:
    """c(n), the mean depth of an unsuccessful search in a binary search tree of n rows."""
    n = np.asarray(rows, np.float64)
    many = np.maximum(n, 3.0)
    searched = 2.0 * (np.log(many - 1.0) + np.euler_gamma) - 2.0 * (many - 1.0) / many
    return np.where(n > 2, searched, np.where(n == 2, 1.0, 0.0))
