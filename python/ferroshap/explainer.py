"""`Explainer`: from a model to the explainer that fits it, with the arguments of `shap.Explainer`."""

import inspect
from abc import ABC
from collections.abc import Sequence
from typing import Any

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
    """The explainer that fits a model, as `shap.Explainer` chooses it: for tree models a `TreeExplainer`.

    Takes the place of `shap.Explainer(model)` and `shap.Explainer(model, masker)` without another change, but that the
    whole masker counts and not 100 of its rows. What would change the values and is not supported
    is refused by name; what cannot change exact values (`seed`, `linearize_link`) is accepted.

    Parameters
    ----------
    model
        Anything `load_model` takes: a live model, a model file's path or bytes, or a `TreeEnsemble`.
    masker
        Background rows, the `data` of `TreeExplainer`: interventional values. None: path-dependent ones.
    link
        `"identity"` or `shap.links.identity`, which is the default: values are in the unit of the raw output.
    algorithm
        `"auto"` or `"tree"`.
    output_names, feature_names
        Names for `Explanation`, one an output, one a feature; default: the model's own, else the frame's.
    linearize_link
        For other links than the identity; changes nothing.
    seed
        For algorithms that draw at random; changes nothing.
    **options
        The keyword arguments of `TreeExplainer`.

    Returns
    -------
    TreeExplainer
        `isinstance` holds for both classes.

    Raises
    ------
    UnsupportedModelError, ModelError, PlanError, OptionError, DataError, FeatureMismatchError
        As `TreeExplainer`; a function is refused, since Kernel SHAP, which explains any, is not supported yet.

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
    ) -> TreeExplainer:
        """See the class."""
        _refuse_functions(model)
        _check_choice(link, algorithm, seed)
        return TreeExplainer(model, masker, feature_names=feature_names, output_names=output_names, **options)


Explainer.register(TreeExplainer)


def _refuse_functions(model: Any) -> None:
    """No tree model can be called, but its `predict` can, which is what is passed where any function is explained."""
    if not callable(model) or isinstance(model, type):
        return
    name = getattr(model, "__name__", type(model).__qualname__)
    raise UnsupportedModelError(
        f"{name} is a function; Kernel SHAP, which explains any, is not supported yet: pass {_tree_model_of(model)}"
    )


def _tree_model_of(function: Any) -> str:
    from .adapters.detect import adapter_of

    owner = function.__self__ if inspect.ismethod(function) else None
    try:
        adapter_of(owner)
    except UnsupportedModelError:
        return "a tree model"
    return f"the {type(owner).__name__} itself"


def _check_choice(link: Any, algorithm: Any, seed: Any) -> None:
    if not _is_identity(link):
        raise OptionError(
            f"link={getattr(link, '__name__', link)!r} is not supported; leave it out: values are in the unit of the "
            "model's raw output (output_space of the Explanation)"
        )
    if algorithm not in ("auto", "tree"):
        why = OTHER_ALGORITHMS.get(str(algorithm))
        raise OptionError(
            f"algorithm is {algorithm!r}{f', which is not supported: {why}' if why else ''}; expected 'auto' or 'tree'"
        )
    if seed is not None:
        whole_number("seed", seed, at_least=0)


def _is_identity(link: Any) -> bool:
    if isinstance(link, str):
        return link == "identity"
    module = str(getattr(link, "__module__", ""))
    return getattr(link, "__name__", "") == "identity" and module.partition(".")[0] == "shap"
