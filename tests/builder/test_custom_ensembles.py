"""A custom ensemble predicts what following its arrays gives, and its values are those of the definition."""

import copy
import pickle
import warnings

import ferroshap
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from builder.random_trees import follow, grow
from ferroshap import DataError, ModelError, Tree, TreeExplainer, UnsupportedModelError, build_ensemble
from oracle.shap import shap_values
from sklearn.ensemble import RandomForestRegressor


def arrays_of(ensemble):
    from ferroshap.adapters import EnsembleArrays

    return EnsembleArrays(**ensemble._core.arrays())


def assert_values_of_the_definition(ensemble, rows):
    explainer = TreeExplainer(ensemble)
    want, expected = shap_values(arrays_of(ensemble), rows)
    found = explainer.shap_values(rows).reshape(want.shape)
    assert np.abs(want).max() > 0
    np.testing.assert_allclose(found, want, rtol=0, atol=1e-12 * np.abs(want).max())
    np.testing.assert_allclose(
        explainer.expected_value, expected.reshape(np.shape(explainer.expected_value)), atol=1e-12
    )


@pytest.mark.parametrize("strict", [False, True])
def test_predictions_and_values_are_those_of_the_arrays(forest, rows, strict):
    ensemble = build_ensemble(
        [Tree(**fields) for fields in forest], n_features=4, base=0.25, comparison="<" if strict else "<="
    )
    want = [0.25 + sum(follow(fields, row, strict=strict) for fields in forest) for row in rows]
    np.testing.assert_allclose(ensemble.predict(rows), want, rtol=0, atol=1e-12)
    assert_values_of_the_definition(ensemble, rows)
    assert repr(ensemble).startswith("TreeEnsemble(custom ensemble, 5 trees, depth ≤ 4, 4 features, 1 output, margin")


def test_trees_may_each_add_to_an_output(forest, rows):
    trees = [Tree(**fields, output=index % 2) for index, fields in enumerate(forest)]
    ensemble = build_ensemble(
        trees, n_features=4, base=[1.0, -1.0], output_names=["no", "yes"], output_space="log-odds"
    )
    want = [[sum((follow(f, row) for f in forest[k::2]), start) for k, start in enumerate((1.0, -1.0))] for row in rows]
    np.testing.assert_allclose(ensemble.predict(rows), want, rtol=0, atol=1e-12)
    assert ensemble.output_names == ("no", "yes")
    assert ensemble.output_space == "log-odds"
    assert_values_of_the_definition(ensemble, rows)


def test_leaves_may_be_vectors_over_the_outputs(rows):
    random = np.random.default_rng(9)
    forest = [grow(random, 4, 3, width=3) for _ in range(4)]
    ensemble = build_ensemble([Tree(**fields) for fields in forest], n_features=4, base=0.5)
    want = [0.5 + sum(follow(fields, row) for fields in forest) for row in rows]
    np.testing.assert_allclose(ensemble.predict(rows), want, rtol=0, atol=1e-12)
    assert ensemble.output_names == ("0", "1", "2")
    assert_values_of_the_definition(ensemble, rows)


@pytest.mark.parametrize("several", [False, True])
def test_the_mean_of_the_trees_is_over_those_of_an_output(forest, rows, several):
    forest = forest[:4]
    trees = [Tree(**fields, output=index % 2 if several else None) for index, fields in enumerate(forest)]
    ensemble = build_ensemble(trees, n_features=4, base=10.0, average=True, output_space="mean of trees")
    groups = [forest[0::2], forest[1::2]] if several else [forest]
    want = [[10.0 + np.mean([follow(fields, row) for fields in group]) for group in groups] for row in rows]
    np.testing.assert_allclose(ensemble.predict(rows).reshape(len(rows), -1), want, rtol=0, atol=1e-12)
    assert_values_of_the_definition(ensemble, rows)


