"""scikit-learn models in skops files: read without scikit-learn, bit for bit; damaged and hostile files are model errors."""

import io
import json
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import skops.io
from ferroshap import FerroshapError, TreeExplainer, load_model
from ferroshap.errors import ModelError, UnsupportedModelError
from sklearn import ensemble, linear_model, multioutput, tree
from sklearn.compose import TransformedTargetRegressor
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

random = np.random.default_rng(6)
X = random.normal(size=(150, 4))
X[:, 1] = random.integers(0, 5, 150)
Y = X[:, 0] * X[:, 1]
SEVERAL = np.column_stack([Y, -Y])
LABELS = np.array(["low", "mid", "top"])[np.digitize(Y, [-0.5, 0.5])]
TREE = {"max_depth": 3, "random_state": 0}
SMALL = {"n_estimators": 4, "random_state": 0}
REGRESSOR, CLASSIFIER = tree.DecisionTreeRegressor(**TREE), tree.DecisionTreeClassifier(**TREE)
HIST = {"max_iter": 4, "min_samples_leaf": 5, "random_state": 0}
FITTED = [
    REGRESSOR.fit(X, Y),
    CLASSIFIER.fit(X, LABELS),
    tree.ExtraTreeRegressor(**TREE).fit(X, SEVERAL),
    tree.ExtraTreeClassifier(**TREE).fit(X, np.column_stack([LABELS, LABELS == "low"])),
    ensemble.RandomForestRegressor(**SMALL).fit(X, Y),
    ensemble.RandomForestClassifier(**SMALL).fit(X, LABELS),
    ensemble.ExtraTreesRegressor(**SMALL).fit(X, SEVERAL),
    ensemble.ExtraTreesClassifier(**SMALL).fit(X, LABELS == "low"),
    ensemble.HistGradientBoostingRegressor(**HIST).fit(X, Y),
    ensemble.HistGradientBoostingRegressor(**HIST, categorical_features=[1]).fit(X, Y),
    ensemble.HistGradientBoostingClassifier(**HIST).fit(X, LABELS),
    ensemble.IsolationForest(**SMALL, max_features=0.5).fit(X),
    ensemble.BaggingRegressor(REGRESSOR, **SMALL).fit(X, Y),
    ensemble.BaggingClassifier(CLASSIFIER, **SMALL, max_features=0.5).fit(X, LABELS),
    ensemble.VotingRegressor([("a", REGRESSOR), ("b", ensemble.RandomForestRegressor(**SMALL))], weights=[1, 2]).fit(
        X, Y
    ),
    ensemble.VotingClassifier([("a", CLASSIFIER)], voting="soft").fit(X, LABELS),
    ensemble.AdaBoostClassifier(CLASSIFIER, **SMALL).fit(X, LABELS),
    multioutput.MultiOutputRegressor(REGRESSOR).fit(X, SEVERAL),
    multioutput.MultiOutputClassifier(CLASSIFIER).fit(X, np.column_stack([LABELS, LABELS == "low"]).astype(str)),
    make_pipeline(tree.DecisionTreeRegressor(**TREE)).fit(X, Y),
    GridSearchCV(tree.DecisionTreeRegressor(**TREE), {"max_depth": [2]}, cv=2).fit(X, Y),
    RandomizedSearchCV(tree.DecisionTreeRegressor(**TREE), {"max_depth": [2]}, n_iter=1, cv=2).fit(X, Y),
    TransformedTargetRegressor(tree.DecisionTreeRegressor(**TREE)).fit(X, Y),
]
FOREST = skops.io.dumps(FITTED[5])

BLOCKED = """
import sys
import numpy as np
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"sklearn", "skops", "scipy", "joblib"}:
            raise ImportError(f"{name} is blocked")
sys.meta_path.insert(0, Blocked())
import ferroshap
folder, count = sys.argv[1], int(sys.argv[2])
X = np.load(f"{folder}/X.npy")
for at in range(count):
    explainer = ferroshap.TreeExplainer(f"{folder}/{at}.skops")
    np.savez(f"{folder}/{at}.npz", values=explainer.shap_values(X), predicted=explainer.model.predict(X))
assert not {"sklearn", "skops", "scipy", "joblib"} & set(sys.modules)
"""


