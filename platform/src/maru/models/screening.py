"""Choose which of thousands of mart columns a model reads, on training rows only.

In words: on a few training origins, spread evenly over all of them, the columns ``among`` which the
task lets choose (by default the whole mart) are built. Dropped are columns that hold one value,
columns that are null in 99.5% of the rows or more, and exact copies. A quick booster a head ranks
the rest by its share of the gain (averaged over the heads; a column without a split is out). Going
down the ranking, a column whose correlation with a kept one is above 0.999 is dropped too, until
``keep`` are kept; the task's ``always`` columns and those that its transforms read are added. All
other training and test days then build the kept columns only.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import lightgbm as lgb
import numpy as np

from maru.errors import ModelError
from maru.models.boosting import Design, member_fits, run_fits
from maru.models.examples import Examples, gather
from maru.models.features import Features
from maru.models.origins import training_days
from maru.models.recipe import Array
from maru.models.task import Member, Screening, Task
from maru.tables.snapshot import Snapshot

NULL_SHARE = 0.995
CORRELATION = 0.999
QUICK = {
    "learning_rate": 0.1,
    "num_leaves": 15,
    "min_data_in_leaf": 50,
    "feature_fraction": 0.5,
    "max_bin": 63,
}
OF_OBJECTIVE = ("alpha", "tweedie_variance_power", "fair_c")


@dataclass(frozen=True)
class Screened:
    """The columns to read, in the mart's order, and why the others are not."""

    columns: tuple[str, ...]
    considered: int
    days: tuple[dt.date, ...] = ()
    dropped: tuple[tuple[str, int], ...] = ()

    @property
    def sentence(self) -> str:
        """What screening did, for the reader."""
        if not self.days:
            which = "all" if len(self.columns) == self.considered else "the named"
            return f"no screening: {which} {len(self.columns)} columns are read"
        why = ", ".join(f"{count} {reason}" for reason, count in self.dropped if count)
        days = ", ".join(day.isoformat() for day in self.days)
        return (
            f"screening on {days} keeps {len(self.columns)} of {self.considered} columns; "
            f"dropped: {why or 'none'}"
        )

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON-able data."""
        return {
            "considered": self.considered,
            "kept": list(self.columns),
            "days": [day.isoformat() for day in self.days],
            "dropped": dict(self.dropped),
        }


def screen(
    task: Task, features: Features, snapshot: Snapshot, *, as_of: dt.date, threads: int = 2
) -> Screened:
    """Screen as the module says, on examples matured at ``as_of``; deterministic.

    Without ``task.screening`` every column is kept.
    """
    unit = task.unit_features.columns if task.unit_features else ()
    names = (*features.column_names, *unit)
    if task.screening is None:
        return Screened(names, len(names))
    named = {*unit, *_named(task, task.screening)}
    if unknown := sorted({*named, *task.screening.among} - set(names)):
        raise ModelError(f"the task names the columns {unknown}, which the mart does not have")
    if task.screening.keep == 0:
        return Screened(tuple(name for name in names if name in named), len(names))
    if task.screening.among:
        among = {*task.screening.among, *named}
        names = tuple(name for name in names if name in among)
    days = _spread(training_days(task, snapshot, as_of), task.screening.origins)
    examples = gather(task, features, snapshot, days, columns=names, as_of=as_of)
    usable, reasons = _usable(examples)
    ranked = _ranked(task, task.screening, examples, usable, threads)
    reasons |= dict.fromkeys(set(usable) - set(ranked), "without a split")
    kept, copies = _without_copies(examples, ranked, task.screening.keep)
    reasons |= dict.fromkeys(copies, f"correlated above {CORRELATION} with a kept one")
    chosen = {*kept, *named}
    dropped = Counter(reasons.get(name, "ranked lower") for name in names if name not in chosen)
    return Screened(
        tuple(name for name in names if name in chosen),
        len(names),
        tuple(days),
        tuple(sorted(dropped.items())),
    )


def _spread(days: Sequence[dt.date], count: int) -> list[dt.date]:
    """Return ``count`` days, the newest first taken, evenly spread; unit days are all taken."""
    if len(days) <= count:
        return list(days)
    places = np.linspace(len(days) - 1, 0, count + 1)[:count].round().astype(int)
    return [days[i] for i in sorted(set(places.tolist()))]


def _usable(examples: Examples) -> tuple[list[str], dict[str, str]]:
    """Return the columns that can tell rows apart, and why each of the others can't."""
    reasons: dict[str, str] = {}
    seen: set[bytes] = set()
    for i, name in enumerate(examples.columns):
        column = np.ascontiguousarray(examples.matrix[:, i]) + 0.0
        held = column[np.isfinite(column)]
        if len(held) <= (1 - NULL_SHARE) * len(column):
            reasons[name] = "almost all null"
        elif len(held) == len(column) and (held == held[0]).all():
            reasons[name] = "of one value"
        elif (content := column.tobytes()) in seen:
            reasons[name] = "a copy of another"
        else:
            seen.add(content)
    return [name for name in examples.columns if name not in reasons], reasons


