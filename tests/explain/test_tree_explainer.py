"""`TreeExplainer`: shapes, dtypes, additivity and refusals; the numbers against the libraries' own values."""

import inspect

import lightgbm
import numpy as np
import pandas as pd
import pytest
from ferroshap import (
    AdditivityError,
    FeatureMismatchError,
    FerroshapWarning,
    OptionError,
    PlanError,
    TreeExplainer,
    UnsupportedModelError,
    load_model,
)
from ferroshap.tree import run


def test_base_value_and_values_add_up_to_the_prediction(trained):
    explainer = TreeExplainer(trained.model)
    values = explainer.shap_values(trained.X)
    exact = explainer.model.predict(trained.X, dtype="float64")
    gap = np.abs(exact - explainer.expected_value - values.sum(axis=1))
    assert (gap <= 1e-12 * (explainer.scale[0] if gap.ndim == 1 else explainer.scale)).all()


def test_shapes_and_dtypes_are_those_of_shap(trained):
    explainer = TreeExplainer(trained.model)
    values = explainer.shap_values(trained.X)
    assert values.shape == (len(trained.X), 6, *trained.raw.shape[1:])
    assert values.dtype == np.float64
    assert values.flags.c_contiguous
    if trained.raw.ndim == 1:
        assert type(explainer.expected_value) is float
    else:
        assert explainer.expected_value.shape == trained.raw.shape[1:]
    assert explainer.shap_values(trained.X[:0]).shape == (0, 6, *trained.raw.shape[1:])


def test_one_row_without_a_row_axis_gives_values_without_one(trained):
    explainer = TreeExplainer(trained.model)
    values = explainer.shap_values(trained.X)
    np.testing.assert_array_equal(explainer.shap_values(trained.X[3]), values[3])
    np.testing.assert_array_equal(explainer.shap_values(trained.X[3:4]), values[3:4])
    one, all_rows = explainer(trained.X[3]), explainer(trained.X)
    np.testing.assert_array_equal(one.values, all_rows[3].values)
    np.testing.assert_array_equal(one.base_values, all_rows[3].base_values)
    np.testing.assert_array_equal(one.data, all_rows[3].data)


def test_values_are_lightgbms_own(model_named):
    for name in ("lightgbm binary", "lightgbm classes"):
        trained = model_named(name)
        explainer = TreeExplainer(trained.model)
        k = explainer.model.n_outputs
        theirs = trained.model.booster_.predict(trained.X, pred_contrib=True).reshape(-1, k, 7)
        ours = explainer.shap_values(trained.X).reshape(-1, 6, k)
        np.testing.assert_allclose(ours, theirs[:, :, :6].transpose(0, 2, 1), rtol=0, atol=1e-13)
        np.testing.assert_allclose(np.atleast_1d(explainer.expected_value), theirs[0, :, 6], rtol=0, atol=1e-13)


def test_values_are_xgboosts_own_within_its_float32(model_named):
    import xgboost

    for name in ("xgboost regression", "xgboost classes"):
        trained = model_named(name)
        explainer = TreeExplainer(trained.model)
        k = explainer.model.n_outputs
        rows = xgboost.DMatrix(trained.X)
        theirs = trained.model.get_booster().predict(rows, pred_contribs=True, strict_shape=True)
        ours = explainer.shap_values(trained.X).reshape(-1, 6, k)
        np.testing.assert_allclose(ours, theirs[:, :, :6].transpose(0, 2, 1), rtol=0, atol=2e-6)
        np.testing.assert_allclose(np.atleast_1d(explainer.expected_value), theirs[0, :, 6], rtol=0, atol=2e-6)


@pytest.mark.parametrize("dtype", ["float32", np.float32, np.dtype("f4")])
@pytest.mark.parametrize("check", [True, False])
def test_float32_values_are_the_float64_values_rounded(trained, dtype, check):
    exact = TreeExplainer(trained.model).shap_values(trained.X)
    rounded = TreeExplainer(trained.model, dtype=dtype).shap_values(trained.X, check_additivity=check)
    assert rounded.dtype == np.float32
    np.testing.assert_array_equal(rounded, exact.astype(np.float32))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_chunks_threads_and_batches_do_not_change_a_bit(trained, dtype, monkeypatch):
    explainer = TreeExplainer(trained.model, dtype=dtype)
    values = explainer.shap_values(trained.X)
    monkeypatch.setattr(run, "CHUNK_ROWS", 7)
    monkeypatch.setattr(run, "CHUNK_BYTES", 1)
    np.testing.assert_array_equal(explainer.shap_values(trained.X), values)
    np.testing.assert_array_equal(TreeExplainer(trained.model, dtype=dtype, threads=3).shap_values(trained.X), values)
    np.testing.assert_array_equal(explainer.shap_values(np.asfortranarray(trained.X)), values)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_check_names_the_worst_row_gap_and_bound(model_named, dtype, monkeypatch):
    trained = model_named("forest classes")
    explainer = TreeExplainer(trained.model, dtype=dtype)
    right = explainer.model.predict_rows

    def wrong(values, *, exact, threads):
        out = right(values, exact=exact, threads=threads)
        out[min(4, len(out) - 1), 1] += 0.5
        return out

    monkeypatch.setattr(explainer.model, "predict_rows", wrong)
    monkeypatch.setattr(run, "CHUNK_ROWS", 10)
    monkeypatch.setattr(run, "CHUNK_BYTES", 1)
    with pytest.raises(AdditivityError, match=r"row 4, output 1: .* by 0\.5, more than the bound .*please report"):
        explainer.shap_values(trained.X)
    with pytest.raises(AdditivityError):
        explainer(trained.X)
    assert np.isfinite(explainer.shap_values(trained.X, check_additivity=False)).all()


