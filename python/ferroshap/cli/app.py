"""The commands as click sees them, and the one place where errors and signals become exit codes."""

import logging
import os
import signal
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO, TypeVar

import click

from ferroshap.errors import FerroshapError, OptionError
from ferroshap.options import byte_count
from ferroshap.versions import build_info

from .aggregate import aggregate
from .check import check_model
from .exit_codes import ExitCode, exit_code
from .explain import explain
from .inspect import inspect_model
from .kernel import KernelOptions, explain_function
from .kernel_arguments import explains_a_function, options_of_function, options_of_trees, split_names
from .memory import DEFAULT_BUDGET
from .signals import Interrupted, signals_raise
from .task import ExplainOptions

log = logging.getLogger("ferroshap")

FILE = click.Path(path_type=Path)

Command = TypeVar("Command", bound=Callable[..., Any])


def read_size(ctx: click.Context, param: click.Parameter, value: str) -> int | None:
    """The bytes of `--max-memory 512MiB`; a usage error says what was expected."""
    try:
        return byte_count("--max-memory", value)
    except FerroshapError as error:
        raise click.BadParameter(str(error), ctx, param) from error


def reads_a_model(command: Command) -> Command:
    """Adds the options of `load_model`, which are those of every command that reads a model file."""
    missing = click.option(
        "--missing", type=float, metavar="NUMBER", help="A number that counts as missing, for a model of XGBoost."
    )
    iteration_range = click.option(
        "--iteration-range",
        type=int,
        nargs=2,
        metavar="BEGIN END",
        help="Only these boosting iterations of the model, END not included; an END of 0 means all.",
    )
    return iteration_range(missing(command))


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(build_info()["version"], prog_name="ferroshap")
def cli() -> None:
    """Exact SHAP values of tree models, file to file."""


@cli.command("explain")
@click.argument("model", type=FILE, metavar="[MODEL]")
@click.argument("data", type=FILE, metavar="DATA", required=False)
@click.option("-o", "--output", type=FILE, required=True, help="Parquet file to write.")
@click.option(
    "--background",
    type=FILE,
    metavar="FILE",
    help="Parquet file of background rows: values against their mean prediction. Without it, path-dependent values.",
)
@click.option("--weights", metavar="COLUMN", help="Column of the background that says how much each row counts.")
@click.option(
    "--model-output",
    type=click.Choice(["raw", "probability", "predict", "log_loss"]),
    default="raw",
    metavar="OUTPUT",
    help="What values add up to: raw (the default); against a background also probability, predict: the library's, or log_loss.",
)
@click.option(
    "--labels", metavar="COLUMN", help="Column of DATA with the label of each row, for --model-output log_loss."
)
@click.option(
    "--approximate",
    is_flag=True,
    help="Saabas values, which add up too but are no SHAP values; not with --background.",
)
@click.option(
    "--interactions",
    is_flag=True,
    help="Interaction values, a column for each pair of features; with --background too.",
)
@reads_a_model
@click.option(
    "--pair-budget",
    type=click.IntRange(min=1),
    default=10_000_000,
    metavar="PAIRS",
    help="Most pairs of rows and background rows, for outputs computed pair by pair; 10,000,000 by default.",
)
@click.option(
    "--aggregate",
    is_flag=True,
    help="Write no values of rows, but statistics of them: a row for each feature and output.",
)
@click.option("--by", metavar="COLUMN", help="Column of DATA: with --aggregate, statistics for each of its values.")
@click.option("--keep", default="", callback=split_names, metavar="A,B", help="Columns of DATA to copy to the output.")
@click.option(
    "--dtype",
    type=click.Choice(["float32", "float64"]),
    default=None,
    help="Type of the values written, float32 by default; they are computed in float64.",
)
@click.option(
    "--threads", type=click.IntRange(min=1), default=None, help="Threads to use; by default the processors available."
)
@click.option(
    "--max-memory",
    default=DEFAULT_BUDGET,
    callback=read_size,
    metavar="SIZE",
    help="Memory for the rows in flight, such as 512MiB (the default).",
)
@click.option("--overwrite", is_flag=True, help="Replace the output file if it exists.")
@explains_a_function
@click.pass_context
def explain_command(ctx: click.Context, /, **options: Any) -> None:
    """Explain every row of the Parquet file DATA with the model file MODEL.

    MODEL is a file of XGBoost (JSON, UBJSON), LightGBM (text) or CatBoost (JSON), or one that TreeEnsemble.save wrote,
    recognised by its content. Columns are matched by name, also those of the background; columns the model does not know are ignored. The output has the kept columns, one column of SHAP values per
    feature (shap_<feature>) and the base value, row by row as in DATA. With
    --aggregate it has the mean |value|, the mean, the least and the largest
    value of each feature over all rows instead; with --interactions one column
    per pair of features (interaction_<feature>__<other>) in the place of SHAP
    values.

    With --kernel there is no MODEL: the function is imported, from the working
    directory too, and called with rows of the columns of the background.
    """
    if options["kernel"] is not None:
        explain_function(KernelOptions(**options_of_function(ctx, options)))
        return
    task = ExplainOptions(**options_of_trees(ctx, options))
    if task.by is not None and not task.aggregate:
        raise OptionError("--by names the groups of --aggregate; add that option, or leave --by out")
    if task.labels is None and task.model_output == "log_loss":
        raise OptionError(
            "--model-output log_loss explains the loss of each row: name the column of labels with --labels"
        )
    if task.labels is not None and task.model_output != "log_loss":
        raise OptionError(
            "--labels names the labels for values of the loss; leave it out, or ask for --model-output log_loss"
        )
    if task.approximate and task.background is not None:
        raise OptionError("--approximate gives Saabas values, which know no background; leave one of the two out")
    if task.interactions and task.approximate:
        raise OptionError("--approximate gives Saabas values, which have no interactions; leave one of the two out")
    if task.interactions and task.aggregate:
        raise OptionError(
            "--aggregate gives statistics of SHAP values, not of their --interactions; leave one of the two out, or call "
            "TreeExplainer.shap_interaction_values(X, aggregate='mean_abs')"
        )
    run_task = aggregate if task.aggregate else explain
    run_task(task)