def test_every_class_is_read_without_scikit_learn_and_has_the_same_bits(tmp_path):
    np.save(tmp_path / "X.npy", X)
    for at, model in enumerate(FITTED):
        skops.io.dump(model, tmp_path / f"{at}.skops")
    command = [sys.executable, "-c", BLOCKED, str(tmp_path), str(len(FITTED))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    for at, model in enumerate(FITTED):
        explainer = TreeExplainer(model)
        with np.load(tmp_path / f"{at}.npz") as found:
            np.testing.assert_array_equal(found["values"], explainer.shap_values(X), err_msg=str(model))
            np.testing.assert_array_equal(found["predicted"], explainer.model.predict(X), err_msg=str(model))
        again = load_model(tmp_path / f"{at}.skops")
        assert again.schema == explainer.model.schema, model
        assert (again.output_names, again.source) == (explainer.model.output_names, explainer.model.source)


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (ensemble.GradientBoostingRegressor(**SMALL).fit(X, Y), "does not hold what its predictions start from.*skops"),
        (
            make_pipeline(StandardScaler(), tree.DecisionTreeRegressor()).fit(X, Y),
            r"steps before its model \(StandardScaler\)",
        ),
        (linear_model.LinearRegression().fit(X, Y), "LinearRegression is not a model that ferroshap explains"),
        (ensemble.StackingRegressor([("a", REGRESSOR)]).fit(X, Y), "StackingRegressor is no sum of trees"),
        ({"model": REGRESSOR}, "dict is not a model"),
    ],
    ids=lambda each: type(each).__name__,
)
def test_what_cannot_be_read_from_a_file_is_refused_by_name(model, says):
    with pytest.raises(UnsupportedModelError, match=says):
        load_model(skops.io.dumps(model))


def members(data=FOREST):
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def as_file(found, method=zipfile.ZIP_STORED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as out:
        for name, content in found.items():
            out.writestr(name, content)
    return file.getvalue()


def array_file(array, **options):
    file = io.BytesIO()
    np.save(file, array, **options)
    return file.getvalue()


def test_compressed_files_are_read():
    np.testing.assert_array_equal(
        load_model(as_file(members(), zipfile.ZIP_DEFLATED)).predict(X), FITTED[5].predict_proba(X)
    )


def test_bombs_are_not_unpacked():
    for name in ("schema.json", "zeros.npy"):
        bomb = as_file(members() | {name: b" " * 200_000_000}, zipfile.ZIP_DEFLATED)
        assert len(bomb) < 1_000_000
        with pytest.raises(ModelError, match=r"unpacks to 2[0-9,]*, more than a model would"):
            load_model(bomb)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"x",
        array_file(np.zeros(3)),
        array_file(np.array([{}]), allow_pickle=True),
        array_file(np.zeros((7, 3, 1), "f4")),
        array_file(np.zeros(7, [("left_child", "f8")])),
        array_file(np.zeros(3)).replace(b"(3,)", b"(9" + b"9" * 12 + b",)"),
    ],
    ids=["empty", "no array", "numbers", "objects", "float32", "other fields", "absurd shape"],
)
def test_any_array_that_is_another_is_a_model_error(content):
    whole = members()
    for name in [name for name in whole if name.endswith(".npy")][:6]:
        try:
            load_model(as_file(whole | {name: content}))
        except ModelError:
            continue
        # What no tree needs may be anything.
        assert name not in json.dumps(
            [node["content"] for node in nodes_of(json.loads(whole["schema.json"]), "TreeNode")]
        )


def test_arrays_of_objects_are_never_unpickled():
    class Trap:
        def __reduce__(self):
            return (pytest.fail, ("unpickled",))

    whole = members()
    trap = array_file(np.array([Trap()], object), allow_pickle=True)
    with pytest.raises(ModelError, match="holds objects, which would be pickles"):
        load_model(as_file({name: trap if name.endswith(".npy") else content for name, content in whole.items()}))


def nodes_of(node, loader):
    if isinstance(node, dict):
        if node.get("__loader__") == loader:
            yield node
        for below in node.values():
            yield from nodes_of(below, loader)
    elif isinstance(node, list):
        for below in node:
            yield from nodes_of(below, loader)


def places(value, path=(), depth=9):
    if isinstance(value, dict) and depth:
        for key, below in value.items():
            yield (*path, key)
            yield from places(below, (*path, key), depth - 1)
    elif isinstance(value, list) and depth:
        for at in range(min(1, len(value))):
            yield (*path, at)
            yield from places(value[at], (*path, at), depth - 1)


JUNK = [None, True, -1, 2**40, 1.5, float("nan"), "", "x", "sklearn", [], {}, [1], [None], {"a": 1}]


