"""What other explainers of trees get wrong with the rows they are given: each test is named after the defect."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp
from doors.conftest import NAMES, all_stored, frame
from ferroshap import DataError, FeatureMismatchError, TreeExplainer


def test_columns_in_another_order_are_attributed_by_position(ensemble, rows):
    """shap#3958, shap#3601: the values of a shuffled frame belong to other features."""
    explainer = TreeExplainer(ensemble)
    shuffled = frame(rows)[["d", "age", "c", "body mass"]]
    np.testing.assert_array_equal(explainer.shap_values(shuffled), explainer.shap_values(rows))
    assert [name.replace(" ", "_") for name in explainer(shuffled).feature_names] == ["age", "body_mass", "c", "d"]


@pytest.mark.parametrize("given", [lambda X: X[:, :2], lambda X: frame(X)[NAMES[:2]], lambda X: X[0, :2].tolist()])
def test_too_few_columns_are_read_beyond_the_end(ensemble, rows, given):
    """shap reads memory that is not its own, down to a corrupted heap."""
    with pytest.raises(
        FeatureMismatchError, match=r"have 2 columns, but the model expects 4|yet now missing:\n- c\n- d"
    ):
        TreeExplainer(ensemble).shap_values(given(rows))


def test_one_column_too_many_is_ignored(ensemble, rows):
    with pytest.raises(FeatureMismatchError, match="Feature names unseen at fit time:\n- extra"):
        TreeExplainer(ensemble).shap_values(frame(rows).assign(extra=1.0))
    with pytest.raises(FeatureMismatchError, match="have 5 columns, but the model expects 4"):
        TreeExplainer(ensemble).shap_values(np.column_stack([rows, rows[:, 0]]))


def test_lists_are_not_accepted(ensemble, rows):
    """shap#4473."""
    np.testing.assert_array_equal(
        TreeExplainer(ensemble).shap_values(rows.tolist()), TreeExplainer(ensemble).shap_values(rows)
    )


def test_polars_frames_are_not_accepted(ensemble, rows):
    """shapash#599."""
    given = pl.DataFrame(rows, schema=NAMES, orient="row", nan_to_null=True)
    np.testing.assert_array_equal(TreeExplainer(ensemble).shap_values(given), TreeExplainer(ensemble).shap_values(rows))


def test_nullable_columns_become_objects(ensemble, rows):
    given = frame(rows).convert_dtypes()
    assert any(isinstance(dtype, pd.Int64Dtype) for dtype in given.dtypes)
    np.testing.assert_array_equal(TreeExplainer(ensemble).shap_values(given), TreeExplainer(ensemble).shap_values(rows))


def test_sparse_rows_crash_or_become_dense_with_the_wrong_value_for_absent_ones(model, ensemble, rows):
    """shap#138, shap#4256. All entries are stored here: what absent ones are has tests of its own."""
    if "CSR matrix" in model.refused:
        pytest.raises(DataError, TreeExplainer(ensemble).shap_values, sp.csr_matrix(rows))  # noqa: RUF061
    else:
        np.testing.assert_array_equal(
            TreeExplainer(ensemble).shap_values(all_stored(rows)), TreeExplainer(ensemble).shap_values(rows)
        )


def test_no_rows_crash(ensemble, rows):
    assert TreeExplainer(ensemble).shap_values(rows[:0]).shape[:2] == (0, 4)
    assert TreeExplainer(ensemble)(frame(rows[:0])).values.shape[:2] == (0, 4)


def test_object_columns_are_converted_in_silence(ensemble, rows):
    with pytest.raises(DataError, match="the column 'c' has dtype object"):
        TreeExplainer(ensemble).shap_values(frame(rows).astype({"c": object}))


class Capsule:
    """A table of any library that speaks Arrow's PyCapsule interface, and no more than that."""

    def __init__(self, table):
        self.table = table

    def __arrow_c_stream__(self, requested_schema=None):
        return self.table.__arrow_c_stream__(requested_schema)


def test_tables_of_other_libraries_are_not_accepted(ensemble, rows):
    given = Capsule(pa.table(dict(zip(NAMES[::-1], rows.T[::-1], strict=True))))
    np.testing.assert_array_equal(ensemble.predict(given), ensemble.predict(rows))
    with pytest.raises(DataError, match="Capsule, which is no table"):
        ensemble.predict(Capsule(pa.chunked_array([[1.0]])))
