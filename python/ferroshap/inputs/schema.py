"""What a model knows about its input columns: names, stored categories and the library's rules for numbers."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from .categories import Categories


@dataclass(frozen=True)
class InputSchema:
    """How a table becomes the rows of a model.

    n_features
        Number of columns.
    feature_names
        Names by column, or None: the model knows no names, columns match by position.
    categories
        Stored categories by column, only for columns where the model stores them.
    categorical
        Columns that the trees test as category codes, with or without stored categories.
    missing
        A number that counts as missing (XGBoost's `missing=`, rounded to float32 as XGBoost compares it); NaN always does.
    integers_to_float32
        Whether the library reads an integer numpy array through float32 (XGBoost, LightGBM).
    spaces_become_underscores
        Whether the library stores names with `_` for every space (LightGBM).
    takes_infinity
        Whether the library predicts rows with values that are infinite, or become so in its own precision
        (scikit-learn's trees do not).
    takes_nan
        Whether the library predicts rows with missing values (scikit-learn's GradientBoosting does not).
    absent
        What an entry that a sparse matrix does not store is: `"missing"` (XGBoost), `"zero"` (LightGBM, scikit-learn), or
        `"refused"`: the library takes no sparse rows (scikit-learn's HistGradientBoosting).
    takes_sparse_nan
        Whether the library predicts sparse rows that store NaN (scikit-learn's trees take NaN in dense rows only).
    codes_below
        None, or: the categorical columns hold numbers below this one, in frames too; the library wraps others around
        (scikit-learn's HistGradientBoosting before 1.4: 256).
    """

    n_features: int
    feature_names: tuple[str, ...] | None
    categories: dict[int, Categories]
    categorical: frozenset[int]
    missing: float | None
    integers_to_float32: bool
    spaces_become_underscores: bool
    takes_infinity: bool = True
    takes_nan: bool = True
    absent: Literal["missing", "zero", "refused"] = "zero"
    takes_sparse_nan: bool = True
    codes_below: int | None = None
    names_from: ClassVar[Literal["fit", "background"]] = "fit"  # what told the names


class ColumnsOfBackground(InputSchema):
    """What rows have in common with those of a background, whatever the model: the names of their columns."""

    names_from = "background"

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__(
            n_features=len(names),
            feature_names=names,
            categories={},
            categorical=frozenset(),
            missing=None,
            integers_to_float32=False,
            spaces_become_underscores=False,
        )
