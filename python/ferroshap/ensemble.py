"""`load_model` and `TreeEnsemble`: a model of any library, as ferroshap reads it."""

import logging
import time
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from . import _native
from .errors import DataError, ModelError, OptionError, PlanError, UnsupportedModelError, warn
from .inputs import InputRows, InputSchema, SparseArrays, as_table, read_rows
from .inputs.names import counted
from .library import Origin
from .links import Link
from .options import thread_count

if TYPE_CHECKING:
    from .adapters import ParsedModel

log = logging.getLogger("ferroshap")


class TreeEnsemble:
    """A tree ensemble that predicts what its library predicts, bit for bit. Made by `load_model`.

    Attributes
    ----------
    schema : InputSchema
        What the model knows about its input columns: names, stored categories, rules for numbers.
    origin : Origin or None
        The live model or the file that it was read from, for comparisons with the library itself; a copy or a pickle of a
        `TreeEnsemble` has none.

    Examples
    --------
    >>> import ferroshap
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.ensemble import RandomForestRegressor
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> forest = RandomForestRegressor(n_estimators=5, max_depth=3, random_state=0).fit(X, y)
    >>> model = ferroshap.load_model(forest)
    >>> model.n_trees, model.n_features, model.n_outputs, model.output_space
    (5, 10, 1, 'target')
    >>> bool((model.predict(X) == forest.predict(X)).all())
    True
    """

    def __init__(self, parsed: "ParsedModel", origin: Origin | None = None) -> None:
        self._core = _native.Ensemble(**vars(parsed.arrays))
        self._round_to_float32: bool = parsed.arrays.round_to_float32
        self._info = parsed.info
        self._base: npt.NDArray[np.float64] = parsed.arrays.base / parsed.arrays.divisor
        self._before = parsed.before
        self.schema: InputSchema = parsed.schema
        self.origin = origin

    @property
    def n_features(self) -> int:
        """The number of features: columns a row must have."""
        return self._core.n_features

    @property
    def n_outputs(self) -> int:
        """The number of outputs: 1 for regression and for margins of two classes, else one per class or target."""
        return self._core.n_outputs

    @property
    def n_trees(self) -> int:
        """The number of trees, those of all outputs together."""
        return self._core.n_trees

    @property
    def n_leaves(self) -> int:
        """The number of leaves of all trees."""
        return self._core.n_leaves

    @property
    def max_depth(self) -> int:
        """The most splits between a root and one of its leaves."""
        return self._core.max_depth

    @property
    def feature_names(self) -> tuple[str, ...] | None:
        """The features' names in the model's order; None if it knows none, and columns match by position."""
        return self.schema.feature_names

    @property
    def output_names(self) -> tuple[str, ...]:
        """The class labels where the model knows them, else "0", "1", …; ("output",) for a single output."""
        return self._info.output_names

    @property
    def output_space(self) -> str:
        """The unit of the raw output: "margin", "probability", "log-odds", "mean of trees", "target" or "depth"."""
        return self._info.output_space

    @property
    def link(self) -> Link:
        """What turns the raw output into the library's own prediction on the scale of the target.

        Its `kind` is "identity", "logistic", "exponential", "softmax" or None, with the `reason`, and `scale` is what the raw
        output is multiplied by first: `model.link.prediction(model.predict(X, dtype="float64"))` is what the library's
        `predict_proba` gives (of two classes the positive one), or `predict` where that is no class.
        """
        return self._info.link

    @property
    def objective(self) -> str | None:
        """The objective as the library names it; None if it has no name for it."""
        return self._info.objective

    @property
    def source(self) -> str:
        """The library, its version and the form the model came in, such as "XGBoost 3.2.0 (JSON)"."""
        return self._info.source

    @property
    def predicts_in_float32(self) -> bool:
        """Whether the library adds up its raw output in float32, as XGBoost does."""
        return self._info.output_dtype == "float32"

    @property
    def rounds_to_float32(self) -> bool:
        """Whether the library rounds the numbers of a row to float32 before it compares them."""
        return self._round_to_float32

    @property
    def base(self) -> npt.NDArray[np.float64]:
        """What every prediction starts from before the first tree, `(o,)` float64 in the unit of the output."""
        return self._base.copy()

    @property
    def has_steps_before(self) -> bool:
        """Whether the rows go through the steps of a scikit-learn pipeline first."""
        return self._before is not None

    def predict(self, X: Any, *, dtype: Any = None, threads: int | None = None) -> npt.NDArray[np.floating[Any]]:
        """The raw output, in the units of `output_space`: `(n,)` for one output, `(n, o)` otherwise.

        Parameters
        ----------
        X
            Rows as `TreeExplainer.shap_values` takes them; one row without a row axis gives a result without one.
        dtype
            None: in the library's own precision and order of addition, bit for bit what its raw prediction is
            (XGBoost `output_margin=True`, LightGBM `raw_score=True`, scikit-learn `predict` or `predict_proba`).
            `"float64"`: the float64 sum of the leaves reached, which base value and SHAP values add up to.
        threads
            Number of threads; None: `FERROSHAP_NUM_THREADS`, or as many as the process may use. The result does not
            depend on it.

        Returns
        -------
        numpy.ndarray
            float32 for XGBoost, float64 for the others and with `dtype="float64"`.

        Raises
        ------
        DataError, FeatureMismatchError
            The rows cannot be read as this model's input.
        OptionError
            `dtype` or `threads` has a value that is not accepted.

        Notes
        -----
        Time grows with rows × trees × depth.
        """
        if dtype is not None and dtype not in {"float64", np.float64, np.dtype(np.float64)}:
            raise OptionError(
                f"dtype is {dtype!r}; expected None (the library's own, here {self._info.output_dtype}) or 'float64'"
            )
        rows = self.read_rows(X)
        exact, count = dtype is not None, thread_count(threads)
        parts = [
            self.predict_rows(block, exact=exact, threads=count, bases=rows.bases_of(first, len(block)))
            for first, block in rows.blocks()
        ]
        out: npt.NDArray[np.floating[Any]] = parts[0] if len(parts) == 1 else np.concatenate(parts)
        if dtype is None:
            out = out.astype(self._info.output_dtype, copy=False)
        shaped = out[:, 0] if self.n_outputs == 1 else out
        return shaped[0] if rows.one_row else shaped

    def read_rows(self, X: Any) -> InputRows:
        """The rows of the user's table `X` as numbers in the model's column order; errors as of `predict`."""
        if self._before is None:
            rows = read_rows(X, self.schema, round_to_float32=self._round_to_float32)
            if rows.bases is not None and rows.bases.shape[1] != self.n_outputs:
                raise DataError(
                    f"the base_margin has {counted(rows.bases.shape[1], 'number')} a row, but the model has "
                    f"{counted(self.n_outputs, 'output')}"
                )
            return rows
        one_row, table = as_table(X)
        made = read_rows(self._before.transform(table), self.schema, round_to_float32=self._round_to_float32)
        return made.as_one_row() if one_row else made

    def predict_rows(
        self,
        values: npt.NDArray[np.floating[Any]] | SparseArrays,
        *,
        exact: bool,
        threads: int | None,
        bases: npt.NDArray[np.float64] | None = None,
    ) -> npt.NDArray[np.float64]:
        """`(n, o)` float64 for a block of `values` that `read_rows` has read, or its sparse arrays, with `threads` threads.

        `exact`: the float64 sum of the leaves, else the library's own output. `bases`, `(n, o)`: what the rows' sums start
        from, in the place of `base`.
        """
        missing = self.schema.missing
        return self._core.predict(values, missing=missing, exact=exact, threads=threads, bases=bases)

    def plan(self, *, expected_rows: int | None = None, table_bytes: int | None = None) -> _native.Plan:
        """The model compiled for path-dependent SHAP values.

        `expected_rows` as in `TreeExplainer`, `table_bytes` the most memory its tables may take; None: the defaults.
        """
        plan = _native.Plan(self._core, expected_rows=expected_rows, table_bytes=table_bytes)
        if not np.isfinite(plan.scale).all():
            raise ModelError(
                "the base value and the largest leaves of the trees sum to more than float64 holds (1.8e308): a prediction "
                "may be infinite, and has no SHAP values"
            )
        return plan

    def plan_against(
        self,
        background: npt.NDArray[np.floating[Any]] | SparseArrays,
        *,
        weights: npt.NDArray[np.float64] | None,
        weightings: npt.NDArray[np.float64] | None = None,
        expected_rows: int,
        table_bytes: int | None,
        threads: int | None,
    ) -> _native.Plan:
        """The model with `background` folded into it, `(b, f)` as `read_rows` reads rows: for interventional SHAP values.

        `weights`, `(b,)`, are those of its rows, None: all equal; `weightings`, `(b, r)`: factors of them for games that each row
        mixes; `expected_rows` and `table_bytes` as in `plan`, `threads` as in `predict`.
        """
        return _native.Plan.interventional(
            self._core,
            background,
            weights=weights,
            weightings=weightings,
            missing=self.schema.missing,
            expected_rows=expected_rows,
            table_bytes=table_bytes,
            threads=threads,
        )

    @property
    def has_linear_leaves(self) -> bool:
        """Whether some leaf is a linear function of the row (LightGBM's `linear_tree`)."""
        return self._core.is_linear

    def mixtures(
        self,
        background: npt.NDArray[np.floating[Any]],
        player_of_column: npt.NDArray[np.int64],
        n_players: int,
    ) -> _native.MixtureModel:
        """The model for mixtures of rows and `background`, `(b, f)` as `read_rows` reads rows.

        `player_of_column`, `(f,)`, has the player of each column, `0 … n_players - 1`. Raises `UnsupportedModelError` for models with linear leaves.
        """
        return _native.MixtureModel(self._core, background, player_of_column, n_players, missing=self.schema.missing)

    def references(
        self,
        background: npt.NDArray[np.floating[Any]] | SparseArrays,
        *,
        weights: npt.NDArray[np.float64] | None,
        threads: int | None,
    ) -> _native.References:
        """The model with the rows of `background`, `(b, f)`, as references one by one; `weights` and `threads` as in `plan_against`."""
        missing = self.schema.missing
        return _native.References(self._core, background, weights=weights, missing=missing, threads=threads)

    def saabas(self, *, most: int | None = None) -> _native.Saabas:
        """The model with the mean value of each node, by its covers; raises `PlanError` where that takes more than `most` bytes."""
        size = _native.Saabas.bytes_of(self._core)
        if most is not None and size > most:
            raise PlanError(
                f"the mean values of all nodes, for approximate=True, take {size:,} bytes, but max_memory leaves {max(most, 0):,} "
                "beside the prepared model; allow as much, or explain fewer trees with iteration_range"
            )
        return _native.Saabas(self._core)

    @property
    def rounding_scale(self) -> npt.NDArray[np.float64]:
        """`(o,)`: |base| + Σ over trees of max|leaf|, what roundings of a raw output are measured in."""
        return self._core.rounding_scale

    def interactions(
        self,
        pairs: npt.NDArray[np.uint32] | None,
        *,
        background: npt.NDArray[np.floating[Any]] | SparseArrays | None = None,
        weights: npt.NDArray[np.float64] | None = None,
        table_bytes: int | None = None,
        threads: int | None,
    ) -> _native.Interactions:
        """The model prepared for SHAP interaction values of `pairs`, `(p, 2)` positions of features; None: of all.

        With `background` and its `weights`, `(b,)`, as in `plan_against`: against those rows. `threads`: to fold them with.
        `table_bytes`: the most memory that tables of all patterns may take, None: 512 MiB; leaves without one are slower.
        """
        return _native.Interactions(
            self._core,
            pairs=pairs,
            background=background,
            weights=weights,
            missing=self.schema.missing,
            threads=threads,
            table_bytes=table_bytes,
        )

    def save(self, path: str | PathLike[str]) -> None:
        """Writes the model to the file `path`, which `load_model` reads on any machine, without the training library.

        The loaded model has the same bits: predictions and SHAP values. The file holds numpy arrays and a JSON text;
        reading it executes nothing. A file of that name is replaced; what the system refuses is an `OSError`.
        """
        Path(path).write_bytes(self._to_bytes())

    def _to_bytes(self) -> bytes:
        from .adapters import write_saved

        if self._before is not None:
            raise UnsupportedModelError(
                "the steps of the pipeline before the model are scikit-learn's and cannot be written to a file of "
                "ferroshap; save the model alone, load_model(pipeline[-1]).save(path), or pickle it"
            )
        return write_saved(self._parsed())

    def __reduce__(self) -> "tuple[Any, ...]":
        if self._before is None:
            return load_model, (self._to_bytes(),)
        return _behind, (self._before, self.alone())

    def alone(self) -> "TreeEnsemble":
        """The model without the steps of a pipeline before it: rows are then what those steps make."""
        return TreeEnsemble(self._parsed())

    def _parsed(self, before: Any = None) -> "ParsedModel":
        from .adapters import EnsembleArrays, ParsedModel

        return ParsedModel(EnsembleArrays(**self._core.arrays()), self.schema, self._info, before)

    def __repr__(self) -> str:
        parts = [
            self.source,
            *filter(None, [self.objective]),
            counted(self.n_trees, "tree"),
            f"depth ≤ {self.max_depth}",
            counted(self.n_features, "feature"),
            counted(self.n_outputs, "output"),
            self.output_space,
        ]
        return f"TreeEnsemble({', '.join(parts)})"