def test_nan_never_passes_the_check():
    from ferroshap.additivity import worst_gap

    one = np.ones(1)
    assert worst_gap(np.array([[[1.0]]]), np.array([[2.0]]), one, one) == 0.0
    with pytest.raises(AdditivityError, match="row 7"):
        worst_gap(np.array([[[np.nan]]]), np.array([[2.0]]), one, one, first_row=7)


def test_progress_counts_the_rows_of_the_whole_call(model_named, monkeypatch):
    trained = model_named("tree")
    seen = []
    explainer = TreeExplainer(trained.model, progress=lambda done, total: seen.append((done, total)))
    monkeypatch.setattr(run, "CHUNK_ROWS", 50)
    monkeypatch.setattr(run, "CHUNK_BYTES", 1)
    explainer.shap_values(trained.X)
    assert all(total == len(trained.X) and 0 <= done <= total for done, total in seen)
    assert seen == sorted(seen)


def test_what_progress_raises_ends_the_call(model_named, monkeypatch):
    def stop(done, total):
        raise KeyboardInterrupt

    trained = model_named("tree")
    many = np.tile(trained.X, (2000, 1))
    with pytest.raises(KeyboardInterrupt):
        TreeExplainer(trained.model, progress=stop).shap_values(many)


def test_an_explanation_says_what_its_values_are(model_named):
    trained = model_named("forest classes")
    explainer = TreeExplainer(trained.model, feature_names=list("abcdef"))
    explanation = explainer(trained.X)
    np.testing.assert_array_equal(explanation.values, explainer.shap_values(trained.X))
    assert explanation.base_values.shape == (300, 3)
    np.testing.assert_array_equal(explanation.base_values[7], explainer.expected_value)
    np.testing.assert_array_equal(explanation.data, trained.X)
    assert explanation.feature_names == tuple("abcdef")
    assert (explanation.output_space, explanation.algorithm) == ("probability", "path-dependent")
    assert explanation.output_names == explainer.model.output_names


def test_frames_give_their_names_and_values_to_the_explanation(model_named):
    frame = pd.DataFrame(model_named("tree").X, columns=list("abcdef"))
    by_position = TreeExplainer(model_named("tree").model)
    explanation = by_position(frame)
    assert explanation.feature_names == tuple("abcdef")
    np.testing.assert_array_equal(explanation.data, frame.to_numpy())
    np.testing.assert_array_equal(explanation.values, by_position.shap_values(frame.to_numpy()))


def test_frames_with_categories_are_explained_by_value(model_named):
    random = np.random.default_rng(2)
    frame = pd.DataFrame({"x": random.normal(size=200), "c": pd.Categorical(random.choice(list("pqrs"), 200))})
    y = frame["x"] + (frame["c"] == "q") * 2.0
    model = lightgbm.LGBMRegressor(n_jobs=1, n_estimators=5, min_child_samples=5, verbose=-1).fit(frame, y)
    explainer = TreeExplainer(model)
    values = explainer.shap_values(frame)
    np.testing.assert_allclose(values, model.predict(frame, pred_contrib=True)[:, :2], rtol=0, atol=1e-13)
    reordered = frame[["c", "x"]].assign(c=frame["c"].cat.reorder_categories(list("srqp")))
    np.testing.assert_array_equal(explainer.shap_values(reordered), values)
    assert explainer(frame).display_data[0, 1] == frame["c"].iloc[0]
    with pytest.warns(FerroshapWarning, match="'c': 'new'"):
        explainer.shap_values(frame[:1].assign(c="new"))


def test_the_explainer_describes_itself(model_named):
    explainer = TreeExplainer(model_named("xgboost regression").model)
    assert repr(explainer) == (
        f"TreeExplainer({explainer.model.source}, 7 trees, depth ≤ 4, 6 features, margin, path-dependent, "
        f"base {explainer.expected_value:.4g})"
    )
    assert "3 outputs" in repr(TreeExplainer(model_named("xgboost classes").model))
    assert isinstance(explainer.describe(), dict)


def test_a_tree_ensemble_a_path_and_bytes_are_models(model_named, tmp_path):
    trained = model_named("lightgbm binary")
    path = tmp_path / "model.txt"
    trained.model.booster_.save_model(path)
    values = TreeExplainer(trained.model).shap_values(trained.X)
    for source in (load_model(trained.model), path, str(path), path.read_bytes()):
        np.testing.assert_array_equal(TreeExplainer(source).shap_values(trained.X), values)


