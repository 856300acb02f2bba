"""Calls for any number of rows: explanations chunk by chunk, and statistics of the values of all."""

from collections.abc import Iterator
from typing import Any, Literal

import numpy as np

from ferroshap.errors import OptionError
from ferroshap.explanation import Aggregate, Explanation, grouped, name_of
from ferroshap.inputs import InputRows
from ferroshap.options import empty_output, whole_number
from ferroshap.progress import reporting

from .aggregates import AggregateRun
from .calls import checked
from .chunks import Table, spans, tables
from .explained import filled
from .labels import check_labels
from .part import Part
from .prepared import Prepared
from .row_calls import RowCalls
from .run import from_row


class Streams(RowCalls):
    """`iter_chunks` and `aggregate`."""

    def iter_chunks(
        self,
        X: Any,
        rows: int = 10_000,
        *,
        y: Any = None,
        approximate: bool = False,
        check_additivity: bool | Literal["library"] = True,
        features: Any = None,
        outputs: Any = None,
    ) -> Iterator[Explanation]:
        """The explanations of `rows` rows after `rows` rows: memory is for one chunk of values, however many rows there are.

        Parameters
        ----------
        X
            Rows as in `shap_values`, or an iterator of such tables, which are read one after the other: record batches, chunks of
            a file. A chunk never spans two tables.
        rows
            The most rows of a chunk; the last one of a table may have fewer.
        y, approximate, check_additivity, features, outputs
            As in `shap_values`; `y` not with an iterator of tables.

        Returns
        -------
        iterator of Explanation
            Together the rows of `X` in their order, each with the values that it has in `explainer(X)`, bit for bit.

        Raises
        ------
        DataError, FeatureMismatchError, OptionError, AdditivityError
            As `shap_values`: for a table at once, for those of an iterator when they come.

        Examples
        --------
        >>> import ferroshap
        >>> from sklearn.datasets import load_diabetes
        >>> from sklearn.tree import DecisionTreeRegressor
        >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
        >>> explainer = ferroshap.TreeExplainer(DecisionTreeRegressor(max_depth=3, random_state=0).fit(X, y))
        >>> [chunk.shape for chunk in explainer.iter_chunks(X, rows=200, features=["bmi", "bp"])]
        [(200, 2), (200, 2), (42, 2)]
        """
        check = checked(check_additivity)
        self._check_labels_of(X, y)
        prepared = self._for(approximate=approximate)
        return self._chunks(tables(X, self._read), y, whole_number("rows", rows), prepared, check, features, outputs)

    def aggregate(
        self,
        X: Any,
        *,
        y: Any = None,
        by: Any = None,
        approximate: bool = False,
        check_additivity: bool | Literal["library"] = True,
        features: Any = None,
        outputs: Any = None,
    ) -> Aggregate:
        """Statistics of the SHAP values over all rows: mean |value|, mean, least and largest, of each feature and output.

        No values are kept, so there may be any number of rows. `Aggregate.merge` puts the parts of a distributed job together.

        Parameters
        ----------
        X
            Rows as in `shap_values`, or an iterator of such tables, which are read one after the other.
        y
            As in `shap_values`, for values of a loss; not with an iterator of tables.
        by
            One label for each row (numbers, texts, dates; a column): statistics for each group of rows of the same label. Not for
            an iterator of tables: aggregate each, and merge.
        approximate, check_additivity, features, outputs
            As in `shap_values`.

        Returns
        -------
        Aggregate
            Arrays `(f,)` or `(f, o)`, with `by` `(g, f)` or `(g, f, o)`. The same bits with any number of threads.

        Raises
        ------
        DataError, FeatureMismatchError, OptionError, AdditivityError
            As `shap_values`; `by` is not one label a row, or its labels are of several kinds.

        Notes
        -----
        Time is that of `shap_values`, memory for the rows as numbers, some MiB, and 48 bytes a group, feature and output.

        Examples
        --------
        >>> import ferroshap
        >>> from sklearn.datasets import load_diabetes
        >>> from sklearn.tree import DecisionTreeRegressor
        >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
        >>> explainer = ferroshap.TreeExplainer(DecisionTreeRegressor(max_depth=3, random_state=0).fit(X, y))
        >>> explainer.aggregate(X).mean_abs.shape
        (10,)
        >>> groups = explainer.aggregate(X, by=X["sex"] > 0)
        >>> groups.groups, groups.rows.tolist(), groups.mean_abs.shape
        ((False, True), [235, 207], (2, 10))
        >>> (groups[True].max == explainer.shap_values(X[X["sex"] > 0]).max(axis=0)).all()
        True
        """
        check = checked(check_additivity)
        self._check_labels_of(X, y)
        if by is not None and isinstance(X, Iterator):
            raise OptionError(
                "by is one label for each row of a table, but X is an iterator of tables; aggregate each table with its labels "
                "and merge the results: one.merge(other)"
            )
        prepared = self._for(approximate=approximate)
        with reporting(self._progress) as report:
            merged: Aggregate | None = None
            for before, table, rows in tables(X, self._read):
                library = self._of_library(check, table, rows)
                part = self._part(rows, features, outputs)
                checks = {"check": bool(check), "library": library, "before": before}
                labels = self._labels(y, rows)
                one = self._aggregate(rows, part, by, prepared, labels=labels, report=report, **checks)
                merged = one if merged is None else merged.merge(one)
        if merged is None:
            raise OptionError("X is an iterator that gave no table; expected at least one, which may have no rows")
        return merged

    def _check_labels_of(self, X: Any, y: Any) -> None:
        check_labels(y, a_loss=self.is_of_loss)
        if y is not None and isinstance(X, Iterator):
            raise OptionError(
                "y is one label for each row of a table, but X is an iterator of tables; pass one table after the other with its "
                "labels"
            )

    def _chunks(
        self,
        read: Iterator[Table],
        y: Any,
        size: int,
        prepared: Prepared,
        check: bool | Literal["library"],
        features: Any,
        outputs: Any,
    ) -> Iterator[Explanation]:
        with reporting(self._progress) as report:
            for before, table, rows in read:
                part, library = self._part(rows, features, outputs), self._of_library(check, table, rows)
                labels = self._labels(y, rows)
                prepared.admit(len(rows))
                for span in spans(len(rows), size):
                    chunk = rows.between(span.start, span.stop)
                    own = None if labels is None else labels[span]
                    values = empty_output((len(chunk), *part.feature_axes, *part.output_axes), self._dtype)
                    self._run(
                        chunk,
                        part,
                        values,
                        from_row(before + span.start, before + len(rows), report),
                        prepared,
                        check=bool(check),
                        library=None if library is None else library[span],
                        labels=own,
                        before=before + span.start,
                    )
                    yield filled(self._explained(chunk, prepared, labels=own), part.chosen, values)

    def _aggregate(self, rows: InputRows, part: Part, by: Any, prepared: Prepared, **options: Any) -> Aggregate:
        labels, groups = (None, None) if by is None else grouped(by, len(rows))
        run = AggregateRun(self.model, prepared, part, threads=self._threads)
        totals, worst_gap = run.totals(rows, groups, 1 if labels is None else len(labels), **options)
        axes = (*part.feature_axes, *part.output_axes)
        names = filled(self._explained(rows.between(0, 0), prepared), part.chosen, np.empty((0, *axes)))
        base = self._prepared.base[part.output_numbers].reshape(part.output_axes)[()]
        return Aggregate(
            totals.reshape(len(totals), *(() if labels is None else (len(labels),)), *axes),
            len(rows) if groups is None else np.bincount(groups, minlength=len(labels or ())),
            labels,
            None if rows.bases is not None or self.is_of_loss else base,
            names.feature_names,
            names.output_names,
            self.output_space,
            names.algorithm,
            self.model.source,
            worst_gap,
            name_of(by),
        )
