"""`aggregate`: the statistics of the values, to rounding, whatever they are aggregated from; none of the values are held."""

import pickle
import tracemalloc

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import scipy.sparse
import xgboost
from ferroshap import AdditivityError, DataError, OptionError, TreeEnsemble, TreeExplainer, _native
from ferroshap.tree.prepared import PreparedRaw
from interventional.models import KINDS, case
from sklearn.ensemble import RandomForestClassifier

ONE, CLASSES = "XGBoost, missing values", "scikit-learn, forest of classes"


def same_statistics(aggregate, values, scale):
    """Sums and means within 1e-12 of the scale, all else exactly."""
    assert aggregate.rows == len(values)
    np.testing.assert_allclose(aggregate.mean, values.mean(axis=0), rtol=0, atol=1e-12 * scale)
    np.testing.assert_allclose(aggregate.mean_abs, np.abs(values).mean(axis=0), rtol=0, atol=1e-12 * scale)
    np.testing.assert_allclose(aggregate.sum, values.sum(axis=0), rtol=0, atol=1e-12 * scale * len(values))
    np.testing.assert_allclose(aggregate.sum_abs, np.abs(values).sum(axis=0), rtol=0, atol=1e-12 * scale * len(values))
    np.testing.assert_array_equal(aggregate.min, values.min(axis=0))
    np.testing.assert_array_equal(aggregate.max, values.max(axis=0))


@pytest.mark.parametrize("kind", KINDS)
def test_statistics_are_those_of_the_values(kind):
    model, rows, _, options = case(kind)
    against = TreeExplainer(model, rows[:40], **options)
    for explainer in [against] if "without covers" in kind else [against, TreeExplainer(model, **options)]:
        values, scale = explainer.shap_values(rows), explainer.scale.max()
        aggregate = explainer.aggregate(rows)
        assert aggregate.groups is None
        same_statistics(aggregate, values, scale)
        by = np.arange(len(rows)) ** 2 % 7
        groups = explainer.aggregate(rows, by=by)
        assert groups.groups == (0, 1, 2, 4)
        assert groups.mean.shape == (4, *values.shape[1:])
        for label in groups.groups:
            same_statistics(groups[label], values[by == label], scale)
        same_statistics(groups.overall(), values, scale)
        explanation = explainer(rows)
        for field in ("feature_names", "output_names", "output_space", "algorithm", "model"):
            assert getattr(aggregate, field) == getattr(explanation, field)
        np.testing.assert_array_equal(aggregate.base_values, explainer.expected_value)


def all_numbers(aggregate):
    return np.stack([getattr(aggregate, name) for name in ("mean", "mean_abs", "min", "max", "sum", "sum_abs")])


@pytest.fixture(scope="module")
def many():
    """12,345 rows, a model whose trees have tables, and one that is explained by the recurrence alone."""
    rows = np.random.default_rng(0).normal(size=(12_345, 7))
    model = xgboost.XGBRegressor(n_estimators=20, max_depth=6, n_jobs=1).fit(rows, rows[:, 0] * rows[:, 1] + rows[:, 2])
    return model, rows


@pytest.mark.parametrize("options", [{}, {"expected_rows": 1}, {"max_memory": "1MB"}], ids=str)
@pytest.mark.parametrize("by", [None, "few", "many"])
def test_bits_do_not_depend_on_threads_or_chunks(many, options, by, monkeypatch):
    model, rows = many
    labels = {None: None, "few": np.arange(len(rows)) % 3, "many": np.random.default_rng(1).integers(0, 900, len(rows))}
    want = all_numbers(TreeExplainer(model, threads=1, **options).aggregate(rows, by=labels[by]))
    for threads in (2, 5):
        found = TreeExplainer(model, threads=threads, **options).aggregate(rows, by=labels[by])
        np.testing.assert_array_equal(all_numbers(found), want)
    monkeypatch.setattr("ferroshap.tree.aggregates.MOST_ROWS", 700)  # 640, which whole blocks make
    found = TreeExplainer(model, threads=3, **options).aggregate(rows, by=labels[by])
    np.testing.assert_array_equal(all_numbers(found), want)


def test_bits_do_not_depend_on_the_vector_level(many):
    model, rows = many
    explainer = TreeExplainer(model)
    want = all_numbers(explainer.aggregate(rows, by=rows[:, 0] > 0))
    for level in _native.build_info()["simd_available"]:
        explainer._prepared = PreparedRaw(explainer.model, _native.Plan(explainer.model._core, level=level))
        assert explainer.describe()["simd"] == level
        np.testing.assert_array_equal(all_numbers(explainer.aggregate(rows, by=rows[:, 0] > 0)), want)


