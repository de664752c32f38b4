"""How often a first event was followed by a second one, as far as known before ``as_of``.

Both events are of one entity and have equal values of ``match_on``; the second is not before the
first's day. First events of the last ``window_days`` count.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl

from maru.mart.day_rows import Floats, divide
from maru.mart.declarations import Mart
from maru.mart.dictionary import ColumnInfo
from maru.mart.families import Pair
from maru.mart.grouping import DAY, ENTITY
from maru.mart.history import Columns, History
from maru.mart.registry import rule_digest

FAMILY = "pairs"
WORDS = {
    "followed": "how many were followed",
    "followed_share": "share that were followed",
    "last_followed": "whether one of the latest day's was followed",
}


def plan(mart: Mart) -> Iterator[ColumnInfo]:
    """Yield three columns for each pair."""
    for spec in mart.pairs:
        for aggregate, words in WORDS.items():
            yield ColumnInfo(
                f"{spec.name}_{aggregate}",
                FAMILY,
                f"{spec.first}, last {spec.window_days} days: {words} by {spec.second} "
                f"of the same {', '.join(spec.match_on)}",
                spec.first,
                rule_digest(mart.act_type(spec.first)),
                spec.window_days,
                nullable=aggregate != "followed",
                aggregate=aggregate,
                part=spec.name,
            )


def compute(history: History, wanted: Sequence[ColumnInfo]) -> Columns:
    """Compute columns of this family; arrays of length ``history.n_entities``."""
    found: Columns = {}
    for spec in history.mart.pairs:
        mine = [column for column in wanted if column.part == spec.name]
        if mine:
            values = _values(history, spec)
            found |= {column.name: values[column.aggregate] for column in mine}
    return found


def _values(history: History, spec: Pair) -> Columns:
    keys = [ENTITY, *spec.match_on]
    start = history.as_of - spec.window_days
    first = history.source.rows(spec.first, spec.match_on, history.as_of)
    first = first.filter(pl.col(DAY) >= start).select(*keys, DAY).unique()
    second = history.source.rows(spec.second, spec.match_on, history.as_of)
    second = second.group_by(keys).agg(pl.col(DAY).max().alias("_second"))
    joined = first.join(second, on=keys, how="left").select(
        ENTITY, DAY, (pl.col("_second") >= pl.col(DAY)).fill_null(False).alias("_hit")
    )
    newest = joined.filter(pl.col(DAY) == pl.col(DAY).max().over(ENTITY))

    def counted(rows: pl.DataFrame, of: pl.Expr) -> Floats:
        counts = rows.group_by(ENTITY).agg(of.cast(pl.Float64).alias("_n"))
        values = np.zeros(history.n_entities)
        values[counts[ENTITY].to_numpy()] = counts["_n"].to_numpy()
        return values

    firsts = counted(joined, pl.len())
    followed = counted(joined, pl.col("_hit").sum())
    last = counted(newest, pl.col("_hit").any())
    return {
        "followed": followed,
        "followed_share": divide(followed, firsts),
        "last_followed": np.where(firsts > 0, last, np.nan),
    }
