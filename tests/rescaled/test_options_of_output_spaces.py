"""What an output space is given, and what is refused with the way out."""

import ferroshap
import numpy as np
import pyarrow as pa
import pytest
import xgboost


def explainer(case, space, **options):
    return ferroshap.TreeExplainer(case.model, case.background, space, **options)


def test_labels_are_those_of_the_model(cases):
    case = cases("XGBoost, three classes")
    loss = explainer(case, "log_loss")
    values = loss.shap_values(case.rows, case.y)
    np.testing.assert_array_equal(loss.shap_values(case.rows, [str(label) for label in case.y]), values)
    np.testing.assert_array_equal(loss.shap_values(case.rows, case.y.astype(float)), values)
    explanation = loss(case.rows, case.y)
    assert explanation.shape == case.rows.shape
    np.testing.assert_allclose(explanation.base_values, loss.expected_value(case.y), rtol=0, atol=0)
    with pytest.raises(ferroshap.DataError, match=r"y of row 1 is 7; expected one of the model's classes: 0, 1, 2"):
        loss.shap_values(case.rows[:2], [0, 7])


@pytest.mark.parametrize(
    ("y", "text"),
    [
        (None, "model_output='log_loss' explains the loss of each row: pass its labels, y="),
        ([0, 1, 0], r"y has the shape \(3,\); expected \(2,\), one label for each row"),
        ([0, 2], "y of row 1 is 2; expected a label of 0 or 1"),
        ([0, np.nan], "y of row 1 is nan; expected a label of 0 or 1"),
        (["a", "b"], "y holds something that is no number"),
    ],
)
def test_labels_that_are_none_are_refused(cases, y, text):
    case = cases("XGBoost, two classes")
    with pytest.raises((ferroshap.OptionError, ferroshap.DataError), match=text):
        explainer(case, "log_loss").shap_values(case.rows[:2], y)


def test_what_does_not_go_together_is_refused(cases):
    case = cases("XGBoost, two classes")
    with pytest.raises(ferroshap.OptionError, match="y is the labels for values of the loss; leave it out"):
        explainer(case, "probability").shap_values(case.rows, case.y)
    with pytest.raises(ferroshap.OptionError, match="values of the probability are those against background rows"):
        ferroshap.TreeExplainer(case.model, model_output="probability")
    with pytest.raises(
        ferroshap.UnsupportedModelError, match="interaction values of the probability are not supported"
    ):
        explainer(case, "probability").shap_interaction_values(case.rows)
    with pytest.raises(ferroshap.OptionError, match="'library' compares with the raw prediction"):
        explainer(case, "probability").shap_values(case.rows, check_additivity="library")
    with pytest.raises(ferroshap.OptionError, match="make the explainer with data="):
        ferroshap.TreeExplainer(case.model).shap_values(case.rows, per_reference=True)
    with pytest.raises(ferroshap.OptionError, match="without features="):
        explainer(case, "raw").shap_values(case.rows, per_reference=True, features=[0])
    with pytest.raises(ferroshap.OptionError, match="values of a loss need the label of each row: name the column"):
        ferroshap.BatchExplainer(explainer(case, "log_loss"))
    with pytest.raises(ferroshap.OptionError, match="labels names the column of labels for values of the loss"):
        ferroshap.BatchExplainer(explainer(case, "probability"), labels="y")
    with pytest.raises(ferroshap.OptionError, match="explains the loss of each row"):
        explainer(case, "log_loss").iter_chunks(case.rows)
    for call in ("iter_chunks", "aggregate"):
        with pytest.raises(ferroshap.OptionError, match="y is one label for each row of a table"):
            getattr(explainer(case, "log_loss"), call)(iter([case.rows]), y=case.y)
        with pytest.raises(ferroshap.OptionError, match="y is the labels for values of the loss"):
            getattr(explainer(case, "probability"), call)(case.rows, y=case.y)


@pytest.mark.parametrize("space", ["probability", "log_loss"])
def test_a_base_margin_of_rows_is_refused(cases, space):
    """The secants of a link depend on where a margin starts."""
    case = cases("XGBoost, two classes")
    matrix = xgboost.DMatrix(case.rows, base_margin=np.arange(len(case.rows), dtype=float))
    labels = (case.y,) if space == "log_loss" else ()
    for per_reference in (False, True):
        with pytest.raises(ferroshap.DataError, match=r"base_margin, .* explain the raw output"):
            explainer(case, space).shap_values(matrix, *labels, per_reference=per_reference)


