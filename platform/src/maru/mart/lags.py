"""Single days, weeks and months before ``as_of``: ``{act}_{sum|count}_{day|week|month}_{i}``.

``day_1`` is yesterday, ``week_1`` the last 7 days, ``month_1`` the last 30: blocks are counted back
from ``as_of``. A block that begins before the observed history is null, never a short sum.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from maru.mart.day_rows import block_sums
from maru.mart.declarations import ActType, Mart
from maru.mart.dictionary import ColumnInfo
from maru.mart.history import Columns, History
from maru.mart.registry import rule_digest

FAMILY = "lags"
LENGTHS = {"day": 1, "week": 7, "month": 30}


def lagged_acts(mart: Mart) -> list[ActType]:
    """Return the act types with lags and weighted rates."""
    names = mart.lagged or tuple(act.name for act in mart.act_types)
    return [mart.act_type(name) for name in names]


def plan(mart: Mart) -> Iterator[ColumnInfo]:
    """Yield the columns, by act type, block length, aggregate and position."""
    numbers = {"day": mart.days, "week": mart.weeks, "month": mart.months}
    for act in lagged_acts(mart):
        for unit, length in LENGTHS.items():
            for aggregate in ("sum", "count") if act.amount else ("count",):
                for position in range(1, numbers[unit] + 1):
                    what = "sum of the amounts" if aggregate == "sum" else "events"
                    yield ColumnInfo(
                        f"{act.name}_{aggregate}_{unit}_{position}",
                        FAMILY,
                        f"{act.name}: {what}, days {(position - 1) * length + 1} to "
                        f"{position * length} before the day",
                        act.name,
                        rule_digest(act),
                        position * length,
                        nullable=True,
                        aggregate=aggregate,
                        part=unit,
                        position=position,
                    )


def compute(history: History, wanted: Sequence[ColumnInfo]) -> Columns:
    """Compute columns of this family; arrays of length ``history.n_entities``."""
    found: Columns = {}
    for name in dict.fromkeys(column.act_type for column in wanted):
        mine = [column for column in wanted if column.act_type == name]
        rows = history.source.act(name, history.as_of)
        observed = history.observed_days(name)
        blocks = [_block(column) for column in mine]
        events, amounts = block_sums(rows, history.as_of, blocks, history.n_entities)
        for i, column in enumerate(mine):
            values = amounts[:, i] if column.aggregate == "sum" else events[:, i]
            whole = blocks[i][1] <= observed
            found[column.name] = values if whole else np.full(history.n_entities, np.nan)
    return found


def _block(column: ColumnInfo) -> tuple[int, int]:
    length = LENGTHS[column.part]
    return (column.position - 1) * length, column.position * length
