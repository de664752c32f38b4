"""Exponentially weighted daily rates: ``{act}_{sum|count}_ewma_{half_life}d``.

A day ``a`` days before ``as_of`` (yesterday is 1) weighs ``0.5 ** ((a - 1) / half_life)``; the
weights of the observed days are divided by their sum, so that a short history is no low rate.
Source: the exponentially weighted mean with finite history, as in R. G. Brown, *Smoothing,
Forecasting and Prediction of Discrete Time Series* (1963).
"""

from collections.abc import Iterator, Sequence

import numpy as np

from maru.mart.day_rows import CENTS_PER_UNIT
from maru.mart.declarations import Mart
from maru.mart.dictionary import ColumnInfo
from maru.mart.history import Columns, History
from maru.mart.lags import lagged_acts
from maru.mart.registry import rule_digest

FAMILY = "rates"


def plan(mart: Mart) -> Iterator[ColumnInfo]:
    """Yield the columns, by act type, aggregate and half-life."""
    for act in lagged_acts(mart):
        for aggregate in ("sum", "count", "distinct_days") if act.amount else ("count",):
            what = {"sum": "amount", "count": "events", "distinct_days": "days with an event"}
            for half_life in mart.half_lives:
                yield ColumnInfo(
                    f"{act.name}_{aggregate}_ewma_{half_life}d",
                    FAMILY,
                    f"{act.name}: {what[aggregate]} a day, weighted with a half-life of "
                    f"{half_life} days",
                    act.name,
                    rule_digest(act),
                    nullable=True,
                    aggregate=aggregate,
                    position=half_life,
                )


def compute(history: History, wanted: Sequence[ColumnInfo]) -> Columns:
    """Compute columns of this family; arrays of length ``history.n_entities``."""
    found: Columns = {}
    for name in dict.fromkeys(column.act_type for column in wanted):
        rows = history.source.act(name, history.as_of)
        observed = history.observed_days(name)
        age = history.as_of - rows.day - 1
        values = {
            "sum": rows.cents / CENTS_PER_UNIT,
            "count": rows.events.astype(np.float64),
            "distinct_days": np.ones(len(rows.day)),
        }
        for column in wanted:
            if column.act_type != name:
                continue
            weights = 0.5 ** (np.arange(observed) / column.position)
            weighted = values[column.aggregate] * weights[age]
            total = np.bincount(rows.entity, weights=weighted, minlength=history.n_entities)
            found[column.name] = (
                total / weights.sum() if observed else np.full(history.n_entities, np.nan)
            )
    return found
