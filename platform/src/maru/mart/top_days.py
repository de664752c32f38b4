"""The sum of an entity's ``k`` largest days, and of the others, in ``[as_of - window, as_of)``.

What an entity usually spends, without the one party that will not come again. Columns
``{act}_sum_top_{k}_{w}d`` and ``{act}_sum_but_top_{k}_{w}d``.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from maru.mart.day_rows import DayRows, Floats, Ints
from maru.mart.declarations import Mart
from maru.mart.dictionary import ColumnInfo
from maru.mart.history import Columns, History
from maru.mart.registry import rule_digest

FAMILY = "top_days"
WORDS = {
    "sum_top": "amount of the {} largest days",
    "sum_but_top": "amount but the {} largest days",
}


def plan(mart: Mart) -> Iterator[ColumnInfo]:
    """Yield the columns, by act type, window and number of days."""
    spec = mart.top_days
    if spec is None:
        return
    for name in spec.act_types:
        act = mart.act_type(name)
        for window in spec.windows:
            for aggregate, words in WORDS.items():
                for count in spec.counts:
                    yield ColumnInfo(
                        f"{name}_{aggregate}_{count}_{window}d",
                        FAMILY,
                        f"{name}: {words.format(count)}, last {window} days",
                        name,
                        rule_digest(act),
                        window,
                        aggregate=aggregate,
                        position=count,
                    )


def compute(history: History, wanted: Sequence[ColumnInfo]) -> Columns:
    """Compute columns of this family; arrays of length ``history.n_entities``."""
    found: Columns = {}
    for name, window in dict.fromkeys((c.act_type, c.window_days or 1) for c in wanted):
        rows = history.source.act(name, history.as_of)
        used = rows.between(history.as_of - window, history.as_of)
        total = np.bincount(used.entity, weights=used.total, minlength=history.n_entities)
        rank = day_ranks(used)
        for column in wanted:
            if (column.act_type, column.window_days) == (name, window):
                top = _top(used, rank, column.position, history.n_entities)
                values = top if column.aggregate == "sum_top" else total - top
                found[column.name] = values / rows.scale
    return found


def day_ranks(rows: DayRows) -> Ints:
    """Return each row's rank among its entity's days, 0 the largest amount, in row order."""
    order = np.lexsort((rows.day, -rows.total, rows.entity))
    entity = rows.entity[order]
    first = np.searchsorted(entity, entity)
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order)) - first
    return rank


def _top(rows: DayRows, rank: Ints, count: int, n_entities: int) -> Floats:
    kept = rank < count
    return np.bincount(rows.entity[kept], weights=rows.total[kept], minlength=n_entities).astype(
        np.float64
    )
