"""The verdict of one rule on one table, and the rules that look at a whole table."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import polars as pl

from maru.tables.declarations import RowsVsNeighbours, Table

Level = Literal["ok", "warn", "block"]


@dataclass(frozen=True)
class CheckResult:
    """What one rule found: on which table and column, how many rows break it, and in words.

    ``ok`` found nothing, ``warn`` is told, ``block`` refuses the snapshot. ``column`` is empty for
    a rule on the whole table; ``count`` is in rows (in days for ``rows_vs_neighbours``).
    """

    table: str
    column: str
    rule: str
    level: Level
    count: int
    text: str


def check_rows(
    table: Table, *, read: int, kept: int, results: Sequence[CheckResult]
) -> CheckResult:
    """Judge how many rows are left after the broken ones went aside."""
    broken = read - kept
    counts = f"{read:,} rows read, {kept:,} kept, {broken:,} broken"
    if kept == 0:
        text = f"table {table.name} has no usable row: {counts}. Look at its source."
        return CheckResult(table.name, "", "rows", "block", broken, text)
    share = broken / read
    if share <= table.broken_share_at_most:
        return CheckResult(table.name, "", "rows", "ok", broken, f"table {table.name}: {counts}")
    rules = ", ".join(f"{r.column or 'row'} {r.rule} {r.count:,}" for r in results if r.count)
    text = (
        f"table {table.name}: {share:.2%} of its rows are broken, at most "
        f"{table.broken_share_at_most:.2%} may be ({rules}). "
        f"Mend the source, or the column's rule in data.py."
    )
    return CheckResult(table.name, "", "rows", "block", broken, text)


def check_neighbours(table: Table, rule: RowsVsNeighbours, days: pl.Series) -> CheckResult:
    """Compare each day's row count with the median of the days around it.

    Parameters
    ----------
    days
        The local day (Date) of every kept row, in any order. A day without rows between the first
        and the last counts as 0.
    """
    counts = days.value_counts(name="rows").rename({days.name: "day"})
    return check_day_counts(table, rule, counts)


def check_day_counts(table: Table, rule: RowsVsNeighbours, counts: pl.DataFrame) -> CheckResult:
    """Compare as ``check_neighbours`` does, given ``day`` (Date) and ``rows`` of each day."""
    counts = counts.sort("day")
    first, last = counts["day"][0], counts["day"][-1]
    calendar = pl.DataFrame({"day": pl.date_range(first, last, "1d", eager=True)})
    counts = calendar.join(counts, on="day", how="left").with_columns(
        pl.col("rows").fill_null(0).cast(pl.Float64)
    )
    shifts = [pl.col("rows").shift(by) for by in range(-rule.days, rule.days + 1) if by != 0]
    counts = counts.with_columns(
        pl.concat_list(shifts).list.drop_nulls().list.median().alias("median")
    )
    inner = counts.slice(rule.edge_days, max(counts.height - 2 * rule.edge_days, 0))
    low, high = pl.col("median") * rule.low, pl.col("median") * rule.high
    odd = inner.filter((pl.col("rows") < low) | (pl.col("rows") > high))
    bounds = f"{rule.low} to {rule.high}"
    if odd.is_empty():
        text = f"table {table.name}: every day has {bounds} times the rows of its neighbours"
        return CheckResult(table.name, "", "rows_vs_neighbours", "ok", 0, text)
    worst = ", ".join(
        f"{r['day']} has {r['rows']:,.0f} (median {r['median']:,.0f})"
        for r in odd.head(3).to_dicts()
    )
    text = (
        f"table {table.name}: a day's rows stay within {bounds} times its neighbours' median; "
        f"{odd.height} days do not: {worst}. Look for a late or doubled load."
    )
    return CheckResult(table.name, "", "rows_vs_neighbours", rule.action, odd.height, text)