def test_the_first_parameters_are_shaps_in_shaps_order():
    def names(function):
        return [p.name for p in inspect.signature(function).parameters.values() if p.kind is not p.KEYWORD_ONLY][1:]

    assert names(TreeExplainer.__init__) == ["model", "data", "model_output", "feature_perturbation", "feature_names"]
    assert names(TreeExplainer.shap_values) == ["X", "y", "tree_limit", "approximate", "check_additivity"]
    assert names(TreeExplainer.shap_interaction_values) == ["X", "y", "tree_limit"]
    assert names(TreeExplainer.__call__) == ["X", "y", "interactions", "check_additivity", "approximate"]


REFUSED_OPTIONS = [
    ({"weights": [1.0]}, OptionError, "weights are those of background rows.*pass data= too"),
    ({"model_output": "probability"}, UnsupportedModelError, "'probability' is not for this model"),
    ({"model_output": "log_loss"}, OptionError, "those against background rows, .*: pass data="),
    ({"model_output": "margin"}, OptionError, "expected 'raw'"),
    (
        {"feature_perturbation": "interventional"},
        OptionError,
        "needs background rows: pass data=.*'tree_path_dependent'",
    ),
    ({"feature_perturbation": "tree"}, OptionError, "expected 'auto', 'interventional' or 'tree_path_dependent'"),
    ({"feature_names": ["a", "b"]}, FeatureMismatchError, "has 2 names, but the model has 6 features"),
    ({"feature_names": "abcdef"}, OptionError, "a name for each feature"),
    ({"output_names": ["a", "b"]}, OptionError, "output_names has 2 names, but the model has 1 output"),
    ({"output_names": "ab"}, OptionError, "output_names is the text 'ab'; expected a name for each output"),
    ({"threads": 0}, OptionError, "threads is 0"),
    ({"dtype": "float16"}, OptionError, "dtype is 'float16'; expected 'float64' or 'float32'"),
    ({"dtype": None}, OptionError, "dtype is None"),
    ({"dtype": "many"}, OptionError, "dtype is 'many'"),
    ({"expected_rows": 0}, OptionError, "expected_rows is 0"),
    ({"expected_rows": 1.5}, OptionError, r"expected_rows is 1\.5"),
    ({"max_memory": "lots"}, OptionError, "max_memory is 'lots'.*'512MiB'"),
    ({"max_memory": "5 parsecs"}, OptionError, "max_memory is '5 parsecs'"),
    ({"max_memory": 0}, OptionError, "max_memory is 0"),
    ({"max_memory": 1}, PlanError, r"takes [0-9,]+ bytes, but max_memory allows 1; .*iteration_range"),
    ({"progress": 1}, OptionError, r"progress is 1; expected None, True.*progress\(rows_done, rows_in_all\)"),
]


@pytest.mark.parametrize(("options", "error", "text"), REFUSED_OPTIONS)
def test_an_option_that_is_not_accepted_is_refused_by_name(model_named, options, error, text):
    with pytest.raises(error, match=text):
        TreeExplainer(model_named("tree").model, **options)


REFUSED_CALLS = [
    ({"y": [1.0]}, OptionError, "y is the labels for values of the loss"),
    (
        {"check_additivity": "librarian"},
        OptionError,
        "check_additivity is 'librarian'; expected True, False or 'library'",
    ),
    ({"check_additivity": 1}, OptionError, "check_additivity is 1"),
]


@pytest.mark.parametrize(("options", "error", "text"), REFUSED_CALLS)
def test_an_argument_of_a_call_that_is_not_supported_is_refused_by_name(model_named, options, error, text):
    trained = model_named("tree")
    explainer = TreeExplainer(trained.model)
    with pytest.raises(error, match=text):
        explainer.shap_values(trained.X, **options)
    with pytest.raises(error, match=text):
        explainer(trained.X, **options)


def test_tree_limit_names_iteration_range(model_named):
    trained = model_named("tree")
    explainer = TreeExplainer(trained.model)
    with pytest.raises(OptionError, match="iteration_range"):
        explainer.shap_values(trained.X, tree_limit=3)
    with pytest.raises(OptionError, match="iteration_range"):
        explainer.shap_interaction_values(trained.X, tree_limit=3)


def test_memory_is_given_in_bytes_or_as_text():
    from ferroshap.options import byte_count

    assert byte_count("max_memory", None) is None
    assert byte_count("max_memory", 4096) == 4096
    assert [byte_count("max_memory", text) for text in ("512MiB", "2 GB", "1.5kib", "7", "3G")] == [
        512 * 2**20,
        2 * 10**9,
        1536,
        7,
        3 * 2**30,
    ]


def test_a_result_that_memory_cannot_hold_is_refused_with_its_size(model_named):
    trained = model_named("tree")
    endless = np.broadcast_to(trained.X[0], (10**14, 6))
    with pytest.raises(OptionError, match=r"shape \(100000000000000, 6\) takes 4,470,348\.4 GiB.*BatchExplainer"):
        TreeExplainer(trained.model).shap_values(endless)
