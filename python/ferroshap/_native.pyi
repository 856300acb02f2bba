"""The compiled core. Internal: its callers are the modules of this package.

Axes: `n` rows, `f` features, `o` outputs, `t` trees, `v` nodes, `s` category sets, `w` words. Long calls release the
interpreter lock and look for Ctrl-C about every 50 ms.
"""
# ruff: noqa: PYI021  (the documentation of the binding is here, beside its types)

from collections.abc import Callable
from typing import Any, Literal, TypeAlias, final

import numpy as np
import numpy.typing as npt

__all__ = [
    "Asked",
    "CoalitionEngine",
    "Ensemble",
    "Estimate",
    "Factors",
    "Interactions",
    "MatrixMasker",
    "MixtureModel",
    "Plan",
    "References",
    "Saabas",
    "after_fork_in_child",
    "build_info",
    "default_threads",
    "expm1f32",
    "link_values",
    "logf32",
    "pair_weights",
    "read_document",
]

# Dense rows, or sparse ones: starts, columns, entries, number of columns, and what is absent.
_Rows: TypeAlias = (
    npt.NDArray[np.float32]
    | npt.NDArray[np.float64]
    | npt.NDArray[np.floating[Any]]
    | tuple[npt.NDArray[np.int64], npt.NDArray[np.int32], npt.NDArray[np.floating[Any]], int, float]
)

def read_document(
    data: bytes,
) -> tuple[Literal["catboost-json", "xgboost-json", "xgboost-ubjson", "lightgbm-text"], dict[str, Any]]:
    """The form of a model file, recognised by its bytes, and what it holds.

    Objects are dicts, lists of numbers numpy arrays (int8 … int64, float32, float64, bool), other lists lists; an empty
    JSON list is an empty list.

    Raises `ModelError` with the byte offset or the line, `UnsupportedModelError` for bytes that are no model file.
    """

@final
class Ensemble:
    """A validated tree ensemble; immutable.

    Made from the fields of `EnsembleArrays`, where each is described; raises `ModelError` naming tree, node, what was
    found and what was expected.
    """

    def __new__(
        cls,
        *,
        n_features: int,
        n_outputs: int,
        tree_starts: npt.NDArray[np.int64],
        tree_outputs: npt.NDArray[np.int32],
        left: npt.NDArray[np.int32],
        right: npt.NDArray[np.int32],
        feature: npt.NDArray[np.int32],
        threshold: npt.NDArray[np.float64],
        flags: npt.NDArray[np.uint8],
        category_set: npt.NDArray[np.int32],
        set_starts: npt.NDArray[np.int64],
        set_words: npt.NDArray[np.uint32],
        values: npt.NDArray[np.float64],
        cover: npt.NDArray[np.float64] | None,
        base: npt.NDArray[np.float64],
        accumulation: str,
        divisor: float,
        round_to_float32: bool,
        flush_tiny: bool,
        truncate_category_first: bool,
        linear_starts: npt.NDArray[np.int64] | None = None,
        linear_features: npt.NDArray[np.int32] | None = None,
        linear_coefficients: npt.NDArray[np.float64] | None = None,
        linear_constants: npt.NDArray[np.float64] | None = None,
    ) -> Ensemble: ...
    @property
    def n_features(self) -> int:
        """Number of columns of a row."""
    @property
    def n_outputs(self) -> int:
        """Number of outputs."""
    @property
    def n_trees(self) -> int:
        """Number of trees."""
    @property
    def n_leaves(self) -> int:
        """Number of leaves that a row can reach, over all trees."""
    @property
    def max_depth(self) -> int:
        """Most splits on the way to a leaf."""
    @property
    def max_path_features(self) -> int:
        """Most different features on the way to a leaf."""
    @property
    def is_linear(self) -> bool:
        """Whether some leaf is a linear function."""
    @property
    def has_cover(self) -> bool:
        """Whether every node knows how many training rows passed it."""
    @property
    def rounding_scale(self) -> npt.NDArray[np.float64]:
        """`(o,)`: |base| + sum over the trees of max|leaf|."""
    def arrays(self) -> dict[str, Any]:
        """The arguments that make an ensemble with the same bits: canonical arrays without unreached nodes."""
    def predict(
        self,
        rows: _Rows,
        *,
        missing: float | None = None,
        exact: bool = False,
        threads: int | None = None,
        bases: npt.NDArray[np.float64] | None = None,
    ) -> npt.NDArray[np.float64]:
        """The raw output, `(n, o)` float64.

        rows
            `(n, f)` float32 or float64, any strides; the library's rounding and missing rules are applied here.
        missing
            A number that counts as missing besides NaN.
        exact
            False: the library's own additions, bit for bit (results of float32 libraries are float32 values).
            True: the float64 sum of the leaves reached.
        threads
            None: `default_threads()`.
        bases
            `(n, o)`: what the sum of each row starts from in the place of the model's own base.

        Raises `DataError` for a wrong number of columns, or of bases.
        """

