"""`TreeExplainer`: exact SHAP values of tree ensembles, with the names and shapes of shap."""

import logging
import time
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from .additivity import library_bound, worst_gap, worst_library_gap
from .ensemble import TreeEnsemble, load_model
from .errors import FeatureMismatchError, OptionError, PlanError, UnsupportedModelError
from .explanation import Explanation, shown_rows
from .inputs import InputRows
from .inputs.names import counted
from .library import library_prediction
from .options import byte_count, empty_output, float_dtype, thread_count, whole_number
from .progress import Progress, progress_option, reporting

log = logging.getLogger("ferroshap")

Floats = npt.NDArray[np.floating[Any]]

# Rows are explained in chunks, so that what is held beside the result stays near this size whatever it takes.
CHUNK_BYTES = 2**24
CHUNK_ROWS = 256  # at least: threads share a chunk


class TreeExplainer:
    """Exact path-dependent SHAP values of a tree ensemble.

    Base value plus SHAP values is the model's raw output (`TreeEnsemble.predict`), in the unit `model.output_space`: a
    margin for XGBoost and LightGBM, a probability, log-odds or the target for scikit-learn's models.

    Parameters
    ----------
    model
        Anything `load_model` takes: a live model, a model file's path or bytes, or a `TreeEnsemble`.
    data
        Background rows; not supported yet, only None.
    model_output
        `"raw"`; other outputs are not supported yet.
    feature_perturbation
        `"tree_path_dependent"`, or `"auto"`, which is the same without `data`.
    feature_names
        Names for `Explanation`, one a feature; default: the model's own, else the frame's. Rows match by the model's.
    output_names
        Names for `Explanation`, one an output; default: the model's own (class labels).
    weights
        Weights of the background rows; not supported yet, only None.
    iteration_range, missing, without_init
        As in `load_model`.
    threads
        Number of threads; None: `FERROSHAP_NUM_THREADS`, or as many as the process may use. The values do not depend
        on it.
    dtype
        `"float64"`, or `"float32"`: computed and checked in float64, then rounded.
    expected_rows
        About how many rows will be explained in all. Ways to prepare a model that pay off from some number of rows on go
        by it; there is only one way yet, so it changes nothing.
    max_memory
        The most memory the prepared model may take, in bytes or as text such as "512MiB".
    progress
        None: nothing is told. True: each call writes one line to stderr, over and over. A callable: called now and then,
        and at the end, as `progress(rows_done, rows_in_all)`; what it raises ends the call. A callable belongs to its
        process: a pickled or copied explainer comes back without it.

    Raises
    ------
    UnsupportedModelError, ModelError
        As `load_model`; also for a model without covers, which path-dependent values need.
    OptionError
        An option has a value that is not accepted, or is not supported yet.
    PlanError
        The model is beyond a limit: `max_memory`, or 512 different features on one path.

    Notes
    -----
    The values are the Shapley values of the conditional expectation along the trees, as in Lundberg et al. (2020, "From
    local explanations to global understanding with explainable AI for trees", Nature Machine Intelligence 2). They are
    found by Gauss–Legendre quadrature with as many points as make it exact: the idea is that of Yu et al. (2022, "Linear
    TreeShap", NeurIPS) and Wettenstein et al. (2026, "Quadrature-TreeSHAP", arXiv:2605.04497).

    With `L` leaves in all trees and at most `d` different features on a path, preparing takes `O(L d)` time and memory,
    and a row `O(L ⌈d/2⌉)` time. Beside the result, a call holds the rows as numbers and a chunk of about 16 MiB.

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
    """

    algorithm = "path-dependent"

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
        progress: Progress | bool | None = None,
    ) -> None:
        _check_game(data, model_output, feature_perturbation, weights)
        self._threads = thread_count(threads)
        self._dtype = float_dtype("dtype", dtype)
        self._progress: Progress | Literal[True] | None = progress_option(progress)
        whole_number("expected_rows", expected_rows)
        most = byte_count("max_memory", max_memory)
        started = time.perf_counter()
        self.model: TreeEnsemble = load_model(
            model, iteration_range=iteration_range, missing=missing, without_init=without_init
        )
        self._feature_names = _display_names("feature", feature_names, self.model.n_features)
        self._output_names = _display_names("output", output_names, self.model.n_outputs)
        read = time.perf_counter()
        self._plan = self.model.plan()
        size = self._plan.describe()["bytes"]
        log.debug(
            "%r: read in %.1f ms, prepared in %.1f ms, %s bytes",
            self.model,
            1e3 * (read - started),
            1e3 * (time.perf_counter() - read),
            f"{size:,}",
        )
        if most is not None and size > most:
            raise PlanError(
                f"the prepared model takes {size:,} bytes, but max_memory allows {most:,}; allow as much, or explain fewer "
                "trees with iteration_range"
            )

    @property
    def expected_value(self) -> "float | npt.NDArray[np.float64]":
        """The base value: a float for one output, `(o,)` float64 otherwise, in the unit `model.output_space`."""
        base = self._plan.expected_value
        return float(base[0]) if self.model.n_outputs == 1 else base.copy()

    @property
    def scale(self) -> npt.NDArray[np.float64]:
        """The scale of rounding errors, `(o,)` float64: `|base| + Σ over trees of max|leaf|`, in the unit of the output."""
        return self._plan.scale.copy()

    def shap_values(
        self,
        X: Any,
        y: None = None,
        tree_limit: None = None,
        approximate: bool = False,
        check_additivity: bool | Literal["library"] = True,
    ) -> Floats:
        """SHAP values: `(n, f)` for one output, `(n, f, o)` otherwise, of the dtype chosen, C order.

        Parameters
        ----------
        X
            numpy array `(n, f)` of any real dtype, nested lists, or a pandas, polars or pyarrow table. Columns of a
            frame match by name where the model knows names, in any order; categories match by value where the model
            stores them. One row without a row axis, `(f,)`, gives a result without one.
        y, tree_limit, approximate
            Not supported: only their defaults. `tree_limit` is `iteration_range` of the explainer.
        check_additivity
            Whether to check every row and output: `|prediction − base − Σφ| ≤ 1e-12 · scale`, in float64. `"library"`: also
            against the raw prediction of the training library itself, which is called with `X`. It takes the live model,
            or its own file and the library installed; it allows for the library's roundings, in all
            `(1e-12 + (trees + 1) · 2⁻²³) · scale` where it adds in float32 (XGBoost), else `2e-12 · scale`.

        Returns
        -------
        numpy.ndarray
            In the unit `model.output_space`. A feature that no tree splits on has the value 0 exactly.

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
        _check_call(y, tree_limit, approximate)
        check = _checked(check_additivity)
        rows = self.model.read_rows(X)
        return self._shaped(self._explain(rows, check=bool(check), library=self._of_library(check, X, rows)), rows)

    def shap_interaction_values(self, X: Any, y: None = None, tree_limit: None = None) -> Floats:
        """Not supported yet: raises `UnsupportedModelError`, whatever `X`, `y` and `tree_limit` are."""
        raise UnsupportedModelError(
            "SHAP interaction values are not supported yet; shap_values gives the values themselves"
        )

    def __call__(
        self,
        X: Any,
        y: None = None,
        interactions: bool = False,
        check_additivity: bool | Literal["library"] = True,
        approximate: bool = False,
    ) -> Explanation:
        """The `Explanation` of the rows `X`: their values with base values, names and units.

        `y`, `check_additivity`, `approximate` and the errors are those of `shap_values`; `interactions=True` is not supported
        yet and raises `UnsupportedModelError`.
        """
        if interactions:
            self.shap_interaction_values(X)
        _check_call(y, None, approximate)
        check = _checked(check_additivity)
        rows = self.model.read_rows(X)
        values = self._explain(rows, check=bool(check), library=self._of_library(check, X, rows))
        one_output = self.model.n_outputs == 1
        base = np.tile(self._plan.expected_value, (len(rows), 1))
        if rows.bases is not None:
            base += rows.bases - self.model.base
        shaped = base[:, 0] if one_output else base
        outputs = self._output_names or self.model.output_names
        data, display_data = shown_rows(rows)
        return Explanation(
            self._shaped(values, rows),
            shaped[0] if rows.one_row else shaped,
            data,
            display_data=display_data,
            axes=(*(() if rows.one_row else ("row",)), "feature", *(() if one_output else ("output",))),
            feature_names=self._feature_names or self.model.feature_names or rows.columns,
            output_names=outputs[0] if one_output else outputs,
            output_space=self.model.output_space,
            algorithm=self.algorithm,
            model=self.model.source,
        )

    def explain_and_predict(self, X: Any) -> "tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]":
        """Unchecked float64 values `(n, f, o)` and the float64 prediction `(n, o)` they add up to, for bounded batches.

        `X` and the errors are those of `shap_values`, but for the check.
        """
        rows = self.model.read_rows(X)
        n = len(rows)
        values = empty_output((n, self.model.n_features, self.model.n_outputs), np.float64)
        predicted = np.empty((n, self.model.n_outputs))
        with reporting(self._progress) as report:
            for first, block in rows.blocks():
                here = slice(first, first + len(block))
                self._run(block, values[here], _from_row(first, n, report))
                predicted[here] = self.model.predict_rows(block, exact=True, threads=self._threads)
                if report is not None:
                    report(first + len(block), n)
        return values, predicted

    def describe(self) -> dict[str, Any]:
        """What the prepared model is made of.

        `trees`, their `passes` (more than one for a tree with more than eight `points` of quadrature), `split_points` (what
        explaining a row costs), `bytes`, and `simd`, the vector instructions in use.
        """
        return self._plan.describe()

    def __repr__(self) -> str:
        model, base = self.model, self.expected_value
        parts = [
            model.source,
            counted(model.n_trees, "tree"),
            f"depth ≤ {model.max_depth}",
            counted(model.n_features, "feature"),
            model.output_space,
            self.algorithm,
            f"base {base:.4g}" if isinstance(base, float) else counted(model.n_outputs, "output"),
        ]
        return f"TreeExplainer({', '.join(parts)})"

    def __getstate__(self) -> dict[str, Any]:
        state = {name: value for name, value in vars(self).items() if name != "_plan"}
        # Lambdas and open bars do not pickle, and what does would report to nobody in another process.
        return state | {"_progress": None} if callable(self._progress) else state

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._plan = self.model.plan()  # compiled for the processor that it is on now

    def _of_library(self, check: "bool | Literal['library']", X: Any, rows: InputRows) -> Floats | None:
        """`(n, o)`: what the training library predicts for `X`, where the check asks for it."""
        return library_prediction(self.model, X, rows) if check == "library" else None

    def _explain(self, rows: InputRows, *, check: bool, library: Floats | None) -> Floats:
        """`(n, f, o)` of the dtype chosen; `library` is a prediction to check against besides.

        In chunks of rows: the check needs the predictions, and for float32 the float64 values, of one chunk only. A row
        has the same values in any chunk.
        """
        started = time.perf_counter()
        n, f, o = len(rows), self.model.n_features, self.model.n_outputs
        out = empty_output((n, f, o), self._dtype)
        step = max(CHUNK_ROWS, CHUNK_BYTES // (8 * max(f, 1) * o))
        rounding = check and self._dtype == "float32"
        scratch = np.empty((min(step, n), f, o)) if rounding else None
        base, scale = self._plan.expected_value, self._plan.scale
        bound = library_bound(scale, self.model.n_trees, float32=self.model.predicts_in_float32)
        with reporting(self._progress) as report:
            for first, chunk in rows.blocks(step):
                written = out[first : first + len(chunk)]
                values = written if scratch is None else scratch[: len(chunk)]
                self._run(chunk, values, _from_row(first, n, report))
                if check:
                    predicted = self.model.predict_rows(chunk, exact=True, threads=self._threads)
                    worst_gap(values, predicted, base, scale, first_row=first)
                if library is not None:
                    worst_library_gap(values, library[first : first + len(chunk)], base, bound, first_row=first)
                if scratch is not None:
                    written[...] = values
                if report is not None:
                    report(first + len(chunk), n)
        log.debug("%d rows explained in %.1f ms", n, 1e3 * (time.perf_counter() - started))
        return out

    def _run(self, chunk: Floats, values: Floats, report: Progress | None) -> None:
        missing = self.model.schema.missing
        self._plan.run(chunk, values, missing=missing, threads=self._threads, progress=report)

    def _shaped(self, values: Floats, rows: InputRows) -> Floats:
        shaped = values[:, :, 0] if self.model.n_outputs == 1 else values
        return shaped[0] if rows.one_row else shaped


def _from_row(first: int, n: int, report: Progress | None) -> Progress | None:
    return None if report is None else lambda done, _of_chunk: report(first + done, n)


def _check_game(data: Any, model_output: Any, feature_perturbation: Any, weights: Any) -> None:
    if data is not None:
        raise UnsupportedModelError(
            "data: background rows (interventional SHAP values) are not supported yet; leave it out for path-dependent "
            "values, which need none"
        )
    if weights is not None:
        raise UnsupportedModelError("weights: weights of background rows are not supported yet; leave them out")
    if feature_perturbation == "interventional":
        raise UnsupportedModelError(
            "feature_perturbation='interventional' is not supported yet; 'tree_path_dependent' needs no background rows"
        )
    if feature_perturbation not in {"auto", "tree_path_dependent"}:
        raise OptionError(f"feature_perturbation is {feature_perturbation!r}; expected 'auto' or 'tree_path_dependent'")
    if model_output in {"probability", "log_loss"}:
        raise UnsupportedModelError(
            f"model_output={model_output!r} is not supported yet; 'raw' explains the raw output (see model.output_space)"
        )
    if model_output != "raw":
        raise OptionError(f"model_output is {model_output!r}; expected 'raw'")


def _check_call(y: Any, tree_limit: Any, approximate: Any) -> None:
    if y is not None:
        raise OptionError(
            "y is for values of the loss (model_output='log_loss'), which are not supported yet; leave it out"
        )
    if tree_limit is not None:
        raise OptionError(
            f"tree_limit={tree_limit!r} is not supported; choose boosting iterations when the explainer is made: "
            "TreeExplainer(model, iteration_range=(0, n))"
        )
    if approximate:
        raise OptionError(
            "approximate=True (Saabas values) is not supported: those are not SHAP values; leave it out for exact ones"
        )


def _checked(check_additivity: Any) -> "bool | Literal['library']":
    if isinstance(check_additivity, (bool, np.bool_)):
        return bool(check_additivity)
    if isinstance(check_additivity, str) and check_additivity == "library":
        return "library"
    raise OptionError(f"check_additivity is {check_additivity!r}; expected True, False or 'library'")


def _display_names(what: Literal["feature", "output"], names: Any, count: int) -> tuple[str, ...] | None:
    if names is None:
        return None
    if isinstance(names, str):
        raise OptionError(f"{what}_names is the text {names!r}; expected a name for each {what}")
    chosen = tuple(str(name) for name in names)
    if len(chosen) != count:
        error = FeatureMismatchError if what == "feature" else OptionError
        raise error(f"{what}_names has {counted(len(chosen), 'name')}, but the model has {counted(count, what)}")
    return chosen
