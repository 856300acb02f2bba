"""Games of coalitions for any model: `KernelExplainer`, and `kernel_shap` for games that are no models."""

from .explainer import KernelExplainer
from .game import kernel_shap

__all__ = ["KernelExplainer", "kernel_shap"]
