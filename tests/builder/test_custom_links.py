"""`build_ensemble(link=)`: what the maker of a custom ensemble says of its raw output."""

import pickle

import numpy as np
import pytest
from ferroshap import OptionError, UnsupportedModelError, build_ensemble
from ferroshap.links import Link


@pytest.mark.parametrize("kind", ["identity", "logistic", "exponential"])
def test_the_link_is_that_of_the_option_and_stays(stump, kind):
    model = build_ensemble([stump()], n_features=1, link=kind)
    assert model.link == Link(kind)
    assert pickle.loads(pickle.dumps(model)).link == model.link
    raw = model.predict([[0.0], [1.0]])
    want = {"identity": raw, "logistic": 1 / (1 + np.exp(-raw)), "exponential": np.exp(raw)}[kind]
    np.testing.assert_allclose(model.link.prediction(raw), want, rtol=1e-15)


def test_softmax_goes_over_the_outputs(stump):
    model = build_ensemble([stump(output=0), stump(output=1, value=[0, 2, 2])], n_features=1, link="softmax")
    found = model.link.prediction(model.predict([[0.0]]))
    np.testing.assert_allclose(found, [[1 / (1 + np.e), np.e / (1 + np.e)]], rtol=1e-15)


def test_of_the_target_itself(stump):
    assert build_ensemble([stump()], n_features=1, output_space="target", link="identity").link.predicts_target
    assert not build_ensemble([stump()], n_features=1, link="identity").link.predicts_target


def test_without_it_the_prediction_is_not_known_and_the_error_says_what_to_pass(stump):
    model = build_ensemble([stump()], n_features=1)
    assert model.link.kind is None
    with pytest.raises(
        UnsupportedModelError, match=r"built without link=; pass one of 'identity', .* to build_ensemble"
    ):
        model.link.prediction([[0.0]])


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"link": "logit"}, "link is 'logit'; expected one of 'identity', 'logistic', 'exponential', 'softmax'"),
        ({"link": np.exp}, "link is <ufunc 'exp'>; expected one of"),
        ({"link": "softmax"}, "link is 'softmax', .* there is one output; expected 'logistic'"),
        ({"link": "logistic", "output_space": "probability"}, "output_space='probability' says .* expected 'identity'"),
        ({"link": "exponential", "output_space": "target"}, "output_space='target' says .* expected 'identity'"),
    ],
)
def test_links_that_there_are_not(stump, options, says):
    with pytest.raises(OptionError, match=says):
        build_ensemble([stump()], n_features=1, **options)
