"""`Explanation`: SHAP values together with what they are values of."""

from .arithmetic import Arithmetic
from .combined import Combination
from .reduction import Reduction
from .selection import Selection
from .shap_likeness import ShapLikeness
from .summary import Summary
from .tables import Tables


class Explanation(Selection, Reduction, Arithmetic, Combination, Tables, Summary, ShapLikeness):
    """SHAP values of some rows: `base_values + values.sum(axis=1)` is the prediction, in the unit `output_space`.

    Its axes are some of "row", "feature", "output", in this order. What an explainer gives has all of them, but no output
    axis where the model has one output, and no row axis where one row was given without one. Choosing a single row,
    feature or output, or summarising over an axis, takes that axis away; nothing else does.

    Parameters
    ----------
    values, base_values, data, display_data, feature_names, output_names, output_space, algorithm, model, details
        The attributes below. Explainers make explanations; make one yourself to put numbers of another source into it.
    axes
        What the dimensions of `values` are.

    Attributes
    ----------
    values : numpy.ndarray
        `(n, f)` for one output, `(n, f, o)` otherwise; float64 or float32, as the explainer was asked.
    base_values : numpy.ndarray or None
        The expected value of the model, the same for every row: `(n,)` or `(n, o)`, `(o,)` for one row, a number for one
        row and one output. None where the values no longer add up to a prediction.
    data : numpy.ndarray or None
        The rows, in the model's column order, `(n, f)`: what the user gave, columns of categories or booleans of a frame
        as the numbers the model reads.
    display_data : numpy.ndarray or None
        The rows as the frame shows them, objects, where that is not the same: categories by their values.
    feature_names : tuple of str, str or None
        One a feature; a single str once one feature was chosen. None if neither the model nor the rows have names;
        features chosen from such an explanation are named by their positions.
    output_names : tuple of str, str or None
        One an output; a single str where there is no output axis.
    output_space : str
        The unit of values and base values: "margin", "probability", …
    algorithm : str
        "path-dependent": the game is the conditional expectation along the trees. "interventional": the mean prediction of
        background rows with the known features replaced.
    model : str or None
        Library, version and form of the model: "XGBoost 3.2.0 (JSON)".
    details : Details or None
        The accuracy of values that were estimated; None for exact ones.
    op_history : tuple of Operation
        How this explanation was made from the explainer's.

    Examples
    --------
    >>> import ferroshap
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> model = RandomForestClassifier(n_estimators=10, random_state=0).fit(X, y)
    >>> explanation = ferroshap.TreeExplainer(model)(X)
    >>> explanation[:, "petal width (cm)", 2].shape
    (150,)
    >>> explanation[X["petal width (cm)"] > 2, ..., 2].abs.mean(0).shape
    (4,)
    >>> explanation[0, :, 0].top(1).feature_names.tolist()
    ['petal width (cm)']
    """
