"""Explanations a record batch at a time: one primitive under the command line and every engine."""

from .columns import OutputColumns
from .explainer import BatchExplainer

__all__ = ["BatchExplainer", "OutputColumns"]
