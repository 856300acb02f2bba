"""What lets shap's plots take an explanation for one of their own, and the real one for everything else."""

import sys
from typing import Any

from .state import State


class ShapLikeness(State):
    """Answers what shap's plots ask: by name, and by `isinstance` while shap is imported."""

    # Fields of a shap.Explanation that only shap's other explainers fill.
    clustering = hierarchical_values = main_effects = lower_bounds = upper_bounds = None
    instance_names = output_indexes = compute_time = None

    @property
    def error_std(self) -> Any:
        """The standard errors of estimated values, None for exact ones: shap's name of `details.standard_errors`."""
        return None if self.details is None else self.details.standard_errors

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        # `isinstance` asks this when the type itself does not answer. shap is not imported for it, and may be half done.
        return getattr(sys.modules.get("shap"), "Explanation", None) or type(self)

    def __dir__(self) -> list[str]:
        return sorted({*dir(type(self)), *vars(self)})  # what there is here, not in the class that `__class__` names

    @property
    def output_dims(self) -> tuple[int, ...]:
        """The dimension of `values` that outputs have, if any, as shap numbers it."""
        return (self._axes.index("output"),) if "output" in self._axes else ()

    def to_shap(self) -> Any:
        """A `shap.Explanation` with the same values, base values, data and names; its arrays are these, not copies.

        Choose rows and features here, not there: shap loses names in some of its choices. Raises `ImportError` if shap is
        not installed.
        """
        try:
            import shap  # type: ignore[import-untyped]
        except ImportError as error:
            raise ImportError(
                "to_shap makes a shap.Explanation, and shap is not installed: pip install shap"
            ) from error
        names, outputs = self._feature_names, self._output_names
        if "output" in self._axes:  # shap finds this axis by its names
            outputs = outputs or tuple(f"Output {at}" for at in range(self._length("output")))
        made = shap.Explanation(
            self.values,
            base_values=self.base_values,
            data=self.data,
            display_data=self.display_data,
            feature_names=list(names) if isinstance(names, tuple) else names,
            output_names=list(outputs) if isinstance(outputs, tuple) else None,
            error_std=self.error_std,
        )
        made.op_history = list(self.op_history)
        return made
