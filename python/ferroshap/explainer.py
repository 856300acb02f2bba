"""`Explainer`: from a model to the explainer that fits it, with the arguments of `shap.Explainer`."""

import inspect
from abc import ABC
from collections.abc import Sequence
from typing import Any

from .coalition import KernelExplainer
from .errors import OptionError, UnsupportedModelError
from .options import whole_number
from .tree import TreeExplainer

# The names shap.Explainer takes, and why there is nothing to choose.
OTHER_ALGORITHMS = {
    **dict.fromkeys(
        ("exact", "permutation"),
        "'tree' with background rows as masker gives the values that it computes or estimates, exactly",
    ),
    "partition": "its values, over a clustering of the features, are those of another game",
    **dict.fromkeys(("linear", "additive", "deep"), "it is for models that are no trees"),
}


class Explainer(ABC):  # noqa: B024
    """The explainer that fits a model: for tree models a `TreeExplainer`, for functions a `KernelExplainer`.

    Takes the place of `shap.Explainer(model)` and `shap.Explainer(model, masker)` without another change, but that the
    whole masker counts and not 100 of its rows. What would change the values and is not supported
    is refused by name; what cannot change exact values (`seed`, `linearize_link`) is accepted.

    Parameters
    ----------
    model
        Anything `load_model` takes: a live model, a model file's path or bytes, or a `TreeEnsemble`; or a function.
    masker
        Background rows, the `data` of the explainers: interventional values. None: path-dependent ones, of trees.
    link
        `"identity"` or `shap.links.identity`, which is the default: values are in the unit of the output. For functions as in
        `KernelExplainer`.
    algorithm
        `"auto"`, `"tree"` or `"kernel"`.
    output_names, feature_names
        Names for `Explanation`, one an output, one a feature; default: the model's own, else the frame's.
    linearize_link
        For other links than the identity; changes nothing.
    seed
        Of `KernelExplainer`; changes nothing for trees.
    **options
        The keyword arguments of the explainer.

    Returns
    -------
    TreeExplainer or KernelExplainer
        `isinstance` holds for that class and for this one.

    Raises
    ------
    UnsupportedModelError, ModelError, PlanError, OptionError, DataError, FeatureMismatchError
        As the explainer.

    Examples
    --------
    >>> import ferroshap
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.ensemble import RandomForestRegressor
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> explainer = ferroshap.Explainer(RandomForestRegressor(n_estimators=10, random_state=0).fit(X, y))
    >>> explainer(X).values.shape  # rows, features
    (442, 10)
    """

    # A class and not a function, so that `isinstance(explainer, Explainer)` and annotations read as with shap. It makes
    # explainers but is not a base of theirs: Python would call their `__init__` again, with the arguments of this one.
    def __new__(  # type: ignore[misc]
        cls,
        model: Any,
        masker: Any = None,
        link: Any = "identity",
        algorithm: str = "auto",
        output_names: Sequence[str] | None = None,
        feature_names: Sequence[str] | None = None,
        linearize_link: bool = True,  # noqa: ARG004
        seed: int | None = None,
        **options: Any,
    ) -> TreeExplainer | KernelExplainer:
        """See the class."""
        names: dict[str, Any] = {"feature_names": feature_names, "output_names": output_names}
        if algorithm == "kernel" or (_is_function(model) and algorithm == "auto"):
            _check_masker(model, masker)
            return KernelExplainer(model, masker, link=link, seed=seed, **names, **options)
        if _is_function(model):
            raise OptionError(
                f"algorithm is {algorithm!r}, but the model is a function, which 'auto' and 'kernel' explain; for the values of trees "
                f"pass {_tree_model_of(model)}"
            )
        _check_choice(link, algorithm, seed)
        return TreeExplainer(model, masker, **names, **options)


Explainer.register(TreeExplainer)
Explainer.register(KernelExplainer)


def _is_function(model: Any) -> bool:
    """No tree model can be called, but its `predict` can, which is what is passed where any function is explained."""
    return callable(model) and not isinstance(model, type)


def _check_masker(model: Any, masker: Any) -> None:
    if masker is not None:
        return
    name = getattr(model, "__name__", type(model).__qualname__)
    raise OptionError(
        f"{name} is explained by Kernel SHAP, which needs background rows; pass some as masker, or {_tree_model_of(model)}"
    )


def _tree_model_of(function: Any) -> str:
    from .adapters.detect import adapter_of

    owner = function.__self__ if inspect.ismethod(function) else None
    try:
        adapter_of(owner)
    except UnsupportedModelError:
        return "a tree model"
    return f"the {type(owner).__name__} itself, whose exact values need no estimate"


def _check_choice(link: Any, algorithm: Any, seed: Any) -> None:
    if not _is_identity(link):
        raise OptionError(
            f"link={getattr(link, '__name__', link)!r} is not supported; leave it out: values are in the unit of the "
            "model's raw output (output_space of the Explanation)"
        )
    if algorithm not in ("auto", "tree"):
        why = OTHER_ALGORITHMS.get(str(algorithm))
        raise OptionError(
            f"algorithm is {algorithm!r}{f', which is not supported: {why}' if why else ''}; expected 'auto', 'tree' or 'kernel'"
        )
    if seed is not None:
        whole_number("seed", seed, at_least=0)


def _is_identity(link: Any) -> bool:
    if isinstance(link, str):
        return link == "identity"
    module = str(getattr(link, "__module__", ""))
    return getattr(link, "__name__", "") == "identity" and module.partition(".")[0] == "shap"