def _ranked(
    task: Task, screening: Screening, examples: Examples, usable: Sequence[str], threads: int
) -> list[str]:
    """Return the usable columns that quick boosters split on, by falling share of the gain."""
    places = [examples.columns.index(name) for name in usable]
    narrow = replace(
        examples,
        columns=tuple(usable),
        matrix=np.ascontiguousarray(examples.matrix[:, places]),
        others={name: examples.column(name) for name in _read_by_transforms(task)},
    )
    design = Design(replace(task, monotone={}), narrow, threads)
    everyone = np.ones(len(narrow), dtype=bool)
    fits = []
    for head in task.heads:
        member = head.members[0]
        if member.objective == "knn":
            continue
        params = {name: member.params[name] for name in OF_OBJECTIVE if name in member.params}
        quick = Member(
            member.objective, member.transform, {**QUICK, **params}, rounds=screening.rounds
        )
        fits += member_fits(design, quick, narrow.labels[head.target], everyone)
    share = np.zeros(len(usable))
    for fitted in run_fits(fits, threads):
        if isinstance(fitted.model, lgb.Booster):
            gain = fitted.model.feature_importance("gain")
            share += gain / max(gain.sum(), 1e-300)
    order = np.argsort(-share, kind="stable")
    return [usable[i] for i in order if share[i] > 0]


def _without_copies(
    examples: Examples, ranked: Sequence[str], keep: int
) -> tuple[list[str], list[str]]:
    """Walk down the ranking; return up to ``keep`` columns and the near copies passed by."""
    kept: list[str] = []
    copies: list[str] = []
    columns = np.empty((min(keep, len(ranked)), len(examples)))
    for name in ranked:
        if len(kept) == keep:
            break
        column = _standardised(examples.column(name))
        if kept and np.abs(columns[: len(kept)] @ column).max() > CORRELATION * len(column):
            copies.append(name)
            continue
        columns[len(kept)] = column
        kept.append(name)
    return kept, copies


def _standardised(column: Array) -> Array:
    """Return the column with mean 0 and standard deviation 1, nulls at the mean."""
    held = np.isfinite(column)
    centred = np.where(held, column - column[held].mean(), 0.0)
    return np.asarray(centred / max(float(centred.std()), 1e-300))


def _named(task: Task, screening: Screening) -> set[str]:
    """Return the columns that the task itself names for its model."""
    of_members = {c for head in task.heads for m in head.members for c in m.columns or ()}
    return {*screening.always, *of_members, *_read_by_transforms(task)}


def _read_by_transforms(task: Task) -> list[str]:
    read = {m.transform.column for head in task.heads for m in head.members}
    return sorted(name for name in read if name is not None)
