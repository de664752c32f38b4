"""Train a task as of a day: screening, examples, guards, validation, heads."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from maru.models.boosting import Design
from maru.models.calibration import fit_calibration
from maru.models.examples import Examples, gather
from maru.models.features import Features
from maru.models.fitted_model import FittedModel
from maru.models.guard import keep_control, outlier_limit, require_positives
from maru.models.heads import fit_heads, predict_unseen
from maru.models.origins import training_days
from maru.models.recipe import calibrate
from maru.models.screening import Screened, screen
from maru.models.task import Member, Task
from maru.models.thresholds import SCHEMA as CURVES_SCHEMA
from maru.models.thresholds import threshold_for_recall, threshold_table
from maru.tables.snapshot import Snapshot

SCHEMA = 1
THREADS = 2
Say = Callable[[str], None]


def train(
    task: Task,
    features: Features,
    snapshot: Snapshot,
    *,
    as_of: dt.date,
    screened: Screened | None = None,
    threads: int = THREADS,
    say: Say | None = None,
) -> FittedModel:
    """Train every head on what was known before ``as_of``.

    Parameters
    ----------
    features
        Point-in-time features; their state must be fitted on rows before ``as_of``.
    screened
        The columns to read, where they were screened before; None: ``task.screening`` is run.
    threads
        How many boosters are fitted side by side; the result doesn't depend on it.
    say
        Called with one sentence a step.

    Raises
    ------
    ModelError
        If there are no examples, too few positives, contaminated entities (see ``ControlGuard``),
        or validation rows can't carry a calibration.
    """
    say = say or (lambda sentence: None)
    if screened is None:
        screened = screen(task, features, snapshot, as_of=as_of, threads=threads)
        say(screened.sentence)
    examples = training_examples(task, features, snapshot, as_of=as_of, screened=screened)
    say(f"{len(examples)} training rows of {examples.keys['as_of'].n_unique()} days")
    return fit(task, snapshot, examples, as_of=as_of, screened=screened, threads=threads, say=say)


def training_examples(
    task: Task,
    features: Features,
    snapshot: Snapshot,
    *,
    as_of: dt.date,
    screened: Screened,
    others: Sequence[str] = (),
) -> Examples:
    """Gather the examples of every training day matured at ``as_of``, before any guard."""
    days = training_days(task, snapshot, as_of)
    return gather(
        task, features, snapshot, days, columns=screened.columns, as_of=as_of, others=others
    )


def fit(
    task: Task,
    snapshot: Snapshot,
    examples: Examples,
    *,
    as_of: dt.date,
    screened: Screened,
    threads: int = THREADS,
    say: Say | None = None,
) -> FittedModel:
    """Fit every head on gathered examples; see ``train``."""
    say = say or (lambda sentence: None)
    examples, told = keep_control(task, snapshot.until(as_of), examples)
    told += _outliers(task, examples)
    for sentence in told:
        say(sentence)
    require_positives(task, examples)
    unseen = predict_unseen(task, examples, threads)
    calibrations, curves = {}, {}
    for head in task.heads:
        actual, value = unseen.get(head.name, (np.empty(0), np.empty(0)))
        calibrations[head.name] = fit_calibration(head.calibration, actual, value)
        if task.target(head.target).kind == "event":
            curves[head.name] = threshold_table(actual, calibrate(calibrations[head.name], value))
    thresholds = {
        head.name: threshold_for_recall(
            curves[head.zero_unless.head], head.zero_unless.target_recall
        )
        for head in task.heads
        if head.zero_unless
    }
    design = Design(task, examples, threads)
    recipe, members = fit_heads(design, task.heads, calibrations, thresholds)
    say(f"{len(members)} boosters fitted for {', '.join(recipe.outputs)}")
    return FittedModel(
        recipe=recipe,
        members=members,
        curves={"schema": CURVES_SCHEMA, "heads": curves},
        training=_record(task, examples, as_of, screened, told),
        told=(screened.sentence, *told),
    )


def _outliers(task: Task, examples: Examples) -> list[str]:
    """Say what the outlier cut of each head takes from its training rows."""
    told = []
    for head in task.heads:
        label = examples.labels[head.target]
        limit = outlier_limit(label, head.outlier_share)
        if above := int((label > limit).sum()):
            told.append(
                f"outlier cut: {head.name} leaves out {above} of {len(label)} training rows "
                f"({above / len(label):.1%}), those with {head.target} above {limit:.2f}"
            )
    return told


def _record(
    task: Task, examples: Examples, as_of: dt.date, screened: Screened, told: Sequence[str]
) -> dict[str, Any]:
    """Return what ``training.json`` says: no time of day, no duration, nothing of the machine."""
    days = examples.keys["as_of"].unique().sort()
    return {
        "schema": SCHEMA,
        "as_of": as_of.isoformat(),
        "days": [day.isoformat() for day in days],
        "rows": len(examples),
        "entities": examples.keys[task.entity].n_unique(),
        "targets": {
            name: {"mean": float(label.mean()), "positives": int((label > 0).sum())}
            for name, label in examples.labels.items()
        },
        "screening": screened.to_json(),
        "guard": list(told),
        "heads": {
            head.name: {
                "target": head.target,
                "outlier_share": head.outlier_share,
                "members": [_member_record(member) for member in head.members],
            }
            for head in task.heads
        },
    }


def _member_record(member: Member) -> dict[str, Any]:
    return {
        "objective": member.objective,
        "transform": repr(member.transform),
        "params": dict(member.params),
        "rounds": member.rounds,
        "seeds": list(member.seeds),
        "weight": member.weight,
        "rows": member.rows,
        "half_life_days": member.half_life_days,
        "columns": None if member.columns is None else list(member.columns),
    }
