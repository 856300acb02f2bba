"""Every exception is also the built-in kind that old `except` clauses catch."""

import inspect

import pytest
from ferroshap import errors

TREE = {
    "FerroshapError": (Exception,),
    "UnsupportedModelError": (errors.FerroshapError, ValueError),
    "ModelError": (errors.FerroshapError, ValueError),
    "DataError": (errors.FerroshapError, ValueError),
    "FeatureMismatchError": (errors.DataError,),
    "OptionError": (errors.FerroshapError, ValueError),
    "PlanError": (errors.FerroshapError, ValueError),
    "AdditivityError": (errors.FerroshapError, ArithmeticError),
    "FerroshapWarning": (UserWarning,),
    "ConvergenceWarning": (errors.FerroshapWarning,),
}


@pytest.mark.parametrize("name", TREE)
def test_each_class_has_its_place_in_the_tree(name):
    cls = getattr(errors, name)
    assert cls.__bases__ == TREE[name]
    assert cls.__doc__


def test_the_tree_lists_every_class():
    found = {
        name for name, value in vars(errors).items() if inspect.isclass(value) and value.__module__ == errors.__name__
    }
    assert found == set(TREE)
    assert set(errors.__all__) == set(TREE)


def test_the_core_raises_these_classes():
    from ferroshap import _native

    with pytest.raises(errors.UnsupportedModelError):
        _native.read_document(b"binf legacy")
    with pytest.raises(errors.ModelError):
        _native.read_document(b'{"learner":')


def test_an_unknown_keyword_is_pythons_type_error():
    from ferroshap import load_model

    with pytest.raises(TypeError, match="iterations"):
        load_model("model.json", iterations=3)
