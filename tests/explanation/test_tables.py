"""Tables: every number where its names say it is, in three libraries, wide and long."""

import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from ferroshap import BatchExplainer, TreeExplainer
from made import ALL, make


def as_dict(explanation, library, **options):
    """Column by column, the values as Python's own."""
    table = getattr(explanation, f"to_{library}")(**options)
    if library == "pandas":
        assert isinstance(table, pd.DataFrame)
        return {name: table[name].tolist() for name in table.columns}
    if library == "polars":
        assert isinstance(table, pl.DataFrame)
        return table.to_dict(as_series=False)
    assert isinstance(table, pa.Table)
    return table.to_pydict()


LIBRARIES = pytest.mark.parametrize("library", ["pandas", "polars", "arrow"])


@LIBRARIES
def test_a_wide_table_has_a_column_a_feature_then_the_base_value(library):
    whole = make()
    table = as_dict(whole, library)
    assert list(table) == ["shap_a", "shap_b", "shap_c", "base_value"]
    np.testing.assert_array_equal(
        np.column_stack([*table.values()]), np.column_stack([whole.values, whole.base_values])
    )


@LIBRARIES
def test_a_wide_table_of_several_outputs_goes_output_by_output(library):
    whole = make(ALL)
    table = as_dict(whole, library)
    assert list(table) == [
        "shap_no__a", "shap_no__b", "shap_no__c", "shap_yes__a", "shap_yes__b", "shap_yes__c", "base_value_no", "base_value_yes",
    ]  # fmt: skip
    np.testing.assert_array_equal(table["shap_yes__c"], whole[:, "c", "yes"].values)
    np.testing.assert_array_equal(table["base_value_no"], whole[..., "no"].base_values)
    expected = np.column_stack([whole.values[..., 0], whole.values[..., 1], whole.base_values])
    np.testing.assert_array_equal(np.column_stack([*table.values()]), expected)


@pytest.mark.parametrize("classes", [2, 3])
def test_a_wide_table_has_the_columns_of_the_batch_explainer(classes):
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(30, 2)), columns=["p", "q"])
    kind, y = (RandomForestRegressor, frame["p"]) if classes == 2 else (RandomForestClassifier, np.arange(30) % 3)
    explainer = TreeExplainer(kind(n_estimators=3, max_depth=2, random_state=0, n_jobs=1).fit(frame, y))
    batch = BatchExplainer(explainer, dtype="float64")(pa.RecordBatch.from_pandas(frame))
    assert explainer(frame).to_arrow().to_pydict() == batch.to_pydict()


@LIBRARIES
@pytest.mark.parametrize(
    "axes", [("row", "feature"), ("feature",), ("row",), (), ("feature", "output"), ("output",), ALL]
)
def test_a_long_table_has_a_row_for_each_value(library, axes):
    whole = make(axes)
    table = as_dict(whole, library, layout="long")
    output = ["output"] if "output" in axes else []
    assert list(table) == ["row", "feature", *output, "data", "display_data", "shap_value", "base_value"]
    index = {"row": table["row"], "feature": ["abc".index(name) for name in table["feature"]]}
    index["output"] = [["no", "yes"].index(name) for name in table["output"]] if output else None

    def at(*of):
        return tuple(np.array(index[axis]) for axis in axes if axis in of)

    assert len(table["row"]) == whole.values.size
    assert len({*zip(*(column for column in index.values() if column), strict=True)}) == whole.values.size
    np.testing.assert_array_equal(table["shap_value"], np.asarray(whole.values)[at(*ALL)])
    np.testing.assert_array_equal(table["base_value"], np.asarray(whole.base_values)[at("row", "output")])
    np.testing.assert_array_equal(table["data"], np.asarray(whole.data)[at("row", "feature")])
    np.testing.assert_array_equal(table["display_data"], np.asarray(whole.display_data)[at("row", "feature")])


@LIBRARIES
def test_the_top_of_a_long_table_is_the_largest_of_each_row_and_output_in_order(library):
    whole = make(ALL)
    table = as_dict(whole, library, layout="long", top=2)
    top = whole.top(2)
    assert table["shap_value"] == top.values.ravel().tolist()
    assert table["feature"] == top.feature_names.ravel().tolist()
    assert table["display_data"] == top.data.ravel().tolist()
    assert table["row"] == np.repeat(np.arange(5), 4).tolist()
    assert table["output"] == ["no", "yes"] * 10
    assert table["base_value"] == np.repeat(whole.base_values[:, None], 2, axis=1).ravel().tolist()


