"""Fit the heads of a task on one design, and predict training rows that boosters had not seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

from maru.errors import ModelError
from maru.models.boosting import Design, FittedMember, member_fits, run_fits
from maru.models.calibration import validation_splits
from maru.models.examples import Examples
from maru.models.guard import outlier_limit
from maru.models.recipe import Array, HeadRecipe, Recipe, Unless
from maru.models.recipe import Member as MemberRecipe
from maru.models.task import Head, Member, Task, Validation
from maru.models.thresholds import threshold_for_recall, threshold_table

Mask = npt.NDArray[np.bool_]
KIND = "lightgbm-text"
FLAG_FOLDS = Validation("by_entity", folds=3)


def fit_heads(
    design: Design,
    heads: Sequence[Head],
    calibrations: Mapping[str, Mapping[str, Any]] | None = None,
    thresholds: Mapping[str, float] | None = None,
) -> tuple[Recipe, tuple[FittedMember, ...]]:
    """Fit heads and return how to combine them, with one fitted model a file of the recipe.

    Parameters
    ----------
    calibrations
        Head's name -> what ``recipe.calibrate`` reads; heads without one are not calibrated.
    thresholds
        Head's name -> the value that the head of its ``zero_unless`` must reach; heads without one
        answer without their first stage.
    """
    fits = [
        [
            fit
            for member in head.members
            for fit in member_fits(
                design, member, design.examples.labels[head.target], _rows(design, head, member)
            )
        ]
        for head in heads
    ]
    fitted = run_fits([fit for of_head in fits for fit in of_head], design.threads)
    remaining = iter(fitted)
    recipes = []
    for head, of_head in zip(heads, fits, strict=True):
        members = tuple(
            MemberRecipe(f"{head.name}-{i}.txt", member.weight, member.inverse)
            for i, member in enumerate(islice(remaining, len(of_head)))
        )
        at_least = (thresholds or {}).get(head.name)
        unless = (
            None
            if at_least is None or head.zero_unless is None
            else Unless(head.zero_unless.head, at_least)
        )
        calibration = (calibrations or {}).get(head.name, {"kind": "identity"})
        recipes.append(HeadRecipe(head.name, members, head.minimum, calibration, unless))
    recipe = Recipe(KIND, design.examples.columns, (), tuple(recipes))
    return replace(recipe, required=_required(recipe, fitted)), tuple(fitted)


def predict_unseen(task: Task, examples: Examples, threads: int) -> dict[str, tuple[Array, Array]]:
    """Answer, uncalibrated, the validation rows of every head that needs them.

    Those are the heads of event targets (their curves) and those with a fitted calibration.

    Returns
    -------
    dict
        Head's name -> labels and answers of the validation rows, in the order of the examples.
    """
    heads = [
        h for h in task.heads if task.target(h.target).kind == "event" or h.calibration.is_fitted
    ]
    return _cross_predict(task, examples, heads, threads)


def _cross_predict(
    task: Task, examples: Examples, heads: Sequence[Head], threads: int
) -> dict[str, tuple[Array, Array]]:
    if not heads:
        return {}
    answers = {head.name: np.full(len(examples), np.nan) for head in heads}
    for fit_on, predicted in validation_splits(task, examples):
        design = Design(task, examples.take(fit_on), threads)
        recipe, members = fit_heads(design, heads)
        matrix = examples.matrix[predicted]
        for name, value in recipe.combine([m.raw(matrix) for m in members], matrix).items():
            answers[name][predicted] = value
    seen = {head.name: np.isfinite(answers[head.name]) for head in heads}
    return {
        head.name: (
            examples.labels[head.target][seen[head.name]],
            answers[head.name][seen[head.name]],
        )
        for head in heads
    }


def _rows(design: Design, head: Head, member: Member) -> Mask:
    """Return the training rows of a member: by its ``rows``, below the head's outlier cut."""
    label = design.examples.labels[head.target]
    rows = label <= outlier_limit(label, head.outlier_share)
    if member.rows == "payers":
        rows &= label > 0
    if member.rows == "flagged" and head.zero_unless is not None:
        rows &= _flagged(design, head.zero_unless.head, head.zero_unless.target_recall)
    if not rows.any():
        raise ModelError(f"head {head.name}: no row is left to train on (rows={member.rows!r})")
    return rows


def _flagged(design: Design, name: str, target_recall: float) -> Mask:
    """Tell the training rows that a first stage flags, by boosters that saw other entities.

    A first stage that judged its own training rows would flag them far better than new ones.
    """
    key = (name, target_recall)
    if key not in design.flagged:
        by_entity = replace(design.task, validation=FLAG_FOLDS)
        first_stage = [design.task.head(name)]
        unseen = _cross_predict(by_entity, design.examples, first_stage, design.threads)
        actual, probability = unseen[name]
        limit = threshold_for_recall(threshold_table(actual, probability), target_recall)
        design.flagged[key] = probability >= limit
    return design.flagged[key]


def _required(recipe: Recipe, members: Sequence[FittedMember]) -> tuple[str, ...]:
    read = set(recipe.read_columns)
    for member in members:
        if isinstance(member.model, lgb.Booster):
            splits = member.model.feature_importance("split")
            read |= {name for name, n in zip(recipe.columns, splits, strict=True) if n}
        else:
            read |= set(recipe.columns)
    return tuple(name for name in recipe.columns if name in read)
