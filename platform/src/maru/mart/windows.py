"""Trailing windows of act types: ``{act}_{aggregate}_{window}d`` in ``[as_of - window, as_of)``."""

from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl

from maru.mart.day_rows import DayRows, Floats, WindowSums, divide, last_day
from maru.mart.declarations import AMOUNT_AGGREGATES, ActType, Mart
from maru.mart.dictionary import ColumnInfo
from maru.mart.history import Columns, History
from maru.mart.registry import rule_digest

FAMILY = "windows"
NOT_OPEN = -1
WORDS = {
    "sum": "sum of the amounts",
    "count": "events",
    "mean": "mean amount of an event",
    "max": "largest amount of an event",
    "max_day": "largest amount of a day",
    "distinct_days": "days with an event",
    "trend": "(newer half - older half) / (both), of the amounts (events where there are none)",
    "sum_per_30d": "sum of the amounts for each 30 observed days",
    "count_per_30d": "events for each 30 observed days",
    "days_per_30d": "days with an event for each 30 observed days",
    "share": "share of the act type's amount (events where there are none)",
}
NULLABLE = frozenset(
    {"mean", "max", "max_day", "trend", "sum_per_30d", "count_per_30d", "days_per_30d", "share"}
)


def plan(mart: Mart) -> Iterator[ColumnInfo]:
    """Yield the windows' columns of every act type, then its days since the last event."""
    for act in mart.act_types:
        yield from window_columns(mart.aggregates, mart.windows, act, act.name, FAMILY)
        yield days_since_column(act, act.name, FAMILY)
        if act.until:
            yield ColumnInfo(
                f"{act.name}_open",
                FAMILY,
                f"{act.name}: events whose {act.until} is not before the day",
                act.name,
                rule_digest(act),
                aggregate="open",
            )


def window_columns(
    aggregates: Sequence[str],
    windows: Sequence[int],
    act: ActType,
    stem: str,
    family: str,
    part: str = "",
) -> Iterator[ColumnInfo]:
    """Yield a slice's columns; aggregates of the amount only where the act type has one."""
    for aggregate in aggregates:
        if aggregate == "days_since" or (
            aggregate in AMOUNT_AGGREGATES - {"share"} and not act.amount
        ):
            continue
        for window in windows:
            yield ColumnInfo(
                f"{stem}_{aggregate}_{window}d",
                family,
                f"{stem}: {WORDS[aggregate]}, last {window} days",
                act.name,
                rule_digest(act),
                window,
                nullable=aggregate in NULLABLE,
                aggregate=aggregate,
                part=part,
            )


def days_since_column(act: ActType, stem: str, family: str, part: str = "") -> ColumnInfo:
    """Return a slice's column of days since its last event (1 is yesterday)."""
    return ColumnInfo(
        f"{stem}_days_since",
        family,
        f"{stem}: days since the last event",
        act.name,
        rule_digest(act),
        nullable=True,
        aggregate="days_since",
        part=part,
    )


def compute(history: History, wanted: Sequence[ColumnInfo]) -> Columns:
    """Compute columns of this family; arrays of length ``history.n_entities``."""
    found: Columns = {}
    for name in dict.fromkeys(column.act_type for column in wanted):
        mine = [column for column in wanted if column.act_type == name]
        found |= slice_columns(history, history.source.act(name, history.as_of), mine)
        for column in mine:
            if column.aggregate == "open":
                found[column.name] = _open(history, name)
    return found


def slice_columns(
    history: History,
    rows: DayRows,
    wanted: Sequence[ColumnInfo],
    whole: DayRows | None = None,
) -> Columns:
    """Compute the windows' columns of one slice.

    Parameters
    ----------
    whole
        The act type's own rows, of which ``share`` is a share.
    """
    found: Columns = {}
    windowed = [column for column in wanted if column.window_days is not None]
    if windowed:
        act = history.mart.act_type(windowed[0].act_type)
        observed = history.observed_days(act.name)
        edges = _edges(windowed, observed)
        sums = WindowSums(rows, history.as_of, edges, history.n_entities)
        parent = WindowSums(whole, history.as_of, edges, history.n_entities) if whole else sums
        for column in windowed:
            found[column.name] = _value(column, sums, parent, observed, bool(act.amount))
    for column in wanted:
        if column.aggregate == "days_since":
            found[column.name] = history.as_of - last_day(rows, history.as_of, history.n_entities)
    return found


def _edges(wanted: Sequence[ColumnInfo], observed: int) -> tuple[int, ...]:
    edges = {column.window_days or 1 for column in wanted}
    for column in wanted:
        if column.aggregate == "trend":
            half = min(column.window_days or 1, observed) // 2
            edges |= {half, 2 * half} - {0}
    return tuple(sorted(edges))


def _value(
    column: ColumnInfo, sums: WindowSums, parent: WindowSums, observed: int, has_amount: bool
) -> Floats:
    window = column.window_days or 1
    at = sums.at(window)
    span = min(window, observed)
    match column.aggregate:
        case "sum":
            return sums.amount[:, at]
        case "count":
            return sums.events[:, at]
        case "distinct_days":
            return sums.days[:, at]
        case "mean":
            return divide(sums.amount[:, at], sums.events[:, at])
        case "max":
            return sums.top[:, at]
        case "max_day":
            return sums.top_day[:, at]
        case "sum_per_30d":
            return divide(sums.amount[:, at] * 30, span)
        case "count_per_30d":
            return divide(sums.events[:, at] * 30, span)
        case "days_per_30d":
            return divide(sums.days[:, at] * 30, span)
        case "trend":
            return _trend(sums, span, has_amount)
        case "share" if has_amount:
            return divide(sums.amount[:, at], parent.amount[:, at])
        case "share":
            return divide(sums.events[:, at], parent.events[:, at])
    raise ValueError(f"{column.name}: unknown aggregate {column.aggregate!r}")


def _trend(sums: WindowSums, span: int, has_amount: bool) -> Floats:
    values = sums.totals if has_amount else sums.events
    half = span // 2
    if half == 0:
        return np.full(len(values), np.nan)
    newer, both = values[:, sums.at(half)], values[:, sums.at(2 * half)]
    return divide(2 * newer - both, both)


def _open(history: History, name: str) -> Floats:
    until = history.mart.act_type(name).until or ""
    rows = history.source.rows(name, (until,), history.as_of)
    last = rows[until] if rows.schema[until] == pl.Date else rows[until].dt.date()
    still = last.cast(pl.Int64).fill_null(NOT_OPEN).to_numpy() >= history.as_of
    open_now = np.bincount(rows["_entity"].to_numpy()[still], minlength=history.n_entities)
    return open_now.astype(np.float64)
