"""What is set must fit the axes; copies are whole; shap's type is claimed only while shap is there."""

import copy
import pickle
import subprocess
import sys

import cloudpickle
import numpy as np
import pytest
from ferroshap import Explanation
from ferroshap.explanation import Details
from made import ALL, EVERY_AXES, make, numbers, same


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"axes": ("feature", "row")}, r"axes is \('feature', 'row'\); expected some of .* in this order"),
        ({"axes": ("row", "column")}, "expected some of"),
        ({"axes": ("row", "row", "feature")}, "expected some of"),
        ({"base_values": np.zeros(3)}, r"base_values has the shape \(3,\); expected \(5,\), which is \(rows\)"),
        ({"base_values": np.zeros((5, 1))}, r"base_values has the shape \(5, 1\)"),
        ({"base_values": 0.5}, r"base_values has the shape \(\)"),
        ({"data": np.zeros((3, 5))}, r"data has the shape \(3, 5\); expected \(5, 3\), which is \(rows, features\)"),
        ({"display_data": np.zeros(5)}, "display_data has the shape"),
        (
            {"details": Details(n_evals=[1, 2])},
            r"details.n_evals has the shape \(2,\); expected \(5,\), which is \(rows\)",
        ),
        ({"details": Details(standard_errors=np.zeros((3, 5)))}, r"details.standard_errors has the shape \(3, 5\)"),
        ({"feature_names": ("a", "b")}, "feature_names has 2 names; expected 3, one for each feature"),
        ({"feature_names": "abc"}, "feature_names is the text 'abc'; expected one name for each feature"),
        (
            {"output_names": ("no", "yes")},
            "output_names is .*, but there is no output axis; expected the name of one output",
        ),
    ],
)
def test_what_does_not_fit_the_axes_is_refused(changed, message):
    with pytest.raises(ValueError, match=message):
        make(**changed)


def test_values_have_one_dimension_for_each_axis():
    with pytest.raises(ValueError, match=r"values has the shape \(2, 2, 2\), but the axes are \('row', 'feature'\)"):
        Explanation(np.zeros((2, 2, 2)), axes=("row", "feature"), output_space="margin", algorithm="any")


def test_fields_can_be_set_to_what_fits():
    whole = make()
    whole.display_data = [["x"] * 3] * 5
    whole.data = None
    whole.feature_names = ["p", "q", "r"]
    whole.base_values = [0, 0, 0, 0, 0]
    assert whole.display_data[0].tolist() == ["x", "x", "x"]
    assert whole[:, "q"].data is None
    assert whole.feature_names == ("p", "q", "r")
    for field, value in (
        ("values", np.zeros(5)),
        ("data", np.zeros(3)),
        ("base_values", [1]),
        ("feature_names", ["p"]),
    ):
        with pytest.raises(ValueError, match=field):
            setattr(whole, field, value)
    same(make(("feature", "output"), output_names=["1", 2]), make(("feature", "output")), but=("output_names",))


COPIES = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda e: pickle.loads(pickle.dumps(e)),
    "old pickle": lambda e: pickle.loads(pickle.dumps(e, protocol=2)),
    "cloudpickle": lambda e: pickle.loads(cloudpickle.dumps(e)),
}


@pytest.mark.parametrize("way", COPIES)
@pytest.mark.parametrize("axes", EVERY_AXES)
def test_a_copy_is_the_same_in_every_field(axes, way):
    whole = make(axes).flip
    again = COPIES[way](whole)
    same(again, whole)
    assert type(again) is Explanation
    assert again.op_history == whole.op_history
    np.testing.assert_array_equal(again.details.standard_errors, whole.details.standard_errors)
    assert np.shares_memory(again.values, whole.values) == (way == "copy" and axes != ())


def test_a_deep_copy_has_arrays_of_its_own():
    whole = make()
    copy.deepcopy(whole).values[:] = 0
    same(whole, make())


SCRIPT = """
import copy, pickle, sys
import numpy as np
from ferroshap import Explanation
e = Explanation(np.eye(3), np.zeros(3), axes=("row", "feature"), output_space="margin", algorithm="any")
assert e.__class__ is type(e) is Explanation
assert "shap" not in sys.modules
sys.modules["shap"] = half = type(sys)("shap")  # as while it is being imported
assert e.__class__ is Explanation and isinstance(e, Explanation)
class Other: pass
half.Explanation = Other
assert e.__class__ is Other and isinstance(e, Other) and isinstance(e, Explanation) and type(e) is Explanation
again = pickle.loads(pickle.dumps(e))
assert type(again) is type(copy.copy(e)) is type(copy.deepcopy(e)) is type(e[0]) is Explanation
del sys.modules["shap"]
assert e.__class__ is Explanation and not isinstance(e, Other)
print(not {"pandas", "polars", "pyarrow", "scipy", "sklearn", "matplotlib"} & {*sys.modules})
"""


