"""The link of several models as one, from theirs."""

from collections.abc import Sequence

from ferroshap.links import Link, unknown


def link_of_mean(links: Sequence[Link]) -> Link:
    """The link of a weighted mean of predictions that are the members' raw outputs."""
    if any(link.kind != "identity" for link in links):
        return unknown("the model is a mean of members, whose predictions are not all their raw outputs")
    return Link("identity", predicts_target=all(link.predicts_target for link in links))


def link_side_by_side(links: Sequence[Link]) -> Link:
    """The link of members that predict a target each."""
    first = links[0]
    if any(link != first for link in links):
        return unknown("the models of the targets turn their raw outputs into predictions in different ways")
    if first.kind == "softmax":
        return unknown("each target has classes of its own, and the softmax goes over those of one target only")
    return first
