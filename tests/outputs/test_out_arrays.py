"""`out=`: values in an array of the caller's, the same ones as in a new array; what cannot hold them is refused."""

import numpy as np
import pytest
from ferroshap import OptionError, TreeExplainer
from interventional.models import case

ONE, CLASSES = "XGBoost, missing values", "scikit-learn, forest of classes"


@pytest.fixture(scope="module", params=[ONE, CLASSES])
def explained(request):
    model, rows, _, _ = case(request.param)
    return TreeExplainer(model), TreeExplainer(model, rows[::3]), rows


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_values_are_written_and_the_array_returned(explained, dtype, check):
    *explainers, rows = explained
    for explainer in explainers:
        want = explainer.shap_values(rows)
        out = np.full(want.shape, np.nan, dtype)
        assert explainer.shap_values(rows, check_additivity=check, out=out) is out
        np.testing.assert_array_equal(out, want.astype(dtype))


def test_the_dtype_is_that_of_out(explained):
    rows = explained[-1]
    explainer = TreeExplainer(explained[0].model, dtype="float32")
    out = np.empty(explainer.shap_values(rows).shape)
    np.testing.assert_array_equal(explainer.shap_values(rows, out=out), explained[0].shap_values(rows))


def test_one_row_and_none(explained):
    explainer, rows = explained[0], explained[-1]
    for some in (rows[3], rows[:0], rows[:1]):
        want = explainer.shap_values(some)
        out = np.full(want.shape, np.nan)
        assert explainer.shap_values(some, out=out) is out
        np.testing.assert_array_equal(out, want)


def test_a_memmap(explained, tmp_path):
    explainer, rows = explained[0], explained[-1]
    want = explainer.shap_values(rows)
    out = np.memmap(tmp_path / "values", dtype=np.float64, mode="w+", shape=want.shape)
    assert explainer.shap_values(rows, out=out) is out
    out.flush()
    np.testing.assert_array_equal(np.fromfile(tmp_path / "values").reshape(want.shape), want)


def test_in_many_chunks(explained, monkeypatch):
    monkeypatch.setattr("ferroshap.tree.run.CHUNK_BYTES", 1)
    explainer, rows = explained[0], np.tile(explained[-1], (5, 1))
    want = np.tile(explainer.shap_values(explained[-1]), (5,) + (1,) * (explainer.model.n_outputs > 1) + (1,))
    for dtype in (np.float32, np.float64):
        out = np.full(want.shape, np.nan, dtype)
        np.testing.assert_array_equal(explainer.shap_values(rows, out=out), want.astype(dtype))


def read_only(shape):
    out = np.empty(shape)
    out.flags.writeable = False
    return out


@pytest.mark.parametrize(
    ("out", "text"),
    [
        (np.empty((3, 5)), r"float64 of shape \(3, 5\); expected a float32 or float64 array of shape \(240, 5\)"),
        (np.empty((240, 5, 1)), r"float64 of shape \(240, 5, 1\)"),
        (np.empty((240, 5), np.float16), "float16"),
        (np.empty((240, 5), np.int64), "int64"),
        (np.empty((240, 5), ">f8"), ">f8"),
        (np.empty((240, 5), order="F"), "not in C order"),
        (np.empty((240, 10))[:, ::2], "not in C order"),
        (read_only((240, 5)), "not writable"),
        (np.ma.zeros((240, 5)), "out is MaskedArray; expected .* of shape"),
        ([[0.0]], "out is list"),
    ],
)
def test_what_cannot_hold_the_values_is_refused(out, text):
    model, rows, _, _ = case(ONE)
    with pytest.raises(OptionError, match=text):
        TreeExplainer(model).shap_values(rows, out=out)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_are_not_written_over(dtype):
    model, rows, _, _ = case(ONE)
    rows = np.ascontiguousarray(rows, dtype=dtype)
    explainer, before = TreeExplainer(model), rows.copy()
    with pytest.raises(OptionError, match="shares memory with the rows"):
        explainer.shap_values(rows, out=rows)
    more = np.zeros((rows.shape[0] + 1, rows.shape[1]), dtype)
    more[1:] = rows
    with pytest.raises(OptionError, match="shares memory with the rows"):
        explainer.shap_values(more[1:], out=more[:-1])
    np.testing.assert_array_equal(rows, before)
