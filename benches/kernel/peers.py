"""Estimates of both sides for the same function, rows and background."""

import warnings
from collections.abc import Callable
from typing import Any

import ferroshap
import numpy as np
import shap

from .readings import Floats

Function = Callable[[Floats], Floats]


def ours(function: Function, background: Floats, rows: Floats, **options: Any) -> Floats:
    """With one thread, unless `threads` says otherwise."""
    return ferroshap.KernelExplainer(function, background, **({"threads": 1} | options)).shap_values(rows)


def shap_kernel(
    function: Function,
    background: Floats,
    rows: Floats,
    nsamples: int | str,
    seed: int = 0,
    *,
    selects: bool = False,
    **options: Any,
) -> Floats:
    """shap's Kernel SHAP: without its selection of features (`l1_reg=False`), or as it is by default."""
    np.random.seed(seed)
    explainer = shap.KernelExplainer(function, background, **options)
    chosen = {} if selects else {"l1_reg": False}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of few samples, and of scikit-learn's LARS
        return np.asarray(explainer.shap_values(rows, nsamples=nsamples, silent=True, gc_collect=False, **chosen))


def shap_permutation(function: Function, background: Floats, rows: Floats, permutations: int, seed: int) -> Floats:
    """shap's Permutation: each goes forwards and backwards, about `2 M` coalitions."""
    np.random.seed(seed)
    masker = shap.maskers.Independent(background, len(background))
    explainer = shap.PermutationExplainer(function, masker, seed=seed)
    return np.asarray(explainer.shap_values(rows, npermutations=permutations, silent=True))
