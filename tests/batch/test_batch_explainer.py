"""`BatchExplainer`: a record batch in, a record batch out, every row checked."""

import logging

import lightgbm as lgb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from ferroshap.batch import BatchExplainer, OutputColumns
from ferroshap.errors import AdditivityError, DataError, FeatureMismatchError, OptionError
from ferroshap.tree import TreeExplainer
from sklearn.ensemble import RandomForestClassifier


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    random = np.random.default_rng(3)
    table = pd.DataFrame({"a": random.normal(size=500), "b c": random.normal(size=500), "id": np.arange(500)})
    table.loc[::5, "a"] = np.nan
    return table


@pytest.fixture(scope="module")
def booster(table) -> lgb.Booster:
    features = table[["a", "b c"]].rename(columns={"b c": "b_c"})
    settings = {"objective": "regression", "num_leaves": 7, "verbose": -1, "num_threads": 1}
    return lgb.train(settings, lgb.Dataset(features, features["a"].fillna(0) * features["b_c"]), num_boost_round=10)


@pytest.fixture
def batch(table) -> pa.RecordBatch:
    return pa.RecordBatch.from_pandas(table, preserve_index=False)


def test_the_values_are_those_of_the_explainer(booster, table, batch):
    explainer = TreeExplainer(booster)
    result = BatchExplainer(explainer, keep=["id"], dtype="float64")(batch)
    values = explainer.shap_values(table[["a", "b c"]].rename(columns={"b c": "b_c"}))
    assert result.schema.names == ["id", "shap_a", "shap_b_c", "base_value"]
    np.testing.assert_array_equal(np.column_stack([result["shap_a"], result["shap_b_c"]]), values)
    assert result["base_value"].unique().to_pylist() == [explainer.expected_value]
    assert result["id"].equals(batch["id"])


def test_an_explainer_with_a_background_explains_batches_against_it(booster, table, batch):
    features = table[["a", "b c"]].rename(columns={"b c": "b_c"})
    explainer = TreeExplainer(booster, features[::3], weights=np.arange(167) % 4)
    explain = BatchExplainer(explainer, dtype="float64")
    pieces = pa.Table.from_batches([explain(batch.slice(start, 37)) for start in range(0, 500, 37)])
    values = np.column_stack([pieces["shap_a"], pieces["shap_b_c"]])
    np.testing.assert_array_equal(values, explainer.shap_values(features))
    assert pieces["base_value"].unique().to_pylist() == [explainer.expected_value] == explain.base_values.tolist()
    assert 0 < explain.worst_gap <= 1e-12 * explainer.scale[0]


def test_the_schema_is_known_before_the_first_batch(booster, batch):
    explain = BatchExplainer(TreeExplainer(booster), keep=["id"])
    assert explain.schema(batch.schema) == explain(batch).schema
    assert [str(field.type) for field in explain.schema(batch.schema)] == ["int64", "float", "float", "float"]


def test_pieces_give_what_the_whole_gives(booster, batch):
    explain = BatchExplainer(TreeExplainer(booster), dtype="float64")
    pieces = [explain(batch.slice(start, 37)) for start in range(0, 500, 37)]
    assert pa.Table.from_batches(pieces).combine_chunks().equals(pa.Table.from_batches([explain(batch)]))
    assert explain.rows == 1_000


def test_the_worst_gap_of_all_batches_is_kept(booster, batch):
    explain = BatchExplainer(TreeExplainer(booster))
    assert explain.worst_gap == 0.0
    explain(batch)
    assert 0.0 < explain.worst_gap < 1e-14


def test_extra_columns_are_ignored_with_one_line(booster, batch, caplog):
    explain = BatchExplainer(TreeExplainer(booster))
    with caplog.at_level(logging.INFO, logger="ferroshap"):
        explain(batch)
        explain(batch)
    assert ["'id'" in record.getMessage() for record in caplog.records] == [True]


def test_a_missing_feature_is_named(booster, batch):
    with pytest.raises(FeatureMismatchError, match="b_c"):
        BatchExplainer(TreeExplainer(booster))(batch.select(["a", "id"]))


@pytest.mark.parametrize(
    ("keep", "error", "said"),
    [("id", OptionError, "keep="), (["ids"], DataError, "'ids'"), (["id", "id"], OptionError, "twice")],
)
def test_what_cannot_be_kept_is_refused(booster, batch, keep, error, said):
    with pytest.raises(error, match=said):
        BatchExplainer(TreeExplainer(booster), keep=keep)(batch)


def test_a_dtype_that_is_no_float_is_refused(booster):
    with pytest.raises(OptionError, match="float64"):
        BatchExplainer(TreeExplainer(booster), dtype="int8")


def test_several_outputs_are_listed_output_by_output():
    columns = OutputColumns.of(["id"], ["a", "b"], ["low", "high"], "shap_")
    assert columns.names == (
        "id",
        "shap_low__a",
        "shap_low__b",
        "shap_high__a",
        "shap_high__b",
        "base_value_low",
        "base_value_high",
    )


def test_the_names_that_the_explainer_was_given(batch):
    X = np.column_stack([batch["id"], batch["b c"]])
    forest = RandomForestClassifier(n_estimators=3, max_depth=2, random_state=0).fit(X, np.arange(500) % 3)
    explainer = TreeExplainer(forest, feature_names=["number", "size"], output_names=["low", "mid", "high"])
    result = BatchExplainer(explainer)(batch.select(["id", "b c"]))
    assert result.schema.names == [
        *(f"shap_{output}__{feature}" for output in ("low", "mid", "high") for feature in ("number", "size")),
        *(f"base_value_{output}" for output in ("low", "mid", "high")),
    ]
    assert explainer.output_names == explainer(X[:2]).output_names
    assert explainer.feature_names == explainer(X[:2]).feature_names


@pytest.mark.parametrize(
    ("keep", "features", "outputs", "said"),
    [
        (["shap_a"], ["a"], ["output"], "'shap_a' has the name of a result"),
        (["base_value"], ["a"], ["output"], "'base_value' has the name of a result"),
        ([], ["c", "b__c"], ["a__b", "a"], "two results"),
    ],
)
def test_two_columns_of_one_name_are_refused(keep, features, outputs, said):
    with pytest.raises(OptionError, match=said):
        OutputColumns.of(keep, features, outputs, "shap_")


def test_a_row_that_does_not_add_up_is_named_by_its_place_in_the_stream(booster, batch, monkeypatch):
    explain = BatchExplainer(TreeExplainer(booster))
    explain(batch)
    honest = explain.explainer.values_and_target

    def wrong(table, **options):
        values, target = honest(table, **options)
        target.predicted[7] += 1e-6
        return values, target

    monkeypatch.setattr(explain.explainer, "values_and_target", wrong)
    with pytest.raises(AdditivityError, match="row 507, output 0"):
        explain(batch)
