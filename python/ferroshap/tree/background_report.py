"""How the error of values falls with the number of background rows, as a small table."""

from dataclasses import dataclass
from math import ceil, inf, sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from ferroshap.errors import OptionError
from ferroshap.options import whole_number

Floats = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, repr=False)
class BackgroundReport:
    """The standard error of a value by the number of background rows: what `TreeExplainer.background_report` gives.

    It is that of one feature (and output), the one whose values have the largest: the root mean square over the rows given.
    It falls with the square root of the number of rows, and is an estimate: by 16 blocks itself uncertain by about 20 %, the
    number of rows that an error takes by about 40 %. `str` is a table.

    Attributes
    ----------
    sizes : tuple of int
        Numbers of background rows, of the same population and weighted alike.
    errors : tuple of float
        The standard error of a value against so many, in the unit of values.
    relative_errors : tuple of float
        The same by `mean_abs`.
    feature, output : str or int
        Which feature, by name where there are names; which output, None where there is one.
    mean_abs : float
        The mean |value| of that feature over the rows given.
    background_rows : int
        Rows of the background, those of weight 0 not counted.
    rows : int
        How many rows were explained.
    blocks : int
        How many blocks of the background the errors are estimated by.
    output_space : str
        That unit: "margin", "probability", …
    error_of_one : float
        The standard error against a single background row: against m it is this by √m.
    """

    sizes: tuple[int, ...]
    errors: tuple[float, ...]
    relative_errors: tuple[float, ...]
    feature: str | int
    output: str | None
    mean_abs: float
    background_rows: int
    rows: int
    blocks: int
    output_space: str
    error_of_one: float

    def rows_for(self, relative_error: float) -> int | None:
        """How many background rows give that relative error, such as 0.05; None: no number does, for the mean |value| is 0.

        It may be more than there are. Raises `OptionError` for anything but a number above 0.
        """
        if not isinstance(relative_error, (int, float, np.number)) or not 0 < relative_error < inf:
            raise OptionError(f"relative_error is {relative_error!r}; expected a number above 0, such as 0.05")
        if self.error_of_one == 0.0:
            return 1
        if self.mean_abs == 0.0:
            return None
        return max(1, ceil((self.error_of_one / (self.mean_abs * float(relative_error))) ** 2))

    def __repr__(self) -> str:
        of_output = "" if self.output is None else f", output {self.output!r}"
        about = [
            f"Standard error of a value by the number of background rows, in the unit {self.output_space}",
            f"where it is largest: feature {self.feature!r}{of_output}, whose mean |value| is {self.mean_abs:.4g}",
            "",
            f"{'background rows':>16} {'standard error':>16} {'of mean |value|':>16}",
        ]
        for size, error, relative in zip(self.sizes, self.errors, self.relative_errors, strict=True):
            given = "  (given)" if size == self.background_rows else ""
            about.append(f"{size:>16,} {error:>16.4g} {100 * relative:>14.3g} %{given}")
        uncertain = 100 / sqrt(2 * (self.blocks - 1))
        about += [
            "",
            *(f"{100 * wanted:g} %: {self._takes(self.rows_for(wanted))}" for wanted in (0.05, 0.01)),
            f"Estimated by {self.blocks} blocks of {self.background_rows:,} rows.",
            f"Errors are uncertain by about {uncertain:.0f} %, numbers of rows by twice that.",
        ]
        return "\n".join(about)

    def _takes(self, rows: int | None) -> str:
        if rows is None:
            return "no number of rows"
        more = f", more than the {self.background_rows:,} given" if rows > self.background_rows else ""
        rounded = int(float(f"{rows:.2g}"))  # it is no better known
        return f"about {rounded:,} row{'' if rows == 1 else 's'}{more}"


def report_of(
    values: Floats,
    errors: Floats,
    *,
    sizes: Any,
    background_rows: int,
    blocks: int,
    features: tuple[str, ...] | None,
    outputs: tuple[str, ...],
    output_space: str,
) -> BackgroundReport:
    """The report of values and their standard errors, both `(n, f, o)`, n at least 1."""
    of_rows = np.sqrt(np.mean(np.square(errors, dtype=np.float64), axis=0))
    sizes_of_values = np.abs(values).mean(axis=0, dtype=np.float64)
    where, output = np.unravel_index(np.argmax(of_rows), of_rows.shape)
    one, mean_abs = float(of_rows[where, output]) * sqrt(background_rows), float(sizes_of_values[where, output])
    numbers = report_sizes(sizes, background_rows)
    found = tuple(one / sqrt(size) for size in numbers)
    return BackgroundReport(
        sizes=numbers,
        errors=found,
        relative_errors=tuple(error / mean_abs if mean_abs else inf if error else 0.0 for error in found),
        feature=int(where) if features is None else features[where],
        output=outputs[output] if values.shape[2] > 1 else None,
        mean_abs=mean_abs,
        background_rows=background_rows,
        rows=len(values),
        blocks=blocks,
        output_space=output_space,
        error_of_one=one,
    )


def report_sizes(sizes: Any, background_rows: int) -> tuple[int, ...]:
    """The sizes asked for, or 100, 300, 1000, … and the background's own; from 10 on where that has at most 100 rows."""
    if sizes is None:
        steps = (3**half * 10 ** (power + 1) for power in range(18) for half in (0, 1))
        least = 10 if background_rows <= 100 else 100
        return (*(size for size in steps if least <= size < background_rows), background_rows)
    try:
        given = [sizes] if np.ndim(sizes) == 0 else list(sizes)
    except (TypeError, ValueError):
        given = [sizes]
    if not given:
        raise OptionError("sizes is empty; expected numbers of background rows, such as [100, 1000, 10000], or None")
    return tuple(whole_number("a number in sizes", size) for size in given)
