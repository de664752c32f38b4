"""Exponentially weighted daily rates: ``{act}_{sum|count}_ewma_{half_life}d``.

A day ``a`` days before ``as_of`` (yesterday is 1) weighs ``0.5 ** ((a - 1) / half_life)``; the
weights of the observed days are divided by their sum, so that a short history is no low rate.
Source: the exponentially weighted mean with finite history, as in R. G. Brown, *Smoothing,
Forecasting and Prediction of Discrete Time Series* (1963).
"""

from collections.abc import Iterator, Sequence

import numpy as np

from maru.mart.day_rows import DayRows, Floats
from maru.mart.declarations import ActType, Mart
from maru.mart.dictionary import ColumnInfo
from maru.mart.history import Columns, History
from maru.mart.lags import lagged_acts
from maru.mart.registry import rule_digest

FAMILY = "rates"
RATE = "ewma"
WORDS = {"sum": "amount", "count": "events", "distinct_days": "days with an event"}


def plan(mart: Mart) -> Iterator[ColumnInfo]:
    """Yield the columns of the lagged act types, by aggregate and half-life."""
    for act in lagged_acts(mart):
        aggregates = ("sum", "count", "distinct_days") if act.amount else ("count", "distinct_days")
        yield from rate_columns(aggregates, mart.half_lives, act, act.name, FAMILY)


def rate_columns(
    aggregates: Sequence[str],
    half_lives: Sequence[int],
    act: ActType,
    stem: str,
    family: str,
    part: str = "",
) -> Iterator[ColumnInfo]:
    """Yield a slice's weighted rates."""
    for aggregate in aggregates:
        for half_life in half_lives:
            yield ColumnInfo(
                f"{stem}_{aggregate}_{RATE}_{half_life}d",
                family,
                f"{stem}: {WORDS[aggregate]} a day, weighted with a half-life of {half_life} days",
                act.name,
                rule_digest(act),
                nullable=True,
                aggregate=f"{aggregate}_{RATE}",
                part=part,
                position=half_life,
            )


def compute(history: History, wanted: Sequence[ColumnInfo]) -> Columns:
    """Compute columns of this family; arrays of length ``history.n_entities``."""
    found: Columns = {}
    for name in dict.fromkeys(column.act_type for column in wanted):
        mine = [column for column in wanted if column.act_type == name]
        found |= slice_rates(history, history.source.act(name, history.as_of), mine)
    return found


def slice_rates(history: History, rows: DayRows, wanted: Sequence[ColumnInfo]) -> Columns:
    """Compute the weighted rates of one slice, from its rows before ``as_of``."""
    found: Columns = {}
    for column in wanted:
        observed = history.observed_days(column.act_type)
        if not observed:
            found[column.name] = np.full(history.n_entities, np.nan)
            continue
        weights = 0.5 ** (np.arange(observed) / column.position)
        weighted = _values(rows, column.aggregate) * weights[history.as_of - rows.day - 1]
        total = np.bincount(rows.entity, weights=weighted, minlength=history.n_entities)
        found[column.name] = total / weights.sum()
    return found


def _values(rows: DayRows, aggregate: str) -> Floats:
    match aggregate.removesuffix(f"_{RATE}"):
        case "sum":
            return rows.total / rows.scale
        case "count":
            return rows.events.astype(np.float64)
    return np.ones(len(rows.day))
