"""The same numbers through every door: the same bits, of predictions and of SHAP values."""

import warnings

import numpy as np
import pytest
from doors.conftest import DOORS, NAMES, all_stored, frame, table
from ferroshap import DataError, TreeExplainer
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays


def same(a, b):
    assert a.dtype == b.dtype
    assert a.shape == b.shape
    assert a.tobytes() == b.tobytes()


def library_output(model, rows):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of scikit-learn and LightGBM: an array has no names
        return model.raw(rows)


def test_predictions_and_values_are_those_of_the_array(model, ensemble, door, rows):
    handed_in = DOORS[door](rows)
    if door in model.refused:
        with pytest.raises(DataError, match=r"pass|sparse"):
            ensemble.predict(handed_in)
        return
    explainer = TreeExplainer(ensemble)
    same(ensemble.predict(handed_in), library_output(model, rows))
    same(explainer.shap_values(handed_in), explainer.shap_values(rows))


def test_an_explanation_has_the_same_values_and_its_data_in_the_models_order(model, ensemble, door, rows):
    if door in model.refused:
        return
    explanation = TreeExplainer(ensemble)(DOORS[door](rows))
    same(explanation.values, TreeExplainer(ensemble).shap_values(rows))
    shown = np.array(
        [[np.nan if entry is None else entry for entry in row] for row in explanation.data.tolist()], float
    )
    np.testing.assert_array_equal(shown, rows)


@pytest.mark.parametrize("count", [0, 1])
def test_no_row_and_one_row(model, ensemble, door, rows, count):
    explainer, handed_in = TreeExplainer(ensemble), DOORS[door](rows[:count])
    if door in model.refused or (
        type(handed_in) in (list, tuple) and not handed_in
    ):  # an empty list does not say how many columns it has
        with pytest.raises(DataError):
            explainer.shap_values(handed_in)
    else:
        same(explainer.shap_values(handed_in), explainer.shap_values(rows)[:count])


def test_a_row_without_a_row_axis(ensemble, rows):
    want = TreeExplainer(ensemble).shap_values(rows)[3]
    for handed_in in (rows[3], rows[3].tolist(), tuple(rows[3]), frame(rows).iloc[3], frame(rows)[NAMES[::-1]].iloc[3]):
        same(TreeExplainer(ensemble).shap_values(handed_in), want)
        assert TreeExplainer(ensemble)(handed_in).data.shape == (4,)


def test_a_series_without_the_models_names_is_refused(ensemble, rows):
    with pytest.raises(DataError, match=r"Series whose index \['0', '1', '2', '3'\] holds none of the model's feature"):
        ensemble.predict(frame(rows)["age"])


# Whole numbers and halves from -2**20 to 2**20, zeros of both signs, missing values: what float32 holds exactly.
EXACT = st.one_of(
    st.integers(-(2**21), 2**21).map(lambda half: half / 2), st.sampled_from([0.0, -0.0, np.nan, 1.0, -1.0, 2.5])
)


@settings(max_examples=12, deadline=None)
@given(arrays(np.float64, st.tuples(st.integers(1, 5), st.just(4)), elements=EXACT))
def test_equal_numbers_have_equal_bits_whatever_the_door(model, ensemble, rows):
    rows = rows if model.holes else np.nan_to_num(rows)
    want = ensemble.predict(rows)
    same(want, library_output(model, rows))
    for name, door in DOORS.items():
        if name not in model.refused:
            same(ensemble.predict(door(rows)), want)


@pytest.mark.parametrize("dtype", ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?", "f2"])
def test_a_dtype_that_holds_the_numbers(model, ensemble, dtype):
    rows = (np.abs(np.nan_to_num(table(holes=False))) // 1).astype(dtype)
    want = library_output(model, rows.astype(float))
    same(ensemble.predict(rows), want)
    same(ensemble.predict(frame(rows).astype(dtype)), want)
    if dtype != "f2" and "CSR matrix" not in model.refused:
        same(ensemble.predict(all_stored(rows)), want)