def test_pairs_are_bounded_before_the_work(cases):
    case = cases("XGBoost, three classes")
    most = len(case.rows) * len(case.background)
    explainer(case, "probability", pair_budget=most).shap_values(case.rows)
    with pytest.raises(ferroshap.PlanError, match=rf"are {most:,} pairs, .* pair_budget allows {most - 1:,}"):
        explainer(case, "probability", pair_budget=most - 1).shap_values(case.rows)
    few = explainer(case, "probability", pair_budget=most - 1)
    for call in (few.aggregate, lambda rows: next(few.iter_chunks(rows, rows=2))):
        with pytest.raises(ferroshap.PlanError, match=rf"are {most:,} pairs"):
            call(case.rows)


def test_memory_is_bounded(cases):
    case = cases("XGBoost, two classes")
    with pytest.raises(ferroshap.PlanError, match="max_memory allows 1,000"):
        explainer(case, "probability", max_memory=1000)
    three = cases("XGBoost, three classes")
    rows = explainer(three, "probability").describe()
    enough = rows["bytes"] + rows["background_bytes"]
    explainer(three, "probability", max_memory=enough).shap_values(three.rows)
    with pytest.raises(ferroshap.PlanError, match=rf"take {enough:,} bytes, but max_memory allows {enough - 1:,}"):
        explainer(three, "probability", max_memory=enough - 1)


def test_pairs_tell_their_progress(cases):
    case, seen = cases("XGBoost, three classes"), []
    rows = np.tile(case.rows, (10, 1))
    explainer(case, "probability", progress=lambda done, n: seen.append((done, n))).shap_values(rows)
    assert seen[-1] == (len(rows), len(rows))
    assert seen == sorted(seen)


def test_batches_have_the_values_of_the_output_space(cases):
    case = cases("XGBoost, two classes")
    names = [f"f{i}" for i in range(case.rows.shape[1])]
    table = pa.table(dict(zip(names, case.rows.T, strict=True)))
    probability = explainer(case, "probability")
    explain = ferroshap.BatchExplainer(probability, dtype="float64")
    (result,) = (explain(batch) for batch in table.to_batches())
    values = np.column_stack([result.column(f"shap_{name}").to_numpy() for name in names])
    np.testing.assert_array_equal(values, probability.shap_values(case.rows))
    assert set(result.column("base_value").to_pylist()) == {probability.expected_value}
    assert 0 < explain.worst_gap < 1e-14


@pytest.mark.parametrize("name", ["XGBoost, two classes", "XGBoost, three classes", "forest"])
def test_batches_of_a_loss_bring_their_labels(cases, name):
    case = cases(name)
    names = [f"f{i}" for i in range(case.rows.shape[1])]
    table = pa.table(dict(zip(names, case.rows.T, strict=True)) | {"label": case.y})
    loss = explainer(case, "log_loss")
    explain = ferroshap.BatchExplainer(loss, keep=["label"], labels="label", dtype="float64")
    result = pa.Table.from_batches([explain(batch) for batch in table.to_batches(max_chunksize=7)])
    assert result.column_names == ["label", *(f"shap_{name}" for name in names), "base_value"]
    values = np.column_stack([result.column(f"shap_{name}").to_numpy() for name in names])
    want = loss(case.rows, case.y)
    np.testing.assert_array_equal(values, want.values)
    np.testing.assert_array_equal(result.column("base_value").to_numpy(), want.base_values)
    assert len(np.unique(want.base_values)) > 1
    assert explain.rows == len(case.rows)
    assert 0 < explain.worst_gap < 1e-12
    with pytest.raises(ferroshap.OptionError, match="each row has its own base value"):
        explain.base_values  # noqa: B018


def test_labels_of_batches_are_named_when_they_are_wrong(cases):
    case = cases("XGBoost, two classes")
    names = [f"f{i}" for i in range(case.rows.shape[1])]
    table = pa.table(dict(zip(names, case.rows.T, strict=True)) | {"label": [*case.y[:-1].tolist(), None]})
    explain = ferroshap.BatchExplainer(explainer(case, "log_loss"), labels="label")
    first, *_, last = table.to_batches(max_chunksize=len(case.rows) - 3)
    explain(first)
    with pytest.raises(
        ferroshap.DataError, match=rf"the rows from {len(case.rows) - 3} on: y of row 2 is nan; expected a label"
    ):
        explain(last)
    with pytest.raises(ferroshap.DataError, match="no column 'label' of labels"):
        explain(first.drop_columns(["label"]))
    # the model knows no names: a column too few is not made up for by the labels
    with pytest.raises(ferroshap.FeatureMismatchError, match="expects 5 columns, but the data has 4, 4 without"):
        explain(first.drop_columns(["f0"]))


def test_what_is_told_of_an_output_space(cases):
    case = cases("XGBoost, two classes")
    probability = explainer(case, "probability")
    told = probability.describe()
    assert told["algorithm"] == "interventional-rescaled"
    assert 8 <= told["weightings"] <= 30
    assert "probability, interventional-rescaled (41 background rows), base 0." in repr(probability)
    assert explainer(cases("XGBoost, three classes"), "probability").describe()["pair_budget"] == 10_000_000