@cli.command("inspect")
@click.argument("model", type=FILE)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@reads_a_model
def inspect_command(model: Path, *, as_json: bool, **reading: Any) -> None:
    """Say what the model file MODEL holds and whether ferroshap explains it."""
    inspect_model(model, as_json=as_json, **reading)


@cli.command("check")
@click.argument("model", type=FILE)
@click.argument("data", type=FILE)
@click.option("--rows", "n_rows", type=click.IntRange(min=1), default=None, help="Only the first so many rows.")
@reads_a_model
def check_command(model: Path, data: Path, *, n_rows: int | None, **reading: Any) -> None:
    """Compare ferroshap with the training library itself, which must be installed.

    MODEL is a model file of XGBoost, LightGBM or CatBoost, DATA a Parquet file. Its library loads MODEL and predicts the
    rows; ferroshap's prediction must have the same bits (from CatBoost's JSON, which it reads with a small error, to 1e-13), and
    base value plus SHAP values be that prediction within the roundings of the library's additions.
    """
    check_model(model, data, n_rows, **reading)


def run(arguments: Sequence[str]) -> int:
    """Runs one command; returns its exit code. Every foreseen failure is one line on standard error."""
    with _speaking_on_stderr():
        try:
            with signals_raise():
                cli.main(args=list(arguments), prog_name="ferroshap", standalone_mode=False)
        except click.exceptions.Exit as request:
            return int(request.exit_code)
        except click.ClickException as error:
            error.show()
            return error.exit_code
        except FerroshapError as error:
            log.error("%s", _one_line(error))
            return exit_code(error)
        except Interrupted as interrupted:
            log.error("interrupted by %s; no output was written", signal.Signals(interrupted.signum).name)
            return 128 + interrupted.signum
        except BrokenPipeError:
            _silence_stdout()
            return ExitCode.OUTPUT
        except MemoryError:
            log.error("out of memory; try a smaller --max-memory")
            return ExitCode.USAGE
        except Exception:
            sys.stderr.write(traceback.format_exc())
            log.error("this is a defect of ferroshap; please report it with the lines above")
            return ExitCode.INTERNAL
    return ExitCode.OK


def _one_line(error: BaseException) -> str:
    return " · ".join(line.strip() for line in str(error).splitlines() if line.strip())


class _StderrHandler(logging.Handler):
    """Writes to whatever `sys.stderr` is now: a progress bar replaces it while it is drawn."""

    def emit(self, record: logging.LogRecord) -> None:
        sys.stderr.write(f"ferroshap: {record.getMessage()}\n")
        sys.stderr.flush()


@contextmanager
def _speaking_on_stderr() -> Iterator[None]:
    """Log lines and warnings are lines on standard error; afterwards both are as they were."""

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        log.warning("%s", message)

    before = (log.handlers, log.level, log.propagate)
    with warnings.catch_warnings():
        warnings.showwarning = show
        log.handlers, log.propagate = [_StderrHandler()], False
        log.setLevel(logging.INFO)
        try:
            yield
        finally:
            log.handlers, log.propagate = before[0], before[2]
            log.setLevel(before[1])


def _silence_stdout() -> None:
    """The reader of our output has gone: nothing more can be said to it, not even at interpreter exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
