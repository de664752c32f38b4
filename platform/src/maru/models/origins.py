"""Which days training and test examples are for. A label that has not matured is never read."""

from __future__ import annotations

import datetime as dt

from maru.errors import ModelError
from maru.models.task import Task
from maru.tables.snapshot import Snapshot


def training_days(task: Task, snapshot: Snapshot, as_of: dt.date) -> list[dt.date]:
    """Return the days of the training examples, rising.

    Every day ``t`` has ``task.training.first <= t`` and ``t + horizon <= as_of``. For unit labels
    they are the days on which a first event happened.

    Raises
    ------
    ModelError
        If there is none.
    """
    first, step = task.training.first, task.training.step_days
    newest = as_of - dt.timedelta(days=task.horizon_days)
    days = task.targets[0].label.days(snapshot.until(as_of), first, newest)
    if days is None:
        steps = (newest - first).days // step
        start = first if task.training.anchor == "first" else newest - dt.timedelta(steps * step)
        days = [start + dt.timedelta(days=i * step) for i in range(steps + 1)]
    if not days:
        raise ModelError(
            f"no training origin: the first is {first} and labels take {task.horizon_days} days, "
            f"so as_of must be {first + dt.timedelta(days=task.horizon_days)} or later, got {as_of}"
        )
    return days[-task.training.at_most :] if task.training.at_most else days


def back_test_origins(task: Task, as_of: dt.date) -> list[dt.date]:
    """Return the newest firsts of a month whose labels have matured at ``as_of``, rising.

    An origin before which there would be no training example is left out.
    """
    horizon = dt.timedelta(days=task.horizon_days)
    origins: list[dt.date] = []
    day = (as_of - horizon).replace(day=1)
    while len(origins) < task.back_test.count and day >= task.training.first + horizon:
        origins.append(day)
        day = (day - dt.timedelta(days=1)).replace(day=1)
    return origins[::-1]


def test_days(
    task: Task, snapshot: Snapshot, origin: dt.date, *, until: dt.date, as_of: dt.date
) -> list[dt.date]:
    """Return the days of the test examples of an origin: itself, or the unit days in its month.

    Parameters
    ----------
    origin
        The first of a month; the model that is tested was trained as of this day.
    until
        The end of the origin's span, exclusive.
    as_of
        What is known; a unit whose label has not matured then is no example.
    """
    newest = as_of - dt.timedelta(days=task.horizon_days)
    last = min(until - dt.timedelta(days=1), newest)
    days = task.targets[0].label.days(snapshot.until(as_of), origin, last)
    return [origin] if days is None else days


def next_month(day: dt.date) -> dt.date:
    """Return the first of the month after ``day``."""
    return (day.replace(day=1) + dt.timedelta(days=32)).replace(day=1)
