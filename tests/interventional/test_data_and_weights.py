"""What `data` and `weights` may be, what an explainer says about them, and every refusal with its way out."""

import copy
import pickle

import ferroshap
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import shap
import xgboost
from defects.rows import EFFECT, FRAME, HOLED, X, Y
from ferroshap import DataError, FeatureMismatchError, OptionError, PlanError, TreeExplainer
from interventional.models import case, skl_tree, xgb
from sklearn import ensemble, pipeline, preprocessing

NAMES = list("abcde")
NAMED = pd.DataFrame(X, columns=NAMES)
REVERSED = NAMED[NAMES[::-1]]
KNOWS_NAMES = ensemble.RandomForestRegressor(n_estimators=5, max_depth=5, random_state=0).fit(NAMED, Y)
KNOWS_NONE = skl_tree().fit(X, Y)


def same(model, data, want, **options):
    np.testing.assert_array_equal(TreeExplainer(model, data, **options).shap_values(X[:9]), want)


def test_a_masker_of_shap_is_its_rows():
    drawn = shap.utils.sample(X, 30)
    want = TreeExplainer(KNOWS_NONE, drawn).shap_values(X[:9])
    same(KNOWS_NONE, shap.maskers.Independent(X, max_samples=30), want)
    every = shap.maskers.Independent(X, max_samples=len(X))
    same(KNOWS_NONE, every, TreeExplainer(KNOWS_NONE, X).shap_values(X[:9]))
    explainer = ferroshap.Explainer(KNOWS_NONE, every)
    np.testing.assert_array_equal(explainer(X[:9]).values, TreeExplainer(KNOWS_NONE, X).shap_values(X[:9]))


@pytest.mark.parametrize("means_of", [ferroshap.kmeans, shap.kmeans])
def test_means_bring_their_weights(means_of):
    means = means_of(X, 6)
    assert np.ptp(means.weights) > 0
    same(KNOWS_NONE, means, TreeExplainer(KNOWS_NONE, means.data, weights=means.weights).shap_values(X[:9]))
    with pytest.raises(OptionError, match=r"data has weights of its own.*leave weights out, or pass data=means\.data"):
        TreeExplainer(KNOWS_NONE, means, weights=np.ones(6))


def test_names_beside_an_array_are_matched_as_those_of_a_frame():
    """A masker and means hold an array and its names apart: by position alone columns would change places."""
    want = TreeExplainer(KNOWS_NAMES, NAMED).shap_values(NAMED[:9])
    masker = shap.maskers.Independent(REVERSED, max_samples=len(X))
    for data in (REVERSED, masker):
        np.testing.assert_array_equal(TreeExplainer(KNOWS_NAMES, data).shap_values(NAMED[:9]), want)
    means = [ferroshap.kmeans(frame, 6, round_values=False) for frame in (NAMED, REVERSED)]
    first, second = (TreeExplainer(KNOWS_NAMES, each) for each in means)
    np.testing.assert_allclose(first.expected_value, second.expected_value, rtol=1e-12)
    renamed = shap.maskers.Independent(NAMED.rename(columns={"a": "A"}))
    with pytest.raises(FeatureMismatchError, match=r"data, the background: (?s:.*)'a'"):
        TreeExplainer(KNOWS_NAMES, renamed)


def test_columns_in_another_order_are_refused_where_the_model_knows_no_names():
    explainer = TreeExplainer(KNOWS_NONE, NAMED)
    np.testing.assert_array_equal(explainer.shap_values(NAMED), explainer.shap_values(X))
    with pytest.raises(
        FeatureMismatchError, match=r"'e', 'd'.*those of the background 'a', 'b'.*another order.*training"
    ):
        explainer.shap_values(REVERSED)
    with pytest.raises(FeatureMismatchError, match="another order"):
        TreeExplainer(KNOWS_NONE, ferroshap.kmeans(NAMED, 3))(REVERSED)
    assert explainer(X[:1]).feature_names == tuple(NAMES)  # the background's, where nobody else has any


def test_one_row_is_a_background():
    for row in (X[3], X[3].tolist(), NAMED.iloc[3]):
        same(KNOWS_NONE, row, TreeExplainer(KNOWS_NONE, X[3:4]).shap_values(X[:9]))


