"""Plus, minus, times, divided by: the operands stay, the order counts, units are kept apart."""

import operator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made import ALL, EVERY_AXES, make, same

OPERATORS = [operator.add, operator.sub, operator.mul, operator.truediv]


@pytest.mark.parametrize("operate", OPERATORS)
@pytest.mark.parametrize("number", [3, 2.5, np.float64(0.5), np.float32(2), np.int64(4), np.array(3.0), True])
def test_a_number_acts_on_values_and_base_values_in_the_order_given(operate, number):
    whole = make()
    for result, expected in (
        (operate(whole, number), lambda x: operate(x, number)),
        (operate(number, whole), lambda x: operate(number, x)),
    ):
        np.testing.assert_array_equal(result.values, expected(whole.values), strict=True)
        np.testing.assert_array_equal(result.base_values, expected(whole.base_values), strict=True)
        same(result, whole, but=("values", "base_values", "output_space"))
        assert result.details is None
    same(whole, make())


def test_one_minus_is_not_minus_one():
    np.testing.assert_array_equal((1 - make()).values, 1 - make().values)
    np.testing.assert_array_equal((-make()).values, -make().values)
    assert (1 / make()).output_space == "1 / margin"
    assert (1 - make()).output_space == (2 * make()).output_space == "margin"


@given(st.sampled_from(OPERATORS), st.sampled_from(EVERY_AXES), st.data())
def test_an_array_acts_on_the_values_alone_and_must_not_change_their_shape(operate, axes, data):
    whole = make(axes)
    shape = tuple(data.draw(st.sampled_from([1, n])) for n in whole.shape)
    shape = shape[data.draw(st.integers(0, len(shape))) :] if shape else (1,) * data.draw(st.integers(0, 1))
    array = np.arange(1.0, 1 + np.prod(shape, dtype=int)).reshape(shape)
    if len(shape) > len(whole.shape):
        with pytest.raises(ValueError, match="does not match the values' shape"):
            operate(whole, array)
        return
    np.testing.assert_array_equal(operate(whole, array).values, operate(whole.values, array))
    np.testing.assert_array_equal(operate(array, whole).values, operate(array, whole.values))
    assert (operate(whole, array).base_values is None) == (array.ndim > 0)


@pytest.mark.parametrize("shape", [(5,), (2, 3), (1, 5, 3), (5, 3, 1), (0,)])
def test_an_array_of_another_shape_is_refused(shape):
    for operate in OPERATORS:
        with pytest.raises(ValueError, match=r"does not match the values' shape \(5, 3\)"):
            operate(make(), np.ones(shape))
        with pytest.raises(ValueError, match=r"does not match the values' shape \(5, 3\)"):
            operate(np.ones(shape), make())


@pytest.mark.parametrize("axes", EVERY_AXES)
def test_explanations_are_added_with_their_base_values_and_shown_with_the_data_of_the_left(axes):
    one = make(axes)
    other = make(axes, data=None, display_data=None) * 3
    for operate in (operator.add, operator.sub):
        result = operate(one, other)
        np.testing.assert_array_equal(result.values, operate(one.values, other.values))
        np.testing.assert_array_equal(result.base_values, operate(one.base_values, other.base_values))
        same(result, one, but=("values", "base_values"))
    same(one, make(axes))


def test_a_product_has_no_base_value_and_says_its_unit():
    one, other = make(), make(output_space="probability")
    np.testing.assert_array_equal((one * other).values, one.values * other.values)
    assert (one * other).base_values is (one / other).base_values is None
    assert (one * other).output_space == "margin × probability"
    assert (one / other).output_space == "margin / probability"


def test_axes_are_matched_by_what_they_are():
    whole = make(ALL)
    np.testing.assert_array_equal((whole - whole.mean(0)).values, whole.values - whole.values.mean(0))
    np.testing.assert_array_equal((whole - whole.mean(0)).base_values, whole.base_values - whole.base_values.mean(0))
    by_feature = whole[:, :, "yes"]
    np.testing.assert_array_equal((whole - by_feature).values, whole.values - whole.values[:, :, 1:])
    np.testing.assert_array_equal((by_feature - whole).values, whole.values[:, :, 1:] - whole.values)
    np.testing.assert_array_equal((by_feature - whole).data, whole.data)
    assert (by_feature - whole).axes == (whole - by_feature).axes == ALL
    assert (whole - by_feature).output_names == ("no", "yes")
    share = whole.abs / whole.abs.sum(1)
    np.testing.assert_array_equal(share.values, np.abs(whole.values) / np.abs(whole.values).sum(1, keepdims=True))
    assert share.base_values is None


def test_two_features_have_one_base_value_not_two():
    whole = make()
    both = whole[:, "a"] + whole[:, "b"]
    np.testing.assert_array_equal(both.values, whole.values[:, 0] + whole.values[:, 1])
    assert both.base_values is None
    assert both.feature_names is None
    twice = whole[:, "a"] + whole[:, "a"]
    np.testing.assert_array_equal(twice.base_values, 2 * whole.base_values)
    assert twice.feature_names == "a"
    assert (make(ALL)[..., 0] - make(ALL)[..., 1]).output_names is None


def test_explanations_of_two_models_name_both():
    assert (make() - make(model="another", algorithm="kernel")).model == "some model, another"
    assert (make() - make(model="another", algorithm="kernel")).algorithm == "path-dependent, kernel"
    assert (make() + make(model=None)).model == "some model"


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (make()[:4], "5 rows, 3 features do not match 4 rows, 3 features"),
        (make(("feature", "output")), "5 rows, 3 features do not match 3 features, 2 outputs"),
        (make(("row", "output")), "do not match"),
        (
            make(feature_names=("a", "c", "b")),
            "the features of the two explanations are not the same, in the same order",
        ),
        (make(output_space="probability"), "units of margin . values in units of probability"),
    ],
)
def test_what_does_not_match_is_refused(other, message):
    with pytest.raises(ValueError, match=message):
        make() + other
    with pytest.raises(ValueError, match=message):
        make() - other


def test_outputs_in_another_order_are_refused():
    with pytest.raises(ValueError, match="the outputs of the two explanations are not the same"):
        make(ALL) * make(ALL)[..., ["yes", "no"]]


@pytest.mark.parametrize("other", ["1", None, [1, "a"], 1j, object()])
def test_what_is_no_number_is_not_calculated_with(other):
    with pytest.raises(TypeError):
        make() + other
    with pytest.raises(TypeError):
        other - make()


def test_numpys_functions_leave_it_alone():
    with pytest.raises(TypeError, match="does not support ufuncs"):
        np.exp(make())
