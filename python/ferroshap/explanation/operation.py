"""One step of how an explanation came to be."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Operation:
    """A step from one explanation to the next: shap's plots read it to label axes and to count rows.

    name
        "abs", "mean", "__getitem__", …
    prev_shape
        The shape of the values before.
    collapsed_instances
        Whether it made one row of many.
    """

    name: str
    prev_shape: tuple[int, ...]
    collapsed_instances: bool = False
