"""Live CatBoost models predict as they do themselves, bit for bit, and their values are those of the oracle."""

import warnings

import catboost
import numpy as np
import pandas as pd
import polars as pl
import pytest
from ferroshap import DataError, FerroshapWarning, TreeExplainer, load_model
from ferroshap.adapters import parse_model
from ferroshap.errors import ModelError, UnsupportedModelError
from oracle.shap import shap_values

random = np.random.default_rng(3)
N = 240
X = pd.DataFrame({"a": random.normal(size=N), "b": random.integers(-3, 9, N), "c": random.normal(size=N)})
Y = (X["a"] * X["c"] + np.sin(X["b"])).to_numpy() + 0.1 * random.normal(size=N)
HOLED = X.mask(random.random(X.shape) < 0.15)
CLASSES = np.array(["low", "mid", "top", "zenith"])[np.digitize(Y, [-1, 0, 1])]
D = X.assign(
    word=random.choice(["red", "green", "grün", "blå", "a long text that is read in two steps of eight bytes"], N),
    number=random.integers(-2, 4, N),
    flag=random.random(N) > 0.4,
)
CATS = ["word", "number", "flag"]
YD = Y + (D["word"] == "red") * 2.0 - (D["number"] == 1) * 1.5 + D["flag"]
# Two words, a number and no flag that training had not.
UNSEEN = D.assign(
    word=["pink", "mauve", *D["word"][2:]], number=[9, *D["number"][1:]], a=D["a"].where(D["a"] > -1, np.inf)
)
SMALL = {
    "iterations": 9,
    "depth": 4,
    "learning_rate": 0.3,
    "thread_count": 1,
    "random_seed": 1,
    "verbose": False,
    "allow_writing_files": False,
}
PLAIN = {**SMALL, "max_ctr_complexity": 1}


def regressor(**options):
    return catboost.CatBoostRegressor(**{**PLAIN, **options})


def classifier(**options):
    return catboost.CatBoostClassifier(**{**PLAIN, **options})


def raw(model, rows, **options):
    if isinstance(model, catboost.CatBoostRanker):
        return model.predict(rows, **options)
    return model.predict(rows, prediction_type="RawFormulaVal", **options)


def is_right(model, rows=X, *, symmetric=None):
    """Predictions bit-equal, and values within 1e-12 of the oracle's, of CatBoost's own where it is right, and the sum."""
    explainer = TreeExplainer(model)
    ensemble = explainer.model
    want = raw(model, rows)
    np.testing.assert_array_equal(ensemble.predict(rows), want)
    values = explainer.shap_values(rows)
    arrays = parse_model(model).arrays
    phi, base = shap_values(arrays, ensemble.read_rows(rows).values)
    largest = np.abs(phi).max()
    assert largest > 0.01
    wide = values.reshape(phi.shape)
    np.testing.assert_allclose(wide, phi, rtol=0, atol=1e-12 * largest)
    np.testing.assert_allclose(np.atleast_1d(explainer.expected_value), base, rtol=0, atol=1e-12 * largest)
    if symmetric or (symmetric is None and model.get_all_params()["grow_policy"] == "SymmetricTree"):
        pool = catboost.Pool(rows, cat_features=model.get_cat_feature_indices())
        own = np.moveaxis(
            model.get_feature_importance(pool, type="ShapValues").reshape(len(rows), -1, 1 + phi.shape[1]), 1, 2
        )
        np.testing.assert_allclose(wide[:, :, : own.shape[2]], own[:, :-1], rtol=0, atol=1e-12 * largest)
    return ensemble


@pytest.mark.parametrize("policy", ["SymmetricTree", "Depthwise", "Lossguide"])
@pytest.mark.parametrize("rows", [X, HOLED], ids=["full", "with missing"])
def test_regressors_of_every_kind_of_tree(policy, rows):
    weights = random.uniform(0.1, 3, N)
    is_right(regressor(grow_policy=policy).fit(rows, Y), rows)
    is_right(regressor(grow_policy=policy, nan_mode="Max").fit(rows, Y, sample_weight=weights), rows)


