"""`iter_chunks`: the explanation of all rows, a chunk at a time, from any table and from many."""

import tracemalloc

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse
import xgboost
from ferroshap import AdditivityError, DataError, FeatureMismatchError, OptionError, TreeEnsemble, TreeExplainer
from interventional.models import KINDS, case
from sklearn.ensemble import RandomForestClassifier


@pytest.mark.parametrize("kind", KINDS)
def test_chunks_are_the_rows_of_the_whole(kind):
    model, rows, _, options = case(kind)
    explainer = TreeExplainer(model, rows[:20], **options)
    whole = explainer(rows)
    chunks = list(explainer.iter_chunks(rows, rows=70))
    assert [len(chunk) for chunk in chunks] == [min(70, len(rows) - first) for first in range(0, len(rows), 70)]
    for number, chunk in enumerate(chunks):
        want = whole[70 * number : 70 * number + 70]
        assert chunk.axes == want.axes
        for field in ("values", "base_values", "data"):
            np.testing.assert_array_equal(getattr(chunk, field), getattr(want, field), err_msg=field)
        shown = [pd.DataFrame(one.data if one.display_data is None else one.display_data) for one in (chunk, want)]
        pd.testing.assert_frame_equal(*shown)
        for field in ("feature_names", "output_names", "output_space", "algorithm", "model"):
            assert getattr(chunk, field) == getattr(want, field), field
        assert chunk.op_history == ()


@pytest.fixture(scope="module")
def named():
    random = np.random.default_rng(0)
    table = pd.DataFrame(random.normal(size=(250, 3)), columns=["age", "income", "size"])
    table["colour"] = pd.Categorical.from_codes(random.integers(0, 3, size=250), ["red", "green", "blue"])
    target = (table["age"] > 0).astype(int) + (table["income"] + table["colour"].cat.codes > 1)
    model = xgboost.XGBClassifier(n_estimators=5, max_depth=3, n_jobs=1, enable_categorical=True).fit(table, target)
    return TreeExplainer(model), table


def test_tables_of_every_library(named):
    explainer, table = named
    want = explainer(table)
    for frame in (table, pl.from_pandas(table), pa.Table.from_pandas(table, preserve_index=False)):
        chunks = list(explainer.iter_chunks(frame, rows=100))
        np.testing.assert_array_equal(np.concatenate([chunk.values for chunk in chunks]), want.values)
        np.testing.assert_array_equal(np.concatenate([chunk.data for chunk in chunks]), want.data)
        np.testing.assert_array_equal(np.concatenate([chunk.display_data for chunk in chunks]), want.display_data)


def test_one_table_after_the_other(named):
    explainer, table = named
    want = explainer(table)
    arrow = pa.Table.from_pandas(table, preserve_index=False)
    for tables in (
        (table[first : first + 90] for first in range(0, 250, 90)),
        iter([table[:0], table[:90], table[:0], table[90:180], table[180:]]),
        pa.RecordBatchReader.from_batches(arrow.schema, arrow.to_batches(max_chunksize=90)),
    ):
        chunks = list(explainer.iter_chunks(tables, rows=40))
        assert [len(chunk) for chunk in chunks] == [40, 40, 10, 40, 40, 10, 40, 30]
        np.testing.assert_array_equal(np.concatenate([chunk.values for chunk in chunks]), want.values)
        np.testing.assert_array_equal(np.concatenate([chunk.data for chunk in chunks]), want.data)


def test_sparse_rows():
    random = np.random.default_rng(3)
    rows = scipy.sparse.random(500, 40, density=0.1, format="csr", random_state=random)
    model = RandomForestClassifier(n_estimators=5, max_depth=4, random_state=0).fit(rows, np.arange(500) % 3)
    explainer = TreeExplainer(model)
    chunks = list(explainer.iter_chunks(rows, rows=120))
    np.testing.assert_array_equal(np.concatenate([c.values for c in chunks]), explainer.shap_values(rows.toarray()))
    np.testing.assert_array_equal(np.concatenate([c.data for c in chunks]), rows.toarray())
    assert [c.data.shape for c in chunks] == [(120, 40)] * 4 + [(20, 40)]


def test_rows_with_base_values_of_their_own():
    rows = np.random.default_rng(4).normal(size=(100, 3))
    model = xgboost.XGBRegressor(n_estimators=3, max_depth=3, n_jobs=1).fit(rows, rows[:, 0])
    matrix = xgboost.DMatrix(rows, base_margin=np.arange(100.0))
    explainer = TreeExplainer(model)
    chunks = list(explainer.iter_chunks(matrix, rows=30))
    np.testing.assert_array_equal(np.concatenate([c.base_values for c in chunks]), explainer(matrix).base_values)


