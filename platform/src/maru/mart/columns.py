"""Every family of columns: what a mart plans, and who computes it."""

from collections.abc import Callable, Iterable, Sequence

from maru.errors import DataError
from maru.mart import (
    attributes,
    blocks,
    breakdowns,
    distincts,
    item_groups,
    lags,
    observed,
    pairs,
    rates,
    ratios,
    rfm,
    segments,
    top_days,
    weekdays,
    windows,
)
from maru.mart.declarations import Mart
from maru.mart.dictionary import ColumnInfo
from maru.mart.history import Columns, History
from maru.mart.registry import mart_digest
from maru.mart.state import MartState

# Computed from rows, in any order.
FROM_ROWS: dict[str, Callable[[History, Sequence[ColumnInfo]], Columns]] = {
    module.FAMILY: module.compute
    for module in (
        *(observed, windows, lags, rates, rfm, blocks, weekdays, top_days),
        *(breakdowns, distincts, item_groups, attributes, pairs),
    )
}
# Computed from other columns, in this order.
FROM_COLUMNS: dict[str, Callable[[History, Sequence[ColumnInfo], Columns], Columns]] = {
    ratios.FAMILY: ratios.compute,
    segments.FAMILY: segments.compute,
}


def columns(mart: Mart, state: MartState) -> tuple[ColumnInfo, ...]:
    """Return the dictionary of a mart's columns, in their order.

    Raises
    ------
    DataError
        If the state was fitted for another mart.
    """
    if state.mart != (digest := mart_digest(mart)):
        raise DataError(
            f"the mart's state was fitted for mart {state.mart[:12]}, this one is {digest[:12]}. "
            f"Fit it again."
        )
    return plan(mart, state)


def plan(mart: Mart, state: MartState) -> tuple[ColumnInfo, ...]:
    """Return the columns of every family."""
    planned: list[ColumnInfo] = []
    for module in (observed, windows, lags, rates, rfm, blocks, weekdays, top_days):
        planned.extend(module.plan(mart))
    planned.extend(breakdowns.plan(mart, state))
    planned.extend(distincts.plan(mart))
    planned.extend(item_groups.plan(mart, state))
    planned.extend(attributes.plan(mart))
    planned.extend(pairs.plan(mart))
    for derived in (ratios, segments):
        planned.extend(derived.plan(mart, {column.name: column for column in planned}))
    return tuple(planned)


def compute(history: History, wanted: Iterable[ColumnInfo]) -> Columns:
    """Compute columns and the ones that they are computed from; only families that are needed."""
    needed = list(wanted)
    found: Columns = {}
    for family, from_rows in FROM_ROWS.items():
        if mine := [column for column in needed if column.family == family]:
            found |= from_rows(history, mine)
    for family, from_columns in FROM_COLUMNS.items():
        if mine := [column for column in needed if column.family == family]:
            found |= from_columns(history, mine, found)
    return found
