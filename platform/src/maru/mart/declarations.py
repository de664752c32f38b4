"""What an analyst declares of a mart: act types, windows, breakdowns."""

from dataclasses import dataclass

from maru.mart.families import (
    Attribute,
    Blocks,
    Distinct,
    ItemGroups,
    Pair,
    Ratio,
    Rfm,
    Segments,
    TopDays,
    Weekdays,
)

AGGREGATES: tuple[str, ...] = (
    "sum",
    "count",
    "mean",
    "max",
    "max_day",
    "distinct_days",
    "trend",
    "sum_per_30d",
    "count_per_30d",
    "days_per_30d",
)
BREAKDOWN_AGGREGATES: tuple[str, ...] = (*AGGREGATES, "share", "days_since")
AMOUNT_AGGREGATES = frozenset({"sum", "mean", "max", "max_day", "sum_per_30d", "share"})


@dataclass(frozen=True)
class ActType:
    """A named kind of event with its rule.

    Parameters
    ----------
    name
        The first part of its columns' names: lower case letters, digits and underscores.
    table, where
        The rows that count: an SQL condition over the table's columns, in which money is in
        currency units (``sales_value > 0 AND brand = 'Private'``).
    amount
        The numeric column that is summed; None counts only. Sums are exact: of cents, of whole
        numbers, of a float column's millionths.
    per
        Rows of one day with the same value here are one event (the lines of a basket); their
        amounts are added. None makes each row an event.
    at_least, below
        Only events whose amount is in ``[at_least, below)``, in currency units.
    day_cap
        A day's amount counts up to this, in currency units (against single huge days).
    until
        A date column: the column ``{name}_open`` counts events with ``until >= as_of``.
    """

    name: str
    table: str
    where: str = "TRUE"
    amount: str | None = None
    description: str = ""
    per: str | None = None
    at_least: float | None = None
    below: float | None = None
    day_cap: float | None = None
    until: str | None = None


@dataclass(frozen=True)
class Breakdown:
    """An act type split by the values of a column: ``{name}_{value}_{aggregate}_{window}d``.

    Parameters
    ----------
    values
        The values to split by; empty takes the ``top`` ones (all where ``top`` is None) by amount,
        or by rows where the act type has none, of the training entities' rows before the day of
        fitting.
    other
        Whether the remaining rows, and those without a value, make one more slice ``other``.
    half_lives
        Of exponentially weighted rates per day: ``{name}_{value}_sum_ewma_{half_life}d``.
    variety
        Whether ``{name}_variety_{window}d`` counts the different slices with a row.
    """

    name: str
    act_type: str
    by: str
    top: int | None = None
    values: tuple[str, ...] = ()
    windows: tuple[int, ...] = (30, 90, 365)
    aggregates: tuple[str, ...] = ("sum", "count", "days_since")
    half_lives: tuple[int, ...] = ()
    other: bool = False
    variety: bool = True


@dataclass(frozen=True)
class Mart:
    """A wide table per entity, from act types.

    Parameters
    ----------
    entity
        The column that names the entity, in every table that is used.
    act_types
        The first one's table is the mart's history: ``observed_days_{window}d`` counts its days.
    windows, aggregates
        Of every act type: ``{act}_{aggregate}_{window}d``.
    days, weeks, months
        How many single days, blocks of 7 and blocks of 30 days before ``as_of`` get columns of
        their own: ``{act}_sum_day_1`` is yesterday.
    half_lives
        Of exponentially weighted rates per day, in days: ``{act}_sum_ewma_{half_life}d``.
    lagged
        The act types with single days, weeks, months and weighted rates; empty means all.
    """

    entity: str
    act_types: tuple[ActType, ...]
    windows: tuple[int, ...] = (7, 14, 30, 60, 90, 180, 365)
    aggregates: tuple[str, ...] = ("sum", "count", "mean", "max", "distinct_days", "trend")
    days: int = 14
    weeks: int = 8
    months: int = 12
    half_lives: tuple[int, ...] = (7, 14, 30, 60, 120)
    lagged: tuple[str, ...] = ()
    rfm: Rfm | None = None
    breakdowns: tuple[Breakdown, ...] = ()
    blocks: tuple[Blocks, ...] = ()
    weekdays: Weekdays | None = None
    top_days: TopDays | None = None
    distincts: tuple[Distinct, ...] = ()
    item_groups: ItemGroups | None = None
    attributes: tuple[Attribute, ...] = ()
    pairs: tuple[Pair, ...] = ()
    ratios: tuple[Ratio, ...] = ()
    segments: Segments | None = None

    def act_type(self, name: str) -> ActType:
        """Return the act type of that name; KeyError where there is none."""
        return next(act for act in self.act_types if act.name == name)

    def breakdown(self, name: str) -> Breakdown:
        """Return the breakdown of that name."""
        return next(breakdown for breakdown in self.breakdowns if breakdown.name == name)
