"""What `shap_interaction_values` may be given, what comes back, and what it says of the rest."""

import numpy as np
import pytest
import xgboost
from ferroshap import OptionError, PlanError, TreeExplainer
from interventional.models import case


@pytest.fixture(scope="module")
def one():
    model, rows, _, _ = case("XGBoost, missing values")
    return TreeExplainer(model), rows


@pytest.fixture(scope="module")
def classes():
    model, rows, _, _ = case("scikit-learn, forest of classes")
    return TreeExplainer(model), rows


def test_shapes(one, classes):
    f = one[1].shape[1]
    for (explainer, rows), outputs in ((one, ()), (classes, (3,))):
        shapes = {
            (9, f, f): {},
            (9, 2): {"pairs": [(0, 1), (2, 2)]},
            (9, 3, 3): {"features": [0, 1, 3]},
            (9, 0): {"pairs": []},
            (f, f): {"aggregate": "mean_abs"},
            (2,): {"aggregate": "mean_abs", "pairs": [(0, 1), (2, 2)]},
        }
        for shape, options in shapes.items():
            values = explainer.shap_interaction_values(rows[:9], **options)
            assert values.shape == (*shape, *outputs)
            assert values.dtype == np.float64
        assert explainer.shap_interaction_values(rows[0]).shape == (f, f, *outputs)
        assert explainer.shap_interaction_values(rows[:0]).shape == (0, f, f, *outputs)


def test_values_are_written_into_out(one, classes):
    for explainer, rows in (one, classes):
        want = explainer.shap_interaction_values(rows)
        for dtype in (np.float32, np.float64):
            out = np.full(want.shape, np.nan, dtype)
            assert explainer.shap_interaction_values(rows, out=out) is out
            np.testing.assert_array_equal(out, want.astype(dtype))
        out = np.full(want.shape[1:], np.nan)
        assert explainer.shap_interaction_values(rows, aggregate="mean_abs", out=out) is out
        np.testing.assert_array_equal(out, explainer.shap_interaction_values(rows, aggregate="mean_abs"))


def test_float32_is_rounded_from_float64():
    model, rows, _, _ = case("XGBoost, missing values")
    values = TreeExplainer(model, dtype="float32").shap_interaction_values(rows)
    assert values.dtype == np.float32
    np.testing.assert_array_equal(values, TreeExplainer(model).shap_interaction_values(rows).astype(np.float32))


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"pairs": [(0, 1)], "features": [0]}, "pass one of them"),
        ({"pairs": "01"}, "a list of pairs"),
        ({"pairs": 3}, "a list of pairs"),
        ({"pairs": [(0, 1), 2]}, "pairs holds 2; expected two features"),
        ({"pairs": [(0, 1, 2)]}, "two features"),
        ({"pairs": [(0, 5)]}, "there is no feature 5"),
        ({"pairs": [("age", 1)]}, "have no names"),
        ({"features": [0, 7]}, "there is no feature 7"),
        ({"features": [True, False]}, "mask has 2 truth values"),
        ({"aggregate": "mean"}, "expected None or 'mean_abs'"),
        ({"out": np.empty((3, 5, 5))}, r"float64 of shape \(3, 5, 5\); expected .* of shape \(240, 5, 5\)"),
        ({"out": np.empty((240, 5, 5), np.float16)}, "float16"),
        ({"out": np.empty((240, 5, 5), order="F")}, "C order"),
        ({"out": [0.0]}, "out is list"),
        ({"y": np.zeros(240)}, "log_loss"),
    ],
)
def test_what_does_not_fit_is_refused(one, options, text):
    explainer, rows = one
    assert rows.shape == (240, 5)
    with pytest.raises(OptionError, match=text):
        explainer.shap_interaction_values(rows, **options)


def test_a_mean_needs_rows(one):
    with pytest.raises(OptionError, match="there are none"):
        one[0].shap_interaction_values(one[1][:0], aggregate="mean_abs")


def test_max_memory_counts_for_what_is_prepared_for_interactions():
    model, rows, _, _ = case("XGBoost, missing values")
    size = TreeExplainer(model, expected_rows=1).describe()["bytes"]  # without tables
    with pytest.raises(PlanError, match=r"max_memory allows .*fewer pairs"):
        TreeExplainer(model, expected_rows=1, max_memory=size).shap_interaction_values(rows)
    TreeExplainer(model, max_memory="16MiB").shap_interaction_values(rows)


def test_tables_against_a_background_fit_half_of_max_memory():
    """Whatever their leaves would take with a place for every pattern; values are the same to rounding."""
    model, rows, _, _ = case("XGBoost, missing values")
    whole, small = TreeExplainer(model, rows), TreeExplainer(model, rows, max_memory="64KiB")
    values, fewer = whole.shap_interaction_values(rows), small.shap_interaction_values(rows)
    np.testing.assert_allclose(fewer, values, rtol=0, atol=1e-12 * np.abs(values).max())
    size = {
        name: explainer._of_pairs[1].describe()["bytes"] for name, explainer in {"whole": whole, "small": small}.items()
    }
    assert size["small"] <= 64 << 10 < size["whole"]


def test_rows_with_a_base_margin(one):
    model, rows, _, _ = case("XGBoost, missing values")
    matrix = xgboost.DMatrix(rows, base_margin=np.arange(len(rows), dtype=float))
    for explainer in (one[0], TreeExplainer(model, rows[:40])):
        explanation = explainer(matrix, interactions=True)
        np.testing.assert_array_equal(explanation.values, explainer.shap_interaction_values(rows))
        total = explanation.base_values + explanation.values.sum(axis=(1, 2))
        np.testing.assert_allclose(total, model.predict(matrix, output_margin=True), rtol=1e-5, atol=1e-5)


def test_progress_is_told_to_the_end(one):
    seen = []
    explainer = TreeExplainer(one[0].model, progress=lambda done, total: seen.append((done, total)))
    explainer.shap_interaction_values(one[1])
    assert seen[-1] == (240, 240)
    seen.clear()
    explainer.shap_interaction_values(one[1], aggregate="mean_abs")
    assert seen[-1] == (240, 240)


def test_the_check_is_there():
    """A prepared model that gives wrong values is found out."""
    from ferroshap import AdditivityError

    model, rows, _, _ = case("XGBoost, missing values")
    explainer = TreeExplainer(model)
    explainer.shap_interaction_values(rows)
    key, _ = explainer._of_pairs
    other = TreeExplainer(case("XGBoost, dart").model).model.interactions(None, threads=1)
    explainer._of_pairs = key, other
    with pytest.raises(AdditivityError, match="row 0, output 0"):
        explainer.shap_interaction_values(rows[:1])
    with pytest.raises(AdditivityError):
        explainer(rows, interactions=True)
    explainer(rows, interactions=True, check_additivity=False)