@pytest.mark.parametrize(
    ("loss", "target", "n_outputs"),
    [
        ("MAE", Y, 1),
        ("Quantile:alpha=0.7", Y, 1),
        ("Poisson", np.exp(Y), 1),
        ("Tweedie:variance_power=1.5", np.exp(Y), 1),
        ("RMSEWithUncertainty", Y, 2),
        ("MultiRMSE", np.column_stack([Y, -Y, Y**2]), 3),
        ("MultiQuantile:alpha=0.1,0.5,0.9", Y, 3),
    ],
)
def test_regressors_of_every_loss(loss, target, n_outputs):
    ensemble = is_right(regressor(loss_function=loss).fit(X, target))
    assert ensemble.n_outputs == n_outputs
    assert ensemble.objective == loss.partition(":")[0]
    assert ensemble.output_space == "margin"
    assert ensemble.output_names == (("output",) if n_outputs == 1 else tuple(map(str, range(n_outputs))))


@pytest.mark.parametrize("loss", ["MultiClass", "MultiClassOneVsAll"])
@pytest.mark.parametrize("policy", ["SymmetricTree", "Lossguide"])
def test_classes_are_outputs_with_their_names(loss, policy, tmp_path):
    model = classifier(loss_function=loss, grow_policy=policy).fit(X, CLASSES)
    assert is_right(model).output_names == ("low", "mid", "top", "zenith")
    model.save_model(str(tmp_path / "model.json"), format="json")
    assert load_model(tmp_path / "model.json").output_names == ("low", "mid", "top", "zenith")


def test_classes_that_are_numbers_or_truth_values(tmp_path):
    for target, names in ((np.digitize(Y, [0, 1]) * 5, ("0", "5", "10")), (Y > 0, ("False", "True"))):
        model = classifier(loss_function="MultiClass").fit(X, target)
        assert is_right(model).output_names == names
        model.save_model(str(tmp_path / "model.json"), format="json")
        assert load_model(tmp_path / "model.json").output_names == names


def test_two_classes_have_one_output():
    ensemble = is_right(classifier().fit(X, np.where(Y > 0, "yes", "no")))
    assert ensemble.output_names == ("output",)
    several = np.column_stack([Y > 0, Y > 1, X["a"] > 0]).astype(int)
    assert is_right(classifier(loss_function="MultiLogloss").fit(X, several)).n_outputs == 3