def test_extremes_and_counts_do_not_depend_on_how_rows_are_cut(many):
    model, rows = many
    explainer = TreeExplainer(model)
    want = explainer.aggregate(rows)
    for cuts in ([1], [77, 78, 5000], [128, 256]):
        parts = [explainer.aggregate(part) for part in np.split(rows, cuts)]
        merged = parts[0]
        for part in parts[1:]:
            merged = merged.merge(part)
        streamed = explainer.aggregate(part for part in np.split(rows, cuts))
        for found in (merged, streamed):
            assert found.rows == want.rows
            np.testing.assert_array_equal(found.min, want.min)
            np.testing.assert_array_equal(found.max, want.max)
            assert (np.abs(found.sum - want.sum) <= 1e-15 * want.sum_abs).all()
            np.testing.assert_allclose(found.sum_abs, want.sum_abs, rtol=1e-15, atol=0)


def test_sums_of_many_rows_are_exact_to_the_last_bits():
    """A million rows alike: plain addition would be off by some 1e-12 of the sum."""
    model = xgboost.XGBRegressor(n_estimators=1, max_depth=1, n_jobs=1).fit([[0.0], [1.0], [1.0]], [0.1, 0.4, 0.3])
    explainer, row = TreeExplainer(model), np.array([[1.0]])
    aggregate = explainer.aggregate(np.broadcast_to(row, (1_000_000, 1)))
    value = explainer.shap_values(row)[0, 0]
    assert value != 0
    np.testing.assert_allclose(aggregate.mean[0], value, rtol=4e-16)


def test_the_means_add_up_to_the_mean_prediction(many):
    model, rows = many
    explainer = TreeExplainer(model, rows[:100])
    aggregate = explainer.aggregate(rows, by=rows[:, 0] > 0)
    for label in (False, True):
        part = aggregate[label]
        predicted = explainer.model.predict(rows[(rows[:, 0] > 0) == label], dtype="float64").mean()
        np.testing.assert_allclose(
            part.base_values + part.mean.sum(), predicted, rtol=0, atol=1e-12 * explainer.scale[0]
        )


@pytest.fixture(scope="module")
def named():
    random = np.random.default_rng(0)
    table = pd.DataFrame(random.normal(size=(250, 3)), columns=["age", "income", "size"])
    table["colour"] = pd.Categorical.from_codes(random.integers(0, 3, size=250), ["red", "green", "blue"])
    target = (table["age"] > 0).astype(int) + (table["income"] + table["colour"].cat.codes > 1)
    model = xgboost.XGBClassifier(n_estimators=5, max_depth=3, n_jobs=1, enable_categorical=True).fit(table, target)
    return TreeExplainer(model, output_names=["low", "middle", "high"]), table


@pytest.mark.parametrize(
    "choice",
    [{"features": ["size", "age"]}, {"outputs": "high"}, {"features": "age", "outputs": [2, 0]}, {"features": 1, "outputs": 1},
     {"features": []}, {"outputs": []}],
    ids=str,
)  # fmt: skip
def test_some_features_and_outputs(named, choice):
    explainer, table = named
    want = explainer(table, **choice)
    found = explainer.aggregate(table, **choice)
    assert found.shape == want.shape[1:]
    if 0 not in want.shape:
        same_statistics(found, want.values, explainer.scale.max())
    assert (found.feature_names, found.output_names) == (want.feature_names, want.output_names)
    np.testing.assert_array_equal(found.base_values, want.base_values[0])
    groups = explainer.aggregate(table, by=table["colour"], **choice)
    assert groups.shape == (3, *want.shape[1:])
    assert len(groups.to_pandas()) == int(np.prod(groups.shape))
    np.testing.assert_array_equal(groups["red"].max, explainer.aggregate(table[table["colour"] == "red"], **choice).max)
    repr(groups)


def test_sparse_rows():
    random = np.random.default_rng(3)
    rows = scipy.sparse.random(3000, 900, density=0.01, format="csr", random_state=random)
    model = RandomForestClassifier(n_estimators=5, max_depth=4, random_state=0).fit(rows, np.arange(3000) % 3)
    explainer = TreeExplainer(model)
    np.testing.assert_array_equal(
        all_numbers(explainer.aggregate(rows)), all_numbers(explainer.aggregate(rows.toarray()))
    )


