"""The link of a custom ensemble: what its maker says of it."""

from typing import Any

from ferroshap.errors import OptionError
from ferroshap.links import KINDS, Link, unknown

from .custom_options import text_among

UNTOLD = unknown(f"the ensemble was built without link=; pass one of {', '.join(map(repr, KINDS))} to build_ensemble")


def link_of(link: Any, output_space: str, n_outputs: int) -> Link:
    """The link that `build_ensemble` was told. Raises OptionError for one that there is not, or that its outputs cannot have."""
    if link is None:
        return UNTOLD
    kind = next(known for known in KINDS if known == text_among("link", link, KINDS))
    if kind == "softmax" and n_outputs == 1:
        raise OptionError(
            "link is 'softmax', which goes over the outputs of several classes, but there is one output; expected "
            "'logistic', for the log-odds of the positive class"
        )
    if kind != "identity" and output_space in {"probability", "target"}:
        raise OptionError(
            f"link is {kind!r}, but output_space={output_space!r} says that the trees predict the {output_space} itself; "
            "expected 'identity', or another output_space such as 'margin'"
        )
    return Link(kind, predicts_target=kind == "identity" and output_space == "target")