def test_rankers_and_the_bare_class():
    groups = np.repeat(np.arange(N // 8), 8)
    is_right(catboost.CatBoostRanker(**SMALL, loss_function="YetiRank").fit(X, np.digitize(Y, [0, 1]), group_id=groups))
    is_right(catboost.CatBoost({**SMALL, "loss_function": "RMSE"}).fit(X, Y))


@pytest.mark.parametrize("policy", ["SymmetricTree", "Depthwise", "Lossguide"])
@pytest.mark.parametrize("one_hot", [2, 4, 20], ids=["statistics", "both", "one-hot"])
def test_categories(policy, one_hot):
    model = regressor(grow_policy=policy, one_hot_max_size=one_hot, cat_features=CATS).fit(D, YD)
    is_right(model, D)


@pytest.mark.parametrize("kind", ["Borders", "Buckets", "Counter"])
@pytest.mark.parametrize("several", [False, True], ids=["two classes", "four classes"])
@pytest.mark.filterwarnings("ignore::ferroshap.FerroshapWarning")
def test_statistics_of_categories_of_every_kind(kind, several, capfd):
    options = {"simple_ctr": [kind], "one_hot_max_size": 1, "cat_features": CATS}
    model = classifier(**options).fit(D, CLASSES if several else (YD > 0).astype(int))
    is_right(model, D)
    np.testing.assert_array_equal(load_model(model).predict(UNSEEN), raw(model, UNSEEN))


def statistics():
    return regressor(one_hot_max_size=1, cat_features=CATS, grow_policy="Lossguide").fit(D, YD)


def test_unseen_categories_are_counted_in_one_warning():
    model = statistics()
    with pytest.warns(
        FerroshapWarning, match=r"count as unknown, .*'word': 'mauve', 'pink' \(2 rows\); 'number': 9 \(1 row\)$"
    ) as caught:
        ours = load_model(model).predict(UNSEEN)
    assert len(caught) == 1
    np.testing.assert_array_equal(ours, raw(model, UNSEEN))


def test_one_hot_models_do_not_know_what_training_saw_and_do_not_warn():
    model = regressor(one_hot_max_size=20, cat_features=CATS).fit(D, YD)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(load_model(model).predict(UNSEEN), raw(model, UNSEEN))
        np.testing.assert_array_equal(load_model(model).predict(D), raw(model, D))


def test_a_model_that_was_trained_on_values_knows_no_names():
    model = regressor(cat_features=[3, 4]).fit(D.iloc[:, :5].to_numpy(object), YD)
    assert load_model(model).feature_names is None
    np.testing.assert_array_equal(load_model(model).predict(D.iloc[:, :5]), raw(model, D.iloc[:, :5]))


DOORS = {
    "objects": lambda: D.to_numpy(object),
    "lists": lambda: D.to_numpy(object).tolist(),
    "category": lambda: D.astype({"word": "category", "number": "category"}),
    "small integers": lambda: D.astype({"number": "int8"}),
    "numbers as texts": lambda: D.astype({"number": str}),
    "flags as numbers": lambda: D.astype({"flag": int}),
    "nullable": D.convert_dtypes,
    "polars": lambda: pl.from_pandas(D),
    "polars, other order": lambda: pl.from_pandas(D)[["flag", "a", "number", "b", "word", "c"]],
    "polars Categorical": lambda: pl.from_pandas(D).with_columns(pl.col("word").cast(pl.Categorical)),
    "Arrow": lambda: pl.from_pandas(D).to_arrow(),
    "dictionary": lambda: pl.from_pandas(D).with_columns(pl.col("word").cast(pl.Categorical)).to_arrow(),
}


@pytest.mark.parametrize("door", DOORS)
def test_categories_through_every_door(door):
    model = statistics()
    np.testing.assert_array_equal(load_model(model).predict(DOORS[door]()), raw(model, D))


@pytest.mark.parametrize(
    ("column", "values", "says"),
    [
        ("word", [None, *D["word"][1:]], "'word' has a missing value in row 0, which CatBoost refuses"),
        ("number", pd.array([1, None, *D["number"][2:]], "Int64"), "'number' has a missing value in row 1"),
        (
            "number",
            D["number"].astype(float),
            r"'number' holds .* \(float\), but CatBoost's categories are texts and whole",
        ),
        ("word", pd.to_datetime(["2026-01-01"] * N), "'word' has dtype datetime64.*hashes of texts and whole numbers"),
        ("a", D["word"], "'a' has dtype .*compares its feature as a number"),
    ],
)
def test_what_catboost_refuses_is_refused(column, values, says):
    with pytest.raises(DataError, match=says):
        load_model(statistics()).predict(D.assign(**{column: values}))


def test_what_an_array_may_not_hold():
    model, rows = load_model(statistics()), D.to_numpy(object)
    for value, says in (
        (None, "column 3 has a missing"),
        (np.nan, "column 3 has a missing"),
        (1.0, "column 3 holds 1.0"),
    ):
        spoilt = rows.copy()
        spoilt[1, 3] = value
        with pytest.raises(DataError, match=says):
            model.predict(spoilt)
    with pytest.raises(DataError, match=r"column 3 holds 0\.0 \(float\)"):
        model.predict(np.zeros((2, 6)))
    with pytest.raises(DataError, match="array of text"):
        model.predict(np.full((2, 6), "red"))


@pytest.mark.parametrize("span", [(0, 3), (2, 5), (8, 9), (0, 0), (4, 9)])
def test_iteration_ranges_are_ntree_start_and_ntree_end(span):
    begin, end = span
    for model, rows in ((statistics(), D), (classifier(loss_function="MultiClass").fit(X, CLASSES), X)):
        ensemble = load_model(model, iteration_range=span)
        np.testing.assert_array_equal(ensemble.predict(rows), raw(model, rows, ntree_start=begin, ntree_end=end))
        explainer = TreeExplainer(ensemble)
        total = explainer.shap_values(rows).sum(axis=1) + explainer.expected_value
        np.testing.assert_allclose(total, ensemble.predict(rows), rtol=0, atol=1e-12 * explainer.scale.max())


def test_early_stopping_keeps_the_best_trees_as_catboost_does():
    model = regressor(iterations=60, early_stopping_rounds=1).fit(X[:120], Y[:120], eval_set=(X[120:], Y[120:]))
    assert model.tree_count_ < 60
    assert is_right(model).n_trees == model.tree_count_


def test_live_and_file_are_the_same_and_sums_of_models_too(tmp_path):
    model = statistics()
    model.save_model(str(tmp_path / "model.json"), format="json")
    live, file = parse_model(model).arrays, parse_model(tmp_path / "model.json").arrays
    for name, array in vars(live).items():
        np.testing.assert_array_equal(array, getattr(file, name))
    assert load_model(tmp_path / "model.json").source == f"CatBoost {catboost.__version__} (JSON)"
    assert load_model(model).source == f"CatBoost {catboost.__version__} (CatBoostRegressor)"
    one, other = regressor().fit(X, Y), regressor(random_seed=9).fit(X, Y**2)
    is_right(catboost.sum_models([one, other], [1.0, 0.5]), symmetric=True)


def test_rows_at_borders_and_beyond_float32():
    model = regressor().fit(HOLED, Y)
    arrays = parse_model(model).arrays
    borders = np.unique(arrays.threshold[(arrays.left >= 0) & (arrays.feature == 0)]).astype(np.float32)
    steps = [borders, np.nextafter(borders, np.float32(9)), np.nextafter(borders, np.float32(-9))]
    values = np.concatenate([*steps, [0.0, -0.0, np.inf, -np.inf, 1e30, 1e-45]]).astype(float)
    values = np.concatenate([values, borders.astype(float) * (1 + 1e-9), borders.astype(float) * (1 - 1e-9)])
    rows = np.column_stack([values, np.resize(X["b"], values.size), np.resize(X["c"], values.size)])
    np.testing.assert_array_equal(load_model(model).predict(rows), raw(model, rows))


def test_what_cannot_be_read_is_refused_by_name():
    with pytest.raises(ModelError, match=r"CatBoostRegressor holds no model yet.*fit\(\)"):
        load_model(regressor())
    texts = X.assign(text=random.choice(["red car", "blue house", "big red house"], N))
    vectors = X.assign(vector=list(random.normal(size=(N, 4))))
    for kind, rows, column in (("text", texts, "text"), ("embedding", vectors, "vector")):
        model = classifier(**{f"{kind}_features": [column]}).fit(rows, Y > 0)
        with pytest.raises(UnsupportedModelError, match=f"has {kind} features, .*supported are float and categorical"):
            load_model(model)
    # The number of rows keeps it from combinations unless they are asked for.
    combined = catboost.CatBoostRegressor(**SMALL, max_ctr_complexity=3, one_hot_max_size=1, cat_features=CATS).fit(
        D, YD + (D["word"] == "red") * D["number"] * D["flag"]
    )
    with pytest.raises(UnsupportedModelError, match="combination of features"):
        load_model(combined)
    scaled = regressor().fit(X, Y)
    scaled.set_scale_and_bias(2.0, 1.0)
    with pytest.raises(UnsupportedModelError, match=r"scale 2 \(set_scale_and_bias\)"):
        load_model(scaled)


def test_reading_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", None)
    load_model(regressor().fit(X, Y))
    assert list(tmp_path.iterdir()) == []


def test_several_targets_with_statistics_of_the_target_are_refused():
    """The known recipe of a statistic gives other predictions there, off by up to 6."""
    targets = np.column_stack([Y, -Y])
    model = catboost.CatBoostRegressor(**PLAIN, loss_function="MultiRMSE", one_hot_max_size=1, cat_features=CATS).fit(
        D, targets
    )
    with pytest.raises(UnsupportedModelError, match="several outputs that are no classes and splits on statistics"):
        load_model(model)
