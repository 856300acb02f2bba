"""Saabas values through the calls for many rows, named as such; where there are none they are refused; their memory counts."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import xgboost
from ferroshap import BatchExplainer, OptionError, PlanError, TreeExplainer
from sklearn.ensemble import RandomForestClassifier

RNG = np.random.default_rng(4)
X = RNG.normal(size=(500, 4)).astype(np.float32)
Y = X[:, 0] * X[:, 1] + X[:, 2]
FOREST = RandomForestClassifier(n_estimators=7, max_depth=6, random_state=0).fit(X, np.digitize(Y, [-0.5, 0.5]))
BOOSTED = xgboost.XGBRegressor(n_estimators=20, max_depth=4, n_jobs=1).fit(X, Y)


@pytest.mark.parametrize("model", [FOREST, BOOSTED], ids=["classes", "one output"])
@pytest.mark.parametrize("part", [{}, {"features": [2, 0]}], ids=["all", "some features"])
def test_chunks_are_the_rows_of_the_whole(model, part):
    explainer = TreeExplainer(model)
    want = explainer(X, approximate=True, **part)
    chunks = list(explainer.iter_chunks(X, rows=130, approximate=True, **part))
    assert {chunk.algorithm for chunk in chunks} == {"saabas"}
    for field in ("values", "base_values", "data"):
        np.testing.assert_array_equal(np.concatenate([getattr(chunk, field) for chunk in chunks]), getattr(want, field))


@pytest.mark.parametrize("model", [FOREST, BOOSTED], ids=["classes", "one output"])
@pytest.mark.parametrize("by", [None, X[:, 3] > 0], ids=["all", "groups"])
def test_statistics_are_those_of_the_values(model, by):
    explainer = TreeExplainer(model)
    values = explainer.shap_values(X, approximate=True)
    found = explainer.aggregate(X, by=by, approximate=True)
    assert (found.algorithm, explainer.aggregate(X).algorithm) == ("saabas", "path-dependent")
    groups = [slice(None)] if by is None else [~by, by]
    for name, statistic in {
        "mean_abs": lambda v: np.abs(v).mean(axis=0),
        "mean": lambda v: v.mean(axis=0),
        "min": lambda v: v.min(axis=0),
        "max": lambda v: v.max(axis=0),
    }.items():
        want = np.array([statistic(values[group]) for group in groups])
        np.testing.assert_allclose(getattr(found, name), want[0] if by is None else want, rtol=1e-12, atol=1e-14)
    assert 0 <= found.worst_gap <= 1e-12 * explainer.scale.max()


def test_tables_that_come_one_by_one():
    explainer = TreeExplainer(BOOSTED)
    one = explainer.aggregate(iter([X[:200], X[200:]]), approximate=True)
    np.testing.assert_allclose(one.mean_abs, explainer.aggregate(X, approximate=True).mean_abs, rtol=1e-12)
    with pytest.raises(
        OptionError, match="different explainers: algorithm"
    ):  # values of two kinds are no statistics of one
        one.merge(explainer.aggregate(X))


def test_record_batches():
    explainer = TreeExplainer(FOREST)
    explain = BatchExplainer(explainer, dtype="float64", approximate=True)
    table = pa.Table.from_pandas(pd.DataFrame(X, columns=list("abcd")), preserve_index=False)
    values = explainer.shap_values(X, approximate=True)
    for first, batch in zip(range(0, 500, 200), table.to_batches(max_chunksize=200), strict=True):
        result = explain(batch)
        np.testing.assert_array_equal(result["shap_2__c"], values[first : first + 200, 2, 2])
    assert explain.rows == 500
    assert 0 < explain.worst_gap <= 1e-12 * explainer.scale.max()


@pytest.mark.parametrize(
    "call",
    [
        lambda explainer: explainer(X, approximate=True),
        lambda explainer: explainer.iter_chunks(X, approximate=True),
        lambda explainer: explainer.aggregate(X, approximate=True),
        lambda explainer: BatchExplainer(explainer, approximate=True),
    ],
    ids=["the call", "chunks", "statistics", "batches"],
)
@pytest.mark.parametrize("space", ["raw", "probability"])
def test_a_background_has_none_and_says_so_at_once(call, space):
    model = xgboost.XGBClassifier(n_estimators=5, max_depth=3, n_jobs=1).fit(X, Y > 0)
    with pytest.raises(OptionError, match="Saabas values, which know no background; make the explainer without data"):
        call(TreeExplainer(model, X[:50], space))


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"approximate": True}, "without approximate=True"),
        ({"features": [0]}, "without features="),
        ({"outputs": [0], "out": np.empty(3)}, "without outputs= and out="),
        ({"check_additivity": "library"}, "without check_additivity='library'"),
    ],
)
def test_values_against_each_background_row_are_exact_and_of_all(options, named):
    with pytest.raises(OptionError, match=named):
        TreeExplainer(FOREST, X[:50]).shap_values(X[:3], per_reference=True, **options)


def test_their_standard_errors_are_refused():
    with pytest.raises(OptionError, match="leave them out with approximate=True"):
        TreeExplainer(FOREST)(X, approximate=True, standard_errors=True)


def test_the_means_of_nodes_count_in_the_memory():
    small = TreeExplainer(FOREST, max_memory=100_000).describe()  # too little for tables
    assert small["groups"] == 0
    size = 8 * 3 * sum(tree.tree_.node_count for tree in FOREST.estimators_)  # of each node the means of three classes
    enough = TreeExplainer(FOREST, max_memory=small["bytes"] + size)
    np.testing.assert_array_equal(
        enough.shap_values(X, approximate=True), TreeExplainer(FOREST).shap_values(X, approximate=True)
    )
    tight = TreeExplainer(FOREST, max_memory=small["bytes"] + size - 1)
    for call in (tight, tight.shap_values, tight.aggregate):
        with pytest.raises(
            PlanError, match=f"take {size:,} bytes, but max_memory leaves {size - 1:,} beside the prepared"
        ):
            call(X, approximate=True)
    tight.shap_values(X)  # the exact values need none