def test_rows_with_base_values_of_their_own_have_none_in_common():
    rows = np.random.default_rng(4).normal(size=(100, 3))
    model = xgboost.XGBRegressor(n_estimators=3, max_depth=3, n_jobs=1).fit(rows, rows[:, 0])
    aggregate = TreeExplainer(model).aggregate(xgboost.DMatrix(rows, base_margin=np.arange(100.0)))
    assert aggregate.base_values is None
    np.testing.assert_array_equal(aggregate.max, TreeExplainer(model).aggregate(rows).max)


LABELS = {
    "texts": (["b", "a", "b", "c"], ("a", "b", "c")),
    "texts with none": (np.array(["b", None, "b", "a"], object), ("a", "b", None)),
    "whole numbers": ([3, -1, 3, 20], (-1, 3, 20)),
    "numbers with none": ([0.5, np.nan, 0.25, np.nan], (0.25, 0.5, None)),
    "truth": ([True, False, True, True], (False, True)),
    "objects": (np.array([2, 1.5, None, 2], object), (1.5, 2, None)),
    "categories": (pd.Categorical(["x", None, "x", "w"]), ("w", "x", None)),
    "nullable": (pd.Series([1, None, 1, 2], dtype="Int64"), (1, 2, None)),
    "arrow": (pa.chunked_array([["u", "t"], [None, "t"]]), ("t", "u", None)),
    "large whole numbers with none": (pa.array([2**60 + 1, 2**60, None, 2**60]), (2**60, 2**60 + 1, None)),
    "dates": (
        np.array(["2026-01-02", "2026-01-01", "NaT", "2026-01-02"], "datetime64[D]"),
        (np.datetime64("2026-01-01"), np.datetime64("2026-01-02"), None),
    ),
}


@pytest.mark.parametrize("kind", LABELS)
def test_labels_of_every_kind(many, kind):
    model, rows = many
    labels, want = LABELS[kind]
    explainer = TreeExplainer(model)
    found = explainer.aggregate(rows[:4], by=labels)
    assert found.groups == want
    assert found.rows.sum() == 4
    for library in (found.to_pandas, found.to_polars, found.to_arrow):
        assert len(library()) == 7 * len(want)
    place = {label: at for at, label in enumerate(want)}
    given = labels.to_pylist() if hasattr(labels, "to_pylist") else pd.Series(np.asarray(labels)).tolist()
    given = [None if pd.isna(label) else label for label in given]
    if kind != "dates":
        for label in want:
            mine = [at for at, other in enumerate(given) if other == label]
            np.testing.assert_array_equal(found[label].max, explainer.shap_values(rows[:4])[mine].max(axis=0))
            assert found.rows[place[label]] == len(mine)


@pytest.mark.parametrize(
    ("by", "text"),
    [
        ("age", r"by is the text 'age'; expected one label for each row: the column itself, by=table\['age'\]"),
        ([1, 2], r"by is list of shape \(2,\); expected 4 labels"),
        (np.ones((4, 1)), r"by is ndarray of shape \(4, 1\)"),
        (3, "by is int; expected 4 labels"),
        ([[1], [2, 3], [4], [5]], "expected 4 labels"),
        (np.array(["a", 1, "b", "c"], object), "labels of groups are numbers and texts: 'a', 1, 'b', 'c'"),
        (np.array([b"a", b"b", b"c", b"d"]), "by has dtype .S1; expected labels that are numbers"),
        (np.array([(1,), (2,), (1,), 3], object), r"the label \(1,\) of a group is tuple"),
        (np.array([{}, {}, {}, {}], object), "by holds what is no label"),
        (np.array([1j, 2j, 1, 2]), "by has dtype complex128"),
    ],
)
def test_what_is_no_label_a_row_is_refused(many, by, text):
    with pytest.raises(OptionError, match=text):
        TreeExplainer(many[0]).aggregate(many[1][:4], by=by)


def test_merging_groups(many):
    model, rows = many
    explainer = TreeExplainer(model)
    labels = np.random.default_rng(5).choice(["x", "y", "z"], len(rows))
    want = explainer.aggregate(rows, by=labels)
    first, second = labels[:4000], np.where(labels[4000:] == "z", "w", labels[4000:])
    merged = explainer.aggregate(rows[4000:], by=second).merge(explainer.aggregate(rows[:4000], by=first))
    assert merged.groups == ("w", "x", "y", "z")
    np.testing.assert_array_equal(merged.rows, [np.sum(np.concatenate([first, second]) == g) for g in merged.groups])
    for label in "xy":
        np.testing.assert_array_equal(merged[label].min, want[label].min)
        np.testing.assert_allclose(merged[label].mean, want[label].mean, rtol=0, atol=1e-15)
    np.testing.assert_array_equal(merged.overall().max, want.overall().max)


