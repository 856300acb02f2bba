"""Every recorded model of every library version gives the library's own predictions, bit for bit."""

from pathlib import Path

import numpy as np
import pytest
from ferroshap import _native
from ferroshap.adapters import parse_model
from ferroshap.errors import UnsupportedModelError
from oracle import recorded
from oracle.predict import predict as slow_predict
from oracle.shap import shap_values

FOLDERS = recorded.folders(Path(__file__).resolve().parents[1] / "reference")
REFUSED = [path for folder in FOLDERS for path in sorted(recorded.refused(folder))]
MODELS = [path for folder in FOLDERS for path in recorded.models(folder) if path not in REFUSED]


def name(path):
    return f"{path.parent.name}/{path.name}"


@pytest.mark.parametrize("path", MODELS, ids=name)
def test_predictions_are_bit_equal_to_the_librarys(path, predict):
    model = parse_model(path)
    compared = 0
    for what, iterations, rows, want in recorded.predictions(path, model.schema):
        part = model if iterations is None else parse_model(path, iteration_range=iterations)
        raw = want.reshape(len(rows), -1) / part.arrays.divisor
        np.testing.assert_array_equal(predict(part, rows), raw, err_msg=what)
        np.testing.assert_array_equal(slow_predict(part.arrays, rows), raw, err_msg=f"{what}, slow")
        compared += 1
    assert compared


@pytest.mark.parametrize("path", MODELS, ids=name)
def test_exact_shap_values_agree_with_the_librarys_own(path):
    model = parse_model(path)
    arrays = model.arrays
    if recorded.has_linear_trees(path):
        with pytest.raises(UnsupportedModelError, match="has linear trees"):
            _native.Plan(_native.Ensemble(**vars(arrays)))
        return
    own = recorded.contributions(path, arrays.n_features, arrays.n_outputs)
    if arrays.cover is None:
        assert model.info.cover_kind == "none"
        assert path.parent.name in {"x20", "x21", "x30", "x31"}  # vector leaves were stored without covers
        return
    rows = recorded.rows(path, model.schema)[:16]
    phi, expected = shap_values(arrays, rows)
    total = phi.sum(axis=1) + expected
    exact = slow_predict(arrays, rows, exact=True)
    np.testing.assert_allclose(total, exact, rtol=0, atol=1e-12 * np.abs(exact).max())
    if own is not None:
        own = own[:16] / arrays.divisor
        gap = {"l": 1e-11, "x": 2e-6, "c": 1e-12}[path.parent.name[0]]
        want = np.concatenate([phi, np.broadcast_to(expected, (len(rows), 1, arrays.n_outputs))], axis=1)
        np.testing.assert_allclose(own, want, rtol=0, atol=gap * max(1.0, np.abs(own).max()))


@pytest.mark.parametrize("path", REFUSED, ids=name)
def test_what_cannot_be_explained_is_refused_by_name(path):
    kind = {"x": "old binary format", "c": "combination of features"}[path.parent.name[0]]
    with pytest.raises(UnsupportedModelError, match=kind):
        parse_model(path)


@pytest.mark.parametrize("path", MODELS, ids=name)
def test_the_description_names_the_library_and_its_units(path):
    info, arrays = parse_model(path).info, parse_model(path).arrays
    family = {"x": "XGBoost", "l": "LightGBM", "c": "CatBoost"}[path.parent.name[0]]
    assert info.family == family
    assert info.source.startswith(family)
    assert info.output_space == ("mean of trees" if arrays.accumulation == "f64-mean" else "margin")
    assert info.output_dtype == ("float32" if family == "XGBoost" else "float64")
    assert len(info.output_names) == arrays.n_outputs == arrays.base.size
    assert (info.output_names == ("output",)) == (arrays.n_outputs == 1)


def test_every_storage_version_is_covered():
    assert {folder.name for folder in FOLDERS} == {
        *("cb12", "l231", "l335", "l400", "l47", "x13", "x17", "x20", "x21", "x30", "x31", "x32", "x34")
    }
    assert len(MODELS) >= 96
    assert len(REFUSED) >= 3
    assert any(map(recorded.has_linear_trees, MODELS))


def test_stored_categories_are_the_values_of_the_training_frame(reference):
    schema = parse_model(reference / "x34" / "cat_frame.json").schema
    assert schema.feature_names == ("x", "colour", "w", "shop")
    assert schema.categorical == {1, 3}
    assert schema.categories[1].values == ("Z", "a b", "blue", "grün", "red")
    assert schema.categories[1].unseen == "error"
    assert schema.categories[3].dtype == "int64"
    assert schema.categories[3].codes()[20] == 2

    schema = parse_model(reference / "l335" / "frame.txt").schema
    assert schema.feature_names == ("x", "never_used", "colour", "w_w", "shop")
    assert schema.categories[1].values == ("one",)
    assert schema.categories[2].values == ("Z", "a b", "grün", "red")
    assert schema.categories[4].values[:3] == (0, 10, 20)
    assert schema.categories[2].unseen == "missing"
    assert schema.spaces_become_underscores
    assert schema.integers_to_float32


def test_models_trained_without_names_match_columns_by_position(reference):
    assert parse_model(reference / "l47" / "reg.txt").schema.feature_names is None
    assert parse_model(reference / "x32" / "sqerr.ubj").schema.feature_names is None


def test_columns_with_categorical_splits_are_known_without_stored_categories(reference):
    assert parse_model(reference / "l231" / "cat.txt").schema.categorical == {1, 4}
    assert parse_model(reference / "x17" / "cat_partition_nan.ubj").schema.categorical == {1, 3}


def test_a_stored_best_iteration_is_reported_and_not_used(reference):
    model = parse_model(reference / "x13" / "sqerr.json")
    assert model.info.best_iteration == 3
    assert len(model.arrays.tree_outputs) == 7


def test_a_path_a_text_path_and_bytes_are_the_same_model(reference):
    path = reference / "x32" / "sqerr.ubj"
    data = path.read_bytes()
    for source in (str(path), data, bytearray(data), memoryview(data)):
        np.testing.assert_array_equal(parse_model(source).arrays.values, parse_model(path).arrays.values)