@LIBRARIES
def test_the_top_of_a_wide_table_names_the_features_of_each_row(library):
    whole = make()
    table = as_dict(whole, library, top=2)
    assert list(table) == ["feature_1", "shap_1", "feature_2", "shap_2", "base_value"]
    top = whole.top(2)
    for rank in (0, 1):
        assert table[f"feature_{rank + 1}"] == top.feature_names[:, rank].tolist()
        assert table[f"shap_{rank + 1}"] == top.values[:, rank].tolist()
    several = as_dict(make(ALL), library, top=9)
    assert several["feature_yes__3"] == make(ALL).top(3).feature_names[:, 2, 1].tolist()
    assert several["shap_yes__3"] == make(ALL).top(3).values[:, 2, 1].tolist()
    assert len(several) == 2 * 3 * 2 + 2


@LIBRARIES
def test_one_row_and_no_rows_are_tables_too(library):
    assert as_dict(make()[2], library)["shap_b"] == [make().values[2, 1]]
    assert as_dict(make()[:0], library) == {"shap_a": [], "shap_b": [], "shap_c": [], "base_value": []}
    assert as_dict(make()[:0], library, layout="long", top=1)["shap_value"] == []
    assert as_dict(make()[:0], library, layout="wide", top=1)["feature_1"] == []
    assert as_dict(make()[:, []], library) == {"base_value": make().base_values.tolist()}
    assert list(as_dict(make().abs.mean(0), library)) == ["shap_a", "shap_b", "shap_c"]
    assert list(as_dict(make().abs.mean(0), library, layout="long")) == ["row", "feature", "shap_value"]


@LIBRARIES
def test_features_and_outputs_without_names_are_called_by_position(library):
    whole = make(ALL, feature_names=None, output_names=None)
    assert list(as_dict(whole, library))[:4] == ["shap_0__0", "shap_0__1", "shap_0__2", "shap_1__0"]
    assert set(as_dict(whole, library, layout="long")["feature"]) == {"0", "1", "2"}


@LIBRARIES
def test_data_that_are_no_numbers_become_texts_and_missing_ones_none(library):
    rows = np.empty((5, 3), dtype=object)
    rows[:] = [["x", 1, None]] * 5
    table = as_dict(make(data=rows, display_data=None), library, layout="long")
    missing = table["data"][2]
    assert table["data"][:2] == ["x", "1"]
    assert missing is None or missing != missing  # noqa: PLR0124  pandas' texts have NaN
    rows[:] = 2
    assert as_dict(make(data=rows), library, layout="long")["data"] == [2.0] * 15


def test_texts_are_texts_where_there_are_no_rows_too():
    none = make()[:0]
    assert none.to_polars("long").schema["feature"] == pl.String
    assert none.to_arrow("long").schema.field("display_data").type == pa.string()
    assert pl.concat([none.to_polars(top=1), make().to_polars(top=1)]).height == 5


def test_columns_of_one_name_are_refused():
    with pytest.raises(ValueError, match="two columns would both be called 'shap_a'; rename the features or outputs"):
        make(feature_names=("a", "b", "a")).to_pandas()
    assert len(make(feature_names=("a", "b", "a")).to_pandas("long")) == 15


@pytest.mark.parametrize(
    ("explanation", "options", "message"),
    [
        (make(), {"layout": "tall"}, "layout is 'tall'; expected 'wide' or 'long'"),
        (make(), {"top": 0}, "k is 0; expected a whole number"),
        (make().sum(1), {}, "these values are not those of features"),
    ],
)
def test_what_makes_no_table_is_refused(explanation, options, message):
    with pytest.raises(ValueError, match=message):
        explanation.to_arrow(**options)


def test_a_library_that_is_not_installed_is_named():
    script = """
import sys
for name in ("pandas", "polars", "pyarrow", "shap", "scipy"):
    sys.modules[name] = None
import numpy as np
from ferroshap import Explanation
e = Explanation(np.eye(3), axes=("row", "feature"), output_space="margin", algorithm="any")
for method in ("to_pandas", "to_polars", "to_arrow", "to_shap", "hclust"):
    try:
        getattr(e, method)()
    except ImportError as error:
        print(method, str(error).rpartition(": ")[2])
"""
    printed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert printed.splitlines() == [
        "to_pandas pip install pandas",
        "to_polars pip install polars",
        "to_arrow pip install pyarrow",
        "to_shap pip install shap",
        "hclust pip install scipy",
    ]
