"""How many different values of a column an entity had: ``{name}_distinct_{window}d``."""

from collections.abc import Iterator, Sequence

import numpy as np

from maru.mart.declarations import Mart
from maru.mart.dictionary import ColumnInfo
from maru.mart.history import Columns, History
from maru.mart.registry import rule_digest

FAMILY = "distincts"


def plan(mart: Mart) -> Iterator[ColumnInfo]:
    """Yield the columns, by declaration and window."""
    for spec in mart.distincts:
        act = mart.act_type(spec.act_type)
        for window in spec.windows:
            yield ColumnInfo(
                f"{spec.name}_distinct_{window}d",
                FAMILY,
                f"{act.name}: different values of {spec.column}, last {window} days",
                act.name,
                rule_digest(act),
                window,
                aggregate="distinct",
                part=spec.name,
            )


def compute(history: History, wanted: Sequence[ColumnInfo]) -> Columns:
    """Compute columns of this family; arrays of length ``history.n_entities``.

    A value counts in a window if the latest day on which the entity had it lies there.
    """
    found: Columns = {}
    for spec in history.mart.distincts:
        mine = [column for column in wanted if column.part == spec.name]
        if not mine:
            continue
        values = history.source.values(spec.act_type, spec.column, history.as_of)
        owner, latest = values.latest(history.as_of)
        for column in mine:
            inside = latest >= history.as_of - (column.window_days or 1)
            count = np.bincount(owner[inside], minlength=history.n_entities)
            found[column.name] = count.astype(np.float64)
    return found