def test_shaps_type_is_claimed_while_shap_is_imported_and_nothing_is_imported_for_it():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert done.stdout == "True\n", done.stderr


@pytest.mark.filterwarnings("ignore::Warning")
@pytest.mark.parametrize("axes", EVERY_AXES[1:])
def test_to_shap_has_every_field(axes):
    import shap

    for whole in (make(axes), make(axes, data=None, display_data=None, feature_names=None)):
        made = whole.to_shap()
        assert type(made) is shap.Explanation
        for field in ("values", "base_values", "data", "display_data"):
            np.testing.assert_array_equal(getattr(made, field), getattr(whole, field))
        names = whole.feature_names
        assert made.feature_names == (list(names) if isinstance(names, tuple) else names)
        assert made.output_names == (["no", "yes"] if "output" in axes else None)
        assert made.output_dims == whole.output_dims == ((axes.index("output"),) if "output" in axes else ())
        np.testing.assert_array_equal(made.error_std, whole.details.standard_errors)
    assert [step.name for step in make(axes).flip.to_shap().op_history] == ["flip"]


@pytest.mark.filterwarnings("ignore::Warning")
@pytest.mark.parametrize("output_names", [("no", "yes", "maybe"), None])
def test_to_shap_of_one_row_keeps_its_outputs_with_and_without_names(output_names):
    square = Explanation(
        np.arange(9.0).reshape(3, 3), [0, 1, 2], [7, 8, 9], axes=("feature", "output"), feature_names=("a", "b", "c"),
        output_names=output_names, output_space="margin", algorithm="any",
    )  # fmt: skip
    made = square.to_shap()
    name = "yes" if output_names else "Output 1"
    assert made.output_dims == (1,)
    assert made.feature_names == ["a", "b", "c"]
    assert made[:, name].values.tolist() == [1, 4, 7]
    assert made[:, name].base_values == 1
    assert square[0, 0].to_shap().values == 0


@pytest.mark.filterwarnings("ignore::Warning")
def test_every_public_name_of_shaps_is_there():
    import shap

    theirs = shap.Explanation(np.zeros((2, 2)), np.zeros(2))
    assert {name for name in dir(theirs) if not name.startswith("_")} - {*dir(make())} == set()
    np.testing.assert_array_equal(make().error_std, make().details.standard_errors)
    assert make(details=None).error_std is None
    assert {"to_pandas", "top", "details", "axes", "output_space"} < {*dir(make())}


@pytest.mark.filterwarnings("ignore::Warning")
def test_what_is_chosen_from_shaps_is_what_is_chosen_here():
    import shap

    whole = make(ALL)
    theirs = whole.to_shap()
    for item in ((0,), (slice(1, 4),), (slice(None), "b"), (slice(None), slice(None), "yes"), (2, slice(None), 1)):
        np.testing.assert_array_equal(theirs[item].values, whole[item].values)
        np.testing.assert_array_equal(theirs[item].base_values, whole[item].base_values)
        np.testing.assert_array_equal(theirs[item].data, whole[item].data)
    one = make()
    np.testing.assert_array_equal(
        one[:, shap.Explanation.abs.mean(0).argsort].values, one[:, one.abs.mean(0).argsort].values
    )
    np.testing.assert_array_equal(one.to_shap().abs.mean(0).values, one.abs.mean(0).values)
    np.testing.assert_array_equal(one.to_shap().sample(3).values, one.sample(3).values)
    np.testing.assert_array_equal(one.to_shap().hclust(), one.hclust())


def test_details_follow_what_is_chosen_and_nothing_else():
    details = Details(
        standard_errors=numbers(ALL, ALL), background_se=numbers(ALL, ALL, 9), n_evals=np.arange(5), converged=True
    )
    part = make(ALL, details=details)[[3, 1], "b"].details
    np.testing.assert_array_equal(part.standard_errors, details.standard_errors[[3, 1], 1])
    np.testing.assert_array_equal(part.background_se, details.background_se[[3, 1], 1])
    assert part.n_evals.tolist() == [3, 1]
    assert (part.converged, part.exact) == (True, None)
    assert make(ALL, details=details)[2].details.n_evals == 2
    for other in (make(ALL, details=details).abs, make(ALL, details=details).mean(0), make(ALL, details=details) + 1):
        assert other.details is None
