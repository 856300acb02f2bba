"""`Aggregate`: what the SHAP values of many rows have in common, when the values themselves are gone."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ferroshap.errors import OptionError
from ferroshap.inputs.names import counted, listed

from .groups import Label, column, in_order
from .tables import Columns, in_library
from .top import labels
from .totals import LARGEST, LEAST, SUM, SUM_ABS, Floats, add_totals, no_totals

MOST_FEATURES = 3  # that `repr` names


@dataclass(frozen=True, eq=False, repr=False)
class Aggregate:
    """Statistics of SHAP values over rows: `TreeExplainer.aggregate` makes it without keeping the values.

    Arrays are `(f,)` for one output, `(f, o)` otherwise, float64; with groups of rows `(g, f)` and `(g, f, o)`. They are in the
    unit `output_space`. Where there are no rows, `mean`, `mean_abs`, `min` and `max` are NaN.

    Attributes
    ----------
    rows : int or numpy.ndarray
        How many rows; with groups `(g,)` int64.
    mean_abs, mean, min, max : numpy.ndarray
        Of the rows: the mean |value|, the mean value, the least and the largest value. The base value plus the means of all
        features is the mean prediction.
    sum_abs, sum : numpy.ndarray
        The sums that the means are made of.
    groups : tuple or None
        The label of each group, in ascending order, None for rows without a label; None if there are no groups.
    worst_gap : float or None
        The largest `|prediction − base − Σφ|` of the rows; None where they were not checked.
    group_name : str
        What tables call the column of labels.
    base_values : float, numpy.ndarray or None
        The base value of the model, `(o,)` for several outputs; None where rows had base values of their own.
    feature_names : tuple of str, str or None
        One a feature; a single str once one feature was chosen.
    output_names : tuple of str or str
        One an output; a single str where there is no output axis.
    output_space, algorithm, model : str
        As of an `Explanation`.
    """

    totals: Floats
    rows: "int | npt.NDArray[np.int64]"
    groups: tuple[Label, ...] | None
    base_values: Any
    feature_names: tuple[str, ...] | str | None
    output_names: tuple[str, ...] | str | None
    output_space: str
    algorithm: str
    model: str
    worst_gap: float | None
    group_name: str = "group"

    @property
    def mean_abs(self) -> Floats:
        mean: Floats = self.sum_abs / self._divisor
        return mean

    @property
    def mean(self) -> Floats:
        mean: Floats = self.sum / self._divisor
        return mean

    @property
    def min(self) -> Floats:
        return self._or_nan(self.totals[LEAST])

    @property
    def max(self) -> Floats:
        return self._or_nan(self.totals[LARGEST])

    @property
    def sum_abs(self) -> Floats:
        total: Floats = self.totals[SUM_ABS] + self.totals[SUM_ABS + 1]
        return total

    @property
    def sum(self) -> Floats:
        total: Floats = self.totals[SUM] + self.totals[SUM + 1]
        return total

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the arrays."""
        return self.totals.shape[1:]

    def __getitem__(self, group: Label) -> "Aggregate":
        """The aggregate of one group, by its label; raises `IndexError`."""
        if self.groups is None:
            raise IndexError(f"{group!r}: there are no groups; pass by= to have some")
        if group not in self.groups:
            raise IndexError(f"no group is called {group!r}; they are {listed(self.groups)}")
        at = self.groups.index(group)
        return replace(self, totals=self.totals[:, at], rows=int(self._counts[at]), groups=None)

    def overall(self) -> "Aggregate":
        """The aggregate of the rows of all groups."""
        if self.groups is None:
            return self
        totals = self.totals.copy()
        while totals.shape[1] > 1:  # half of the groups to the other half
            rest = totals[:, (totals.shape[1] + 1) // 2 :]
            totals = totals[:, : (totals.shape[1] + 1) // 2]
            add_totals(totals[:, : rest.shape[1]], rest)
        totals = totals[:, 0] if totals.shape[1] else no_totals(*self.shape[1:])
        return replace(self, totals=totals, rows=int(self._counts.sum()), groups=None)

    def merge(self, other: "Aggregate") -> "Aggregate":
        """The aggregate of the rows of both: of two tables, two machines. Groups of the same label become one.

        The sums are those of all rows to about the last bit, in whatever order parts are merged; the rest is exact.

        Raises `OptionError` if the two are not of one explainer: other features, outputs, units or base values.
        """
        if not isinstance(other, Aggregate):
            raise OptionError(f"merge takes an Aggregate, not {type(other).__name__}")
        self._check_same(other)
        gaps = [gap for gap in (self.worst_gap, other.worst_gap) if gap is not None]
        worst_gap = max(gaps) if len(gaps) == 2 else None
        if self.groups is None or other.groups is None:
            totals = self.totals.copy()
            add_totals(totals, other.totals)
            return replace(self, totals=totals, rows=self.rows + other.rows, worst_gap=worst_gap)
        groups = in_order(dict.fromkeys((*self.groups, *other.groups)))
        totals, rows = no_totals(len(groups), *self.shape[1:]), np.zeros(len(groups), np.int64)
        place = {group: at for at, group in enumerate(groups)}
        for part in (self, other):
            to = [place[group] for group in part.groups or ()]
            both = totals[:, to]
            add_totals(both, part.totals)
            totals[:, to] = both
            rows[to] += part.rows
        return replace(self, totals=totals, rows=rows, groups=groups, worst_gap=worst_gap)

    def to_pandas(self) -> Any:
        """A `pandas.DataFrame` with a row for each group, feature and output.

        Columns: the label of the group (`group_name`) if there are groups, `feature`, `output` if there are several, `rows`,
        `mean_abs`, `mean`, `min`, `max`. Raises `ImportError` if the library is not installed.
        """
        return in_library("pandas", "to_pandas", self._columns())

    def to_polars(self) -> Any:
        """A `polars.DataFrame`, as `to_pandas`."""
        return in_library("polars", "to_polars", self._columns())

    def to_arrow(self) -> Any:
        """A `pyarrow.Table`, as `to_pandas`."""
        return in_library("pyarrow", "to_arrow", self._columns())

    def __repr__(self) -> str:
        return f"Aggregate({', '.join([counted(int(self._counts.sum()), 'row'), *self._sizes(), *self._largest()])})"

    @property
    def _counts(self) -> "npt.NDArray[np.int64]":
        return np.atleast_1d(np.asarray(self.rows, np.int64))

    @property
    def _divisor(self) -> Floats:
        """How many rows, NaN for none, beside the arrays."""
        counts = np.where(self._counts == 0, np.nan, self._counts)
        return counts.reshape(-1, *(1 for _ in self.shape[1:])) if self.groups is not None else counts.reshape(())

    def _or_nan(self, statistic: Floats) -> Floats:
        return np.where(np.isnan(self._divisor), np.nan, statistic)

    def _full(self) -> tuple[int, int, int]:
        """How many groups, features and outputs, 1 where there is no such axis."""
        g = 1 if self.groups is None else len(self.groups)
        f = 1 if isinstance(self.feature_names, str) else self.shape[self.groups is not None]
        return g, f, 1 if self._outputs is None else len(self._outputs)

    @property
    def _outputs(self) -> list[str] | None:
        """The names of an axis of outputs; None if there is none."""
        names = self.output_names
        return None if names is None or isinstance(names, str) else list(names)

    def _features(self) -> list[str]:
        return labels(self.feature_names, self._full()[1])

    def _columns(self) -> Columns:
        g, f, o = self._full()
        columns: Columns = {"feature": [name for name in self._features() for _ in range(o)] * g}
        if self._outputs is not None:
            columns["output"] = self._outputs * (g * f)
        columns["rows"] = np.repeat(self._counts, f * o)
        columns |= {name: getattr(self, name).ravel() for name in ("mean_abs", "mean", "min", "max")}
        if self.groups is None:
            return columns
        if self.group_name in columns:
            raise OptionError(f"two columns would both be called {self.group_name!r}; give the labels another name")
        return {self.group_name: column([label for label in self.groups for _ in range(f * o)])} | columns

    def _check_same(self, other: "Aggregate") -> None:
        for what in ("feature_names", "output_names", "output_space", "algorithm", "model"):
            mine, theirs = getattr(self, what), getattr(other, what)
            if mine != theirs:
                raise OptionError(f"these are aggregates of different explainers: {what} is {mine!r} and {theirs!r}")
        if not np.array_equal(_or_nan(self.base_values), _or_nan(other.base_values), equal_nan=True):
            raise OptionError(
                f"these are aggregates of different explainers: base_values is {self.base_values!r} and {other.base_values!r}"
            )
        if (self.groups is None) != (other.groups is None):
            raise OptionError("one of the aggregates has groups and the other has none; overall() makes one without")
        mine, theirs = (each.shape[each.groups is not None :] for each in (self, other))
        if mine != theirs:
            raise OptionError(
                f"these are aggregates of different explainers: their arrays are {mine} and {theirs} a group"
            )

    def _sizes(self) -> list[str]:
        _, f, o = self._full()
        one = [] if self.output_names in (None, "output") else [f"output {self.output_names!r}"]
        return [
            *([] if self.groups is None else [counted(len(self.groups), "group")]),
            counted(f, "feature"),
            *(one if self._outputs is None else [counted(o, "output")]),
            self.model,
            self.output_space,
            self.algorithm,
        ]

    def _largest(self) -> list[str]:
        """The features with the largest mean |value|, outputs together."""
        _, f, o = self._full()
        all_rows = self.overall()
        if not all_rows.rows or not f or not o:
            return []
        sizes = all_rows.mean_abs.reshape(f, o).sum(axis=1)
        names = self._features()
        order = np.argsort(-sizes, kind="stable")[:MOST_FEATURES]
        return ["mean |value| " + ", ".join(f"{names[at]} {sizes[at]:.4g}" for at in order)]


def _or_nan(base: Any) -> Any:
    return np.nan if base is None else base