@pytest.mark.parametrize(
    "choice", [{"features": ["size", "age"]}, {"outputs": 1}, {"features": "age", "outputs": [2, 0]}]
)
def test_some_features_and_outputs(named, choice):
    explainer, table = named
    want = explainer(table, **choice)
    chunks = list(explainer.iter_chunks(table, rows=100, **choice))
    np.testing.assert_array_equal(np.concatenate([chunk.values for chunk in chunks]), want.values)
    assert chunks[1].feature_names == want.feature_names
    assert chunks[1].output_names == want.output_names
    alone = TreeExplainer(explainer.model, dtype="float32").iter_chunks(table, **choice)
    np.testing.assert_array_equal(next(alone).values, want.values.astype(np.float32))


def test_no_rows_no_chunks(named):
    explainer, table = named
    assert list(explainer.iter_chunks(table[:0])) == []
    assert list(explainer.iter_chunks(iter([]))) == []


def test_what_is_wrong_with_a_table_is_said_at_once(named):
    explainer, table = named
    with pytest.raises(FeatureMismatchError):
        explainer.iter_chunks(table[["age"]])
    with pytest.raises(OptionError, match="rows is 0; expected a whole number of at least 1"):
        explainer.iter_chunks(table, rows=0)
    with pytest.raises(OptionError, match="check_additivity is 'yes'"):
        explainer.iter_chunks(table, check_additivity="yes")
    with pytest.raises(OptionError, match="a single row without a row axis is no table"):
        explainer.iter_chunks(table.iloc[0])
    chunks = explainer.iter_chunks(iter([table[:10], "rows"]))
    assert len(next(chunks)) == 10
    with pytest.raises(DataError, match="cannot be read from str"):
        next(chunks)
    with pytest.raises(OptionError, match="outputs: there is no output 7"):
        next(explainer.iter_chunks(table, outputs=[7]))


@pytest.mark.parametrize("choice", [{}, {"features": [0]}])
def test_the_row_of_a_breach_counts_from_the_first_table(choice, monkeypatch):
    rows = np.random.default_rng(2).normal(size=(300, 3))
    explainer = TreeExplainer(xgboost.XGBRegressor(n_estimators=3, max_depth=2, n_jobs=1).fit(rows, rows[:, 0]))
    predict = TreeEnsemble.predict_rows

    def wrong_in_row_217(model, chunk, **options):
        return predict(model, chunk, **options) + (chunk[:, :1] == np.float32(rows[217, 0]))

    monkeypatch.setattr(TreeEnsemble, "predict_rows", wrong_in_row_217)
    chunks = explainer.iter_chunks(
        iter([rows[:100].astype(np.float32), rows[100:].astype(np.float32)]), rows=40, **choice
    )
    assert len([next(chunks) for _ in range(5)]) == 5
    with pytest.raises(AdditivityError, match="row 217, output 0"):
        next(chunks)


def test_the_library_is_asked(named):
    explainer, table = named
    checked = list(explainer.iter_chunks(table, rows=100, check_additivity="library"))
    np.testing.assert_array_equal(checked[2].values, explainer.shap_values(table)[200:])
    list(explainer.iter_chunks(iter([table[:100], table[100:]]), rows=30, check_additivity="library"))


def test_progress_counts_all_rows_that_have_come(named):
    seen = []
    explainer = TreeExplainer(named[0].model, progress=lambda done, rows: seen.append((done, rows)))
    chunks = explainer.iter_chunks(named[1], rows=100)
    next(chunks)
    assert seen[-1] == (100, 250)
    list(chunks)
    assert seen[-1] == (250, 250)
    seen.clear()
    list(explainer.iter_chunks(iter([named[1][:90], named[1][90:]]), rows=100))
    assert seen == [(90, 90), (190, 250), (250, 250)]


def test_memory_is_for_a_chunk():
    rows = np.random.default_rng(1).normal(size=(40_000, 30))
    model = xgboost.XGBRegressor(n_estimators=3, max_depth=3, n_jobs=1).fit(rows, rows[:, 0] + rows[:, 1])
    explainer = TreeExplainer(model)
    explainer.shap_values(rows[:10])
    tracemalloc.start()
    total = sum(len(chunk) for chunk in explainer.iter_chunks(rows, rows=1000))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert total == 40_000
    assert peak < 2e6  # the values of all rows take 9.6 MB, those of a chunk 0.24 MB
