"""`TreeEnsemble.save` and pickle: the same bits elsewhere, and nothing executed or believed that is read."""

import copy
import io
import json
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path

import ferroshap
import numpy as np
import pytest
from ferroshap.errors import ModelError, OptionError
from oracle import recorded
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingRegressor, RandomForestClassifier

REFERENCE = Path(__file__).resolve().parents[1] / "reference"
MODELS = [
    "x32/dart.json", "x32/cat_partition_nan.ubj", "x34/cat_frame.json", "x32/softprob.ubj", "x20/mo.json", "x32/depth0.ubj",
    "l47/cat_multi.txt", "l47/frame.txt", "l47/rf_multi.txt", "l231/cat.txt",
]  # fmt: skip


def loaded(name):
    model = ferroshap.load_model(REFERENCE / name, iteration_range=(0, 0) if name.startswith("x") else None)
    return model, np.asarray(recorded.rows(REFERENCE / name, model.schema))


@pytest.mark.parametrize("name", MODELS)
def test_a_saved_model_has_the_same_bits_and_the_same_description(name, tmp_path):
    model, x = loaded(name)
    model.save(tmp_path / "model.any")
    for again in (
        ferroshap.load_model(tmp_path / "model.any"),
        pickle.loads(pickle.dumps(model)),
        copy.deepcopy(model),
    ):
        assert repr(again) == repr(model)
        assert again.schema == model.schema
        assert again.output_names == model.output_names
        assert again.predict(x).dtype == model.predict(x).dtype
        assert again.predict(x).tobytes() == model.predict(x).tobytes()
        again.save(tmp_path / "again")
        assert (tmp_path / "again").read_bytes() == (tmp_path / "model.any").read_bytes()
        if name != "x20/mo.json":  # holds no covers
            want = ferroshap.TreeExplainer(model).shap_values(x)
            assert ferroshap.TreeExplainer(again).shap_values(x).tobytes() == want.tobytes()


@pytest.mark.parametrize(
    "model",
    [
        GradientBoostingClassifier(n_estimators=5, loss="exponential"),
        HistGradientBoostingRegressor(max_iter=5, loss="poisson"),
        RandomForestClassifier(5),
    ],
    ids=lambda m: type(m).__name__,
)
def test_scikit_learns_models_are_saved_in_every_unit(model):
    x = np.random.default_rng(0).normal(size=(100, 4))
    model = ferroshap.load_model(model.fit(x, x[:, 0] > 0))
    again = pickle.loads(pickle.dumps(model))
    assert repr(again) == repr(model)
    assert again.schema == model.schema
    assert again.predict(x).tobytes() == model.predict(x).tobytes()


