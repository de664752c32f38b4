"""On which weekdays an entity is active, and what that promises for the days ahead."""

from collections.abc import Iterator, Sequence

import numpy as np

from maru.mart.day_rows import Floats, Ints, divide
from maru.mart.declarations import Mart
from maru.mart.dictionary import ColumnInfo
from maru.mart.families import Weekdays
from maru.mart.history import Columns, History
from maru.mart.registry import rule_digest

FAMILY = "weekdays"
NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
EPOCH_WEEKDAY = 3  # 1970-01-01 was a Thursday
EXPECTED = "expected"
WEEKEND = "weekend"


def plan(mart: Mart) -> Iterator[ColumnInfo]:
    """Yield the shares of seven weekdays and the expected value, by act type."""
    spec = mart.weekdays
    for name in spec.act_types if spec else ():
        act = mart.act_type(name)
        what = "amount" if act.amount else "events"
        words = {day: f"share of its active days that were a {day}" for day in NAMES}
        words[WEEKEND] = f"share of its {what} on Saturdays and Sundays"
        words[EXPECTED] = f"{what} in the next days, at its mean of each weekday"
        for aggregate, text in words.items():
            stem = "weekday" if aggregate in (EXPECTED, WEEKEND) else "weekday_share"
            yield ColumnInfo(
                f"{name}_{stem}_{aggregate}",
                FAMILY,
                f"{name}: {text}, last {spec.window_days if spec else 0} days",
                name,
                rule_digest(act),
                spec.window_days if spec else 0,
                nullable=True,
                aggregate=aggregate,
            )


def compute(history: History, wanted: Sequence[ColumnInfo]) -> Columns:
    """Compute columns of this family; arrays of length ``history.n_entities``."""
    found: Columns = {}
    spec = history.mart.weekdays
    for name in dict.fromkeys(column.act_type for column in wanted) if spec else ():
        rows = history.source.act(name, history.as_of)
        span = min(spec.window_days, history.observed_days(name)) if spec else 0
        used = rows.between(history.as_of - span, history.as_of)
        cell = used.entity * 7 + weekday(used.day)
        shape = (history.n_entities, 7)
        has_amount = history.mart.act_type(name).amount is not None
        values = used.total / used.scale if has_amount else used.events
        days = np.bincount(cell, minlength=shape[0] * 7).reshape(shape).astype(np.float64)
        added = np.bincount(cell, weights=values, minlength=shape[0] * 7)
        sums = added.astype(np.float64).reshape(shape)
        for column in wanted:
            if column.act_type != name:
                continue
            if column.aggregate == EXPECTED and spec:
                found[column.name] = _expected(sums, history.as_of, span, spec)
            elif column.aggregate == WEEKEND:
                found[column.name] = divide(sums[:, 5:].sum(axis=1), sums.sum(axis=1))
            else:
                place = NAMES.index(column.aggregate)
                found[column.name] = divide(days[:, place], days.sum(axis=1))
    return found


def weekday(day: Ints) -> Ints:
    """Return the weekday (Monday 0) of days since 1970-01-01."""
    return (day + EPOCH_WEEKDAY) % 7


def _expected(sums: Floats, as_of: int, span: int, spec: Weekdays) -> Floats:
    """Mean per weekday times its number ahead, added; NaN where a weekday was not observed yet."""
    past = np.bincount(weekday(np.arange(as_of - span, as_of)), minlength=7)
    ahead = np.bincount(weekday(np.arange(as_of, as_of + spec.horizon_days)), minlength=7)
    if (past == 0).any():
        return np.full(len(sums), np.nan)
    return np.asarray((sums / past * ahead).sum(axis=1))
