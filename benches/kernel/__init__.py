"""Measures of Kernel SHAP, each in a module; `run_kernel.py` runs them, kernel.toml has their sizes and bars."""
