"""`KernelExplainer`: Kernel SHAP of any function, with the names and shapes of shap."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ferroshap.background import Background
from ferroshap.ensemble import TreeEnsemble
from ferroshap.errors import OptionError
from ferroshap.explanation import Details, Explanation
from ferroshap.inputs.names import counted
from ferroshap.options import byte_count, thread_count
from ferroshap.progress import Progress, progress_option, reporting
from ferroshap.tree import TreeExplainer

from .arrays_instead import row_game_or_with_arrays
from .background import background_of, opened
from .budget import Budget, batch_rows_option, budget_of, design_of, seed_option
from .calls import display_names
from .engine import Engines
from .estimated import Estimated
from .explained import Names, explained, shaped_values
from .link import GameLink, link_of
from .model import Model, name_of, nan_policy_option
from .ordered import OrderedByIndex
from .players import players_of
from .routed import TreeBackground, TreeFunction, TreeModel, exact_explainer, tree_model
from .row_game import RowGame
from .rows import read_rows
from .selection import Selection, selection_of
from .table import BackgroundTable, ExplainedRows

Floats = npt.NDArray[np.float64]


class KernelExplainer:
    """SHAP values of any function of rows against background rows: exact where that fits the budget, else Kernel SHAP's estimate.

    Takes the place of `shap.KernelExplainer`. The game is the mean answer of the model over the background rows, with the
    columns of a coalition taken from the explained row. Base value plus SHAP values is `link(model(x))`, always.

    Parameters
    ----------
    model
        A callable: it is given rows of the kind that `data` is and returns a number for each, `(n,)`, or a row of numbers,
        `(n, k)`. It is called on this thread only, one call at a time, with thousands of rows. One that raises for a frame and
        takes its array is given arrays, with a warning. Or a tree model, anything `load_model` takes: its values are computed
        exactly, and `algorithm` says how.
    data
        Background rows: an array of any dtype and number of axes, a pandas, polars or pyarrow table, a scipy sparse matrix, or
        what `kmeans` and `shap.kmeans` give, with its weights. One row may do without its axis. Rows that occur more than
        once count as often, and cost as one.
    feature_names
        Names for `Explanation`, one a player; default: those of the columns or groups.
    link
        `"identity"`, `"logit"` of a mean probability, or a callable with an attribute `inverse`.
    weights
        `(b,)`: how much each row of `data` counts, relative to the others; 0 or more.
    groups
        Columns that enter coalitions together: a mapping from names to lists of columns, a list of such lists, an axis of
        the rows (1, …), or an array of labels of the shape of a row. The value of a group is not the sum of values of its columns.
    design
        `"per_reference"`: coalitions of its own for each background row, the more accurate of the two the fewer they are; `"shared"`: the same
        for all, which other links than the identity need. `"auto"`: the first where it can be.
    nsamples
        Coalitions for each background row, as in shap, of unequal weights on average: rows that weigh more get more; `"auto"`:
        `2 p + 2048` of p players (of sparse rows: of columns with an entry in `data`). Where all fit in, they are all evaluated, the
        values are exact, and the rest of the budget is left.
    max_evals
        Rows that the model is given for each explained row, in the place of `nsamples`.
    tol
        Stops a row once its standard errors are at most `tol` times the range of its values. None: the budget is spent.
    l1_reg
        False: the values as they are estimated. Else, as in shap, values are set to 0 and the rest made to add up, which is biased
        whatever the budget, and warned of: `"num_features(k)"` leaves k players, `"aic"` and `"bic"` those that stand out of the noise, a
        number is the penalty of a lasso, `"auto"` is `"aic"` where fewer than a fifth of the coalitions were evaluated.
    seed
        Of the coalitions that are drawn; 0 by default. Values depend on it, the options, the background and the row alone: they have the same
        bits alone and in a batch, with any number of `threads` and any `batch_rows`.
    threads
        Threads of the estimator; None: as many as the process may use. With more than one, the next rows are prepared while the
        model runs.
    batch_rows
        The most rows of one call of the model; `"auto"`: 8 MiB of them, from 2048 to 16384.
    max_memory
        Bytes, or text such as "64MiB", for rows that are being explained at once: half of it for what is known of them.
    nan_policy
        `"raise"` for answers that are not finite; `"propagate"`: NaN for the rows and outputs concerned.
    output_names
        Names for `Explanation`, one an output.
    keep_index
        Whether the model gets a pandas frame with index: the labels of the background rows, as in shap.
    model_output
        Of a tree model: `"raw"` or `"probability"`. With the latter, or with groups, its values are found by coalitions, which its
        own prediction in the core evaluates.
    progress
        As in `TreeExplainer`.
    keep_index_ordered
        Whether such a frame is sorted by its index, as in shap; answers go to the rows they are for.
    random_state
        Another name for `seed`.

    Attributes
    ----------
    algorithm : str
        `"kernel"`, or `"interventional"` for tree models whose values need no coalitions.
    link : GameLink
        With `f` and `finv`, as in shap.
    model : callable or TreeEnsemble
        As given; a tree model as it was read.

    Raises
    ------
    OptionError, DataError
        An option or the background is not accepted.
    ModelError, TypeError
        The model returned something else than finite numbers, one or k for each row. What it raises goes through unchanged.

    Notes
    -----
    The idea: Lundberg and Lee (2017, "A unified approach to interpreting model predictions", NeurIPS). Coalitions are paired
    with their complements and drawn without replacement, as many of each size (Musco and Witter 2025, ICLR). A row costs
    `nsamples` times the number of background rows evaluations of the model, in `O(nsamples · p)` operations each, and `O(b p²)` memory
    for all rows together.

    Examples
    --------
    >>> import ferroshap, numpy
    >>> background = numpy.array([[0.0, 0.0, 0.0], [1.0, 2.0, 3.0]])
    >>> explainer = ferroshap.KernelExplainer(lambda X: X[:, 0] * X[:, 1] + X[:, 2], background)
    >>> explainer.shap_values(numpy.array([1.0, 2.0, 4.0])).round(4).tolist(), explainer.expected_value
    ([0.5, 0.5, 2.5], 2.5)
    """

    def __init__(
        self,
        model: Any,
        data: Any,
        feature_names: Sequence[str] | None = None,
        link: Any = "identity",
        *,
        weights: Any = None,
        groups: Any = None,
        design: str = "auto",
        nsamples: int | str = "auto",
        max_evals: int | None = None,
        tol: float | None = None,
        l1_reg: str | float = False,
        seed: int | None = None,
        threads: int | None = None,
        batch_rows: int | str = "auto",
        max_memory: int | str = "64MiB",
        nan_policy: str = "raise",
        output_names: Sequence[str] | None = None,
        keep_index: bool = False,
        model_output: str = "raw",
        progress: Progress | bool | None = None,
        keep_index_ordered: bool = False,
        random_state: int | None = None,
    ) -> None:
        self._selection = selection_of(l1_reg)
        self.link: GameLink = link_of(link)
        self._progress = progress_option(progress)
        count = thread_count(threads)
        self._engines = Engines(
            budget_of(nsamples, max_evals, tol),
            design_of(design, identity=self.link.is_identity),
            seed_option(seed, random_state),
            byte_count("max_memory", max_memory),
            count,
        )
        policy, rows_a_call = nan_policy_option(nan_policy), batch_rows_option(batch_rows)
        self._trees: TreeExplainer | None = None
        self._game: RowGame | None = None
        given = opened(data)
        chosen_groups = given.groups if groups is None else groups
        if callable(model) and not isinstance(model, TreeEnsemble):
            if model_output != "raw":
                raise OptionError("model_output is for tree models; a function returns what is explained")
            self.model: Any = model
            background: BackgroundTable = background_of(given, weights, keep_index=keep_index)
            called = Model(
                OrderedByIndex(model, name_of(model)) if keep_index and keep_index_ordered else model, policy
            )
            self.output_space = self.link.output_space
        else:
            self.model = tree_model(model)
            function = TreeFunction(self.model, model_output, count)
            if model_output == "raw" and self.link.is_identity and chosen_groups is None:
                self._trees = exact_explainer(
                    self.model, data, weights, threads=count, feature_names=feature_names, output_names=output_names
                )
            if self._trees is not None:
                self._check_of_trees(self._selection)
                self._base: Floats = np.atleast_1d(np.asarray(self._trees.expected_value))
                self.output_space = self._trees.output_space
                self._features = feature_names if feature_names is not None else self.model.feature_names
                self.data: Any = data
                return
            called = TreeModel(function, policy)
            background = TreeBackground(self.model, data, weights)
            self.output_space = function.output_space if self.link.is_identity else self.link.output_space
            output_names = self.model.output_names if output_names is None else output_names
        players = players_of(chosen_groups, background.names, background.shape)
        features = display_names("feature", feature_names, players.count)
        self._features = players.names if features is None else features
        self._game = row_game_or_with_arrays(called, background, players, self.link, rows_a_call)
        self._base = self._game.base
        self._outputs = display_names("output", output_names, self._game.model.n_outputs)
        self.data = _shown_background(background, given.table)

    @property
    def algorithm(self) -> str:
        return "kernel" if self._trees is None else self._trees.algorithm

    @property
    def expected_value(self) -> "float | Floats":
        """The base value, the link of the mean answer for the background: a float, or `(k,)` for a model that returns `(n, k)`."""
        if self._game is None:
            assert self._trees is not None
            return self._trees.expected_value  # type: ignore[return-value]
        return self._base.copy() if self._game.model.has_output_axis else float(self._base[0])

    @property
    def feature_names(self) -> "list[str] | None":
        """The names of the players; None if they have none."""
        return None if self._features is None else list(self._features)

    def shap_values(
        self,
        X: Any,
        nsamples: int | str | None = None,
        l1_reg: str | float | None = None,
        silent: bool = False,
        gc_collect: bool = False,
        *,
        max_evals: int | None = None,
        tol: float | None = None,
    ) -> Floats:
        """SHAP values: `(n, p)` for a model that returns `(n,)`, `(n, p, k)` for `(n, k)`, float64.

        Parameters
        ----------
        X
            Rows: an array, a frame (columns by name), a series or a vector as one row, whose result has no axis of rows, or a
            sparse matrix.
        nsamples, max_evals, tol
            In the place of the explainer's.
        l1_reg
            In the place of the explainer's.
        silent
            True: no progress for this call.
        gc_collect
            Changes nothing; there is nothing to collect.

        Raises
        ------
        DataError, FeatureMismatchError, OptionError, ModelError, TypeError
            As the explainer; for rows that do not go with the background.
        """
        selection = self._selection if l1_reg is None else selection_of(l1_reg)
        if self._trees is not None:
            self._check_of_trees(selection, nsamples, max_evals, tol)
            return np.asarray(self._trees.shap_values(X), np.float64)
        budget = self._budget(nsamples, max_evals, tol)
        rows, found = self._estimate(X, budget, selection, silent=silent, errors=selection is not None)
        assert self._game is not None
        return shaped_values(found, self._game, one_row=rows.one_row)

    def __call__(
        self,
        X: Any,
        l1_reg: str | float | None = None,
        silent: bool = False,
        *,
        nsamples: int | str | None = None,
        max_evals: int | None = None,
        tol: float | None = None,
    ) -> Explanation:
        """The `Explanation` of the rows, with `details`: standard errors, the errors by the choice of background rows, how many model
        rows each took, and whether it is exact.

        Parameters
        ----------
        X, l1_reg, silent, nsamples, max_evals, tol
            As of `shap_values`, with its errors.
        """
        selection = self._selection if l1_reg is None else selection_of(l1_reg)
        if self._trees is not None:
            self._check_of_trees(selection, nsamples, max_evals, tol)
            return self._of_trees(X)
        rows, found = self._estimate(X, self._budget(nsamples, max_evals, tol), selection, silent=silent)
        game = self._game
        assert game is not None
        features = self._features
        if features is None and game.players.columns_are_players:
            features = rows.names
        return explained(
            found,
            game,
            rows,
            Names(None if features is None else tuple(features), self._outputs),
            output_space=self.output_space,
            algorithm=self.algorithm,
            model=self.model.source if isinstance(self.model, TreeEnsemble) else game.model.name,
        )

    def __repr__(self) -> str:
        if self._game is None:
            return f"KernelExplainer({self._trees!r})"
        game = self._game
        parts = [
            game.model.name,
            counted(len(game.background), "different background row"),
            counted(game.players.count, "player"),
            self.output_space,
            f"base {self._base[0]:.4g}" if len(self._base) == 1 else counted(len(self._base), "output"),
        ]
        return f"KernelExplainer({', '.join(parts)})"

    def __getstate__(self) -> dict[str, Any]:
        # A callable progress belongs to its process.
        return vars(self) | ({"_progress": None} if callable(self._progress) else {})

    def _estimate(
        self, X: Any, budget: Budget, selection: Selection | None, *, silent: bool, errors: bool = True
    ) -> "tuple[ExplainedRows, Estimated]":
        game, engines = self._game, replace(self._engines, budget=budget)
        assert game is not None
        rows = read_rows(game.background, X, game.players)
        with reporting(None if silent else self._progress) as progress:
            found = game.explain(rows, engines, progress, errors=errors)
        if selection is not None:
            selection.apply(found, len(game.background))
        found.warn(tol=budget.tol)
        return rows, found

    def _budget(self, nsamples: Any, max_evals: Any, tol: Any) -> Budget:
        own = self._engines.budget
        if nsamples is None and max_evals is None:
            nsamples, max_evals = own.nsamples, own.max_evals
        return budget_of(nsamples, max_evals, own.tol if tol is None else tol)

    def _check_of_trees(
        self, selection: Selection | None, nsamples: Any = None, max_evals: Any = None, tol: Any = None
    ) -> None:
        """What a call of exact values is given for an estimate, which is not needed."""
        self._budget(nsamples, max_evals, tol)
        if selection is not None:
            raise OptionError(
                f"l1_reg={selection.text} is for values that are estimated; those of this tree model are exact. Leave it out, and choose with "
                "explanation.top(k) what to look at"
            )

    def _of_trees(self, X: Any) -> Explanation:
        assert self._trees is not None
        found = self._trees(X)
        found.details = Details(standard_errors=0.0, n_evals=0, converged=True, exact=True)
        return found


def _shown_background(background: BackgroundTable, table: Any) -> Any:
    """The background as shap's explainer shows it, where it is a matrix: rows, weights, names."""
    values = getattr(background, "values", None)
    if not isinstance(values, np.ndarray):
        return table
    names = list(background.names or map(str, range(values.shape[1])))
    return Background(values, background.weights, names, [np.array([at]) for at in range(values.shape[1])])
