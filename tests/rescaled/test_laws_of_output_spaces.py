"""Laws: a row alone and in a batch, threads, levels, weights, chunks, other processes."""

import copy
import os
import pickle
import subprocess
import sys

import ferroshap
import numpy as np
import pytest
from kernel.conftest import LEVELS

SPACES = [
    ("XGBoost, two classes", "probability"),
    ("LightGBM, two classes, sigmoid 2", "log_loss"),
    ("XGBoost, Poisson", "predict"),
    ("forest", "log_loss"),
    ("XGBoost, three classes", "probability"),
    ("LightGBM, three classes", "log_loss"),
]


def far(case):
    """Rows whose margins are beyond those of the background: a background of the rows with the smallest."""
    raw = ferroshap.load_model(case.model).predict(np.vstack([case.rows, case.background]), dtype="float64")
    rows = np.vstack([case.rows, case.background])
    return rows[np.argsort(raw if raw.ndim == 1 else raw[:, 0])[:4]]


@pytest.mark.parametrize("background", ["near", "far"])
@pytest.mark.parametrize(("name", "space"), SPACES)
def test_a_row_has_the_same_bits_alone_in_a_batch_and_with_any_threads(cases, name, space, background):
    case = cases(name)
    against = case.background if background == "near" else far(case)
    explainer = ferroshap.TreeExplainer(case.model, against, space, threads=1)
    rows, y = np.tile(case.rows, (20, 1)), np.tile(case.y, 20)

    def given(at):
        return (y[at],) if space == "log_loss" else ()

    together = explainer.shap_values(rows, *given(slice(None)))
    for at in (0, 7, len(rows) - 1):
        np.testing.assert_array_equal(
            explainer.shap_values(rows[at : at + 1], *given(slice(at, at + 1)))[0], together[at]
        )
    two = ferroshap.TreeExplainer(case.model, against, space, threads=2)
    np.testing.assert_array_equal(two.shap_values(rows, *given(slice(None))), together)
    for other in (pickle.loads(pickle.dumps(explainer)), copy.deepcopy(explainer)):
        np.testing.assert_array_equal(other.shap_values(rows, *given(slice(None))), together)


@pytest.mark.parametrize(("name", "space"), SPACES)
def test_weights_are_repetitions_and_halves_average_to_the_whole(cases, name, space):
    case = cases(name)
    labels = (case.y,) if space == "log_loss" else ()
    whole = ferroshap.TreeExplainer(case.model, case.background[:40], space).shap_values(case.rows, *labels)
    halves = [
        ferroshap.TreeExplainer(case.model, case.background[part], space).shap_values(case.rows, *labels)
        for part in (slice(20), slice(20, 40))
    ]
    largest = np.abs(whole).max()
    np.testing.assert_allclose((halves[0] + halves[1]) / 2, whole, rtol=0, atol=1e-12 * largest)
    counts = np.arange(40) % 3
    weighted = ferroshap.TreeExplainer(case.model, case.background[:40], space, weights=counts)
    repeated = ferroshap.TreeExplainer(case.model, np.repeat(case.background[:40], counts, axis=0), space)
    np.testing.assert_allclose(
        weighted.shap_values(case.rows, *labels), repeated.shap_values(case.rows, *labels), rtol=0, atol=1e-12 * largest
    )


@pytest.mark.parametrize(("name", "space"), SPACES)
def test_parts_float32_and_chunks_are_of_the_same_values(cases, name, space):
    case = cases(name)
    labels = (case.y,) if space == "log_loss" else ()
    explainer = ferroshap.TreeExplainer(case.model, case.background, space)
    values = explainer.shap_values(case.rows, *labels)
    np.testing.assert_array_equal(explainer.shap_values(case.rows, *labels, features=[3, 1]), values[:, [3, 1]])
    out = np.empty(values.shape)
    assert explainer.shap_values(case.rows, *labels, out=out) is out
    np.testing.assert_array_equal(out, values)
    rounded = ferroshap.TreeExplainer(case.model, case.background, space, dtype="float32")
    np.testing.assert_array_equal(rounded.shap_values(case.rows, *labels), values.astype(np.float32))
    of_y, whole = {"y": case.y} if labels else {}, explainer(case.rows, *labels)
    chunks = list(explainer.iter_chunks(case.rows, rows=10, **of_y))
    np.testing.assert_array_equal(np.concatenate([chunk.values for chunk in chunks]), values)
    np.testing.assert_array_equal(np.concatenate([chunk.base_values for chunk in chunks]), whole.base_values)
    some = explainer.iter_chunks(case.rows, rows=10, features=[2], **of_y)
    np.testing.assert_array_equal(np.concatenate([chunk.values for chunk in some]), values[:, [2]])


