"""The formulas of the links: at both ends of float64, and in any shape that raw outputs have."""

import numpy as np
import pytest
from ferroshap.errors import UnsupportedModelError
from ferroshap.links import Link, unknown

ENDS = np.array([[-800.0], [-40.0], [-1e-300], [0.0], [1e-17], [40.0], [800.0]])


def test_logistic_keeps_the_digits_of_small_probabilities_and_never_overflows():
    found = Link("logistic").prediction(ENDS)[:, 0]
    np.testing.assert_allclose(found[1], np.exp(-40.0), rtol=1e-15)
    assert found[2:5].tolist() == [0.5, 0.5, 0.5]
    assert found[[5, 6]].tolist() == [1.0, 1.0]  # 1 - 4e-18 is 1 in float64
    assert found[0] == 0.0
    assert Link("logistic", 0.5).prediction([[-1400.0]]) == np.exp(-700.0)


def test_softmax_and_exponential_at_the_ends():
    shares = Link("softmax").prediction([[1e4, 1e4, -1e4], [-1e5, -1e5 + np.log(3.0), -2e5]])
    np.testing.assert_allclose(shares, [[0.5, 0.5, 0.0], [0.25, 0.75, 0.0]], rtol=1e-10, atol=0)
    assert Link("exponential").prediction(ENDS)[[0, 6], 0].tolist() == [0.0, np.inf]


@pytest.mark.parametrize("kind", ["identity", "logistic", "exponential", "softmax"])
def test_one_row_alone_or_among_others_and_float32(kind):
    raw = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    link = Link(kind, 1.5)
    whole = link.prediction(raw)
    assert whole.dtype == np.float64
    assert (link.prediction(raw[4]) == whole[4]).all()
    if kind != "softmax":
        assert (link.prediction(raw[:, 1]) == whole[:, 1]).all()


def test_identity_gives_an_array_of_its_own():
    raw = np.zeros((2, 1))
    Link("identity").prediction(raw)[:] = 1
    assert raw.tolist() == [[0.0], [0.0]]


def test_an_unknown_link_says_why():
    with pytest.raises(UnsupportedModelError, match="not known from the raw output: it is a secret"):
        unknown("it is a secret").prediction([[1.0]])
