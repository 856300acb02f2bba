"""The options of `ferroshap explain --kernel`, and which options go with which of the two ways to explain."""

from collections.abc import Callable
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from ferroshap.errors import OptionError

from .row_frames import KINDS

Command = TypeVar("Command", bound=Callable[..., Any])

OF_FUNCTIONS = (
    "features",
    "rows_as",
    "link",
    "nsamples",
    "max_evals",
    "tol",
    "seed",
    "output_names",
    "standard_errors",
    "nan_policy",
)
OF_TREES = (
    "model_output",
    "labels",
    "approximate",
    "interactions",
    "iteration_range",
    "missing",
    "pair_budget",
    "aggregate",
    "by",
)


def split_names(ctx: click.Context, param: click.Parameter, value: str) -> tuple[str, ...]:
    """The names of `--keep a,b`."""
    return tuple(filter(None, (name.strip() for name in value.split(","))))


def read_nsamples(ctx: click.Context, param: click.Parameter, value: str) -> int | str:
    """A whole number, or auto."""
    if value == "auto":
        return value
    try:
        return int(value)
    except ValueError:
        raise click.BadParameter(f"{value!r} is not a whole number, nor auto", ctx, param) from None


def explains_a_function(command: Command) -> Command:
    """Adds `--kernel` and the options that are for it alone."""
    options = (
        click.option(
            "--kernel",
            metavar="MODULE:FUNCTION",
            help="Kernel SHAP of a Python function of rows, in the place of MODEL, against --background. Runs its code.",
        ),
        click.option(
            "--features",
            default="",
            callback=split_names,
            metavar="A,B",
            help="With --kernel: columns that the function is given; all of the background by default.",
        ),
        click.option(
            "--rows-as",
            type=click.Choice(KINDS),
            default="pandas",
            help="With --kernel: what the function is given, pandas frames by default.",
        ),
        click.option(
            "--link",
            type=click.Choice(["identity", "logit"]),
            default="identity",
            help="With --kernel: what of the mean answer is explained, the mean itself by default.",
        ),
        click.option(
            "--nsamples",
            default="auto",
            callback=read_nsamples,
            metavar="N",
            help="With --kernel: coalitions for each background row; 2 × features + 2048 by default.",
        ),
        click.option(
            "--max-evals",
            type=click.IntRange(min=2),
            metavar="N",
            help="With --kernel: rows that the function is given for each explained row, in the place of --nsamples.",
        ),
        click.option(
            "--tol",
            type=float,
            metavar="SHARE",
            help="With --kernel: stop a row at standard errors of this share of the range of its values.",
        ),
        click.option(
            "--seed", type=click.IntRange(min=0), default=0, help="With --kernel: of the coalitions; 0 by default."
        ),
        click.option(
            "--output-names",
            default="",
            callback=split_names,
            metavar="A,B",
            help="With --kernel: names of the outputs of a function that has several.",
        ),
        click.option(
            "--standard-errors",
            is_flag=True,
            help="With --kernel: a column standard_error_<feature> for each column of values.",
        ),
        click.option(
            "--nan-policy",
            type=click.Choice(["raise", "propagate"]),
            default="raise",
            help="With --kernel: fail where an answer is not finite, or write NaN for the rows concerned.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def options_of_function(ctx: click.Context, options: dict[str, Any]) -> dict[str, Any]:
    """The options for `KernelOptions`; raises usage errors and `OptionError` for those that do not go with `--kernel`."""
    if options["data"] is not None:
        raise click.UsageError("with --kernel there is no model file: expected one argument, DATA", ctx)
    if options["background"] is None:
        raise OptionError("--kernel explains against background rows: name a Parquet file of them with --background")
    _refuse(ctx, OF_TREES, "is for model files, not for --kernel; leave one of the two out")
    return {name: value for name, value in options.items() if name not in {*OF_TREES, "model"}} | {
        "data": options["model"]
    }


def options_of_trees(ctx: click.Context, options: dict[str, Any]) -> dict[str, Any]:
    """The options for `ExplainOptions`; raises usage errors and `OptionError` for those of `--kernel`."""
    if options["data"] is None:
        raise click.UsageError("Missing argument 'DATA': MODEL and DATA are expected, or --kernel and DATA", ctx)
    _refuse(ctx, OF_FUNCTIONS, "is for --kernel MODULE:FUNCTION, which is not given; leave it out")
    return {name: value for name, value in options.items() if name not in {*OF_FUNCTIONS, "kernel"}}


def _refuse(ctx: click.Context, names: tuple[str, ...], why: str) -> None:
    for name in names:
        if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise OptionError(f"--{name.replace('_', '-')} {why}")
