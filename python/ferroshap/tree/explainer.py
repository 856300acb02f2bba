"""`TreeExplainer`: exact SHAP values of tree ensembles, with the names and shapes of shap.

Over 500 lines because the public methods say here what they give back; what they do is in the modules beside this one.
"""

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ferroshap import _native
from ferroshap.ensemble import TreeEnsemble, load_model
from ferroshap.errors import OptionError, UnsupportedModelError
from ferroshap.explanation import Details, Explanation
from ferroshap.inputs import InputRows
from ferroshap.inputs.names import counted
from ferroshap.options import byte_count, float_dtype, thread_count, whole_number
from ferroshap.progress import Progress, progress_option

from .background_errors import BackgroundErrors
from .calls import check_call, checked, display_names, refuse_beside
from .explained import filled
from .game import Game, Interventional, Workload, check_game, game_of
from .interactions import Chosen, InteractionRun, chosen, prepared_for, result, upper_triangle
from .labels import check_labels, read_labels
from .model_output import ModelOutput, output_of
from .part import Part
from .prepared import Prepared, PreparedRaw, Target
from .references import values_per_reference
from .run import Run
from .standard_errors import block_count, seed_of

log = logging.getLogger("ferroshap")

Floats = npt.NDArray[np.floating[Any]]


class TreeExplainer(BackgroundErrors):
    """Exact SHAP values of a tree ensemble: path-dependent, or against background rows.

    Base value plus SHAP values is the model's raw output (`TreeEnsemble.predict`), in the unit `model.output_space`: a
    margin for XGBoost and LightGBM, a probability, log-odds or the target for scikit-learn's models. With `model_output` it is
    a function of the raw output.

    Parameters
    ----------
    model
        Anything `load_model` takes: a live model, a model file's path or bytes, or a `TreeEnsemble`.
    data
        None: path-dependent values. Else background rows, all of which count: anything that rows may be (`shap_values`), read
        as rows are; what `sample` gives; what `kmeans` or `shap.kmeans` gives, with its weights; or a
        `shap.maskers.Independent`, which holds at most 100 rows unless it was told otherwise.
    model_output
        What base value and SHAP values add up to, against background rows. `"raw"`: the raw output. `"probability"`: the
        probability of a classifier. `"predict"`: what the library itself predicts on the scale of the target. `"log_loss"`: the
        loss of each row, whose label `y` the call is given: the logarithmic loss of a classifier, the squared error of a
        regression. All but `"raw"` weigh the raw values against each background row by the secant of the link: they are not
        the Shapley values of the probability itself.
    feature_perturbation
        `"auto"`: interventional with `data`, path-dependent without. `"interventional"` needs `data`,
        `"tree_path_dependent"` takes none.
    feature_names
        Names for `Explanation`, one a feature; default: the model's own, else the frame's. Rows match by the model's.
    output_names
        Names for `Explanation`, one an output; default: the model's own (class labels).
    weights
        `(b,)`: how much each row of `data` counts, relative to the others; 0 or more. None: all the same.
    iteration_range, missing, without_init
        As in `load_model`.
    threads
        Number of threads; None: `FERROSHAP_NUM_THREADS`, or as many as the process may use. The values do not depend
        on it.
    dtype
        `"float64"`, or `"float32"`: computed and checked in float64, then rounded.
    expected_rows
        About how many rows will be explained in all: tables that pay off from some number of rows on are made by it. The
        values differ by roundings only; those of the raw output against up to 16,384 background rows without weights not even by
        those, and there tables are made by the first call that they pay off in.
    max_memory
        The most memory the prepared model may take, with the background rows, in bytes or as text such as "512MiB"; its
        tables take what is left beside the rest, or are replaced by ways that are slower. None: 152 MiB of tables, against
        a background 2 GiB.
    pair_budget
        The most pairs of a row and a background row of one call, for output spaces whose values are computed pair by pair: the
        probabilities of several classes and their log-loss, and margins that are further apart than 80.
    progress
        None: nothing is told. True: each call writes one line to stderr, over and over. A callable: called now and then,
        and at the end, as `progress(rows_done, rows_in_all)`; what it raises ends the call. A callable belongs to its
        process: a pickled or copied explainer comes back without it.

    Raises
    ------
    UnsupportedModelError, ModelError
        As `load_model`; also for a model without covers, which path-dependent values need, for LightGBM's linear trees, and for
        a `model_output` that this kind of model does not have.
    OptionError
        An option has a value that is not accepted, or does not go with another.
    DataError, FeatureMismatchError
        The background rows cannot be read as this model's input, or their weights are none.
    PlanError
        The model is beyond a limit: `max_memory`, or the number of different features on one path (512; 64 with `data`).

    Notes
    -----
    The values are Shapley values. Without `data` the game is the conditional expectation along the trees (Lundberg et al.
    2020, "From local explanations to global understanding with explainable AI for trees", Nature Machine Intelligence 2).
    They are found by Gauss–Legendre quadrature with as many points as make it exact: the idea is that of Yu et al. (2022,
    "Linear TreeShap", NeurIPS) and Wettenstein et al. (2026, "Quadrature-TreeSHAP", arXiv:2605.04497).

    With `data` the game is the mean prediction of the background rows, the known features replaced by those of the row:
    interventional values. The whole background is folded into tables of patterns once (the idea: Nadel and Wettenstein
    2026, "From Decision Trees to Boolean Logic: A Fast and Unified SHAP Algorithm", AAAI). After that the cost of a row does
    not depend on the number of background rows, but for paths of many features on how many different patterns they have.

    With `L` leaves in all trees and at most `d` different features on a path, preparing path-dependent values takes
    `O(L d)` time and memory, and a row `O(L ⌈d/2⌉)` time. Preparing against `b` background rows takes `O(b L)` time and
    memory for the rows and for at most `2^d` patterns a leaf. Beside the result, a call holds the rows as numbers and a
    chunk of about 16 MiB.

    A pickled or copied explainer brings its background rows along and folds them again, with the same bits.

    Examples
    --------
    >>> import ferroshap
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> explainer = ferroshap.TreeExplainer(RandomForestClassifier(n_estimators=10, random_state=0).fit(X, y))
    >>> explainer.shap_values(X).shape  # rows, features, classes
    (150, 4, 3)
    >>> explainer.expected_value.shape
    (3,)
    >>> against = ferroshap.TreeExplainer(explainer.model, X[X["petal width (cm)"] < 1])
    >>> against.algorithm, against.expected_value.round(1).tolist()  # the mean prediction of those 50 rows
    ('interventional', [1.0, 0.0, 0.0])
    """

    def __init__(
        self,
        model: Any,
        data: Any = None,
        model_output: str = "raw",
        feature_perturbation: str = "auto",
        feature_names: Sequence[str] | None = None,
        *,
        output_names: Sequence[str] | None = None,
        weights: Any = None,
        iteration_range: tuple[int, int] | None = None,
        missing: float | None = None,
        without_init: bool = False,
        threads: int | None = None,
        dtype: Any = "float64",
        expected_rows: int = 10_000,
        max_memory: int | str | None = None,
        pair_budget: int = 10_000_000,
        progress: Progress | bool | None = None,
    ) -> None:
        check_game(data, feature_perturbation, weights)
        self._threads = thread_count(threads)
        self._dtype = float_dtype("dtype", dtype)
        self._progress: Progress | Literal[True] | None = progress_option(progress)
        self._load = Workload(
            whole_number("expected_rows", expected_rows),
            self._threads,
            byte_count("max_memory", max_memory),
            whole_number("pair_budget", pair_budget),
        )
        self.model: TreeEnsemble = load_model(
            model, iteration_range=iteration_range, missing=missing, without_init=without_init
        )
        self._output: ModelOutput = output_of(self.model, model_output)
        self._feature_names = display_names("feature", feature_names, self.model.n_features)
        self._output_names = display_names("output", output_names, self.model.n_outputs)
        self._game: Game = game_of(self.model, self._output, data, weights)
        self._blocks = None
        self._of_pairs: tuple[bytes | None, _native.Interactions] | None = None  # what pairs, for interaction values
        self._saabas = None
        started = time.perf_counter()
        self._prepared: Prepared = self._game.prepare(self.model, self._output, self._load)
        log.debug("%r: prepared in %.1f ms", self, 1e3 * (time.perf_counter() - started))

    @property
    def expected_value(self) -> "float | npt.NDArray[np.float64] | Callable[[Any], npt.NDArray[np.float64]]":
        """The base value: a float for one output, `(o,)` float64 otherwise, in the unit `output_space`.

        With background rows it is their weighted mean prediction. For a loss, which depends on the label: a function of labels
        `(n,)` that gives the background's mean loss at each, `(n,)`.
        """
        if self.is_of_loss:
            return self._expected_loss
        base = self._prepared.base
        return float(base[0]) if self.n_outputs == 1 else base.copy()

    @property
    def scale(self) -> npt.NDArray[np.float64]:
        """The scale of rounding errors of the raw output, `(o,)` float64: `|base| + Σ over trees of max|leaf|`."""
        if isinstance(self._prepared, PreparedRaw):
            return self._prepared.plan.scale
        return self.model.rounding_scale

    def shap_values(
        self,
        X: Any,
        y: Any = None,
        tree_limit: None = None,
        approximate: bool = False,
        check_additivity: bool | Literal["library"] = True,
        *,
        features: Any = None,
        outputs: Any = None,
        out: Floats | None = None,
        per_reference: bool = False,
    ) -> Floats:
        """SHAP values: `(n, f)` for one output, `(n, f, o)` otherwise, of the dtype chosen, C order.

        Parameters
        ----------
        X
            numpy array `(n, f)` of any real dtype, nested lists, or a pandas, polars or pyarrow table. Columns of a
            frame match by name where the model knows names, in any order; categories match by value where the model
            stores them. One row without a row axis, `(f,)`, gives a result without one.
        y
            `(n,)`: the labels of the rows, for `model_output="log_loss"` and only for it: 0 or 1, the number of a regression's
            target, or the class among `model.output_names`.
        tree_limit
            Not supported: only its default. It is `iteration_range` of the explainer.
        approximate
            True: Saabas values, as in shap: the change of the mean along the way of the row, at each split for its feature. They add
            up, but they are no SHAP values: they depend on the order of the splits. Not with `data`.
        check_additivity
            Whether to check every row and output: `|prediction − base − Σφ| ≤ 1e-12 · scale`, in float64. `"library"`: also
            against the raw prediction of the training library itself, which is called with `X`. It takes the live model,
            or its own file and the library installed; it allows for the library's roundings, in all
            `(1e-12 + (trees + 1) · 2⁻²³) · scale` where it adds in float32 (XGBoost), else `2e-12 · scale`.
        features, outputs
            Only these, by name or position: a list, slice or mask as an `Explanation` is indexed, so the result is
            `explainer(X)[:, features, outputs].values`, in its shape; a single one takes its axis away. No others are written, nor
            other outputs computed where trees have outputs of their own. Every row is checked with all its features.
        out
            An array to write into and to return: of the result's shape, float32 or float64 whatever the explainer's `dtype`, C
            order; a `numpy.memmap` too. What it holds after an error is not defined.
        per_reference
            True: one explanation for each background row, `(n, b, f)` or `(n, b, f, o)`, whose base value is what is explained at
            that row. Their mean, by the weights, are the values. The time is that of `n · b` pairs.

        Returns
        -------
        numpy.ndarray
            In the unit `output_space`. A feature that no tree splits on has the value 0 exactly.

        Raises
        ------
        DataError, FeatureMismatchError
            The rows cannot be read as this model's input.
        OptionError
            An argument has a value that is not supported, or the result does not fit in memory; `"library"`: its model is
            not at hand, as in a copy or a pickle of an explainer.
        AdditivityError
            The check failed: a defect of ferroshap.
        """
        check_call(tree_limit)
        check = checked(check_additivity)
        check_labels(y, a_loss=self.is_of_loss)
        rows = self._read(X)
        labels = self._labels(y, rows)
        part = self._part(rows, features, outputs)
        if per_reference:
            beside = {
                "features=": features is not None,
                "outputs=": outputs is not None,
                "out=": out is not None,
                "approximate=True": approximate,
                "check_additivity='library'": check == "library",
            }
            refuse_beside("per_reference=True gives exact values of all features and outputs in a new array", beside)
            return self._per_reference(rows, labels, check=bool(check))
        library = self._of_library(check, X, rows)
        prepared = self._for(approximate=approximate)
        return self._explain(rows, part, out, prepared, check=bool(check), library=library, labels=labels)

    def shap_interaction_values(
        self,
        X: Any,
        y: Any = None,
        tree_limit: None = None,
        *,
        pairs: Any = None,
        features: Any = None,
        outputs: Any = None,
        out: Floats | None = None,
        aggregate: Literal["mean_abs"] | None = None,
    ) -> Floats:
        """SHAP interaction values: `(n, f, f)` for one output, `(n, f, f, o)` otherwise, of the dtype chosen, C order.

        Off the diagonal, half of the interaction of two features (Shapley interaction index) on either side; on it, the
        main effect. A row of a matrix adds up to the feature's SHAP value, all of it to the prediction minus the base value.

        Parameters
        ----------
        X, tree_limit
            As in `shap_values`.
        y
            Only None: interaction values are of the raw output.
        pairs
            Only these pairs of features, `[("age", "income"), (0, 3)]`: `(n, p)` or `(n, p, o)`, the entries of the matrix.
            A feature with itself is its main effect.
        features
            Only the part of the matrix that is of these features, by name or position: `(n, s, s)` or `(n, s, s, o)`. A row
            of it does not add up to a SHAP value. A single one, not in a list, takes both axes away.
        outputs
            Only these, as in `shap_values`.
        out
            An array to write into and to return: of the result's shape, float32 or float64, C order.
        aggregate
            `"mean_abs"`: the mean of the sizes over the rows, `(f, f)` and so on, float64; no row's values are kept.

        Returns
        -------
        numpy.ndarray
            In the unit `model.output_space`. Pairs of features that never share a path in a tree have the value 0 exactly.

        Raises
        ------
        DataError, FeatureMismatchError, OptionError, AdditivityError
            As `shap_values`; whole matrices are checked, with the bound of `check_additivity=True`.
        PlanError
            The model prepared for interactions takes more than `max_memory`.

        Notes
        -----
        With `L` leaves and at most `d` different features on a path a row takes `O(L d ⌈d/2⌉)` time, path-dependent, and
        `O(L d²)` against a background. The prepared form is kept for the next call that asks for the same.
        """
        check_call(tree_limit)
        check_labels(y, a_loss=False)
        if aggregate not in (None, "mean_abs"):
            raise OptionError(f"aggregate is {aggregate!r}; expected None or 'mean_abs'")
        rows = self._read(X)
        part = self._part(rows, None, outputs)
        return self._interactions(rows, part, pairs, features, out, aggregate, check=True)

    def __call__(
        self,
        X: Any,
        y: Any = None,
        interactions: bool = False,
        check_additivity: bool | Literal["library"] = True,
        approximate: bool = False,
        *,
        features: Any = None,
        outputs: Any = None,
        standard_errors: bool | int = False,
        seed: int = 0,
    ) -> Explanation:
        """The `Explanation` of the rows `X`: their values with base values, names and units.

        With `interactions=True` they are those of `shap_interaction_values`: the axis "feature" is followed by "other feature".
        `y`, `check_additivity`, `approximate`, `features`, `outputs` and the errors are those of `shap_values`; `"library"` is for
        SHAP values alone. With `features` the base value and the values do not add up to the prediction.

        With `standard_errors=True` the explanation tells in `details.background_se`, in the shape of `values`, the standard error
        of each value by the sampling of the background, of any output space: how far values would be from these had other rows
        of the same population been drawn, independently. The values are the same bits as without. The errors are estimated by
        dividing the background into 16 random blocks, named by `seed` (the same seed, the same bits), or into
        `standard_errors=G`: by 16 blocks they are themselves uncertain by about 20 %, by G by `1/√(2(G − 1))`. Rows share the
        blocks, so averaging over rows does not tighten that. With ω the shares of the weights, rows of weight 0 left out, they
        estimate `√(b/(b − 1) · Σ ω² (v − φ)²)`, v being the value against a background row: a row of weight 2 is one that was
        drawn once. Making the blocks takes from as long as preparing did, for large backgrounds, to G times as long, and is done
        once for the next calls with the same G and seed. Explaining takes `G + 1` times as long; where values are computed pair
        by pair twice, the errors having a `pair_budget` of their own. The blocks take what `max_memory` leaves beside the model,
        or 2 GiB of tables. `OptionError`: there is no background, or it has fewer rows than blocks; with `interactions` or
        `approximate`.
        """
        check = checked(check_additivity)
        check_labels(y, a_loss=self.is_of_loss and not interactions)
        if interactions and approximate:
            raise OptionError("approximate=True is for SHAP values alone; leave it out with interactions=True")
        if interactions and check == "library":
            raise OptionError(
                "check_additivity='library' is for SHAP values; expected True or False with interactions=True"
            )
        count, seed = block_count("standard_errors", standard_errors), seed_of(seed)
        if count is not None and (interactions or approximate):
            option = "interactions" if interactions else "approximate"
            raise OptionError(f"standard_errors are those of SHAP values; leave them out with {option}=True")
        rows = self._read(X)
        labels = self._labels(y, rows)
        part = self._part(rows, features, outputs)
        blocks = None if count is None else self._blocks_of("standard_errors", "standard_errors", count, seed)
        prepared = self._for(approximate=approximate)
        if interactions:
            values = self._interactions(rows, part, None, features, None, None, check=bool(check))
        else:
            library = self._of_library(check, X, rows)
            values = self._explain(rows, part, None, prepared, check=bool(check), library=library, labels=labels)
        chosen = part.chosen
        if interactions and part.features is not None:
            chosen["other feature"] = part.features
        whole = self._explained(rows, prepared, labels=labels, interactions=interactions)
        found = filled(whole, chosen, values)
        if blocks is not None:
            found.details = Details(background_se=self._errors(rows, part, np.asarray(values), labels, blocks))
        return found

    def admit_interactions(self) -> None:
        """Raises what `interactions_and_target` would for any rows: `PlanError` and `UnsupportedModelError`."""
        self._for_pairs(upper_triangle(self.model.n_features))

    def values_and_target(
        self, X: Any, y: Any = None, *, approximate: bool = False
    ) -> "tuple[npt.NDArray[np.float64], Target]":
        """Unchecked float64 values `(n, f, o)` and what they add up to, for bounded batches.

        That is the `predicted` minus the `base`, `(n, o)` float64, up to roundings of `1e-12` of its `scale`. `X`, `y`, `approximate`
        and the errors are those of `shap_values`, but for the check.
        """
        check_labels(y, a_loss=self.is_of_loss)
        run = Run(self.model, self._for(approximate=approximate), threads=self._threads, progress=self._progress)
        rows = self._read(X)
        return run.with_target(rows, self._labels(y, rows))

    def interactions_and_target(self, X: Any) -> "tuple[npt.NDArray[np.float64], Target]":
        """Unchecked float64 interaction values `(n, f (f + 1) / 2, o)` and what whole matrices add up to, for bounded batches.

        The values are those of the upper triangle, row by row: (0, 0), (0, 1), …, (1, 1), …. `X` and the errors are
        those of `shap_interaction_values`, but for the check.
        """
        rows = self._read(X)
        wanted = upper_triangle(self.model.n_features)
        values = np.empty((len(rows), wanted.width, self.model.n_outputs))
        part = self._part(rows, None, None)
        run = InteractionRun(
            self.model, self._for_pairs(wanted), wanted, part, threads=self._threads, progress=self._progress
        )
        run.explain(rows, values, base=self._prepared.base, scale=self.scale, check=False)
        predicted = np.empty((len(rows), self.model.n_outputs))
        for first, block in rows.blocks():
            predicted[first : first + len(block)] = self.model.predict_rows(block, exact=True, threads=self._threads)
        return values, Target(predicted, self._prepared.base, self.scale)

    def describe(self) -> dict[str, Any]:
        """What the prepared model is made of: `algorithm`, `bytes`, and `simd`, the vector instructions in use.

        `groups` of leaves are explained by tables of `table_bytes` in all, for patterns of at most so many `bits`;
        `expected_seconds`: what the cost model that chose them expects of one thread for `expected_rows` rows, with everything. The rest,
        path-dependent: `trees`, their `passes` (more than one for a tree with more than eight `points` of quadrature) and
        `split_points` (what explaining a row costs). Interventional: `deep_leaves` by themselves; `background_rows` and
        `background_bytes` (the rows themselves); `weightings`: games at once, one but for output spaces. Tables that were to be made
        when they pay off are made by this (`tables_made`).
        """
        return self._game.description() | self._prepared.describe()

    def __repr__(self) -> str:
        model, base = self.model, self._prepared.base
        parts = [
            model.source,
            counted(model.n_trees, "tree"),
            f"depth ≤ {model.max_depth}",
            counted(model.n_features, "feature"),
            self.output_space,
            self._game.label,
            f"base {base[0]:.4g}" if len(base) == 1 and not self.is_of_loss else counted(len(base), "output"),
        ]
        return f"TreeExplainer({', '.join(parts)})"

    def __getstate__(self) -> dict[str, Any]:
        made_again = ("_prepared", "_of_pairs", "_blocks", "_saabas")
        state = {name: value for name, value in vars(self).items() if name not in made_again}
        # Lambdas and open bars do not pickle, and what does would report to nobody in another process.
        return state | {"_progress": None} if callable(self._progress) else state

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._of_pairs = self._blocks = self._saabas = None
        # Compiled for the processor that it is on now; a background is folded again, from the rows that were folded first.
        self._prepared = self._game.prepare(self.model, self._output, self._load)

    def _expected_loss(self, y: Any) -> npt.NDArray[np.float64]:
        linked = self._linked
        if linked is None:
            raise OptionError("expected_value is a function for model_output='log_loss' only")
        loss: npt.NDArray[np.float64] = linked.base_of(read_labels(y, np.atleast_1d(y).shape[0], linked))[:, 0]
        return loss

    def _per_reference(self, rows: InputRows, labels: npt.NDArray[np.float64] | None, *, check: bool) -> Floats:
        game = self._game
        if not isinstance(game, Interventional):
            raise OptionError(
                "per_reference=True is one explanation for each background row: make the explainer with data="
            )
        values = values_per_reference(
            self.model,
            game.background,
            rows,
            linked=self._linked,
            labels=labels,
            dtype=self._dtype,
            check=check,
            threads=self._threads,
            progress=self._progress,
            most=self._load.most,
        )
        shaped = values[..., 0] if self.n_outputs == 1 else values
        return shaped[0] if rows.one_row else shaped

    def _interactions(
        self, rows: InputRows, part: Part, pairs: Any, features: Any, out: Any, aggregate: str | None, *, check: bool
    ) -> Floats:
        model = self.model
        wanted = chosen(pairs, features, self._names_of_features(rows), model.n_features)
        prepared = self._for_pairs(wanted)
        run = InteractionRun(model, prepared, wanted, part, threads=self._threads, progress=self._progress)
        if aggregate is not None:
            to_write, shaped = result(wanted, part, None, out=out, dtype=np.float64)
            to_write[0] = run.mean_magnitudes(rows)
            return shaped
        to_write, shaped = result(wanted, part, rows, out=out, dtype=self._dtype)
        run.explain(rows, to_write, base=self._prepared.base, scale=self.scale, check=check)
        return shaped

    def _for_pairs(self, wanted: Chosen) -> _native.Interactions:
        """The model, prepared for these interaction values; kept for the next call that asks for the same."""
        if not isinstance(self._prepared, PreparedRaw):
            raise UnsupportedModelError(
                f"interaction values of the {self.output_space} are not supported: they are those of the raw output; make the "
                "explainer with model_output='raw'"
            )
        key = None if wanted.pairs is None else wanted.pairs.tobytes()
        if self._of_pairs is None or self._of_pairs[0] != key:
            self._of_pairs = (
                key,
                prepared_for(self._game, self.model, wanted, threads=self._threads, most=self._load.most),
            )
        return self._of_pairs[1]
