"""Which columns go in and which come out, and what they are called."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from ferroshap.errors import DataError, FeatureMismatchError, OptionError
from ferroshap.explanation import base_columns, value_columns
from ferroshap.inputs.names import listed, match_columns
from ferroshap.inputs.schema import InputSchema

log = logging.getLogger("ferroshap")


@dataclass(frozen=True)
class OutputColumns:
    """The names of the columns of a result, in order.

    kept
        Columns copied from the input.
    values
        SHAP values, one per output and feature, output by output: `shap_<feature>`, with several outputs
        `shap_<output>__<feature>`. Or interaction values, a pair (`pair_names`) in the place of the feature.
    base
        The base value, one per output: `base_value`, with several outputs `base_value_<output>`.
    """

    kept: tuple[str, ...]
    values: tuple[str, ...]
    base: tuple[str, ...]

    @classmethod
    def of(
        cls, kept: Sequence[str], features: Sequence[str], outputs: Sequence[str], *prefixes: str
    ) -> "OutputColumns":
        """The names for these features and outputs, values of each kind by their prefix; raises `OptionError` if two columns
        would share one.
        """
        several = outputs if len(outputs) > 1 else None
        values = tuple(name for prefix in prefixes for name in value_columns(features, several, prefix))
        columns = cls(tuple(kept), values, base_columns(several))
        columns._refuse_collisions()
        return columns

    @property
    def names(self) -> tuple[str, ...]:
        """All names, in the order of the result."""
        return self.kept + self.values + self.base

    def _refuse_collisions(self) -> None:
        seen: set[str] = set()
        for name in self.names:
            if name not in seen:
                seen.add(name)
            elif self.kept.count(name) > 1:
                raise OptionError(f"keep names {name!r} twice; name each column once")
            elif name in self.kept:
                raise OptionError(
                    f"the kept column {name!r} has the name of a result; keep another one, or choose a prefix"
                )
            else:
                raise OptionError(f"two results would both be called {name!r}; rename the model's features or outputs")


def pair_names(features: Sequence[str]) -> tuple[str, ...]:
    """`<feature>__<other>` for every pair of the upper triangle, row by row, the diagonal among them."""
    return tuple(f"{one}__{other}" for at, one in enumerate(features) for other in features[at:])


@dataclass(frozen=True)
class InputColumns:
    """Which columns of a table a model reads, by position in the table.

    features
        For each feature of the model, the position of its column.
    kept
        Positions of the columns that are copied to the result.
    names
        What the features are called in the result: the model's names, or the table's where the model knows none.
    labels
        Position of the column of labels, where there is to be one.
    """

    features: tuple[int, ...]
    kept: tuple[int, ...]
    names: tuple[str, ...]
    labels: int | None = None

    @property
    def read(self) -> list[int]:
        """Positions of all columns that are read, in the order of the table."""
        beside = () if self.labels is None else (self.labels,)
        return sorted({*self.features, *self.kept, *beside})

    @classmethod
    def match(
        cls, columns: Sequence[str], schema: InputSchema, keep: Sequence[str], labels: str | None = None
    ) -> "InputColumns":
        """Finds the features (by name, where the model knows names), the kept columns and that of the `labels`.

        Other columns are ignored with one log line. Raises `FeatureMismatchError`, and `DataError` for a kept column or one of labels
        that the table does not have.
        """
        kept = _positions(columns, keep, "to keep")
        label = None if labels is None else _positions(columns, [labels], "of labels")[0]
        if schema.feature_names is not None:
            known = set(schema.feature_names)
            aside = {*kept, label}
            # A kept column that is no feature is not "ignored".
            rest = [at for at, name in enumerate(columns) if at not in aside or {name, name.replace(" ", "_")} & known]
            found = match_columns([columns[at] for at in rest], schema, "ignore")
            return cls(tuple(rest[at] for at in found), kept, tuple(schema.feature_names), label)
        features = _by_position(columns, schema, kept, label)
        return cls(features, kept, tuple(columns[at] for at in features), label)


def _positions(columns: Sequence[str], names: Sequence[str], what: str) -> tuple[int, ...]:
    absent = [name for name in names if name not in columns]
    if absent:
        raise DataError(f"the data has no column {listed(absent)} {what}; its columns are {listed(columns)}")
    ambiguous = [name for name in names if columns.count(name) > 1]
    if ambiguous:
        raise DataError(f"the data has more than one column {listed(ambiguous)}; give each a name of its own")
    return tuple(columns.index(name) for name in names)


def _by_position(
    columns: Sequence[str], schema: InputSchema, kept: tuple[int, ...], label: int | None
) -> tuple[int, ...]:
    """The features of a model without names: all columns but that of labels, or all but the kept ones too, whichever has their
    number.
    """
    every = tuple(at for at in range(len(columns)) if at != label)
    rest = tuple(at for at in every if at not in kept)
    for features in (every, rest):
        if len(features) == schema.n_features:
            log.info(
                "the model knows no feature names: its features are, in order, %s",
                listed(columns[at] for at in features),
            )
            return features
    raise FeatureMismatchError(
        f"the model knows no feature names and expects {schema.n_features} columns, but the data has {len(every)}, "
        f"{len(rest)} without the kept ones; keep the columns that are not features, or select the features first"
    )