def test_listed_categories_go_left_and_all_others_right(forest):
    random = np.random.default_rng(10)
    rows = random.choice([0, 1, 2.0, 2.75, 31, 32, 33, 70, 1e9, -1, -0.5, np.nan, np.inf], (300, 4))
    categories = []
    for fields in forest:
        inner = [node for node, left in enumerate(fields["left"]) if left >= 0]
        categories.append({node: random.choice([0, 2, 31, 32, 70], 2, replace=False) for node in inner[::2]})
    categories[0][0] = []
    trees = [Tree(**fields, categories=listed) for fields, listed in zip(forest, categories, strict=True)]
    ensemble = build_ensemble(trees, n_features=4)
    finite = np.where(np.isinf(rows), 1e18, rows)
    want = [sum(follow(f, row, categories=c) for f, c in zip(forest, categories, strict=True)) for row in finite]
    np.testing.assert_allclose(ensemble.predict(rows), want, rtol=0, atol=1e-12)
    assert_values_of_the_definition(ensemble, finite)


STEPS = [-np.inf, -1e300, -1.5, -0.1, -5e-324, -0.0, 0.0, 5e-324, 0.1, 1.0, 16777217.0, 3.5e38, 1e300, np.inf]


@pytest.mark.parametrize("comparison", ["<=", "<"])
@pytest.mark.parametrize("input_dtype", ["float64", "float32"])
@pytest.mark.parametrize("threshold", STEPS)
def test_both_comparisons_are_exact_at_the_threshold_and_beside_it(stump, threshold, comparison, input_dtype):
    ensemble = build_ensemble(
        [stump(threshold=[threshold, 0, 0])], n_features=1, comparison=comparison, input_dtype=input_dtype
    )
    with np.errstate(over="ignore"):
        narrow = np.float32(threshold)
        beside = [np.nextafter(threshold, -np.inf), threshold, np.nextafter(threshold, np.inf)]
        beside += [np.nextafter(narrow, np.float32(-np.inf)), narrow, np.nextafter(narrow, np.float32(np.inf))]
        x = np.array([float(value) for value in (*beside, *STEPS)])
        compared = x.astype(input_dtype).astype(float)
    goes = compared < threshold if comparison == "<" else compared <= threshold
    np.testing.assert_array_equal(ensemble.predict(x[:, None]), np.where(goes, 1.0, 3.0))
    phi = TreeExplainer(ensemble).shap_values(x[:, None])[:, 0]
    np.testing.assert_array_equal(phi, np.where(goes, 1.0, 3.0) - 1.5)


def test_rows_with_missing_values_are_refused_where_no_tree_says_where_they_go(stump):
    ensemble = build_ensemble([stump()], n_features=1)
    with pytest.raises(DataError, match="row 1, column 0 is missing"):
        ensemble.predict([[0.0], [np.nan]])
    with pytest.raises(DataError, match="row 1, column 0 is missing"):
        ensemble.predict(scipy.sparse.csr_array([[0.0], [np.nan]]))
    assert ensemble.predict(scipy.sparse.csr_array([[0.0], [1.0]])).tolist() == [1.0, 3.0]
    assert build_ensemble([stump(default_left=True)], n_features=1).predict([[np.nan]])[0] == 1.0
    assert build_ensemble([stump(default_left=[False] * 3)], n_features=1).predict([[np.nan]])[0] == 3.0


def test_without_covers_it_predicts_and_path_dependent_values_are_refused(stump):
    ensemble = build_ensemble([stump(cover=None)], n_features=1)
    assert ensemble.predict([[0.0], [1.0]]).tolist() == [1.0, 3.0]
    with pytest.raises(UnsupportedModelError, match="cover"):
        TreeExplainer(ensemble)


def test_frames_are_matched_by_the_names_of_the_features(stump):
    ensemble = build_ensemble([stump(feature=[1, 0, 0])], feature_names=["size", "age"])
    frame = pd.DataFrame({"age": [0.0, 1.0], "size": [9.0, -9.0]})
    assert ensemble.feature_names == ("size", "age")
    assert ensemble.predict(frame).tolist() == [1.0, 3.0]


def test_a_single_leaf_is_a_tree(stump):
    leaf = Tree(left=[-1], right=[-1], feature=[-1], threshold=[np.nan], value=[2.0], cover=[9])
    ensemble = build_ensemble([leaf, stump()], n_features=1)
    assert ensemble.predict([[0.0]]).tolist() == [3.0]
    assert repr(leaf) == "Tree(nodes=1)"


