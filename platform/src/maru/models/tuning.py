"""Search a head's parameters with Optuna, on a time split of the training origins.

The rows of a validation span are predicted by boosters fitted on what had matured before it. What
is found is written into the project's ``pipeline.py`` by hand and committed: no run searches by
itself. A stopped search goes on where it was, and ends as if it had not been stopped.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import optuna

from maru.errors import ModelError
from maru.models.boosting import Design
from maru.models.calibration import Mask
from maru.models.evaluation import measure
from maru.models.examples import Examples, RememberedFeatures, gather
from maru.models.features import Features
from maru.models.guard import keep_control
from maru.models.heads import fit_heads
from maru.models.metrics import HIGHER_IS_BETTER
from maru.models.origins import training_days
from maru.models.screening import screen
from maru.models.task import Head, Task
from maru.models.training import THREADS, training_examples
from maru.tables.snapshot import Snapshot

ROUNDS = "rounds"


@dataclass(frozen=True)
class Range:
    """Where a parameter may lie: ``[low, high]``, whole numbers where both are ints."""

    low: float
    high: float
    log: bool = False


DEFAULT_SPACE: dict[str, Range] = {
    ROUNDS: Range(50, 600, log=True),
    "learning_rate": Range(0.01, 0.15, log=True),
    "num_leaves": Range(4, 63, log=True),
    "min_data_in_leaf": Range(20, 1000, log=True),
    "feature_fraction": Range(0.1, 1.0),
    "lambda_l2": Range(0.01, 100.0, log=True),
}


@dataclass(frozen=True)
class Trial:
    """One try: the parameters and the mean metric over the validation spans."""

    number: int
    params: Mapping[str, float]
    value: float


@dataclass(frozen=True)
class Tuned:
    """What a search found; ``declared`` is the metric with the parameters of the task."""

    best: Trial
    declared: float
    trials: tuple[Trial, ...]


def tune(
    task: Task,
    features: Features,
    snapshot: Snapshot,
    *,
    as_of: dt.date,
    head: str,
    metric: str,
    trials: int = 30,
    spans: int = 3,
    space: Mapping[str, Range] | None = None,
    seed: int = 1,
    done: Sequence[Trial] = (),
    keep: Callable[[Trial], None] | None = None,
    threads: int = THREADS,
) -> Tuned:
    """Search the parameters of every member of a head at once.

    Parameters
    ----------
    metric
        A column of the leaderboard, lower is better but for ``HIGHER_IS_BETTER``.
    spans
        How many validation spans at most, each one horizon long, counted back from the newest
        matured day.
    space
        Parameter -> range; ``rounds`` is the number of trees. None: ``DEFAULT_SPACE``.
    done
        Trials of an earlier, stopped search with the same arguments.
    keep
        Called with each new trial.

    Raises
    ------
    ModelError
        If no span has enough positives in it and before it.
    """
    space = space or DEFAULT_SPACE
    declared = task.head(head)
    splits = _splits(task, features, snapshot, as_of, spans, declared.target, threads)

    def value(candidate: Head) -> float:
        return float(np.mean([_measured(task, candidate, metric, *split) for split in splits]))

    study = _study(metric, space, done)
    found = list(done)
    while len(found) < trials:
        # A sampler of its own for each trial: a search that goes on draws as one that ran through.
        study.sampler = optuna.samplers.TPESampler(seed=seed + len(found))
        asked = study.ask(_distributions(space))
        trial = Trial(len(found), dict(asked.params), value(with_params(declared, asked.params)))
        study.tell(asked, trial.value)
        found.append(trial)
        if keep:
            keep(trial)
    best = (max if metric in HIGHER_IS_BETTER else min)(found, key=lambda trial: trial.value)
    return Tuned(best, value(declared), tuple(found))


def _splits(
    task: Task,
    features: Features,
    snapshot: Snapshot,
    as_of: dt.date,
    spans: int,
    target: str,
    threads: int,
) -> list[tuple[Design, Examples]]:
    """Return what is fitted on and what is validated, once for all trials.

    Columns are screened as of the oldest span: the label of no validated row helps to choose them.
    """
    known = snapshot.until(as_of)
    remembered = RememberedFeatures(features)
    bare = gather(
        task, remembered, snapshot, training_days(task, snapshot, as_of), columns=(), as_of=as_of
    )
    bare, _ = keep_control(task, known, bare)
    splits = time_splits(task, bare, spans, target)
    oldest = min(bare.days()[span].min() for _, span in splits).astype(object)
    screened = screen(task, remembered, snapshot, as_of=oldest, threads=threads)
    examples = training_examples(task, remembered, snapshot, as_of=as_of, screened=screened)
    examples, _ = keep_control(task, known, examples)
    return [
        (Design(task, examples.take(before), threads), examples.take(span))
        for before, span in splits
    ]


def with_params(head: Head, params: Mapping[str, Any]) -> Head:
    """Return the head with these parameters in every member; ``rounds`` is the number of trees."""
    changed = {name: value for name, value in params.items() if name != ROUNDS}
    members = tuple(
        replace(
            member,
            params={**member.params, **changed},
            rounds=int(params.get(ROUNDS, member.rounds)),
        )
        for member in head.members
    )
    return replace(head, members=members)


def time_splits(task: Task, examples: Examples, spans: int, target: str) -> list[tuple[Mask, Mask]]:
    """Return up to ``spans`` pairs (rows to fit on, rows to validate), newest span first.

    A span is one horizon long; the rows to fit on had matured at its first day. A span with fewer
    positives of the target than ``task.origin_positives``, or fewer than ``task.minimum_positives``
    before it, tells too little and is left out.
    """
    days = examples.days()
    horizon = np.timedelta64(task.horizon_days, "D")
    positive = examples.labels[target] > 0
    splits = []
    for i in range(spans):
        newest = days.max() - i * horizon
        span = (days > newest - horizon) & (days <= newest)
        before = days + horizon <= days[span].min() if span.any() else span
        if (
            positive[span].sum() >= task.origin_positives
            and positive[before].sum() >= task.minimum_positives
        ):
            splits.append((before, span))
    if not splits:
        raise ModelError(
            f"no validation span of {task.horizon_days} days has {task.origin_positives} positives "
            f"and {task.minimum_positives} before it; the training days {days.min()} to "
            f"{days.max()} have {int(positive.sum())}"
        )
    return splits


def _measured(task: Task, head: Head, metric: str, design: Design, validation: Examples) -> float:
    recipe, members = fit_heads(design, [head])
    raw = [member.raw(validation.matrix) for member in members]
    metrics = measure(
        validation.labels[head.target],
        recipe.combine(raw, validation.matrix)[head.name],
        kind=task.target(head.target).kind,
        mape_offset=task.mape_offset,
    )
    return metrics[metric]


def _study(metric: str, space: Mapping[str, Range], done: Sequence[Trial]) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    is_higher = metric in HIGHER_IS_BETTER
    study = optuna.create_study(direction="maximize" if is_higher else "minimize")
    for trial in done:
        study.add_trial(
            optuna.trial.create_trial(
                params=dict(trial.params), distributions=_distributions(space), value=trial.value
            )
        )
    return study


def _distributions(
    space: Mapping[str, Range],
) -> dict[str, optuna.distributions.BaseDistribution]:
    return {
        name: optuna.distributions.IntDistribution(int(r.low), int(r.high), log=r.log)
        if isinstance(r.low, int) and isinstance(r.high, int)
        else optuna.distributions.FloatDistribution(r.low, r.high, log=r.log)
        for name, r in space.items()
    }