def load_model(
    source: "TreeEnsemble | str | PathLike[str] | bytes | bytearray | memoryview | Any",
    *,
    iteration_range: tuple[int, int] | None = None,
    missing: float | None = None,
    without_init: bool = False,
    trust_pickle: bool = False,
) -> TreeEnsemble:
    """The model as a `TreeEnsemble`; a `TreeEnsemble` is returned as it is.

    Parameters
    ----------
    source
        A live model (XGBoost, LightGBM, scikit-learn), the path of a model file (XGBoost JSON or UBJSON, LightGBM text,
        or what `TreeEnsemble.save` wrote), or the bytes of one. Recognised by content, never by extension; no training
        library is needed for files.
    iteration_range
        `(begin, end)`: only these boosting iterations; an end of 0 means all. Default: what the library's own `predict`
        uses, which for a `Booster` or a file of XGBoost is all of them, with a warning where it carries an early
        stopping result.
    missing
        A number that counts as missing, as XGBoost's `missing=`; default: a wrapper's own, else NaN only.
    without_init
        True: the trees alone of a scikit-learn GradientBoosting model whose `init` estimator predicts each row
        differently, which no base value can stand for. They predict the model's raw prediction less that of `init`; the
        model is refused otherwise.
    trust_pickle
        True: a pickle or joblib file is loaded, with the libraries of its classes. That can run any code: only for files you
        trust.

    Returns
    -------
    TreeEnsemble
        Immutable, and independent of `source`: training the live model further does not change it. It keeps a reference to
        `source`, for comparisons with the library.

    Raises
    ------
    UnsupportedModelError
        A kind of model that is not supported; the message names the kind and the nearest supported one.
    ModelError
        A broken model or file; the message names the place.
    OptionError
        `iteration_range`, `missing` or `without_init` does not fit the model.
    OSError
        The file cannot be opened.

    Warns
    -----
    FerroshapWarning
        The model carries the result of early stopping, and all its trees are used.

    Notes
    -----
    Time and memory grow with the size of the model. A file that is not a model costs at most 16 times its size plus 64 MB.

    Examples
    --------
    >>> import ferroshap
    >>> from lightgbm import LGBMRegressor
    >>> from sklearn.datasets import load_diabetes
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> booster = LGBMRegressor(n_estimators=20, n_jobs=1, verbose=-1).fit(X, y).booster_
    >>> _ = booster.save_model("model.txt")
    >>> model = ferroshap.load_model("model.txt")
    >>> model.n_trees, model.objective, model.output_space
    (20, 'regression', 'margin')
    >>> bool((model.predict(X) == booster.predict(X, raw_score=True)).all())
    True
    """
    if isinstance(source, TreeEnsemble):
        if iteration_range is not None or missing is not None or without_init is not False:
            raise OptionError(
                "iteration_range, missing and without_init are chosen when a model is read; pass them to load_model with "
                "the original model, not with a TreeEnsemble"
            )
        return source
    try:
        return _read(
            source,
            iteration_range=iteration_range,
            missing=missing,
            without_init=without_init,
            trust_pickle=trust_pickle,
        )
    except (ModelError, UnsupportedModelError) as error:
        if isinstance(source, str | PathLike):
            raise type(error)(f"{fspath(source)}: {error}") from error
        raise


def _behind(before: Any, model: TreeEnsemble) -> TreeEnsemble:
    return TreeEnsemble(model._parsed(before))  # noqa: SLF001


def _read(source: Any, *, trust_pickle: bool, **options: Any) -> TreeEnsemble:
    from .adapters import parse_model

    started = time.perf_counter()
    parsed = parse_model(source, trust_pickle=trust_pickle, **options)
    iteration_range = options["iteration_range"]
    best = parsed.info.best_iteration
    if best is not None and iteration_range is None:
        warn(
            f"the model carries best_iteration={best}, which the predict of its library does not use here: all trees "
            f"count. Pass iteration_range=(0, {best + 1}) for the best iteration, or (0, 0) for all without this warning"
        )
    model = TreeEnsemble(parsed, Origin.of(source, parsed.info.family, **options))
    log.debug("%r: read in %.1f ms", model, 1e3 * (time.perf_counter() - started))
    return model
