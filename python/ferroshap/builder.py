"""`Tree` and `build_ensemble`: a custom ensemble, from the arrays of anyone's trees."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from .ensemble import TreeEnsemble
from .errors import OptionError


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Tree:
    """One tree of a custom ensemble: an entry a node, node 0 is the root. For `build_ensemble`, which checks it.

    Parameters
    ----------
    left, right : (v,) whole numbers
        The children of a node; negative at a leaf.
    feature : (v,) whole numbers
        The column that a node tests. What stands at a leaf is not read, here and in `threshold`.
    threshold : (v,) numbers
        A row goes left if its value is at most, or with `comparison="<"` below, the threshold. Compared as given, in
        float64: where the model compares float32 numbers, pass a float32 array.
    value : (v,) or (v, o) numbers
        What a leaf adds to the one output, or to `output`; with two dimensions to each output. Only leaves are read.
    cover : (v,) numbers, optional
        The training weight, or the number of rows, that reached a node; a node has what its children have together.
        Without covers the ensemble has no path-dependent SHAP values, only those against background rows.
    default_left : bool or (v,) bool, optional
        Where a missing value (NaN) goes left. If no tree says so, rows with missing values are refused.
    output : int, optional
        The output that the tree adds to, where there are several and `value` has one number a leaf.
    categories : mapping of node to category codes, optional
        These nodes send the codes listed left and every other value right, instead of comparing with the threshold. Codes
        are whole numbers from 0 to 16,777,215; a value between two of them counts as the lower one.
    """

    left: Any
    right: Any
    feature: Any
    threshold: Any
    value: Any
    cover: Any = None
    default_left: Any = None
    output: int | None = None
    categories: Mapping[int, Sequence[int]] | None = None

    def __repr__(self) -> str:
        return f"Tree(nodes={len(self.left)})"


def build_ensemble(
    trees: Iterable[Tree],
    *,
    base: Any = 0.0,
    n_features: int | None = None,
    feature_names: Sequence[str] | None = None,
    output_names: Sequence[str] | None = None,
    output_space: str = "margin",
    comparison: Literal["<=", "<"] = "<=",
    input_dtype: Literal["float64", "float32"] = "float64",
    average: bool = False,
    link: Literal["identity", "logistic", "exponential", "softmax"] | None = None,
    source: str = "custom ensemble",
) -> TreeEnsemble:
    """A custom ensemble: a model of no library that ferroshap reads, checked as any model.

    It predicts the base plus the sum (or mean) of the leaves reached, in float64 and in the order of the trees; it can be
    explained, saved, loaded and pickled as a loaded model.

    Parameters
    ----------
    trees
        At least one `Tree`. Learning rates and weights of trees belong into their values.
    base
        What every prediction starts from: a number, or one an output.
    n_features
        The number of columns of a row; may be left out where `feature_names` are given.
    feature_names
        Names of the columns, by which frames are matched; None: columns match by position.
    output_names
        Names of the outputs; None: "0", "1", …, or "output" for a single one.
    output_space
        The unit of the prediction: "margin", "probability", "log-odds", "log-loss", "mean of trees", "target", "depth".
    comparison
        `"<="`: a value equal to the threshold goes left; `"<"`: it goes right.
    input_dtype
        `"float32"`: the model rounds the values of rows to float32 before it compares them.
    average
        The mean of the trees is added to the base, instead of their sum.
    link
        What turns that prediction into the one your library hands out: `"identity"` where it is the same, `"logistic"` for
        log-odds, `"exponential"` for logarithms, `"softmax"` for the margins of classes. None: not known; then the raw
        output alone is explained. See `TreeEnsemble.link`.
    source
        Where the model comes from, for people; shown in `repr`.

    Raises
    ------
    ModelError
        A tree is broken; the message names tree, node and field, what was found and what was expected.
    OptionError
        Another argument is not accepted.

    Examples
    --------
    A stump: 1 where the first column is at most 0.5, else 3; three of four training rows went left.

    >>> stump = Tree(
    ...     left=[1, -1, -1], right=[2, -1, -1], feature=[0, -1, -1], threshold=[0.5, 0, 0], value=[0, 1, 3], cover=[4, 3, 1]
    ... )
    >>> build_ensemble([stump], n_features=2, output_space="target").predict([[0.5, 0], [0.6, 0]])
    array([1., 3.])

    The dictionaries that shap takes for custom trees (`children_default` is the child of missing values):

    >>> def from_shap(tree):
    ...     return Tree(
    ...         left=tree["children_left"],
    ...         right=tree["children_right"],
    ...         feature=tree["features"],
    ...         threshold=tree["thresholds"],
    ...         value=tree["values"],
    ...         cover=tree["node_sample_weight"],
    ...         default_left=tree["children_default"] == tree["children_left"],
    ...     )
    """
    from .adapters.custom import check_forest, parse_custom

    trees = list(trees)
    for index, tree in enumerate(trees):
        if not isinstance(tree, Tree):
            raise OptionError(f"trees[{index}] is a {type(tree).__name__}; expected a ferroshap.Tree")
    parsed = parse_custom(
        trees,
        base=base,
        n_features=n_features,
        feature_names=feature_names,
        output_names=output_names,
        output_space=output_space,
        comparison=comparison,
        input_dtype=input_dtype,
        average=average,
        link=link,
        source=source,
    )
    ensemble = TreeEnsemble(parsed)
    check_forest(parsed.arrays)
    return ensemble
