"""SHAP values of tree ensembles: the explainer, the games it plays, and the background rows of one of them."""

from .explainer import TreeExplainer

__all__ = ["TreeExplainer"]
