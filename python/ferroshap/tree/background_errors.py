"""Calls about the background as a sample: the standard errors of values, and how many rows a background needs."""

from typing import Any

import numpy as np
import numpy.typing as npt

from ferroshap.errors import DataError
from ferroshap.inputs import InputRows
from ferroshap.options import whole_number

from .background_report import BackgroundReport, report_of, report_sizes
from .labels import check_labels
from .part import Labels, Part
from .standard_errors import BLOCKS, Blocks, ErrorRun, prepared_blocks, seed_of
from .streams import Streams

Floats = npt.NDArray[np.floating[Any]]


class BackgroundErrors(Streams):
    """`background_report`, and the errors that a call is asked for."""

    _blocks: Blocks | None  # those of the last call that asked for errors

    def background_report(
        self, X: Any, sizes: Any = None, *, y: Any = None, blocks: int = BLOCKS, seed: int = 0
    ) -> BackgroundReport:
        """How the standard error of values falls with the number of background rows, to choose it by.

        The background is taken as a sample of rows drawn independently. What is told is the error of the feature (and output)
        that has the largest, the root mean square over the rows `X`, in the unit of values and relative to the mean |value| of
        that feature.

        Parameters
        ----------
        X
            Rows as in `shap_values`; some hundreds tell as much as all.
        sizes
            Numbers of background rows; they may be more than there are. None: 100, 300, 1000, … up to the background's own.
        y
            The labels of the rows, for values of a loss and only for it.
        blocks, seed
            Into how many random blocks the background is divided, at least 2, and what names the division; the same seed gives
            the same bits.

        Returns
        -------
        BackgroundReport
            `sizes`, `errors`, `relative_errors`, `rows_for(0.05)`; printed, it is a table.

        Raises
        ------
        DataError, FeatureMismatchError
            The rows cannot be read as this model's input, or there are none.
        OptionError
            There is no background, or it has fewer rows than blocks, those of weight 0 not counted.
        PlanError
            The blocks take more than `max_memory` leaves beside the model.

        Notes
        -----
        The error against m rows is that of the background's own b times √(b/m): the population is what the rows stand for, so
        it is not less where m nears b. Time and memory are those of `explainer(X, standard_errors=blocks)`.

        Examples
        --------
        >>> import ferroshap
        >>> from sklearn.datasets import load_diabetes
        >>> from sklearn.tree import DecisionTreeRegressor
        >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
        >>> explainer = ferroshap.TreeExplainer(DecisionTreeRegressor(max_depth=3, random_state=0).fit(X, y), X)
        >>> report = explainer.background_report(X[:100])
        >>> report.sizes, report.feature
        ((100, 300, 442), 'bmi')
        """
        count, seed = whole_number("blocks", blocks, at_least=2), seed_of(seed)
        check_labels(y, a_loss=self.is_of_loss)
        rows = self._read(X)
        if not len(rows):
            raise DataError("there are no rows; expected at least one, for an error is that of values of some rows")
        labels = self._labels(y, rows)
        of_blocks = self._blocks_of("background_report", "blocks", count, seed)
        report_sizes(sizes, of_blocks.rows)  # what is wrong with them is said before the work
        part, names = self._part(rows, None, None), self._names(rows)
        values = self._explain(rows, part, None, self._prepared, check=True, library=None, labels=labels)
        whole = values.reshape(len(rows), part.n_features, part.n_outputs)
        return report_of(
            whole,
            self._errors(rows, part, whole, labels, of_blocks),
            sizes=sizes,
            background_rows=of_blocks.rows,
            blocks=count,
            features=names.features,
            outputs=names.outputs,
            output_space=self.output_space,
        )

    def _blocks_of(self, asked: str, name: str, count: int, seed: int) -> Blocks:
        """The model, prepared against the blocks that the option `name` of `asked` numbers; kept for the next call with the same."""
        kept = self._blocks
        if kept is None or (kept.count, kept.seed) != (count, seed):
            beside = 0 if self._load.most is None else self._prepared.bytes + self._game.bytes
            self._blocks = None  # two divisions of the background are never held at once
            kept = prepared_blocks(
                asked, name, self._game, self.model, self._output, self._load, count=count, seed=seed, beside=beside
            )
            self._blocks = kept
        return kept

    def _errors(self, rows: InputRows, part: Part, values: Floats, labels: Labels, blocks: Blocks) -> Floats:
        """The standard errors of `values`, in their shape."""
        run = ErrorRun(self.model, blocks, part, self._threads, self._progress)
        return run.errors(rows, values.reshape(len(rows), part.n_features, part.n_outputs), labels).reshape(
            values.shape
        )
