"""`Explanation`: SHAP values with their base values, rows, names and units; an algebra on them, tables, and shap's plots.

Where shap's own `Explanation` gives something that is not right, this one does it right, so the two are different:

* `1 - explanation` is that, not `explanation - 1`.
* Arithmetic, `abs` and summaries leave `data` alone, and never change their operands.
* Lists on two axes give the grid of the two, names and positions alike; `True` is not position 1.
* `mean`, `max`, … over features or outputs never mix base values up: they go with their rows and outputs, and are None
  where the result adds up to nothing.
* `flip` reverses the names together with the values; after `argsort` and over a summarised axis there are no names.
* `sum(grouping=…)` does not add the data of different features up.
* `hstack` joins names and data as well; explanations of different models or units are refused, as in sums.
* Cohorts may have labels of any type, and those of `cohorts(n)` are called by the conditions that the tree uses (`<=`).
* `sample(replace=True)` draws as many rows as asked for.
* shap's plots take an order by an explanation of ours as `explanation.abs.max(0).argsort.flip`, or by
  `explanation.abs.max(0).to_shap()`; as it is, they refuse it.
* Without names of outputs there are none: "Output 0" is nobody's name. With one output, `output_names` is its name.
"""

from .aggregate import Aggregate
from .cohorts import Cohorts
from .columns import base_columns, value_columns
from .core import Explanation
from .details import Details
from .groups import grouped, name_of
from .operation import Operation
from .positions import Position, feature_positions, positions
from .rows import shown_rows
from .selection import part_of
from .top import TopFeatures
from .totals import add_totals, no_totals, totals_of

__all__ = [
    "Aggregate",
    "Cohorts",
    "Details",
    "Explanation",
    "Operation",
    "Position",
    "TopFeatures",
    "add_totals",
    "base_columns",
    "feature_positions",
    "grouped",
    "name_of",
    "no_totals",
    "part_of",
    "positions",
    "shown_rows",
    "totals_of",
    "value_columns",
]
