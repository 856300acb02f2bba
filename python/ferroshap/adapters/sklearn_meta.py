"""scikit-learn's estimators whose prediction is a weighted sum of their members': bagging, voting, AdaBoost, one member a
target.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from ferroshap.errors import ModelError, UnsupportedModelError
from ferroshap.links import Link

from .combined import Member, combine
from .combined_link import link_of_mean, link_side_by_side
from .info import ModelInfo, ParsedModel, numbered_outputs
from .options import refuse_iterations, refuse_missing
from .sklearn_boosting import check_fitted
from .sklearn_estimators import allows_nan, schema_of, source_of
from .sklearn_link import samme_link


def parse_bagging(estimator: Any, *, iteration_range: Any, missing: Any) -> ParsedModel:
    """A `BaggingRegressor` or `BaggingClassifier`: the mean of its members, each on its own columns."""
    _refuse_options(estimator, iteration_range, missing)
    check_fitted(estimator, "estimators_")
    names, unit = _outputs_of(estimator)
    members: list[Member] = []
    for member, columns in zip(estimator.estimators_, estimator.estimators_features_, strict=True):
        parsed = _member(estimator, member, unit)
        if unit == "target":
            names = numbered_outputs(parsed.arrays.n_outputs)
        outputs = np.arange(len(names))
        if parsed.arrays.n_outputs != len(names):  # not every sample has all classes: their positions
            outputs = np.asarray(member.classes_, np.int64)
        members.append(Member(parsed, np.asarray(columns, np.int64), outputs))
    return _parsed(
        estimator,
        members,
        names,
        unit,
        link_of_mean([member.parsed.info.link for member in members]),
        float(len(members)),
    )


def parse_voting(estimator: Any, *, iteration_range: Any, missing: Any) -> ParsedModel:
    """A `VotingRegressor`, or a `VotingClassifier` with `voting="soft"`: the weighted mean of its members."""
    _refuse_options(estimator, iteration_range, missing)
    check_fitted(estimator, "estimators_")
    if getattr(estimator, "voting", "soft") != "soft":
        raise UnsupportedModelError(
            "the VotingClassifier counts votes (voting='hard'), which no sum of trees gives; supported is voting='soft'"
        )
    names, unit = _outputs_of(estimator)
    given = [1.0] * len(estimator.estimators) if estimator.weights is None else estimator.weights
    weights = np.array(
        [weight for weight, (_, member) in zip(given, estimator.estimators, strict=True) if member != "drop"], float
    )
    members = [
        Member(_member(estimator, member, unit), None, np.arange(len(names)), float(weight))
        for member, weight in zip(estimator.estimators_, weights, strict=True)
    ]
    return _parsed(
        estimator,
        members,
        names,
        unit,
        link_of_mean([member.parsed.info.link for member in members]),
        float(weights.sum()),
    )


def parse_adaboost(estimator: Any, *, iteration_range: Any, missing: Any) -> ParsedModel:
    """An `AdaBoostClassifier` (SAMME): its `decision_function`, each member's vote times its weight.

    With two classes the two columns of votes are each other's negative and their difference is the one output.
    """
    _refuse_options(estimator, iteration_range, missing)
    check_fitted(estimator, "estimators_")
    if getattr(estimator, "algorithm", "SAMME") == "SAMME.R":
        raise UnsupportedModelError(
            "the AdaBoostClassifier was trained with algorithm='SAMME.R', whose decision is made of logarithms of "
            "probabilities and is no sum of trees; supported is algorithm='SAMME'"
        )
    n_classes = int(estimator.n_classes_)
    if n_classes < 2:
        raise ModelError("the AdaBoostClassifier was trained with a single class: its decision is always 0")
    two = n_classes == 2
    members = []
    for member, weight in zip(estimator.estimators_, estimator.estimator_weights_, strict=False):
        parsed = _member(estimator, member, "probability")
        if parsed.arrays.tree_outputs.size != 1:
            raise UnsupportedModelError(
                f"the AdaBoostClassifier lets each {type(member).__name__} vote for the class it finds most probable, and the "
                "vote of several trees is no sum of trees; supported are decision trees as members"
            )
        labels = np.searchsorted(estimator.classes_, member.classes_)
        voted = labels[parsed.arrays.values.argmax(axis=1)]
        votes = np.where(voted[:, np.newaxis] == np.arange(n_classes), weight, -1 / (n_classes - 1) * weight)
        arrays = replace(
            parsed.arrays,
            n_outputs=1 if two else n_classes,
            tree_outputs=np.full(1, 0 if two else -1, np.int32),
            values=2 * votes[:, 1:] if two else votes,
            base=np.zeros(1 if two else n_classes),
        )
        members.append(Member(replace(parsed, arrays=arrays), None, np.arange(arrays.n_outputs)))
    names = numbered_outputs(1) if two else tuple(map(str, estimator.classes_))
    total = float(estimator.estimator_weights_.sum())  # whole: numpy's order of addition depends on the length
    return _parsed(estimator, members, names, "margin", samme_link(n_classes), total)


def parse_multi_output(estimator: Any, *, iteration_range: Any, missing: Any) -> ParsedModel:
    """A `MultiOutputRegressor` or `MultiOutputClassifier`: a model a target, side by side."""
    refuse_missing(missing, "scikit-learn")
    check_fitted(estimator, "estimators_")
    members: list[Member] = []
    names: list[str] = []
    for target, member in enumerate(estimator.estimators_):
        parsed = _parse(member, iteration_range=iteration_range)
        own = parsed.info.output_names
        members.append(Member(parsed, None, len(names) + np.arange(len(own))))
        names += [str(target)] if len(own) == 1 else [f"{target}:{label}" for label in own]
    units = {member.parsed.info.output_space for member in members}
    if len(units) > 1:
        raise UnsupportedModelError(
            f"the targets of the {type(estimator).__name__} have different units: {sorted(units)}"
        )
    first = members[0].parsed
    if any(member.parsed.schema != first.schema for member in members):
        raise UnsupportedModelError(
            f"the models of the {type(estimator).__name__} know different categories of the same columns; pass each of its "
            "estimators_ by itself"
        )
    arrays = combine(members, first.arrays.n_features, len(names))
    info = replace(
        first.info,
        source=source_of(estimator),
        output_names=tuple(names),
        objective=None,
        link=link_side_by_side([member.parsed.info.link for member in members]),
        cover_kind="none" if arrays.cover is None else first.info.cover_kind,
    )
    schema = first.schema
    if schema.feature_names is None and getattr(estimator, "feature_names_in_", None) is not None:
        schema = replace(schema, feature_names=tuple(map(str, estimator.feature_names_in_)))
    return ParsedModel(arrays, schema, info)


def _parsed(
    estimator: Any, members: list[Member], names: tuple[str, ...], unit: str, link: Link, divisor: float
) -> ParsedModel:
    n_features = getattr(estimator, "n_features_in_", members[0].parsed.arrays.n_features)
    schemas = [member.parsed.schema for member in members]
    if any(schema.categories or schema.categorical for schema in schemas):
        raise UnsupportedModelError(
            f"a member of the {type(estimator).__name__} has categorical features, which are supported for that member by "
            "itself only: pass the member"
        )
    info = ModelInfo(
        family="scikit-learn",
        source=source_of(estimator),
        objective=None,
        output_space=unit,
        link=link,
        output_names=names,
        output_dtype="float64",
        best_iteration=None,
        cover_kind=members[0].parsed.info.cover_kind,
    )
    takes_nan = allows_nan(estimator) and all(schema.takes_nan for schema in schemas)
    takes_infinity = all(schema.takes_infinity for schema in schemas)
    schema = schema_of(estimator, takes_infinity=takes_infinity, takes_nan=takes_nan, n_features=int(n_features))
    if any(each.absent == "refused" for each in schemas):
        schema = replace(schema, absent="refused")
    return ParsedModel(combine(members, int(n_features), len(names), divisor), schema, info)


def _outputs_of(estimator: Any) -> tuple[tuple[str, ...], str]:
    """The names of the outputs and their unit: probabilities of a classifier's classes, or the target."""
    classes = getattr(estimator, "classes_", None)
    return (numbered_outputs(1), "target") if classes is None else (tuple(map(str, classes)), "probability")


def _member(estimator: Any, member: Any, unit: str) -> ParsedModel:
    parsed = _parse(member, iteration_range=None)
    if parsed.info.output_space != unit:
        raise UnsupportedModelError(
            f"a {type(estimator).__name__} of {type(member).__name__} adds up what {type(member).__name__} predicts, but its "
            f"trees add up to {parsed.info.output_space}, not {unit}; supported are members whose trees add up to the {unit} "
            "itself (scikit-learn's trees, forests and boosted regressors), and each member by itself"
        )
    return parsed


def _parse(member: Any, *, iteration_range: Any) -> ParsedModel:
    from .detect import adapter_of  # which knows the adapters of this module

    parsed = adapter_of(member)(member, iteration_range=iteration_range, missing=None)
    if parsed.before is not None:
        raise UnsupportedModelError(
            f"a member is a {type(member).__name__} with steps before its model, so that members read other columns than the "
            "whole; put the steps before the whole (a Pipeline around it), or explain each member by itself"
        )
    return parsed


def _refuse_options(estimator: Any, iteration_range: Any, missing: Any) -> None:
    refuse_missing(missing, "scikit-learn")
    refuse_iterations(iteration_range, type(estimator).__name__)