def test_margins_far_beyond_the_background_go_pair_by_pair(cases):
    case = cases("XGBoost, two classes")
    one = far(case)[:1]
    explainer = ferroshap.TreeExplainer(case.model, one, "log_loss")
    values = explainer.shap_values(case.rows, case.y)
    each = explainer.shap_values(case.rows, case.y, per_reference=True)[:, 0]
    np.testing.assert_allclose(values, each, rtol=0, atol=1e-12 * np.abs(each).max())


def wide(leaf):
    """A model of one split whose margins are ±leaf."""
    stump = ferroshap.Tree(
        left=[1, -1, -1], right=[2, -1, -1], feature=[0, -1, -1], threshold=[0.0, 0, 0], value=[0, -leaf, leaf]
    )
    return ferroshap.build_ensemble([stump], n_features=1, link="logistic")


@pytest.mark.parametrize("leaf", [10.0, 39.0, 200.0, 500.0])
@pytest.mark.parametrize("space", ["probability", "log_loss"])
def test_margins_of_any_width(leaf, space):
    explainer = ferroshap.TreeExplainer(wide(leaf), [[-1.0], [1.0]], space)
    labels = ([0, 1],) if space == "log_loss" else ()
    values = explainer.shap_values([[-1.0], [1.0]], *labels)[:, 0]
    # half of the references differ, by all that there is between the two leaves
    whole = np.tanh(leaf / 2) if space == "probability" else -leaf
    expected = np.array([-whole, whole]) / 2 if space == "probability" else np.array([whole, whole]) / 2
    np.testing.assert_allclose(values, expected, rtol=1e-13)


@pytest.mark.parametrize("name", ["XGBoost, two classes", "XGBoost, three classes"])
def test_every_level_gives_the_same_bits(cases, tmp_path, name):
    case = cases(name)
    here = ferroshap.TreeExplainer(case.model, case.background, "probability")
    here.model.save(tmp_path / "model")
    np.savez(tmp_path / "rows.npz", rows=case.rows, background=case.background)
    script = (
        "import sys, numpy as np, ferroshap; f = np.load(sys.argv[1] + '/rows.npz');"
        "e = ferroshap.TreeExplainer(sys.argv[1] + '/model', f['background'], 'probability');"
        "print(e.shap_values(f['rows']).tobytes().hex())"
    )
    for level in LEVELS:
        done = subprocess.run(
            [sys.executable, "-c", script, str(tmp_path)],
            env=os.environ | {"FERROSHAP_SIMD": level},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == here.shap_values(case.rows).tobytes().hex(), level


@pytest.mark.parametrize(("name", "space"), SPACES)
def test_aggregates_are_those_of_the_values(cases, name, space):
    case = cases(name)
    explainer = ferroshap.TreeExplainer(case.model, case.background, space)
    of_y = {"y": case.y} if space == "log_loss" else {}
    values = explainer.shap_values(case.rows, **of_y)
    labels = np.arange(len(case.rows)) % 3
    both = explainer.aggregate(case.rows, **of_y), explainer.aggregate(case.rows, by=labels, **of_y)[1]
    assert (both[0].base_values is None) == (space == "log_loss")  # that of a loss depends on the row's label
    for found, of in zip(both, (values, values[labels == 1]), strict=True):
        np.testing.assert_allclose(found.mean, of.mean(axis=0), rtol=0, atol=1e-15)
        np.testing.assert_allclose(found.mean_abs, np.abs(of).mean(axis=0), rtol=0, atol=1e-15)
        np.testing.assert_array_equal(found.min, of.min(axis=0))
        np.testing.assert_array_equal(found.max, of.max(axis=0))
    assert both[0].output_space == explainer.output_space