def test_no_rows_are_a_part_like_any(many):
    model, rows = many
    explainer = TreeExplainer(model)
    none, some = explainer.aggregate(rows[:0]), explainer.aggregate(rows[:300])
    assert none.rows == 0
    assert np.isnan(all_numbers(none)[:4]).all()
    assert (none.sum == 0).all()
    np.testing.assert_array_equal(all_numbers(none.merge(some)), all_numbers(some))
    np.testing.assert_array_equal(all_numbers(some.merge(none)), all_numbers(some))
    groups = explainer.aggregate(rows[:0], by=[])
    assert (groups.groups, groups.shape) == ((), (0, 7))
    assert len(groups.to_pandas()) == 0
    assert groups.merge(explainer.aggregate(rows[:2], by=["a", "b"])).groups == ("a", "b")
    assert "0 rows" in repr(groups)


def test_what_does_not_go_together_is_not_merged(named, many):
    explainer, table = named
    one = explainer.aggregate(table)
    for other, text in (
        (TreeExplainer(explainer.model).aggregate(table), "output_names is"),
        (explainer.aggregate(table, features=["age"]), "feature_names is"),
        (explainer.aggregate(table, by=table["colour"]), "one of the aggregates has groups"),
        (
            TreeExplainer(explainer.model, table, output_names=["low", "middle", "high"]).aggregate(table),
            "algorithm is",
        ),
        (explainer(table), "merge takes an Aggregate, not Explanation"),
    ):
        with pytest.raises(OptionError, match=text):
            one.merge(other)
    model, rows = many
    texts, numbers = (TreeExplainer(model).aggregate(rows[:2], by=by) for by in (["a", "b"], [1, 2]))
    with pytest.raises(OptionError, match="labels of groups are numbers and texts"):
        texts.merge(numbers)
    with pytest.raises(OptionError, match="base_values is"):
        TreeExplainer(model, rows[:50]).aggregate(rows[:2]).merge(TreeExplainer(model, rows[:60]).aggregate(rows[:2]))


def test_a_group_by_its_label(named):
    explainer, table = named
    aggregate = explainer.aggregate(table, by=table["colour"])
    with pytest.raises(IndexError, match="no group is called 'pink'; they are 'blue', 'green', 'red'"):
        aggregate["pink"]
    with pytest.raises(IndexError, match="there are no groups; pass by="):
        explainer.aggregate(table)["red"]


def test_tables(named):
    explainer, table = named
    aggregate = explainer.aggregate(table, by=table["colour"])
    frame = aggregate.to_pandas()
    assert list(frame.columns) == ["colour", "feature", "output", "rows", "mean_abs", "mean", "min", "max"]
    assert len(frame) == 3 * 4 * 3
    for _, row in frame.iterrows():
        at = ["age", "income", "size", "colour"].index(row["feature"]), ["low", "middle", "high"].index(row["output"])
        for statistic in ("mean_abs", "mean", "min", "max"):
            assert row[statistic] == getattr(aggregate[row["colour"]], statistic)[at]
        assert row["rows"] == aggregate[row["colour"]].rows
    pd.testing.assert_frame_equal(aggregate.to_arrow().to_pandas(), frame)
    assert aggregate.to_polars().rows() == [tuple(row) for row in frame.itertuples(index=False)]
    one = explainer.aggregate(table, outputs=0).to_pandas()
    assert list(one.columns) == ["feature", "rows", "mean_abs", "mean", "min", "max"]
    nameless = explainer.aggregate(table, by=list(table["colour"]), outputs=0)
    assert nameless.to_pandas().columns[0] == "group"
    with pytest.raises(OptionError, match="two columns would both be called 'rows'"):
        explainer.aggregate(table, by=table["colour"].rename("rows")).to_pandas()


def test_it_says_what_it_is_of(named, many):
    explainer, table = named
    text = repr(explainer.aggregate(table, by=table["colour"]))
    assert text.startswith("Aggregate(250 rows, 3 groups, 4 features, 3 outputs, XGBoost")
    assert "margin, path-dependent, mean |value| " in text
    assert "output 'high'" in repr(explainer.aggregate(table, outputs="high"))
    assert repr(TreeExplainer(many[0]).aggregate(many[1])).startswith("Aggregate(12345 rows, 7 features, XGBoost")


