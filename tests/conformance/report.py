"""What the run over trained models says: a line a family, and its section of docs/conformance.md."""

from conformance import page
from conformance.verdict import ADDITIVITY, LAST_BITS, ORACLE_GAP

DEFECTS = {
    "random forest": (
        "LightGBM, random-forest mode: `pred_contrib` adds up to the sum of the trees, but `predict` uses their mean, so the "
        "values are too large by the number of trees. ferroshap explains the mean."
    ),
    "trees of other shapes": (
        "CatBoost, `grow_policy` Depthwise or Lossguide: `ShapValues` do not add up to the raw prediction."
    ),
    "many features a path": (
        "XGBoost, more than 8 features on a path: `pred_contribs` computes in float32, and its error grows with the path."
    ),
}

INTRODUCTION = (
    "*{}.* Small models of every kind, trained on the spot on 240 rows of 10 columns: every combination of"
    " the values below, and, for the axes in brackets, every pair of values. Checked for each:"
)
CHECKS = (
    "1. **Prediction**: the raw output equals the library's bit for bit, also of rows at a threshold and one float beside"
    " it, of infinities and zeros of both signs.\n"
    f"2. **Sum**: base value plus SHAP values is within {ADDITIVITY:.0e} of the float64 sum of the leaves, and that within"
    " 1e-12 of the library's prediction, (trees + 1)·2⁻²³ where the library adds in float32; as parts of the model's scale"
    " (|base| and the largest leaf of each tree).\n"
    f"3. **Values**: each SHAP value is within {ORACLE_GAP:.0e} of the model's largest to those of an oracle that computes"
    " them by the definition, leaf by leaf, and shares no code with ferroshap.\n"
    "4. **Values against a background** of 24 rows, which every other model has weights for: the same, with an oracle that goes"
    " leaf by leaf and pair by pair; the base value is the weighted mean prediction to 1e-12 of the scale.\n"
    "5. **Doors**: predictions and values have the same bits, whatever kind of table holds the rows: arrays, data frames"
    " of pandas, polars and Arrow, columns and categories in any order, sparse matrices, lists."
)


def worst(verdicts, field):
    """The largest of a field, as text; – where no verdict has one."""
    found = [getattr(verdict, field) for verdict in verdicts if getattr(verdict, field) is not None]
    return f"{max(found):.1e}" if found else "–"


def told(verdicts):
    """Those that got as far as numbers."""
    return [verdict for verdict in verdicts if verdict.explained]


def line(family, verdicts):
    """The line that the run prints."""
    explained = told(verdicts)
    return (
        f"{family.name} {family.versions}: {len(explained)} models, {sum(v.rows for v in explained)} predictions,"
        f" {sum(bool(v.refused) for v in verdicts)} refusals, {sum(bool(v.untrainable) for v in verdicts)} the library does not"
        f" train; SHAP off the oracle {worst(explained, 'oracle_gap')}, with a background {worst(explained, 'against_gap')}, off the sum {worst(explained, 'sum_gap')};"
        f" {sum(bool(v.failures) for v in verdicts)} mismatches; {sum(v.seconds for v in verdicts):.0f} s"
    )


def trained_section(families):
    """The section of the page."""
    parts = [
        "## Models trained for this page",
        INTRODUCTION.format(page.stamp()),
        CHECKS,
        _overview(families),
    ]
    parts += [_family(family, verdicts) for family, verdicts in families]
    parts.append(_defects(families))
    return "\n\n".join(parts)


def _overview(families):
    head = [
        "library", "models", "rows predicted", "rows explained", "tables (doors)", "deepest tree", "features a path",
        "worst sum", "worst float64 − prediction", "worst value", "worst against a background", "verdict",
    ]  # fmt: skip
    rows = []
    for family, verdicts in families:
        explained = told(verdicts)
        failed = sum(bool(verdict.failures) for verdict in verdicts)
        rows.append(
            [
                f"{family.name} {family.versions}",
                f"{len(explained):,}",
                f"{sum(v.rows for v in explained):,}",
                f"{sum(v.explained for v in explained):,}",
                f"{sum(v.doors for v in explained):,}",
                max(v.max_depth for v in explained),
                max(v.path_features for v in explained),
                *(worst(explained, field) for field in ("sum_gap", "predict_gap", "oracle_gap", "against_gap")),
                "0 mismatches" if not failed else f"**{failed} mismatches**",
            ]
        )
    return page.table(head, rows)


def _family(family, verdicts):
    main = next(iter(family.axes))
    parts = [f"### {family.name} {family.versions}"]
    axes = [(f"({axis})" if axis in family.usual else axis, values) for axis, values in family.axes.items()]
    parts.append("\n".join(f"* {axis}: {', '.join(map(str, values))}" for axis, values in axes[1:]))
    rows = []
    for value in family.axes[main]:
        mine = [verdict for verdict in verdicts if verdict.case[main] == value]
        explained = told(mine)
        known = [verdict for verdict in explained if not verdict.defect]
        failed = sum(bool(verdict.failures) for verdict in mine)
        rows.append(
            [
                f"`{value.removesuffix(': ')}`",
                len(explained),
                *(worst(explained, field) for field in ("sum_gap", "predict_gap", "oracle_gap", "against_gap")),
                *([worst(known, "own_gap")] if family.own_gap is not None else []),
                failed or "0",
            ]
        )
    own = ["library's own values"] if family.own_gap is not None else []
    head = [main, "models", "sum", "float64 − prediction", "values", "against a background", *own, "mismatches"]
    parts.append(page.table(head, rows))
    parts += _remarks(verdicts)
    return "\n\n".join(parts)


def _remarks(verdicts):
    remarks = []
    if untrainable := [verdict for verdict in verdicts if verdict.untrainable]:
        remarks.append(f"The library itself does not train {len(untrainable)} of the combinations.")
    if refused := [verdict for verdict in verdicts if verdict.refused]:
        remarks.append(f"Refused by name: {len(refused)}, such as: “{refused[0].refused}”.")
    for reason in sorted({verdict.last_bits for verdict in verdicts} - {""}):
        count = sum(verdict.last_bits == reason for verdict in verdicts)
        remarks.append(
            f"Predictions of {count} models are equal to {LAST_BITS:.0e} of the scale, not bit for bit: {reason}."
        )
    failed = [verdict for verdict in verdicts if verdict.failures]
    if failed:
        found = (f"* {', '.join(map(str, v.case.values()))}: {v.failures[0].splitlines()[0]}" for v in failed[:20])
        remarks.append("**Mismatches**:\n\n" + "\n".join(found))
    return remarks


def _defects(families):
    rows = []
    for defect, sentence in DEFECTS.items():
        mine = [verdict for _, verdicts in families for verdict in told(verdicts) if verdict.defect == defect]
        if mine:
            rows.append(
                [sentence, len(mine), worst(mine, "own_gap"), worst(mine, "own_sum_gap"), worst(mine, "oracle_gap")]
            )
    head = [
        "where",
        "models",
        "library's values off ours",
        "library's sum off its own prediction",
        "ours off the oracle",
    ]
    return (
        "### Where the training library's own SHAP values are wrong\n\n"
        "All as parts of the largest SHAP value of the model. The last column is what decides who is right.\n\n"
        + page.table(head, rows)
    )
