"""What a LightGBM text model says about its columns: names, which are categorical, stored pandas categories."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from ferroshap.errors import ModelError, UnsupportedModelError
from ferroshap.inputs.categories import Categories
from ferroshap.inputs.schema import InputSchema

from .record import WHOLE_NUMBER, Record


def input_schema(document: Record, n_features: int, tested: Iterable[int]) -> InputSchema:
    """The schema; `tested` are the columns that categorical splits use."""
    header = document.record("header")
    names = header.text("feature_names").split(" ")
    if len(names) != n_features:
        raise ModelError(f"feature_names holds {len(names)} names, expected max_feature_idx + 1 = {n_features}")
    declared = _categorical_columns(document, header, names)
    categories = _pandas_categories(document, declared)
    nameless = all(name == f"Column_{i}" for i, name in enumerate(names))
    return InputSchema(
        n_features=n_features,
        feature_names=None if nameless else tuple(names),
        categories=categories,
        categorical=frozenset([*declared, *tested]),
        missing=None,
        integers_to_float32=True,
        spaces_become_underscores=True,
    )


def _categorical_columns(document: Record, header: Record, names: list[str]) -> list[int]:
    """Declared in the parameters. Where those are silent: the columns whose range is a list of categories.

    The ranges come second, because they do not tell a categorical column that no tree could use.
    """
    parameters = document.record("parameters") if "parameters" in document else Record({}, "parameters")
    declared = parameters.text("categorical_feature", "").strip()
    if not declared:
        infos = header.text("feature_infos", "").split(" ")
        return [column for column, info in enumerate(infos[: len(names)]) if ":" in info and not info.startswith("[")]
    if declared.startswith("name:"):
        known = {name: column for column, name in enumerate(names)}
        columns = [known.get(name, -1) for name in declared.removeprefix("name:").split(",")]
    else:
        columns = [int(c) if WHOLE_NUMBER.fullmatch(c) else -1 for c in declared.split(",")]
    if not all(0 <= column < len(names) for column in columns):
        parameters.fail("categorical_feature", "columns of the model")
    return sorted(set(columns))


def _pandas_categories(document: Record, columns: list[int]) -> dict[int, Categories]:
    stored = document.fields.get("pandas_categorical")
    if stored is None or not len(stored):
        return {}
    if len(stored) != len(columns):
        raise UnsupportedModelError(
            f"the LightGBM model stores pandas categories for {len(stored)} columns but has {len(columns)} categorical"
            " columns, and does not say which belong together (ordered categories, or a mixture of category and integer"
            " columns, in the training frame). Train on a frame whose categorical columns all are unordered categories"
        )
    return {
        column: Categories(_plain(values, column), "missing") for column, values in zip(columns, stored, strict=True)
    }


def _plain(values: Any, column: int) -> tuple[Any, ...]:
    listed = values.tolist() if isinstance(values, np.ndarray) else values
    if not isinstance(listed, list) or not all(isinstance(v, str | int | float) for v in listed):
        raise ModelError(f"pandas_categorical of column {column} is not a list of texts or numbers")
    if len(set(listed)) != len(listed):
        raise ModelError(f"pandas_categorical of column {column} holds a category twice")
    return tuple(listed)
