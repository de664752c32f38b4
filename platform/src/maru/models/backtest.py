"""Replay past origins: at each, train on what was known then, predict, compare when matured.

The columns are screened once, as of the first origin, so that no later row can choose them; every
origin trains anew. An origin's predictions can be kept and given back, so that a stopped back test
goes on where it was.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import polars as pl

from maru.errors import ModelError
from maru.models.examples import Examples, RememberedFeatures, gather
from maru.models.features import Features
from maru.models.fitted_model import FittedModel
from maru.models.guard import contaminated
from maru.models.leaderboard import label_column, leaderboard, naive_column
from maru.models.origins import next_month, test_days
from maru.models.screening import Screened, screen
from maru.models.task import Task, TooLittleHistory
from maru.models.training import THREADS, Say, fit, training_examples
from maru.tables.snapshot import Snapshot

Watch = Callable[[dt.date, FittedModel], None]


class Kept(Protocol):
    """Where predictions of finished origins lie; the caller keys it by everything that matters."""

    def get(self, origin: dt.date) -> pl.DataFrame | None:
        """Return the predictions of an origin, or None."""

    def put(self, origin: dt.date, predictions: pl.DataFrame) -> None:
        """Keep the predictions of an origin."""


@dataclass(frozen=True)
class BackTest:
    """What a back test found.

    Parameters
    ----------
    predictions
        A row a test example: ``origin`` (Date), the entity column, ``as_of`` (Date; the origin, or
        the unit's day), unit columns, ``label`` (the first target's) and ``label_<target>`` of the
        other targets, one column a head (its name) and a naive row (``<target>:<name>``), and
        ``treated`` (Boolean) where the task has a control guard. Sorted by origin, ``as_of``,
        entity.
    board
        See ``leaderboard``.
    screened
        The columns that every origin read.
    """

    predictions: pl.DataFrame
    board: pl.DataFrame
    screened: Screened

    @property
    def origins(self) -> list[dt.date]:
        """The test origins, rising."""
        return self.predictions["origin"].unique().sort().to_list()


def back_test(
    task: Task,
    features: Features,
    snapshot: Snapshot,
    *,
    as_of: dt.date,
    origins: Sequence[dt.date],
    variants: Sequence[str] = (),
    kept: Kept | None = None,
    threads: int = THREADS,
    say: Say | None = None,
    watch: Watch | None = None,
) -> BackTest:
    """Train and predict at every origin.

    An origin without a matured unit, or with too little history before it, is left out and said.

    Parameters
    ----------
    features
        Their learned state (item groups, top categories) must be fitted before the first origin.
    as_of
        What is known when the answers are compared; no label that has not matured is read.
    origins
        Rising; ``back_test_origins`` returns those of the task.
    variants
        Heads of the task that stand there for comparison.
    watch
        Called with each origin and the model that was trained there; not for a kept origin.

    Raises
    ------
    ModelError
        If no origin is left, or one can't be trained for another reason (see ``train``).
    """
    if not origins:
        raise ModelError(
            f"no back-test origin: {task.back_test.count} firsts of a month are wanted that are "
            f"{task.horizon_days} days before {as_of} and after {task.training.first}"
        )
    say = say or (lambda sentence: None)
    remembered = RememberedFeatures(features)
    screened = screen(task, remembered, snapshot, as_of=origins[0], threads=threads)
    say(screened.sentence)
    replay = _Replay(task, remembered, snapshot, as_of, screened, threads, watch)
    parts = []
    for origin, until in zip(origins, [*origins[1:], next_month(origins[-1])], strict=True):
        part = kept.get(origin) if kept is not None else None
        if part is None:
            try:
                part = replay.of(origin, until)
            except TooLittleHistory as refused:
                say(f"origin {origin} is left out: {refused}")
                continue
            if part is not None and kept is not None:
                kept.put(origin, part)
        done = "no unit, left out" if part is None else f"{len(part)} rows predicted"
        say(f"origin {origin}: {done}")
        if part is not None:
            parts.append(part)
    if not parts:
        raise ModelError(
            f"none of the origins {', '.join(map(str, origins))} could be tested: each had no "
            "matured unit, or too little history before it to train on"
        )
    predictions = pl.concat(parts)
    return BackTest(predictions, leaderboard(task, predictions, variants), screened)


@dataclass(frozen=True)
class _Replay:
    """What is the same at every origin."""

    task: Task
    features: Features
    snapshot: Snapshot
    as_of: dt.date
    screened: Screened
    threads: int
    watch: Watch | None

    def of(self, origin: dt.date, until: dt.date) -> pl.DataFrame | None:
        """Train as of the origin and answer its test examples; None where it has none."""
        task, snapshot, columns = self.task, self.snapshot, self.screened.columns
        days = test_days(task, snapshot, origin, until=until, as_of=self.as_of)
        if not days:
            return None
        others = sorted({c for t in task.targets for rule in t.naive for c in rule.columns})
        training = training_examples(
            task, self.features, snapshot, as_of=origin, screened=self.screened, others=others
        )
        model = fit(
            task, snapshot, training, as_of=origin, screened=self.screened, threads=self.threads
        )
        if self.watch:
            self.watch(origin, model)
        test = gather(
            task, self.features, snapshot, days, columns=columns, as_of=self.as_of, others=others
        )
        labels = {label_column(task, name): label for name, label in test.labels.items()}
        answers = {**model.predict(test.matrix), **_naive_answers(task, training, test)}
        treated = {}
        if task.guard:
            known = snapshot.until(self.as_of)
            treated["treated"] = contaminated(task, task.guard, known, test.keys)
        day = pl.select(pl.repeat(origin, len(test), dtype=pl.Date).alias("origin"))
        found = pl.DataFrame({**labels, **answers, **treated})
        return pl.concat([day, test.keys, found], how="horizontal")


def _naive_answers(task: Task, training: Examples, test: Examples) -> dict[str, pl.Series]:
    return {
        naive_column(target.name, rule.name): pl.Series(
            rule.answer(
                {"": training.labels[target.name], **training.others},
                training.labels[target.name],
                {"": test.labels[target.name], **test.others},
            )
        )
        for target in task.targets
        for rule in target.naive
    }
