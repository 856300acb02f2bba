"""What the columns of a wide table of SHAP values are called."""

from collections.abc import Sequence


def value_columns(features: Sequence[str], outputs: Sequence[str] | None, prefix: str = "shap_") -> tuple[str, ...]:
    """The names of the columns of values: `shap_<feature>`, or `shap_<output>__<feature>`, output by output.

    `outputs` is None where there is only one, which then has no place in the names.
    """
    if outputs is None:
        return tuple(f"{prefix}{feature}" for feature in features)
    return tuple(f"{prefix}{output}__{feature}" for output in outputs for feature in features)


def base_columns(outputs: Sequence[str] | None) -> tuple[str, ...]:
    """The names of the columns of base values: `base_value`, or one `base_value_<output>` an output."""
    return ("base_value",) if outputs is None else tuple(f"base_value_{output}" for output in outputs)