@final
class Interactions:
    """An ensemble compiled for SHAP interaction values; immutable.

    Path-dependent, or interventional where there is a `background`; it, `weights` and `missing` are as in `Plan.interventional`. `pairs` is
    `(p, 2)`: pairs of features, of which a feature with itself asks for its main effect; None: the matrix. `table_bytes`: the most
    memory that tables of all patterns may take against a background, None: 512 MiB. `level` is as in `Plan`.

    Raises what `Plan` or `Plan.interventional` raises, and `OptionError` for a feature that is not there.
    """

    def __new__(
        cls,
        ensemble: Ensemble,
        *,
        pairs: npt.NDArray[np.uint32] | None = None,
        background: _Rows | None = None,
        weights: npt.NDArray[np.float64] | None = None,
        missing: float | None = None,
        threads: int | None = None,
        table_bytes: int | None = None,
        level: str | None = None,
    ) -> Interactions: ...
    def run(
        self,
        rows: npt.NDArray[np.float32] | npt.NDArray[np.float64] | npt.NDArray[np.floating[Any]],
        out: npt.NDArray[np.float32] | npt.NDArray[np.float64] | npt.NDArray[np.floating[Any]],
        *,
        missing: float | None = None,
        threads: int | None = None,
        progress: Callable[[int, int], object] | None = None,
    ) -> None:
        """As `Plan.run`, into `(n, f·f, o)` or `(n, p, o)`."""
    def add_magnitudes(
        self,
        rows: npt.NDArray[np.float32] | npt.NDArray[np.float64] | npt.NDArray[np.floating[Any]],
        totals: npt.NDArray[np.float64],
        *,
        missing: float | None = None,
        threads: int | None = None,
        progress: Callable[[int, int], object] | None = None,
    ) -> None:
        """Adds the sum of |interaction value| over the rows to `totals`, `(f·f, o)` or `(p, o)`."""
    def describe(self) -> dict[str, Any]:
        """`pairs` of features that share a path, `bytes`, and `simd`."""

