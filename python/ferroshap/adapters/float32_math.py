"""The C library's float32 logarithm and exponential, on which the last bit of a base score depends."""

import math

import numpy as np

from ferroshap import _native


def logf(x: np.float32) -> np.float32:
    """log(x) in float32 as the C library gives it; -inf at 0, NaN below.

    Without the native function: the float64 result, rounded, which differs in the last bit for 0.3 % of all x.
    numpy's own float32 logarithm differs for 12 %.
    """
    native = getattr(_native, "logf32", None)
    if native is not None:
        return np.float32(native(float(x)))
    return np.float32(math.log(x)) if x > 0 else np.float32(-np.inf if x == 0 else np.nan)


def expm1f(x: np.float32) -> np.float32:
    """exp(x) - 1 in float32 as the C library gives it."""
    native = getattr(_native, "expm1f32", None)
    return np.float32(native(float(x)) if native is not None else math.expm1(x))
