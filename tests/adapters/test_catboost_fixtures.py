"""Recorded CatBoost models: their frames by the texts, their own SHAP values, and what the document says of them."""

import json

import numpy as np
import pandas as pd
import pytest
from ferroshap import FerroshapWarning, TreeExplainer, UnsupportedModelError, load_model
from ferroshap.adapters import parse_model
from oracle import recorded
from oracle.shap import shap_values

FRAMES = ["cat_onehot", "cat_ctr_simple", "cat_ctr_logloss", "cat_mixed", "cat_counter"]
NOT_SYMMETRIC = ["depthwise", "lossguide_nan", "multiclass_lossguide"]


@pytest.fixture
def folder(reference):
    return reference / "cb12"


def frame(path):
    stored = recorded.outputs(path)
    return pd.DataFrame({name: stored[f"T_{name}"] for name in stored["columns"]})


@pytest.mark.parametrize("name", FRAMES)
def test_texts_reach_the_leaves_that_catboost_sends_them_to(folder, name):
    path = folder / f"{name}.json"
    model = load_model(path)
    rows, want = frame(path), recorded.outputs(path)["raw"]
    assert model.feature_names == tuple(rows.columns)
    seen = rows.iloc[:30]  # the others hold a text that training had not
    np.testing.assert_array_equal(model.predict(seen), want[:30])
    np.testing.assert_array_equal(model.predict(seen.astype(object).to_numpy()), want[:30])
    if {model.schema.categories[at].unseen for at in (1, 5)} == {"other"}:  # one-hot splits: no list of what was seen
        np.testing.assert_array_equal(model.predict(rows), want)
        return
    with pytest.warns(FerroshapWarning, match=r"count as unknown.*'never seen' \(6 rows\)") as caught:
        np.testing.assert_array_equal(model.predict(rows), want)
    assert len(caught) == 1


@pytest.mark.parametrize("name", FRAMES)
def test_the_list_of_texts_that_a_pool_adds_is_not_needed(folder, name, tmp_path):
    document = json.loads((folder / f"{name}.json").read_bytes())
    del document["features_info"]["cat_features_hash"]
    (tmp_path / "model.json").write_text(json.dumps(document))
    rows = frame(folder / f"{name}.json").iloc[:30]
    np.testing.assert_array_equal(
        TreeExplainer(tmp_path / "model.json").shap_values(rows),
        TreeExplainer(folder / f"{name}.json").shap_values(rows),
    )


@pytest.mark.parametrize("name", [*FRAMES, *NOT_SYMMETRIC, "reg_nan_max", "multirmse"])
def test_a_saved_model_has_the_same_bits(folder, name, tmp_path):
    path = folder / f"{name}.json"
    model = load_model(path)
    model.save(tmp_path / "saved")
    again = load_model(tmp_path / "saved")
    rows = frame(path).iloc[:30] if name in FRAMES else recorded.rows(path, model.schema)
    assert again.schema == model.schema
    np.testing.assert_array_equal(again.predict(rows), model.predict(rows))
    np.testing.assert_array_equal(TreeExplainer(again).shap_values(rows), TreeExplainer(model).shap_values(rows))


def test_of_uncertainty_catboost_explains_the_first_output_and_is_right(folder):
    path = folder / "uncertainty.json"
    parsed, stored = parse_model(path), recorded.outputs(path)
    phi, base = shap_values(parsed.arrays, stored["T"])
    own = stored["shap"][:, 0]
    largest = np.abs(own).max()
    np.testing.assert_allclose(phi[:, :, 0], own[:, :-1], rtol=0, atol=1e-12 * largest)
    np.testing.assert_allclose(base[0], own[0, -1], rtol=0, atol=1e-12 * largest)


