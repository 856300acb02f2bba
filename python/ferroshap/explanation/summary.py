"""How an explanation shows itself: one line, and a table for notebooks."""

from html import escape
from typing import Any

import numpy as np

from ferroshap.inputs.names import counted

from .state import OTHER, State, length
from .top import Ranking, feature_labels, labels, shortly

MOST_FEATURES = 10
MOST_OUTPUTS = 5
BLUE, RED = "#2f7ed8", "#d8432f"


class Summary(Ranking):
    """`repr` and the HTML of notebooks: what was explained, by which model, in which unit, from which base."""

    def __repr__(self) -> str:
        return f"Explanation({', '.join([_sizes(self), *_facts(self)])})"

    def _repr_html_(self) -> str:
        """The mean size of each feature's values (for one row the values), the largest first, as bars."""
        title = f"<b>Explanation</b> of {escape(_sizes(self))}: {escape(', '.join(_facts(self)))}"
        if "feature" not in self._axes or OTHER in self._axes or 0 in self.shape:
            return f"<div>{title}</div>"
        averaged = "row" in self._axes
        sizes = np.abs(self._values).mean(axis=0) if averaged else self._values
        columns = sizes if "output" in self._axes else sizes[:, None]
        outputs = labels(self._output_names, columns.shape[1])[:MOST_OUTPUTS] if "output" in self._axes else [""]
        names, shown = feature_labels(self), None if averaged else self.display_data
        if not averaged and shown is None:
            shown = self.data
        order = np.argsort(-np.abs(columns).sum(axis=1), kind="stable")[:MOST_FEATURES]
        longest = float(np.abs(columns[:, :MOST_OUTPUTS]).max()) or 1.0
        what = f"{'mean |value|' if averaged else 'value'}, {self.output_space}"
        head = ["feature", *([] if shown is None else ["data"]), *(f"{o} {what}".strip() for o in outputs)]
        lines = []
        for at in order:
            cells = [escape(names[at]), *([] if shown is None else [escape(shortly(shown[at]))])]
            cells += [_bar(float(value), longest, signed=not averaged) for value in columns[at, :MOST_OUTPUTS]]
            lines.append(_line("td", cells))
        left_out = len(names) - len(lines)
        rest = f"<div>… and {counted(left_out, 'more feature')}</div>" if left_out else ""
        table = f"<table>{_line('th', [escape(text) for text in head])}{''.join(lines)}</table>"
        return f"<div>{title}</div>{table}{rest}"


def _line(tag: str, cells: list[str]) -> str:
    return "<tr>" + "".join(f'<{tag} style="text-align:left">{cell}</{tag}>' for cell in cells) + "</tr>"


def _bar(value: float, longest: float, *, signed: bool) -> str:
    width, color = 120 * abs(value) / longest, RED if value >= 0 else BLUE
    number = f"{value:+.4g}" if signed else f"{value:.4g}"
    style = f"display:inline-block;height:0.7em;width:{width:.0f}px;background:{color}"
    return f'<span style="{style}"></span> {number}'


def _sizes(state: State) -> str:
    return " × ".join(counted(length(state, axis), axis) for axis in state.axes) or "one number"


def _facts(state: State) -> list[str]:
    steps = [step.name.strip("_") for step in state.op_history if step.name not in {"__getitem__", "flip"}]
    named = [
        f"{axis} {name!r}"
        for axis, name in (
            ("feature", state.feature_names),
            (OTHER, state.other_feature_names),
            ("output", state.output_names),
        )
        if isinstance(name, str) and (axis != "output" or name != "output")
    ]
    return [
        *named,
        *([f"after {', '.join(steps)}"] if steps else []),
        *filter(None, [state.model]),
        state.output_space,
        state.algorithm,
        *_base(state),
    ]


def _base(state: State) -> list[str]:
    base: Any = None if state.base_values is None else np.asarray(state.base_values)
    if base is None:
        return ["no base value"]
    each = base.reshape(-1, length(state, "output")) if base.ndim else base.reshape(1, 1)
    if not len(each):
        return []
    if each.shape[1] > MOST_OUTPUTS:
        return [f"base {_number(each.min())} to {_number(each.max())}"]
    return ["base " + ", ".join(_range(column) for column in each.T)]


def _range(column: Any) -> str:
    low, high = column.min(), column.max()
    return _number(low) if low == high else f"{_number(low)} to {_number(high)}"


def _number(value: float) -> str:
    return f"{value:.4g}".replace("-", "−")