@final
class Plan:
    """An ensemble compiled for one game, path-dependent or (`interventional`) against a background; immutable.

    `expected_rows` is about how many rows will be explained, by which tables are chosen (None: 10,000), `table_bytes` the most
    memory that tables may take (None: 152 MiB, against a background 2 GiB): what does not fit is explained in slower ways that
    need none, with the same values to rounding. Against up to 16,384 background rows without weights tables are made by the first
    `run` that they pay off in, with the same bits before and after. `level` a level of
    vector instructions, for tests; None: the one in use. The values do not depend on the level.

    Raises `UnsupportedModelError` for an ensemble without covers, `PlanError` naming the limit it is beyond, `OptionError`
    for a level that this machine does not have.
    """

    def __new__(
        cls,
        ensemble: Ensemble,
        *,
        expected_rows: int | None = None,
        table_bytes: int | None = None,
        level: str | None = None,
    ) -> Plan: ...
    @staticmethod
    def interventional(
        ensemble: Ensemble,
        background: _Rows,
        *,
        weights: npt.NDArray[np.float64] | None = None,
        weightings: npt.NDArray[np.float64] | None = None,
        missing: float | None = None,
        expected_rows: int | None = None,
        table_bytes: int | None = None,
        level: str | None = None,
        threads: int | None = None,
    ) -> Plan:
        """The plan of the interventional game; covers are not needed.

        `background` is `(b, f)` as rows of `run`, `weights` `(b,)` float64 or None: all equal; `missing` a number that counts
        as missing besides NaN. `weightings`, `(b, r)`: factors of the weights, of any sign, for r games at once, which `run` mixes.

        Raises `DataError` for a background without rows or weights without sense, `PlanError` for more than 64 features on a
        path, `UnsupportedModelError` for linear leaves.
        """
    def make_tables(self, *, threads: int | None = None) -> None:
        """Makes the tables now, where they were to be made when they pay off."""
    @property
    def expected_value(self) -> npt.NDArray[np.float64]:
        """`(o,)`: the base value, in units of the raw output."""
    @property
    def scale(self) -> npt.NDArray[np.float64]:
        """`(o,)`: |base| + sum over the trees of max|leaf|."""
    def run(
        self,
        rows: npt.NDArray[np.float32] | npt.NDArray[np.float64] | npt.NDArray[np.floating[Any]],
        out: npt.NDArray[np.float32] | npt.NDArray[np.float64] | npt.NDArray[np.floating[Any]],
        *,
        mix: npt.NDArray[np.float64] | None = None,
        missing: float | None = None,
        threads: int | None = None,
        progress: Callable[[int, int], object] | None = None,
    ) -> None:
        """Writes the SHAP values of `rows` into all of `out`, in units of the raw output.

        rows
            As in `Ensemble.predict`.
        out
            `(n, f, o)` float32 or float64, C-contiguous; float32 is rounded from the same float64 values.
        mix
            `(n, r)`: what the values of each weighting are multiplied by before they are added; for plans with `weightings`.
        progress
            Called as `progress(rows_done, n)`; what it raises ends the run.

        The values of a row have the same bits alone and in a batch, with any number of threads.
        """
    def run_part(
        self,
        rows: npt.NDArray[np.float32] | npt.NDArray[np.float64] | npt.NDArray[np.floating[Any]],
        out: npt.NDArray[np.float32] | npt.NDArray[np.float64] | npt.NDArray[np.floating[Any]],
        sums: npt.NDArray[np.float64],
        *,
        features: npt.NDArray[np.uint32],
        outputs: npt.NDArray[np.uint32],
        missing: float | None = None,
        threads: int | None = None,
        progress: Callable[[int, int], object] | None = None,
    ) -> None:
        """Writes the SHAP values of `run` for some features and outputs, `(n, features, outputs)`, into `out`.

        sums
            `(n, outputs)`: what all the features of a row add up to, written.
        features, outputs
            Positions, in the order of the result.

        Trees of other outputs are not computed. Raises `OptionError` for a position that is not there.
        """
    def aggregate(
        self,
        rows: npt.NDArray[np.float32] | npt.NDArray[np.float64] | npt.NDArray[np.floating[Any]],
        totals: npt.NDArray[np.float64],
        sums: npt.NDArray[np.float64],
        *,
        features: npt.NDArray[np.uint32],
        outputs: npt.NDArray[np.uint32],
        groups: npt.NDArray[np.uint32] | None = None,
        missing: float | None = None,
        threads: int | None = None,
        progress: Callable[[int, int], object] | None = None,
    ) -> None:
        """Adds the SHAP values of `run` to the totals of groups of rows; none of them are kept.

        totals
            `(6, g, features, outputs)`: of each group the sum and its rounding error, the sum of sizes and its rounding error, the least and the largest value. Before the
            first rows zeros, +inf for the least, -inf for the largest. Of no use after an error.
        sums, features, outputs
            As in `run_part`.
        groups
            `(n,)`: the group of each row; None: all are in the only one.

        The same bits with any number of threads, and however the rows are cut after multiples of 128.
        """
    def describe(self) -> dict[str, Any]:
        """What the plan is made of, its memory in bytes and the vector level it uses; `tables_made`: whether it has its tables."""

@final
class References:
    """An ensemble and background rows, each a reference by itself; immutable. Arguments and errors as in `Plan.interventional`."""

    def __new__(
        cls,
        ensemble: Ensemble,
        background: _Rows,
        *,
        weights: npt.NDArray[np.float64] | None = None,
        missing: float | None = None,
        threads: int | None = None,
    ) -> References: ...
    def each(
        self,
        rows: npt.NDArray[np.float32] | npt.NDArray[np.float64] | npt.NDArray[np.floating[Any]],
        out: npt.NDArray[np.float32] | npt.NDArray[np.float64] | npt.NDArray[np.floating[Any]],
        *,
        missing: float | None = None,
        threads: int | None = None,
        progress: Callable[[int, int], object] | None = None,
    ) -> None:
        """As `Plan.run`, into `(n, b, f, o)`: the raw values against each reference."""
    def weighted(
        self,
        rows: npt.NDArray[np.float32] | npt.NDArray[np.float64] | npt.NDArray[np.floating[Any]],
        by: str,
        out: npt.NDArray[np.float32] | npt.NDArray[np.float64] | npt.NDArray[np.floating[Any]],
        *,
        scale: float = 1.0,
        missing: float | None = None,
        threads: int | None = None,
        progress: Callable[[int, int], object] | None = None,
    ) -> None:
        """As `Plan.run`: the weighted mean over the references of their values times the weights of pairs.

        `by`: a link of `Factors`, for each output by itself, "softmax", both into `(n, f, o)`, or "softmax loss", into `(n, f, 1)`.
        `scale` is what margins are multiplied by before the link.
        """

