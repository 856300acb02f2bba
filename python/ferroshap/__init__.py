"""Exact SHAP values of gradient-boosted trees."""
