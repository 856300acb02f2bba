"""Exact SHAP values of gradient-boosted trees, and Kernel SHAP of any function."""

import logging
import os

from . import _native
from .background import Background, kmeans, sample
from .batch import BatchExplainer
from .builder import Tree, build_ensemble
from .coalition import KernelExplainer, kernel_shap
from .ensemble import TreeEnsemble, load_model
from .errors import (
    AdditivityError,
    ConvergenceWarning,
    DataError,
    FeatureMismatchError,
    FerroshapError,
    FerroshapWarning,
    ModelError,
    OptionError,
    PlanError,
    UnsupportedModelError,
)
from .explainer import Explainer
from .explanation import Explanation
from .support import Support, supports
from .tree import TreeExplainer
from .versions import build_info, show_versions

__all__ = [
    "AdditivityError",
    "Background",
    "BatchExplainer",
    "ConvergenceWarning",
    "DataError",
    "Explainer",
    "Explanation",
    "FeatureMismatchError",
    "FerroshapError",
    "FerroshapWarning",
    "KernelExplainer",
    "ModelError",
    "OptionError",
    "PlanError",
    "Support",
    "Tree",
    "TreeEnsemble",
    "TreeExplainer",
    "UnsupportedModelError",
    "build_ensemble",
    "build_info",
    "kernel_shap",
    "kmeans",
    "load_model",
    "sample",
    "show_versions",
    "supports",
]

__version__: str = build_info()["version"]

logging.getLogger("ferroshap").addHandler(logging.NullHandler())
if hasattr(os, "register_at_fork"):  # a child must not wait for threads that only its parent has
    os.register_at_fork(after_in_child=_native.after_fork_in_child)