def test_an_explainer_is_unpickled_in_another_process(tmp_path):
    model, x = loaded("l47/cat_multi.txt")
    explainer = ferroshap.TreeExplainer(model, dtype="float32", threads=2, feature_names=list("abcdefgh")[: x.shape[1]])
    (tmp_path / "explainer").write_bytes(pickle.dumps(explainer))
    np.save(tmp_path / "x.npy", x)
    script = (
        "import pickle, sys, numpy as np\n"
        "e = pickle.load(open(sys.argv[1] + '/explainer', 'rb'))\n"
        "print(repr(e), e.shap_values(np.load(sys.argv[1] + '/x.npy')).tobytes().hex(), sep='\\n')\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [repr(explainer), explainer.shap_values(x).tobytes().hex()]


def test_what_was_chosen_when_the_model_was_read_is_not_chosen_again(tmp_path):
    model, _ = loaded("x32/dart.json")
    model.save(tmp_path / "model")
    for option in ({"iteration_range": (0, 1)}, {"missing": 0.0}):
        with pytest.raises(OptionError, match="saved with the choice made"):
            ferroshap.load_model(tmp_path / "model", **option)


def members_of(name="x34/cat_frame.json"):
    file = io.BytesIO(pickle.loads(pickle.dumps(loaded(name)[0]))._to_bytes())
    with zipfile.ZipFile(file) as members:
        return {entry: members.read(entry) for entry in members.namelist()}


def as_file(members, method=zipfile.ZIP_STORED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as out:
        for name, content in members.items():
            out.writestr(name, content)
    return file.getvalue()


def array_file(array, *, allow_pickle=False):
    file = io.BytesIO()
    np.lib.format.write_array(file, np.asarray(array), allow_pickle=allow_pickle)
    return file.getvalue()


@pytest.mark.parametrize(
    ("member", "content", "says"),
    [
        ("ferroshap.json", b"{}", "format is missing"),
        ("ferroshap.json", b"{", "damaged model file"),
        ("ferroshap.json", b"[" * 200_000, "damaged model file"),
        ("left.npy", b"", "damaged model file"),
        ("left.npy", array_file([1.5]), r"left is float64 of shape \(1,\), expected int32 of 1"),
        ("left.npy", array_file(np.array([{}]), allow_pickle=True), "left is object"),
        (
            "left.npy",
            array_file(np.zeros(3, "i4")).replace(b"(3,)", b"(9" + b"9" * 12 + b",)")[:200],
            "damaged model file",
        ),
        ("left.npy", array_file(np.zeros(3, "i4")), "length of right"),
        ("cover.npy", None, None),
        ("values.npy", None, "values.npy is missing"),
    ],
)
def test_a_spoilt_member_is_a_model_error(member, content, says):
    members = members_of()
    if content is None:
        del members[member]
    else:
        members[member] = content
    if says is None:
        assert ferroshap.load_model(as_file(members)).n_trees > 0
        return
    with pytest.raises(ModelError, match=says):
        ferroshap.load_model(as_file(members))


def test_a_compressed_member_is_not_unpacked():
    with pytest.raises(ModelError, match=r"ferroshap\.json is compressed"):
        ferroshap.load_model(as_file(members_of(), zipfile.ZIP_DEFLATED))


def test_a_zip_of_something_else_and_a_newer_version_are_named():
    with pytest.raises(ModelError, match=r"not a model that TreeEnsemble\.save wrote"):
        ferroshap.load_model(as_file({"weights.json": b"{}"}))
    members = members_of()
    header = json.loads(members["ferroshap.json"]) | {"version": 2}
    with pytest.raises(ModelError, match="a newer ferroshap wrote this file"):
        ferroshap.load_model(as_file(members | {"ferroshap.json": json.dumps(header)}))


def fields_of(value, path=()):
    if isinstance(value, dict):
        for key in value:
            yield (*path, key)
            yield from fields_of(value[key], (*path, key))


def test_any_spoilt_field_of_the_header_is_a_model_error_or_harmless():
    members, refused = members_of(), 0
    original = json.loads(members["ferroshap.json"])
    for path in fields_of(original):
        for junk in (None, True, -1, 2**40, 1.5, "", "x", [], {}, [1, 2], ["x"], [None], [[1]]):
            header = copy.deepcopy(original)
            parent = header
            for key in path[:-1]:
                parent = parent[key]
            parent[path[-1]] = junk
            try:
                ferroshap.load_model(as_file(members | {"ferroshap.json": json.dumps(header)}))
            except ModelError:
                refused += 1
    assert refused > 300


@pytest.mark.parametrize("seed", range(3))
def test_bytes_changed_at_random_are_a_model_error_or_a_valid_model(seed):
    random = np.random.default_rng(seed)
    whole = as_file(members_of("l47/rf_multi.txt"))
    longest = 0
    for _ in range(200):
        data = bytearray(whole[: random.integers(1, len(whole))] if random.random() < 0.2 else whole)
        for at in random.integers(len(data), size=random.integers(1, 6)):
            data[at] = random.integers(256)
        try:
            ferroshap.load_model(bytes(data))
        except (ModelError, ferroshap.UnsupportedModelError) as error:
            longest = max(longest, len(str(error)))
    assert 0 < longest < 600
