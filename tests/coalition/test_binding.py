"""The engine and the masker as such: arrays of any order are read row by row, or refused."""

import numpy as np
import pytest
from ferroshap import _native


def finished(order):
    references = np.array([[0.0, 1.0], [2.0, 5.0]])
    engine = _native.CoalitionEngine(np.array([0.5, 0.5]), np.asarray(references, order=order), n_players=3)
    engine.add_row(0, np.array([4.0, -3.0]), np.asarray(np.ones((2, 3), bool), order=order))
    asked = engine.ask(1000)
    members = asked.members()
    outputs = np.column_stack([members @ [1.0, 2.0, 5.0], members[:, 0] * members[:, 1] + asked.references])
    engine.tell(asked, np.asarray(outputs, order=order))
    assert not len(engine.ask(1000))
    return engine.finished()[0].values


def test_outputs_of_any_order_of_memory():
    np.testing.assert_array_equal(finished("F"), finished("C"))


def test_rows_of_another_order_are_refused():
    x = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    masker = _native.MatrixMasker(np.asfortranarray(np.zeros((2, 3))), np.arange(3), 3)
    with pytest.raises(ValueError, match="not contiguous, row by row"):
        masker.differs(x)
    assert masker.differs(np.ascontiguousarray(x)).sum() == 10
    engine = _native.CoalitionEngine(np.array([1.0]), np.zeros((1, 1)), n_players=3)
    engine.add_row(0, np.ones(1), np.ones((1, 3), bool))
    asked = engine.ask(10)
    with pytest.raises(ValueError, match="not contiguous, row by row"):
        masker.fill(asked, np.ascontiguousarray(x), 0, np.empty((len(asked), 3), order="F"))
