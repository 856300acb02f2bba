"""`ferroshap inspect`: what a model file holds, and whether ferroshap explains it."""

import json
from pathlib import Path
from typing import Any

import click

from ferroshap.ensemble import load_model
from ferroshap.errors import FerroshapError, ModelError, UnsupportedModelError
from ferroshap.tree import TreeExplainer

from .files import read_model

SHOWN_NAMES = 12


def inspect_model(path: Path, *, as_json: bool, **reading: Any) -> None:
    """Prints the facts on standard output; `reading` are options of `load_model`.

    A model that is not supported, or broken, is a fact too: it is printed, and the error raised for the exit code.
    """
    facts: dict[str, Any] = {"file": str(path)}
    problem: FerroshapError | None = None
    try:
        facts |= _facts(read_model(path), reading)
    except (UnsupportedModelError, ModelError) as error:
        problem = type(error)(f"{path}: {error}")
        facts |= {"supported": False, "reason": str(error)}
    if as_json:
        click.echo(json.dumps(facts, ensure_ascii=False))
    elif problem is None:
        click.echo(_table(facts))
    if problem is not None:
        raise problem


def _facts(content: bytes, reading: dict[str, Any]) -> dict[str, Any]:
    model = load_model(content, **reading)
    facts: dict[str, Any] = {
        "source": model.source,
        "objective": model.objective,
        "output_space": model.output_space,
        "outputs": list(model.output_names),
        "features": list(model.feature_names) if model.feature_names is not None else None,
        "n_features": model.n_features,
        "trees": model.n_trees,
        "leaves": model.n_leaves,
        "depth": model.max_depth,
    }
    try:
        explainer = TreeExplainer(model)
    except FerroshapError as error:  # it predicts, and has no values: no covers, or beyond a limit of the plan
        return facts | {"base_value": None, "supported": False, "reason": str(error)}
    base = explainer.expected_value
    return facts | {"base_value": base.tolist() if hasattr(base, "tolist") else base, "supported": True, "reason": None}


def _table(facts: dict[str, Any]) -> str:
    names = facts["features"]
    lines = {
        "file": facts["file"],
        "source": facts["source"],
        "objective": facts["objective"] or "not stored",
        "values are in": facts["output_space"],
        "outputs": f"{len(facts['outputs'])}"
        + (f" ({_shortened(facts['outputs'])})" if len(facts["outputs"]) > 1 else ""),
        "features": f"{facts['n_features']} ({_shortened(names) if names else 'no names stored'})",
        "trees": f"{facts['trees']:,}",
        "leaves": f"{facts['leaves']:,}",
        "depth": str(facts["depth"]),
        "base value": "none" if facts["base_value"] is None else _numbers(facts["base_value"]),
        "supported": "yes" if facts["supported"] else f"no: {facts['reason']}",
    }
    return "\n".join(f"{label:<14}{value}" for label, value in lines.items())


def _shortened(names: list[str]) -> str:
    more = len(names) - SHOWN_NAMES
    return ", ".join(names[:SHOWN_NAMES]) + (f" … and {more} more" if more > 0 else "")


def _numbers(base: float | list[float]) -> str:
    return ", ".join(f"{value:.6g}" for value in (base if isinstance(base, list) else [base]))