def test_a_custom_ensemble_is_saved_loaded_and_pickled_with_the_same_bits(forest, rows, tmp_path):
    trees = [Tree(**fields, output=index % 2) for index, fields in enumerate(forest)]
    ensemble = build_ensemble(
        trees, feature_names=list("abcd"), base=[0.1, 0.2], comparison="<", source="my forest 1.0"
    )
    ensemble.save(tmp_path / "model")
    for again in (
        ferroshap.load_model(tmp_path / "model"),
        pickle.loads(pickle.dumps(ensemble)),
        copy.deepcopy(ensemble),
    ):
        assert repr(again) == repr(ensemble)
        assert again.source == "my forest 1.0"
        assert again.schema == ensemble.schema
        assert again.predict(rows).tobytes() == ensemble.predict(rows).tobytes()
        want = TreeExplainer(ensemble).shap_values(rows)
        assert TreeExplainer(again).shap_values(rows).tobytes() == want.tobytes()


def test_the_dictionaries_that_shap_takes_give_its_values(forest, rows):
    """shap's own C code on the same trees; missing values go where `children_default` says."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the libraries that shap imports
        import shap
    forest = [
        {
            "children_left": np.array(fields["left"]),
            "children_right": np.array(fields["right"]),
            "children_default": np.where(fields["default_left"], fields["left"], fields["right"]),
            "features": np.array(fields["feature"]),
            "thresholds": np.array(fields["threshold"]),
            "values": np.array(fields["value"])[:, None],
            "node_sample_weight": np.array(fields["cover"]),
        }
        for fields in forest
    ]
    trees = [
        Tree(
            left=tree["children_left"],
            right=tree["children_right"],
            feature=tree["features"],
            threshold=tree["thresholds"],
            value=tree["values"],
            cover=tree["node_sample_weight"],
            default_left=tree["children_default"] == tree["children_left"],
        )
        for tree in forest
    ]
    whole = np.nan_to_num(rows)  # shap's custom trees take no missing values
    theirs = shap.TreeExplainer({"trees": forest}, feature_perturbation="tree_path_dependent")
    ours = TreeExplainer(build_ensemble(trees, n_features=4))
    np.testing.assert_allclose(ours.shap_values(whole), theirs.shap_values(whole), rtol=0, atol=1e-10)
    np.testing.assert_allclose(ours.expected_value, theirs.expected_value, rtol=0, atol=1e-10)


def test_the_arrays_of_a_scikit_learn_forest_give_its_predictions():
    random = np.random.default_rng(11)
    x = random.normal(size=(200, 4))
    model = RandomForestRegressor(10, max_depth=5, random_state=0).fit(x, x[:, 0] * x[:, 1])
    trees = [
        Tree(
            left=tree.children_left,
            right=tree.children_right,
            feature=tree.feature,
            threshold=tree.threshold,
            value=tree.value[:, :, 0],
            cover=tree.weighted_n_node_samples,
        )
        for tree in (member.tree_ for member in model.estimators_)
    ]
    ensemble = build_ensemble(trees, n_features=4, input_dtype="float32", average=True, output_space="target")
    np.testing.assert_array_equal(ensemble.predict(x), model.predict(x))
    want = TreeExplainer(model).shap_values(x)
    np.testing.assert_array_equal(TreeExplainer(ensemble).shap_values(x), want)


@pytest.mark.parametrize("width", [65_536, 65_537, 100_000])
def test_a_wide_model_is_the_narrow_one_whatever_its_features_are_numbered(forest, rows, width):
    """Features are found by marks in a list of all, or in a sorted list of those in use where there are too many."""
    places = np.array([3, 17, width // 2, width - 1])
    wide_rows = np.zeros((len(rows), width))
    wide_rows[:, places] = rows

    def moved(fields, places):
        return Tree(**fields | {"feature": [-2 if f < 0 else int(places[f]) for f in fields["feature"]]})

    narrow = build_ensemble([Tree(**fields) for fields in forest], n_features=4)
    wide = build_ensemble([moved(fields, places) for fields in forest], n_features=width)
    np.testing.assert_array_equal(wide.predict(wide_rows), narrow.predict(rows))
    values = TreeExplainer(wide).shap_values(wide_rows[:4])
    np.testing.assert_array_equal(values[:, places], TreeExplainer(narrow).shap_values(rows[:4]))
    with pytest.raises(ModelError, match=f"below {width}, the number of features"):
        build_ensemble([moved(fields, places + 1) for fields in forest], n_features=width)
