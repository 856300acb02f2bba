"""The link in a saved file: read back, checked, and unknown in files of versions that did not keep it."""

import io
import json
import zipfile

import ferroshap
import pytest
from ferroshap import ModelError, UnsupportedModelError

STUMP = ferroshap.Tree(
    left=[1, -1, -1], right=[2, -1, -1], feature=[0, 0, 0], threshold=[0.5, 0, 0], value=[0, 1, 3], cover=[2, 1, 1]
)


@pytest.fixture
def changed(tmp_path):
    """The bytes of a saved model after `change(its info)`."""

    def bytes_of(change):
        ferroshap.build_ensemble([STUMP], n_features=1, link="logistic").save(tmp_path / "model")
        with zipfile.ZipFile(tmp_path / "model") as members:
            contents = {name: members.read(name) for name in members.namelist()}
        header = json.loads(contents["ferroshap.json"])
        change(header["info"])
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as members:
            for name, content in (contents | {"ferroshap.json": json.dumps(header)}).items():
                members.writestr(name, content)
        return file.getvalue()

    return bytes_of


def test_a_file_without_a_link_loads_and_its_link_is_unknown(changed):
    model = ferroshap.load_model(changed(lambda info: info.pop("link")))
    assert model.predict([[0.0], [1.0]]).tolist() == [1.0, 3.0]
    assert model.link.kind is None
    with pytest.raises(UnsupportedModelError, match="load the model from its library again and save it"):
        model.link.prediction([[0.0]])
    again = ferroshap.load_model(model._to_bytes())
    assert again.link == model.link


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("kind", "probit", r"info\.link\.kind is 'probit', expected null or one of identity, logistic"),
        ("kind", 3, r"info\.link\.kind is 3, expected a text"),
        ("kind", None, r"info\.link\.reason is null, expected a text where kind is null"),
        ("reason", "none", r"info\.link\.reason is 'none', expected a text where kind is null, else null"),
        ("scale", 0, r"info\.link\.scale is 0, expected a number above 0"),
        ("scale", float("inf"), r"info\.link\.scale is inf, expected a number above 0"),
        ("scale", float("nan"), r"info\.link\.scale is nan, expected a number above 0"),
        ("scale", "1", r"info\.link\.scale is '1', expected a number"),
        ("predicts_target", 1, r"info\.link\.predicts_target is 1, expected true or false"),
    ],
)
def test_a_spoilt_link_is_named(changed, field, value, says):
    with pytest.raises(ModelError, match=says):
        ferroshap.load_model(changed(lambda info: info["link"].update({field: value})))