def test_rows_of_a_pipeline_and_its_background_go_through_its_steps():
    model = pipeline.make_pipeline(preprocessing.StandardScaler(), skl_tree()).fit(NAMED, Y)
    steps, last = model[:-1], model[-1]
    want = TreeExplainer(last, steps.transform(NAMED)).shap_values(steps.transform(NAMED))
    np.testing.assert_array_equal(TreeExplainer(model, NAMED).shap_values(NAMED), want)
    with pytest.raises(DataError, match=r"steps of a pipeline get an array.*pandas\.DataFrame\(means\.data"):
        TreeExplainer(model, ferroshap.kmeans(NAMED, 3))


def test_a_base_margin_of_rows_moves_the_base_value_and_one_of_the_background_is_refused():
    booster = case("XGBoost, missing values").model
    explainer = TreeExplainer(booster, HOLED)
    plain, shifted = explainer(HOLED), explainer(xgboost.DMatrix(HOLED, base_margin=Y))
    np.testing.assert_array_equal(shifted.values, plain.values)
    np.testing.assert_allclose(shifted.base_values - plain.base_values, Y - explainer.model.base, rtol=0, atol=1e-6)
    with pytest.raises(DataError, match=r"data, the background: the DMatrix has a base_margin.*pass a DMatrix without"):
        TreeExplainer(booster, xgboost.DMatrix(HOLED, base_margin=Y))
    np.testing.assert_array_equal(TreeExplainer(booster, xgboost.DMatrix(HOLED)).shap_values(HOLED), plain.values)


def test_a_background_is_the_explainers_own():
    """What the user does to the table afterwards reaches neither the values nor a pickle or copy made later."""
    for model, table in ((KNOWS_NONE, X.copy()), (KNOWS_NONE, X.astype("f4")), (xgb(Y, X).model, sp.csr_array(X))):
        explainer = TreeExplainer(model, table)
        values = explainer.shap_values(X)
        (table.data if sp.issparse(table) else table)[:] = 0
        for each in (explainer, pickle.loads(pickle.dumps(explainer)), copy.copy(explainer), copy.deepcopy(explainer)):
            np.testing.assert_array_equal(each.shap_values(X), values)
            assert each.expected_value == explainer.expected_value


def test_a_pickle_holds_the_background_as_the_model_reads_it_and_no_tables():
    model = xgb(Y, X, rounds=40, max_depth=6).model
    sizes = [len(pickle.dumps(TreeExplainer(model, np.tile(X, (times, 1))))) for times in (1, 11)]
    assert sizes[1] - sizes[0] == pytest.approx(10 * X.size * 4, rel=0.01)  # XGBoost reads float32


def test_an_explainer_says_what_it_goes_by():
    explainer = TreeExplainer(KNOWS_NONE, X)
    assert explainer.algorithm == "interventional"
    assert repr(explainer).endswith(
        f"5 features, target, interventional (240 background rows), base {explainer.expected_value:.4g})"
    )
    described = explainer.describe()
    assert {key: described[key] for key in ("algorithm", "background_rows", "background_bytes")} == {
        "algorithm": "interventional",
        "background_rows": 240,
        "background_bytes": 240 * 5 * 4,
    }
    assert described["bytes"] > 0
    explanation = explainer(X[:3])
    assert explanation.algorithm == "interventional"
    assert (explanation.base_values == explainer.expected_value).all()
    assert TreeExplainer(KNOWS_NONE).algorithm == TreeExplainer(KNOWS_NONE).describe()["algorithm"] == "path-dependent"


def test_the_words_of_shap_for_the_game():
    assert TreeExplainer(KNOWS_NONE, X, feature_perturbation="interventional").algorithm == "interventional"
    assert TreeExplainer(KNOWS_NONE, X, "raw", "auto").algorithm == "interventional"
    assert TreeExplainer(KNOWS_NONE, feature_perturbation="auto").algorithm == "path-dependent"


