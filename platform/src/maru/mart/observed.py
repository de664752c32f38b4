"""How many days each window really covers: ``observed_days_{window}d``.

A window longer than the history sums fewer days; these columns say how many. They are the same
for every entity of a day, and differ between days.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from maru.mart.declarations import Mart
from maru.mart.dictionary import ColumnInfo
from maru.mart.history import Columns, History

FAMILY = "observed"


def plan(mart: Mart) -> Iterator[ColumnInfo]:
    """Yield the windows of the first act type's table, then of the other act types' tables."""
    tables = list(dict.fromkeys(act.table for act in mart.act_types))
    for place, table in enumerate(tables):
        stem = "observed_days" if place == 0 else f"observed_days_{table}"
        for window in mart.windows:
            yield ColumnInfo(
                f"{stem}_{window}d",
                FAMILY,
                f"days of the last {window} that lie in the history of table {table}",
                window_days=window,
                part=table,
            )


def compute(history: History, wanted: Sequence[ColumnInfo]) -> Columns:
    """Compute columns of this family; arrays of length ``history.n_entities``."""
    found: Columns = {}
    for column in wanted:
        days = min(column.window_days or 1, history.observed_table_days(column.part))
        found[column.name] = np.full(history.n_entities, float(days))
    return found