def test_a_pickle_of_it(many):
    model, rows = many
    aggregate = TreeExplainer(model).aggregate(rows, by=rows[:, 0] > 0)
    again = pickle.loads(pickle.dumps(aggregate))
    np.testing.assert_array_equal(all_numbers(again.merge(aggregate))[2:4], all_numbers(aggregate)[2:4])


@pytest.mark.parametrize("by", [False, True])
def test_every_row_is_checked(by, monkeypatch):
    rows = np.random.default_rng(2).normal(size=(300, 3)).astype(np.float32)
    explainer = TreeExplainer(xgboost.XGBRegressor(n_estimators=3, max_depth=2, n_jobs=1).fit(rows, rows[:, 0]))
    labels = np.arange(300) % 4 if by else None
    predict = TreeEnsemble.predict_rows

    def wrong_in_row_217(model, chunk, **options):
        return predict(model, chunk, **options) + 1e-9 * (chunk[:, :1] == rows[217, 0])

    monkeypatch.setattr(TreeEnsemble, "predict_rows", wrong_in_row_217)
    with pytest.raises(AdditivityError, match="row 217, output 0"):
        explainer.aggregate(rows, by=labels, features=[1])
    if not by:
        with pytest.raises(AdditivityError, match="row 217, output 0"):
            explainer.aggregate(iter([rows[:100], rows[100:]]))
    assert explainer.aggregate(rows, by=labels, check_additivity=False).worst_gap is None


def test_the_worst_gap_is_that_of_the_rows(many):
    model, rows = many
    explainer = TreeExplainer(model)
    values = explainer.shap_values(rows)
    gaps = np.abs(explainer.model.predict(rows, dtype="float64") - explainer.expected_value - values.sum(axis=1))
    aggregate, scale = explainer.aggregate(rows, by=rows[:, 0] > 0), explainer.scale[0]
    np.testing.assert_allclose(aggregate.worst_gap, gaps.max(), rtol=0, atol=1e-15 * scale)
    first, second = explainer.aggregate(rows[:999]), explainer.aggregate(rows[999:])
    assert first.merge(second).worst_gap == max(first.worst_gap, second.worst_gap) == aggregate.worst_gap
    assert first.merge(explainer.aggregate(rows[:9], check_additivity=False)).worst_gap is None


def test_the_library_is_asked():
    rows = np.random.default_rng(2).normal(size=(90, 3))
    model = xgboost.XGBClassifier(n_estimators=3, max_depth=2, n_jobs=1).fit(rows, np.arange(90) % 3)
    explainer = TreeExplainer(model)
    explainer.aggregate(rows, check_additivity="library", outputs=[2])
    model.fit(rows[::-1], np.arange(90) % 3)
    with pytest.raises(AdditivityError, match="the training library's own"):
        explainer.aggregate(rows, check_additivity="library", outputs=[2])


def test_tables_of_an_iterator(many):
    model, rows = many
    explainer = TreeExplainer(model)
    with pytest.raises(OptionError, match="aggregate each table with its labels and merge"):
        explainer.aggregate(iter([rows]), by=rows[:, 0])
    with pytest.raises(OptionError, match="gave no table"):
        explainer.aggregate(iter([]))
    with pytest.raises(DataError, match="cannot be read from str"):
        explainer.aggregate(iter([rows, "rows"]))
    with pytest.raises(OptionError, match="a single row without a row axis"):
        explainer.aggregate(rows[0])


def test_progress_is_told_to_the_end(many):
    seen = []
    explainer = TreeExplainer(many[0], progress=lambda done, rows: seen.append((done, rows)))
    explainer.aggregate(many[1])
    assert seen[-1] == (12_345, 12_345)


def test_no_values_are_held():
    rows = np.random.default_rng(1).normal(size=(100_000, 30))
    model = xgboost.XGBRegressor(n_estimators=3, max_depth=3, n_jobs=1).fit(
        rows[:1000], rows[:1000, 0] + rows[:1000, 1]
    )
    explainer = TreeExplainer(model)
    explainer.aggregate(rows[:10])
    tracemalloc.start()
    explainer.aggregate(rows)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8e6  # the values of all rows take 24 MB; sums, predictions and their check one number a row each
