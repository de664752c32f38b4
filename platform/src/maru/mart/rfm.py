"""Recency, frequency and monetary value (RFM) of one act type, and the rhythm of its days.

Source: A. M. Hughes, *Strategic Database Marketing* (1994), for recency, frequency, monetary value
and their scores by fifths. The rhythm (gaps between active days) is the usual companion: a long
silence says more about somebody who came every week.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from maru.mart.day_rows import DayRows, Floats, divide
from maru.mart.declarations import Mart
from maru.mart.dictionary import ColumnInfo
from maru.mart.history import Columns, History
from maru.mart.registry import rule_digest

FAMILY = "rfm"
FIFTHS = 5
WORDS = {
    "recency_days": "days since the last active day (1 is yesterday)",
    "second_recency_days": "days since the last active day but one",
    "frequency": "events",
    "active_days": "days with an event",
    "monetary": "sum of the amounts",
    "tenure_days": "days since the first active day",
    "mean_gap_days": "mean days between active days",
    "longest_gap_days": "longest time between active days, the present one included",
    "recency_to_gap": "recency over the mean gap",
    "recency_to_pace": "active days that the present silence would have held at the recent pace",
    "recency_score": "fifth among the entities seen, 5 the most recent",
    "frequency_score": "fifth among the entities seen, 5 the most events",
    "monetary_score": "fifth among the entities seen, 5 the largest sum",
}
NOT_NULL = frozenset({"frequency", "active_days", "monetary"})
# What each score ranks.
SCORED = {
    "recency_score": "recency_days",
    "frequency_score": "frequency",
    "monetary_score": "monetary",
}
OF_ALL = frozenset(SCORED)


def plan(mart: Mart) -> Iterator[ColumnInfo]:
    """Yield the columns; those of money only where the act type has an amount."""
    if mart.rfm is None:
        return
    act = mart.act_type(mart.rfm.act_type)
    for name, words in WORDS.items():
        if name.startswith("monetary") and not act.amount:
            continue
        yield ColumnInfo(
            f"rfm_{name}",
            FAMILY,
            f"{act.name}: {words}, last {mart.rfm.window_days} days",
            act.name,
            rule_digest(act),
            mart.rfm.window_days,
            nullable=name not in NOT_NULL,
            aggregate=name,
            of_all=name in OF_ALL,
        )


def compute(history: History, wanted: Sequence[ColumnInfo]) -> Columns:
    """Compute columns of this family; arrays of length ``history.n_entities``."""
    spec = history.mart.rfm
    if spec is None:
        return {}
    rows = history.source.act(spec.act_type, history.as_of)
    values = rhythm(rows, history.as_of, spec.window_days, history.n_entities)
    span = min(spec.pace_days, history.observed_days(spec.act_type))
    recent = rows.between(history.as_of - span, history.as_of)
    days = np.bincount(recent.entity, minlength=history.n_entities)
    values["recency_to_pace"] = divide(values["recency_days"] * days, span)
    for score, base in SCORED.items():
        if any(column.aggregate == score for column in wanted):
            values[score] = score_of(score, values[base], history.seen)
    return {column.name: values[column.aggregate] for column in wanted}


def score_of(
    score: str, values: Floats, seen: np.ndarray[tuple[int], np.dtype[np.bool_]]
) -> Floats:
    """Return a score of ``SCORED`` from what it ranks; the fewest days of recency rank highest."""
    return _fifths(-values if score == "recency_score" else values, seen)


def rhythm(rows: DayRows, as_of: int, window_days: int, n_entities: int) -> Columns:
    """Return recency, frequency, monetary value and gaps over ``[as_of - window, as_of)``.

    Returns
    -------
    dict
        Arrays of shape (n_entities,): counts and sums 0, the others NaN without an active day;
        the mean gap, its ratio and the second recency NaN with fewer than two.
    """
    used = rows.between(as_of - window_days, as_of)
    order = np.lexsort((used.day, used.entity))
    entity, day = used.entity[order], used.day[order]
    active = np.bincount(entity, minlength=n_entities).astype(np.float64)
    first, last, second = (np.full(n_entities, np.nan) for _ in range(3))
    last[entity] = day
    first[entity[::-1]] = day[::-1]
    follows = entity[1:] == entity[:-1]
    second[entity[1:][follows]] = day[:-1][follows]
    longest = as_of - last
    np.fmax.at(longest, entity[1:][follows], (day[1:] - day[:-1])[follows])
    mean_gap = divide(last - first, active - 1)
    mean_gap[active < 2] = np.nan
    return {
        "recency_days": as_of - last,
        "second_recency_days": as_of - second,
        "frequency": np.bincount(used.entity, weights=used.events, minlength=n_entities),
        "active_days": active,
        "monetary": np.bincount(used.entity, weights=used.total, minlength=n_entities) / used.scale,
        "tenure_days": as_of - first,
        "mean_gap_days": mean_gap,
        "longest_gap_days": longest,
        "recency_to_gap": divide(as_of - last, mean_gap),
    }


def _fifths(values: Floats, seen: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Floats:
    """Return 1 to 5 by rank among the entities seen; equal values share the lowest rank's fifth."""
    scores = np.full(len(values), np.nan)
    judged = seen & ~np.isnan(values)
    ranked = np.sort(values[judged])
    below = np.searchsorted(ranked, values[judged], side="left")
    scores[judged] = 1 + np.floor(FIFTHS * below / max(len(ranked), 1))
    return scores