@pytest.mark.parametrize("name", NOT_SYMMETRIC)
def test_values_of_trees_that_are_not_symmetric_add_up_where_catboosts_own_do_not(folder, name):
    path = folder / f"{name}.json"
    stored, explainer = recorded.outputs(path), TreeExplainer(path)
    rows, raw = stored["T"], stored["raw"]
    values = explainer.shap_values(rows)
    gap = np.abs(values.sum(axis=1) + explainer.expected_value - raw).max()
    own_gap = np.abs(stored["shap"].sum(axis=-1) - raw).max()
    assert gap <= 1e-12 * explainer.scale.max()
    assert own_gap > 1e-2


def test_missing_values_go_where_the_feature_says(folder):
    least, most = (load_model(folder / f"reg_nan_{which}.json") for which in ("min", "max"))
    row = np.zeros((1, 6))
    for at in range(6):
        holed, low, high = row.copy(), row.copy(), row.copy()
        holed[0, at], low[0, at], high[0, at] = np.nan, -np.inf, np.inf
        assert least.predict(holed) == least.predict(low)
        assert most.predict(holed) == most.predict(high)
    plain = load_model(folder / "reg.json")  # trained without missing values: no border is below one
    holed = np.full((1, 6), np.nan)
    assert plain.predict(holed) == plain.predict(np.full((1, 6), -np.inf))


def test_a_statistic_of_several_features_is_refused_with_a_way_out(folder):
    with pytest.raises(UnsupportedModelError, match=r"combination of features.*max_ctr_complexity=1.*one_hot_max_size"):
        load_model(folder / "cat_ctr_combination.json")


@pytest.mark.parametrize("kind", ["text_features", "embedding_features"])
def test_features_that_are_no_columns_are_refused_by_name(folder, kind):
    document = json.loads((folder / "reg_depth1.json").read_bytes())
    document["features_info"][kind] = [{"feature_id": "t", "feature_index": 0, "flat_feature_index": 6}]
    with pytest.raises(UnsupportedModelError, match=f"has {kind.replace('_', ' ')}"):
        parse_model(json.dumps(document).encode())


def test_trees_that_are_not_symmetric_have_the_covers_of_their_leaves(folder):
    arrays = parse_model(folder / "depthwise.json").arrays
    inner = np.flatnonzero(arrays.left >= 0)
    start = np.repeat(arrays.tree_starts[:-1], np.diff(arrays.tree_starts))[inner]
    below = arrays.cover[start + arrays.left[inner]] + arrays.cover[start + arrays.right[inner]]
    np.testing.assert_array_equal(arrays.cover[inner], below)
    np.testing.assert_array_equal(arrays.cover[arrays.tree_starts[:-1]], 900)


def test_empty_halves_of_symmetric_trees_are_closed_and_change_nothing(folder):
    parsed, closed = parse_model(folder / "reg.json"), load_model(folder / "reg.json")
    document = json.loads((folder / "reg.json").read_bytes())
    n_leaves = sum(len(tree["leaf_values"]) for tree in document["oblivious_trees"])
    assert closed.n_leaves < n_leaves
    for tree in document["oblivious_trees"]:
        tree["leaf_values"] = [value or 1e-300 for value in tree["leaf_values"]]  # nothing to close
    whole = parse_model(json.dumps(document).encode())
    assert load_model(json.dumps(document).encode()).n_leaves == n_leaves
    rows = recorded.outputs(folder / "reg.json")["T"]
    phi, base = shap_values(parsed.arrays, rows)
    phi_whole, base_whole = shap_values(whole.arrays, rows)
    np.testing.assert_allclose(phi, phi_whole, rtol=0, atol=1e-14 * np.abs(phi).max())
    np.testing.assert_allclose(base, base_whole, rtol=1e-14)


def test_options_are_refused_or_taken_as_of_other_boosters(folder):
    with pytest.raises(ValueError, match=r"only XGBoost models take another missing value.*CatBoost"):
        load_model(folder / "reg.json", missing=0.0)
    with pytest.raises(ValueError, match=r"iteration_range=\(0, 13\).*<= 12"):
        load_model(folder / "reg.json", iteration_range=(0, 13))
