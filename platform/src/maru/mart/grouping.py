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


def by_day(rows: pl.DataFrame, act: ActType, money: Sequence[str]) -> DayRows:
    """Group an act type's rows to entity and day; ``money`` names the columns in cents."""
    amount = _amount(rows, act, money)
    return _arrays(_daily(rows, act, [ENTITY], amount), amount.scale)


def by_part(
    rows: pl.DataFrame,
    act: ActType,
    by: str,
    slugs: dict[str, str],
    money: Sequence[str],
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
    codes = {value: code for code, value in enumerate(slugs)}
    part = pl.col(by).cast(pl.String).replace_strict(codes, default=None, return_dtype=pl.Int64)
    coded = rows.with_columns(part.alias("_part"))
    if other:
        coded = coded.with_columns(pl.col("_part").fill_null(len(codes)))
    amount = _amount(rows, act, money)
    days = _daily(coded.filter(pl.col("_part").is_not_null()), act, ["_part", ENTITY], amount)
    names = [*slugs.values(), *([OTHER] if other else [])]
    bounds = np.searchsorted(days["_part"].to_numpy(), np.arange(len(names) + 1)).tolist()
    return {
        name: _arrays(days.slice(bounds[i], bounds[i + 1] - bounds[i]), amount.scale)
        for i, name in enumerate(names)
    }


def by_value(rows: pl.DataFrame, column: str) -> DayValues:
    """Group rows to entity, value and day; rows without a value do not count."""
    found = rows.select(ENTITY, DAY, pl.col(column).alias("_value")).drop_nulls("_value")
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


def _amount(rows: pl.DataFrame, act: ActType, money: Sequence[str]) -> _Amount:
    if act.amount is None:
        return _Amount(pl.lit(0, dtype=pl.Int64), 1)
    column = pl.col(act.amount).fill_null(0)
    if act.amount in money:
        return _Amount(column.cast(pl.Int64), CENTS)
    if rows.schema[act.amount].is_float():
        # Whole numbers add up exactly, in any order; a sum of floats would not.
        return _Amount((column * MILLIONTHS).round().cast(pl.Int64), MILLIONTHS)
    return _Amount(column.cast(pl.Int64), 1)


def _daily(rows: pl.DataFrame, act: ActType, keys: Sequence[str], amount: _Amount) -> pl.DataFrame:
    """Group rows to (keys, day): events, their total and the largest."""
    per = [act.per] if act.per else []
    events = rows.lazy().select(*keys, DAY, *per, amount.value.alias("_amount"))
    if per:
        events = events.group_by(*keys, DAY, *per).agg(pl.col("_amount").sum())
    if act.at_least is not None:
        events = events.filter(pl.col("_amount") >= amount.bound(act.at_least))
    if act.below is not None:
        events = events.filter(pl.col("_amount") < amount.bound(act.below))
    total = pl.col("_amount").sum()
    if act.day_cap is not None:
        total = total.clip(upper_bound=amount.bound(act.day_cap))
    days = events.group_by(*keys, DAY).agg(
        pl.len().cast(pl.Int64).alias("_events"),
        total.alias("_total"),
        pl.col("_amount").max().alias("_top"),
    )
    first = [key for key in keys if key != ENTITY]
    return days.sort(*first, DAY, ENTITY).collect()


def _arrays(days: pl.DataFrame, scale: int) -> DayRows:
    def array(name: str) -> Ints:
        return np.ascontiguousarray(days[name].to_numpy(), dtype=np.int64)

    return DayRows(
        array(ENTITY), array(DAY), array("_events"), array("_total"), array("_top"), scale
    )
