"""A background through every door, and rows through every door against it: the same bits."""

import numpy as np
import pytest
from doors.conftest import DOORS, table
from ferroshap import DataError, TreeExplainer


@pytest.fixture
def explainer(ensemble, rows):
    return TreeExplainer(ensemble, rows)


def test_a_background_and_rows_through_a_door_are_those_of_the_array(model, ensemble, explainer, door, rows):
    handed_in = DOORS[door](rows)
    if door in model.refused:
        with pytest.raises(DataError, match=r"data, the background: .*(pass|sparse)"):
            TreeExplainer(ensemble, handed_in)
        return
    against = TreeExplainer(ensemble, handed_in)
    np.testing.assert_array_equal(against.expected_value, explainer.expected_value)
    values = explainer.shap_values(rows)
    assert values.any()
    np.testing.assert_array_equal(against.shap_values(rows), values)
    np.testing.assert_array_equal(explainer.shap_values(handed_in), values)


def test_what_a_sparse_background_does_not_store_is_absent(model, ensemble):
    import scipy.sparse as sp

    rows = table(holes=False)
    if "CSR matrix" in model.refused:
        return
    against = TreeExplainer(ensemble, sp.csr_array(rows))
    absent = np.nan if ensemble.schema.absent == "missing" else 0.0
    plain = np.where(rows == 0, absent, rows)
    np.testing.assert_array_equal(against.shap_values(rows[:9]), TreeExplainer(ensemble, plain).shap_values(rows[:9]))
