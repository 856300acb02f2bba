"""shap is imported before the tests that use it: what it warns of are its own libraries."""

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import shap  # noqa: F401