BAD_WEIGHTS = [
    (np.ones(239), r"weights has the shape \(239,\); expected \(240,\)"),
    (np.ones((240, 1)), r"weights has the shape \(240, 1\); expected \(240,\)"),
    (1.0, r"weights has the shape \(\)"),
    ([-1.0, *range(239)], "the weight of background row 0 is -1; expected a finite number of 0 or more"),
    ([*range(239), np.nan], "the weight of background row 239 is nan"),
    ([*range(9), np.inf, *range(230)], "the weight of background row 9 is inf"),
    (np.zeros(240), "weights of all background rows are 0"),
    (["1"] * 240, "weights has dtype <U1; expected one number for each"),
    ([None, *range(239)], "the weight of background row 0 is nan"),
    ([object(), *range(239)], "weights holds something that is no number"),
]


@pytest.mark.parametrize(("weights", "text"), BAD_WEIGHTS, ids=[text[:40] for _, text in BAD_WEIGHTS])
def test_weights_that_are_none_are_refused_with_the_row(weights, text):
    with pytest.raises(DataError, match=text):
        TreeExplainer(KNOWS_NONE, X, weights=weights)


REFUSED = [
    (
        {"data": X, "feature_perturbation": "tree_path_dependent"},
        OptionError,
        "takes no background rows; leave data out",
    ),
    ({"data": X[:0]}, DataError, "data, the background: there are no rows; expected at least one"),
    ({"data": X[:, :3]}, FeatureMismatchError, "data, the background: the rows have 3 columns"),
    ({"data": X.astype(str)}, DataError, "data, the background: .*text"),
    ({"data": "rows"}, DataError, "data, the background: rows cannot be read from str"),
    ({"data": 7}, DataError, "data, the background: "),
    ({"data": np.where(X > 9, 0, np.inf)}, DataError, "data, the background: row 0, column 0 is inf"),
    ({"data": shap.maskers.Partition(X)}, OptionError, "Partition of shap, .* another game; pass the background rows"),
    ({"data": shap.maskers.Impute(X)}, OptionError, "Impute of shap"),
    ({"data": X, "model_output": "probability"}, ferroshap.UnsupportedModelError, "is not for this model"),
    (
        {"data": X, "max_memory": 4000},
        PlanError,
        r"background takes 4,800 bytes, but max_memory allows 4,000; .*sample",
    ),
    ({"data": X, "max_memory": 5000}, PlanError, r"model and its background take [0-9,]+ bytes, but .* allows 5,000"),
]


@pytest.mark.parametrize(("options", "error", "text"), REFUSED, ids=[text[:40] for *_, text in REFUSED])
def test_what_is_not_accepted_is_refused_with_the_way_out(options, error, text):
    with pytest.raises(error, match=text):
        TreeExplainer(KNOWS_NONE, **options)


def test_means_of_groups_of_columns_are_refused():
    groups = shap.utils._legacy.DenseData(X, ["first", "rest"], [np.array([0]), np.arange(1, 5)])
    with pytest.raises(OptionError, match="groups columns"):
        TreeExplainer(KNOWS_NONE, groups)


def test_categories_of_the_background_are_matched_by_value():
    booster = case("XGBoost, categories of a frame").model
    want = TreeExplainer(booster, FRAME).shap_values(FRAME)
    turned = FRAME.assign(colour=FRAME["colour"].cat.reorder_categories(FRAME["colour"].cat.categories[::-1]))
    np.testing.assert_array_equal(TreeExplainer(booster, turned[turned.columns[::-1]]).shap_values(FRAME), want)
    assert np.ptp(EFFECT) > 0
    with pytest.raises(DataError, match=r"data, the background: .*'colour'"):
        TreeExplainer(booster, FRAME.assign(colour="never seen"))


def test_an_array_that_nobody_can_write_to_is_not_copied():
    rows = np.random.default_rng(0).normal(size=(50, 5)).astype(np.float32)
    fixed = rows.copy()
    fixed.setflags(write=False)
    view = rows[:]
    view.setflags(write=False)  # its base can be written to
    for given, kept in ((fixed, True), (fixed[10:], True), (rows, False), (view, False)):
        game = TreeExplainer(KNOWS_NONE, given)._game
        assert np.shares_memory(game.background.values, given) is kept