@final
class Saabas:
    """An ensemble with the mean value of each node, by its covers; immutable. Errors as of `Plan`."""

    def __new__(cls, ensemble: Ensemble) -> Saabas: ...
    @staticmethod
    def bytes_of(ensemble: Ensemble) -> int:
        """The memory that the means would take."""
    @property
    def expected_value(self) -> npt.NDArray[np.float64]:
        """As of `Plan`."""
    @property
    def scale(self) -> npt.NDArray[np.float64]:
        """As of `Plan`."""
    @property
    def bytes(self) -> int:
        """The memory of the means."""
    def run(
        self,
        rows: npt.NDArray[np.float32] | npt.NDArray[np.float64] | npt.NDArray[np.floating[Any]],
        out: npt.NDArray[np.float32] | npt.NDArray[np.float64] | npt.NDArray[np.floating[Any]],
        *,
        missing: float | None = None,
        threads: int | None = None,
        progress: Callable[[int, int], object] | None = None,
    ) -> None:
        """As `Plan.run`."""

@final
class Factors:
    """The secant of a link, (g(a) − g(b)) / (a − b), as the sum of `terms` products of a row's and a reference's factor.

    Links: "identity", "logistic", "exponential", "logistic loss" (log(1 + exp m)), "squared error" (m²).
    """

    @staticmethod
    def over(link: str, low: float, high: float) -> Factors | None:
        """Those for margins from `low` to `high`; None: the range is too wide. Raises `OptionError` for an unknown link."""
    @property
    def terms(self) -> int:
        """The number of products."""
    def of_rows(self, margins: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """`(n, terms)` for margins `(n,)`."""
    def of_background(self, margins: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """`(b, terms)` for margins `(b,)`."""

def link_values(link: str, margins: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """`(n,)`: g of each margin; links as in `Factors`."""

def pair_weights(
    by: str, rows: npt.NDArray[np.float64], references: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """`(n, b, k, o)`: what values of output o are multiplied by for output k, of margins `(n, o)` and `(b, o)`; `by` as in
    `References.weighted`.
    """

def build_info() -> dict[str, Any]:
    """`version`, `simd` (the level in use), `simd_available`, `threads` (default) and `profile` of this build."""

def default_threads() -> int:
    """The number of threads used where none is given: the environment's, else what the process may use."""

def after_fork_in_child() -> None:
    """Forgets the threads of the parent process: registered with `os.register_at_fork`."""

def logf32(x: float) -> float:
    """log(x) of x rounded to float32, as the C library's float32 function gives it."""

def expm1f32(x: float) -> float:
    """exp(x) - 1 of x rounded to float32, as the C library's float32 function gives it."""

@final
class Asked:
    """Evaluations to be made: model rows of which some players come from an explained row, the others from a reference.

    A coalition and its complement stand next to each other.
    """

    @property
    def rows(self) -> npt.NDArray[np.uint32]:
        """The explained row of each, as `add_row` called it, `(n)`."""
    @property
    def references(self) -> npt.NDArray[np.uint32]:
        """The reference of each, `(n)`."""
    def members(self) -> npt.NDArray[np.bool_]:
        """Which players come from the explained row, `(n, P)`."""
    def __len__(self) -> int: ...

@final
class Estimate:
    """What is known about the values of a row; axes: `P` players, `K` outputs."""

    @property
    def row(self) -> int:
        """The row, as `add_row` called it."""
    @property
    def values(self) -> npt.NDArray[np.float64]:
        """Shapley values `(P, K)`; they sum to f(x) − Σ ω f(b) of each output (of its link, if there is one)."""
    @property
    def standard_errors(self) -> npt.NDArray[np.float64]:
        """`(P, K)`: from the choice of coalitions; 0 where all were evaluated. Too small below four coalitions a player."""
    @property
    def background_se(self) -> npt.NDArray[np.float64]:
        """`(P, K)`: from the choice of references; NaN for a single reference and for the shared design."""
    @property
    def varying(self) -> npt.NDArray[np.uint32]:
        """Players in which the row differs from some reference, lowest first; the others have the value 0."""
    @property
    def n_evals(self) -> int:
        """Model rows that were evaluated."""
    @property
    def converged(self) -> bool:
        """Whether the tolerance was met; True where none was asked for."""
    @property
    def exact(self) -> bool:
        """Whether all coalitions that count were evaluated."""
    @property
    def low_budget(self) -> bool:
        """Whether there were fewer than two coalitions a player."""

@final
class CoalitionEngine:
    """Asks for evaluations of rows and makes estimates of what comes back (Kernel SHAP).

    Axes: `B` references, `P` players, `K` outputs. A row's estimate depends on the row, the references and the options
    alone: not on the other rows, `most`, the number of threads or the order of calls.

    Raises `OptionError` for a budget below two coalitions a reference, `DataError` for weights that are not positive.
    """

    def __new__(
        cls,
        weights: npt.NDArray[np.float64],
        reference_outputs: npt.NDArray[np.float64],
        *,
        n_players: int,
        nsamples: int | None = None,
        max_evals: int | None = None,
        tol: float | None = None,
        design: str = "per_reference",
        seed: int = 0,
        max_memory: int = 67108864,
        threads: int | None = None,
    ) -> CoalitionEngine:
        """Weights `(B)` and f(b) `(B, K)`.

        `nsamples` coalitions a reference on average, by weight (default 2 P + 2048), or `max_evals` model rows an explained row. With `tol`
        evaluations double until every standard error is at most `tol` times the range of the values of its output.
        `design`: `per_reference`, or `shared` for values of a function of the mean over references, see
        `pending_values`.
        """
    def add_row(
        self, row: int, outputs: npt.NDArray[np.float64], differs: npt.NDArray[np.bool_], *, errors: bool = True
    ) -> None:
        """Adds a row: f(x) `(K)`, and in which players it is not identical to each reference `(B, P)`.

        Without `errors` its standard errors are NaN; they take about as long as the values.
        """
    def ask(self, most: int) -> Asked:
        """Up to `most` evaluations (at least a pair), of as many rows as they are of.

        Empty when nothing can be asked before something is told (or `set_values` called); if nothing is outstanding
        either, all rows that were added are finished.
        """
    def tell(self, asked: Asked, outputs: npt.NDArray[np.float64]) -> None:
        """Takes outputs `(n, K)`; each `Asked` once, in the order of asking."""
    def finished(self) -> list[Estimate]:
        """The estimates since the last call, in order of rows. Complete rows may wait to be solved together with others."""
    def pending_values(self) -> list[tuple[int, npt.NDArray[np.float64]]]:
        """Shared design: the place of a row (how many were added before it) and means over the references `(c, K)`.

        The empty coalition first, the full one last. Apply the link to all of them, elementwise, and hand the result to
        `set_values`; also without a link. Nothing is pending in the other design.
        """
    def set_values(self, place: int, values: npt.NDArray[np.float64]) -> None:
        """Hands in the link of pending values, of the same shape."""

@final
class MatrixMasker:
    """Mixes rows with the background; axes: `B` references, `C` columns, `P` players.

    Booleans, integers and floats of 4 and 8 bytes; raises `TypeError` for another dtype.
    """

    def __new__(
        cls, background: npt.NDArray[Any], player_of_column: npt.NDArray[np.int64], n_players: int
    ) -> MatrixMasker:
        """Background `(B, C)`, the player of each column `(C)`."""
    def differs(self, x: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
        """Whether a column of a player is not identical, `(n, B, P)`, for rows `(n, C)` of the background's dtype.

        Identical is equal (so −0.0 and 0.0 are), or both NaN.
        """
    def fill(
        self,
        asked: Asked,
        x: npt.NDArray[Any],
        first_row: int,
        out: npt.NDArray[Any],
        threads: int | None = None,
    ) -> None:
        """Writes the model's input into `out` `(len(asked), C)`; `x` `(n, C)` holds the rows from `first_row` on."""

@final
class MixtureModel:
    """Predicts mixtures of rows and background rows without writing them; axes: `C` columns, `K` outputs.

    Raises `UnsupportedModelError` for a model with linear leaves, `DataError` for rows that do not fit.
    """

    def __new__(
        cls,
        ensemble: Ensemble,
        background: _Rows,
        player_of_column: npt.NDArray[np.int64],
        n_players: int,
        *,
        missing: float | None = None,
    ) -> MixtureModel:
        """Background `(B, C)` and the player of each column `(C)`; `missing` as in `Ensemble.predict`, also of the rows."""
    def predict(
        self, asked: Asked, rows: _Rows, first_row: int, *, threads: int | None = None
    ) -> npt.NDArray[np.float64]:
        """The float64 sums of the leaves `(len(asked), K)`; `rows` `(n, C)` are those from `first_row` on."""
