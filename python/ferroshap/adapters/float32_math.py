"""The C library's float32 logarithm and exponential, on which the last bit of a base score depends.

numpy's own float32 logarithm differs from the C library's in the last bit for 12 % of all numbers.
"""

import numpy as np

from ferroshap import _native


def logf(x: np.float32) -> np.float32:
    """log(x) in float32 as the C library gives it; -inf at 0, NaN below."""
    return np.float32(_native.logf32(float(x)))


def expm1f(x: np.float32) -> np.float32:
    """exp(x) - 1 in float32 as the C library gives it."""
    return np.float32(_native.expm1f32(float(x)))
