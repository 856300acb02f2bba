"""The weights of background rows."""

from typing import Any

import numpy as np
import numpy.typing as npt

from ferroshap.errors import DataError


def read_weights(weights: Any, n: int) -> npt.NDArray[np.float64]:
    """`(n,)`: how much each background row counts, relative to the others; raises `DataError` naming the first bad row.

    The largest is from one half to one: a power of two scales them all, which changes no value, so that sums of very large
    and very small weights are sums of ordinary ones.
    """
    if isinstance(weights, str):
        raise DataError(
            f"weights is the text {weights!r}; expected one number for each background row: a column, data[{weights!r}]"
        )
    given = np.asarray(weights)
    if given.dtype.kind == "O":
        try:
            given = given.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise DataError(f"weights holds something that is no number: {error}") from error
    if given.dtype.kind not in "fiub":
        raise DataError(f"weights has dtype {given.dtype}; expected one number for each background row")
    if given.shape != (n,):
        raise DataError(f"weights has the shape {given.shape}; expected ({n},), one number for each background row")
    numbers = given.astype(np.float64)
    bad = np.flatnonzero(~((numbers >= 0) & (numbers < np.inf)))  # nan is neither
    if bad.size:
        raise DataError(
            f"the weight of background row {bad[0]} is {numbers[bad[0]]:g}; expected a finite number of 0 or more"
        )
    largest = numbers.max(initial=0.0)
    if largest == 0.0:
        raise DataError("the weights of all background rows are 0; expected at least one above 0")
    scaled: npt.NDArray[np.float64] = np.ldexp(numbers, -np.frexp(largest)[1])
    return scaled