@pytest.mark.parametrize("at", [0, 5, 10, 11, 13], ids=lambda at: type(FITTED[at]).__name__)
def test_any_spoilt_place_of_the_schema_is_an_error_of_ours_or_harmless(at):
    whole = members(skops.io.dumps(FITTED[at]))
    text = whole["schema.json"].decode()
    found = list(places(json.loads(text)))
    refused = longest = 0
    for path in found[:: max(1, len(found) // 60)]:
        for junk in JUNK:
            broken = json.loads(text)
            holder = broken
            for key in path[:-1]:
                holder = holder[key]
            holder[path[-1]] = junk
            try:
                load_model(as_file(whole | {"schema.json": json.dumps(broken)})).predict(X)
            except FerroshapError as error:
                refused += 1
                longest = max(longest, len(str(error)))
            except Exception as error:  # noqa: BLE001  (names the place that another error comes from)
                pytest.fail(f"{path}: {junk!r}: {error!r}")
    assert refused > 50
    assert longest < 2500  # a class that is not supported lists those that are


@pytest.mark.parametrize("missing", ["schema.json", ".npy"])
def test_missing_members_are_model_errors(missing):
    found = {name: content for name, content in members().items() if not name.endswith(missing)}
    with pytest.raises(ModelError):
        load_model(as_file(found))


@pytest.mark.parametrize("schema", [b"{}", b"[]", b"{", b"null", b"[" * 100_000, b'{"__loader__": 3, "__id__": []}'])
def test_schemas_that_are_none_are_model_errors(schema):
    with pytest.raises((ModelError, UnsupportedModelError)):
        load_model(as_file({"schema.json": schema}))


@pytest.mark.parametrize("seed", range(2))
def test_bytes_changed_at_random_are_an_error_of_ours_or_a_valid_model(seed):
    draw = np.random.default_rng(seed)
    whole = as_file(members(skops.io.dumps(FITTED[1])))
    longest = 0
    for _ in range(150):
        data = bytearray(whole[: draw.integers(1, len(whole))] if draw.random() < 0.2 else whole)
        for place in draw.integers(len(data), size=draw.integers(1, 6)):
            data[place] = draw.integers(256)
        try:
            load_model(bytes(data))
        except FerroshapError as error:
            longest = max(longest, len(str(error)))
    assert 0 < longest < 2500


def test_a_class_of_another_library_is_refused_by_name():
    whole = members()
    schema = json.loads(whole["schema.json"])
    schema |= {"__class__": "XGBRegressor", "__module__": "xgboost.sklearn"}
    with pytest.raises(UnsupportedModelError, match=r"xgboost\.sklearn\.XGBRegressor is not a model"):
        load_model(as_file(whole | {"schema.json": json.dumps(schema)}))


def test_absurd_numbers_of_columns_take_no_memory():
    whole = members(skops.io.dumps(FITTED[9]))
    schema = json.loads(whole["schema.json"])
    schema["content"]["content"]["n_features_in_"].update(content=str(2**33), __id__=1)
    with pytest.raises(ModelError, match=r"n_features_in_ of the skops file is 8589934592"):
        load_model(as_file(whole | {"schema.json": json.dumps(schema)}))


@pytest.mark.parametrize("count", ["-1", "1e308", "4.0", "true"])
def test_numbers_of_columns_that_are_no_counts_are_refused(count):
    whole = members()
    schema = json.loads(whole["schema.json"])
    schema["content"]["content"]["n_features_in_"].update(content=count, __id__=1)
    with pytest.raises(
        ModelError, match=r"n_features_in_ of the skops file is .*, expected a whole number, 0 to 4194304"
    ):
        load_model(as_file(whole | {"schema.json": json.dumps(schema)}))


def test_nodes_of_one_number_are_one_object_as_in_skops():
    whole = members(skops.io.dumps(FITTED[4]))
    schema = json.loads(whole["schema.json"])
    trees = list(nodes_of(schema, "TreeNode"))
    trees[1]["__id__"] = trees[0]["__id__"]
    data = as_file(whole | {"schema.json": json.dumps(schema)})
    theirs = skops.io.loads(data, trusted=skops.io.get_untrusted_types(data=data)).predict(X)
    np.testing.assert_array_equal(load_model(data).predict(X), theirs)
    assert not np.array_equal(theirs, FITTED[4].predict(X))


def test_an_object_that_holds_itself_is_refused():
    whole = members()
    schema = json.loads(whole["schema.json"])
    schema["content"]["content"]["estimators_"]["__id__"] = schema["__id__"]
    with pytest.raises(ModelError, match=r"the object [0-9]+ holds itself"):
        load_model(as_file(whole | {"schema.json": json.dumps(schema)}))


@pytest.mark.parametrize("count", ["1", "true", "null"])
def test_a_tree_with_another_number_of_nodes_than_it_says_is_refused(count):
    whole = members()
    schema = json.loads(whole["schema.json"])
    next(nodes_of(schema, "TreeNode"))["content"]["content"]["node_count"].update(content=count, __id__=1)
    with pytest.raises(ModelError, match=r"node_count of a tree is .*, expected [0-9]+, its nodes"):
        load_model(as_file(whole | {"schema.json": json.dumps(schema)}))


def test_values_that_are_neither_fractions_nor_counts_are_refused():
    whole = members()
    schema = json.loads(whole["schema.json"])
    name = next(nodes_of(schema, "TreeNode"))["content"]["content"]["values"]["file"]
    values = np.load(io.BytesIO(whole[name]))
    counts = values * len(X)  # as before 1.3: each row is divided by its sum
    assert load_model(as_file(whole | {name: array_file(counts)})).predict(X) == pytest.approx(
        FITTED[5].predict_proba(X), rel=1e-14, abs=1e-14
    )
    counts[0, 0, 0] += 1
    with pytest.raises(ModelError, match=r"root of a tree sum to 151, expected 1, .* or 150, its training weight"):
        load_model(as_file(whole | {name: array_file(counts)}))
