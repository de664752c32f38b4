"""Grouping rows to days with polars: the only place where an act type's rows are counted."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from maru.mart.day_rows import DayRows, Floats, Ints
from maru.mart.declarations import ActType

ENTITY, DAY, KNOWN = "_entity", "_day", "_known"
OTHER = "other"
CENTS = 100
MILLIONTHS = 1_000_000


@dataclass(frozen=True)
class Grid:
    """The cells (part, day, entity) of a table as one number each, which sort in that order.

    Grouping and sorting by one number takes half the time of three.
    """

    n_entities: int
    first_day: int
    n_days: int

    def cell(self, part: pl.Expr) -> pl.Expr:
        """Return each row's cell."""
        day = pl.col(DAY) - self.first_day
        return (part * self.n_days + day) * self.n_entities + pl.col(ENTITY)

    def bounds(self, cells: Ints, n_parts: int) -> list[int]:
        """Return where each part of sorted cells begins, and the end."""
        edges = np.arange(n_parts + 1) * (self.n_days * self.n_entities)
        return [int(place) for place in np.searchsorted(cells, edges)]

    def entity(self, cells: Ints) -> Ints:
        """Return the entity of each cell."""
        return cells % self.n_entities

    def day(self, cells: Ints) -> Ints:
        """Return the day of each cell."""
        return cells // self.n_entities % self.n_days + self.first_day


@dataclass(frozen=True)
class DayValues:
    """On which days an entity's rows had which value; sorted by day.

    ``pair`` numbers the (entity, value) pairs, ``owner`` is each pair's entity.
    """

    pair: Ints
    day: Ints
    owner: Ints

    def latest(self, as_of: int) -> tuple[Ints, Floats]:
        """Return each pair's entity and its latest day before ``as_of`` (NaN without one)."""
        end = int(np.searchsorted(self.day, as_of))
        latest = np.full(len(self.owner), np.nan)
        latest[self.pair[:end]] = self.day[:end]
        return self.owner, latest


def needed(act: ActType) -> list[str]:
    """Return the columns that grouping an act type's rows reads."""
    return [name for name in dict.fromkeys((act.amount, act.per)) if name is not None]


def by_day(rows: pl.LazyFrame, act: ActType, money: Sequence[str], grid: Grid) -> DayRows:
    """Group an act type's rows to entity and day; ``money`` names the columns in cents."""
    amount = _amount(rows, act, money)
    cells = _cells(rows, act, amount, grid.cell(pl.lit(0, dtype=pl.Int64)))
    return _day_rows(cells, grid, amount.scale)


def by_part(
    rows: pl.LazyFrame,
    act: ActType,
    by: str,
    slugs: dict[str, str],
    money: Sequence[str],
    grid: Grid,
    *,
    other: bool = False,
) -> dict[str, DayRows]:
    """Split an act type's rows by a column's values (as text); each slice's day rows, by slug.

    Parameters
    ----------
    slugs
        Value -> slug of the values that are slices, in their order.
    other
        Whether the other values, and null, make one more slice, the last.
    """
    text = pl.col(by).cast(pl.String).cast(pl.Enum(list(slugs)), strict=False)
    part = text.to_physical().cast(pl.Int64)
    if other:
        part = part.fill_null(len(slugs))
    amount = _amount(rows, act, money)
    cells = _cells(rows, act, amount, grid.cell(part))
    names = [*slugs.values(), *([OTHER] if other else [])]
    bounds = grid.bounds(cells["_cell"].to_numpy(), len(names))
    return {
        name: _day_rows(cells.slice(start, end - start), grid, amount.scale)
        for name, start, end in zip(names, bounds, bounds[1:], strict=False)
    }


def by_value(rows: pl.LazyFrame, column: str) -> DayValues:
    """Group rows to entity, value and day; rows without a value do not count."""
    found = rows.select(ENTITY, DAY, pl.col(column).alias("_value")).drop_nulls("_value").collect()
    values = found.select(pl.col("_value").unique().sort()).with_row_index("_code")
    coded = found.join(values, on="_value", how="left", maintain_order="left")
    key = coded[ENTITY].to_numpy() * len(values) + coded["_code"].cast(pl.Int64).to_numpy()
    order = np.argsort(coded[DAY].to_numpy(), kind="stable")
    keys, pair = np.unique(key[order], return_inverse=True)
    return DayValues(pair, coded[DAY].to_numpy()[order], keys // max(len(values), 1))


@dataclass(frozen=True)
class _Amount:
    """A row's amount as a whole number of ``1 / scale``; a null amount adds nothing."""

    value: pl.Expr
    scale: int

    def bound(self, units: float) -> int:
        return round(units * self.scale)


def _amount(rows: pl.LazyFrame, act: ActType, money: Sequence[str]) -> _Amount:
    if act.amount is None:
        return _Amount(pl.lit(0, dtype=pl.Int64), 1)
    column = pl.col(act.amount).fill_null(0)
    if act.amount in money:
        return _Amount(column.cast(pl.Int64), CENTS)
    if rows.collect_schema()[act.amount].is_float():
        # Whole numbers add up exactly, in any order; a sum of floats would not.
        return _Amount((column * MILLIONTHS).round().cast(pl.Int64), MILLIONTHS)
    return _Amount(column.cast(pl.Int64), 1)


def _cells(rows: pl.LazyFrame, act: ActType, amount: _Amount, cell: pl.Expr) -> pl.DataFrame:
    """Group rows to cells, sorted: events, their total and the largest; no cell for a null."""
    per = [act.per] if act.per else []
    events = rows.select(cell.alias("_cell"), *per, amount.value.alias("_amount"))
    events = events.filter(pl.col("_cell").is_not_null())
    if per:
        events = events.group_by("_cell", *per).agg(pl.col("_amount").sum())
    if act.at_least is not None:
        events = events.filter(pl.col("_amount") >= amount.bound(act.at_least))
    if act.below is not None:
        events = events.filter(pl.col("_amount") < amount.bound(act.below))
    total = pl.col("_amount").sum()
    if act.day_cap is not None:
        total = total.clip(upper_bound=amount.bound(act.day_cap))
    cells = events.group_by("_cell").agg(
        pl.len().cast(pl.Int64).alias("_events"),
        total.alias("_total"),
        pl.col("_amount").max().alias("_top"),
    )
    return cells.sort("_cell").collect()


def _day_rows(cells: pl.DataFrame, grid: Grid, scale: int) -> DayRows:
    cell = cells["_cell"].to_numpy()
    events, total, top = (cells[name].to_numpy() for name in ("_events", "_total", "_top"))
    return DayRows(grid.entity(cell), grid.day(cell), events, total, top, scale)
