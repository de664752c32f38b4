"""What is predicted: labels over ``[as_of, as_of + horizon)``, in local days.

Two shapes of example: *panel* labels (amount, purchase) have one example an entity and origin;
a *unit* label (ordered pair) has one example a first event, whose ``as_of`` is that event's day.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import polars as pl

from maru.errors import DataError
from maru.models.features import Act
from maru.tables.snapshot import Snapshot

# Act types of the mart may count only some events; a label sums every row of the rule.
NOT_IN_LABELS = ("at_least", "below", "day_cap")

Population = Callable[[dt.date], pl.Series]


@dataclass(frozen=True)
class Events:
    """Rows of a table that obey a rule, for labels whose events are no act type of the mart."""

    name: str
    table: str
    where: str = "TRUE"
    amount: str | None = None


class Label(Protocol):
    """What a model is fitted to predict."""

    @property
    def horizon_days(self) -> int:
        """Length of the label's window."""

    @property
    def unit_columns(self) -> tuple[str, ...]:
        """Columns that, with entity and ``as_of``, tell examples apart; empty for panel labels."""

    def days(self, snapshot: Snapshot, first: dt.date, last: dt.date) -> list[dt.date] | None:
        """Return the days of ``[first, last]`` with examples, rising; None where every day has."""

    def examples(
        self,
        snapshot: Snapshot,
        origins: Sequence[dt.date],
        population: Population,
        *,
        entity: str,
        as_of: dt.date,
    ) -> pl.DataFrame:
        """Return the matured examples of these days.

        Parameters
        ----------
        snapshot
            The tables, at least up to ``as_of``.
        origins
            Days that features are for.
        population
            Day -> the entities known before it (panel labels only).
        entity
            The entity's column in the tables.
        as_of
            What is known: an example is made only where its whole window lies before this day,
            and only rows with ``day`` and ``known_day`` before it are counted.

        Returns
        -------
        DataFrame
            The entity column, ``as_of`` (Date), the unit columns, ``label`` (Float64, never null),
            sorted by ``as_of``, entity, unit columns.
        """


@dataclass(frozen=True)
class AmountLabel:
    """The sum of an act's amount in the window, in currency units; 0 where there was none.

    ``slice`` is one more SQL condition on the act's table, as ``department = 'MEAT'``.
    """

    act: Act
    horizon_days: int = 30
    slice: str | None = None
    unit_columns: tuple[str, ...] = ()

    def days(self, snapshot: Snapshot, first: dt.date, last: dt.date) -> list[dt.date] | None:
        """See ``Label``."""
        return None

    def examples(
        self,
        snapshot: Snapshot,
        origins: Sequence[dt.date],
        population: Population,
        *,
        entity: str,
        as_of: dt.date,
    ) -> pl.DataFrame:
        """See ``Label``."""
        if self.act.amount is None:
            raise DataError(
                f"label amount of {self.act.name} needs the act's amount column, got none"
            )
        # Money is summed in whole cents: the order of rows can't change a bit of it.
        unit = 100.0 if self.act.amount in snapshot.infos[self.act.table].money else 1.0
        by_day = pl.col(self.act.amount).sum()
        total = pl.col("value").sum() / unit
        return _panel(self, by_day, total, snapshot, origins, population, entity, as_of)


@dataclass(frozen=True)
class PurchaseLabel:
    """1 where the act happened in the window, else 0; ``slice`` as in ``AmountLabel``."""

    act: Act
    horizon_days: int = 30
    slice: str | None = None
    unit_columns: tuple[str, ...] = ()

    def days(self, snapshot: Snapshot, first: dt.date, last: dt.date) -> list[dt.date] | None:
        """See ``Label``."""
        return None

    def examples(
        self,
        snapshot: Snapshot,
        origins: Sequence[dt.date],
        population: Population,
        *,
        entity: str,
        as_of: dt.date,
    ) -> pl.DataFrame:
        """See ``Label``."""
        one = pl.lit(1.0)
        return _panel(self, pl.len(), one, snapshot, origins, population, entity, as_of)


@dataclass(frozen=True)
class OrderedPairLabel:
    """1 where a first event is followed by a second within h days, else 0.

    A unit is one (entity, day of the first event, values of ``match_on``): two first events of one
    unit on one day are one example. The second event counts in ``[first, first + h)``, on the same
    entity and the same values of ``match_on``. The first event alone is a negative; a second event
    without a first is no example; a unit whose window has not ended is no example.

    Where days are too coarse (a basket and its payment a minute apart), ``ordered_by`` names a
    timestamp column of both tables: the second event must then also be later than the day's first
    first event.
    """

    first: Act
    second: Act
    within_days: int = 30
    match_on: tuple[str, ...] = ()
    ordered_by: str | None = None

    @property
    def horizon_days(self) -> int:
        """Length of the label's window: ``within_days``."""
        return self.within_days

    @property
    def unit_columns(self) -> tuple[str, ...]:
        """The columns of ``match_on``."""
        return self.match_on

    def days(self, snapshot: Snapshot, first: dt.date, last: dt.date) -> list[dt.date] | None:
        """See ``Label``."""
        days = _rows(snapshot, self.first).filter(pl.col("day").is_between(first, last))["day"]
        return [day for day in days.unique().sort().to_list() if day is not None]

    def examples(
        self,
        snapshot: Snapshot,
        origins: Sequence[dt.date],
        population: Population,
        *,
        entity: str,
        as_of: dt.date,
    ) -> pl.DataFrame:
        """See ``Label``; ``population`` is not read."""
        keys = [entity, *self.match_on]
        known = snapshot.until(as_of)
        time = pl.col(self.ordered_by) if self.ordered_by else pl.col("day")
        horizon = pl.duration(days=self.within_days)
        first = (
            _rows(known, self.first)
            .filter(pl.col("day").is_in(list(origins)) & (pl.col("day") + horizon <= as_of))
            .select(*keys, as_of="day", first_time=time)
            .group_by(*keys, "as_of")
            .agg(pl.col("first_time").min())
        )
        second = _rows(known, self.second).select(*keys, second_day="day", second_time=time)
        pairs = first.join(second, on=keys, how="inner").filter(
            pl.col("second_day") >= pl.col("as_of"),
            pl.col("second_day") < pl.col("as_of") + horizon,
            # Events of one day have an order only where a timestamp tells it.
            pl.col("second_time") > pl.col("first_time") if self.ordered_by else pl.lit(True),
        )
        followed = pairs.select(*keys, "as_of", label=pl.lit(1.0)).unique()
        return (
            first.drop("first_time")
            .join(followed, on=[*keys, "as_of"], how="left")
            .with_columns(pl.col("label").fill_null(0.0))
            .select(entity, "as_of", *self.match_on, "label")
            .sort("as_of", entity, *self.match_on)
        )


def _rows(snapshot: Snapshot, act: Act, extra: str | None = None) -> pl.DataFrame:
    """Return the rows that obey an act's rule, and a slice's."""
    if changed := [name for name in NOT_IN_LABELS if getattr(act, name, None) is not None]:
        raise DataError(
            f"a label can't use act type {act.name}: its {changed} change what counts as an event "
            "of the mart. Declare Events(name, table, where, amount) for the label"
        )
    return snapshot.matching(
        act.table, act.where if extra is None else f"({act.where}) AND ({extra})"
    )


def _panel(
    label: AmountLabel | PurchaseLabel,
    value: pl.Expr,
    combine: pl.Expr,
    snapshot: Snapshot,
    origins: Sequence[dt.date],
    population: Population,
    entity: str,
    as_of: dt.date,
) -> pl.DataFrame:
    horizon = dt.timedelta(days=label.horizon_days)
    # By day first: the window of each origin is then summed from few rows.
    rows = _rows(snapshot.until(as_of), label.act, label.slice)
    days = rows.group_by(entity, "day").agg(value=value)
    parts = []
    for origin in sorted(origins):
        if origin + horizon > as_of:
            continue
        known = population(origin).sort()
        inside = days.filter((pl.col("day") >= origin) & (pl.col("day") < origin + horizon))
        labels = inside.group_by(entity).agg(label=combine)
        part = pl.DataFrame({entity: known}).select(entity, pl.lit(origin).alias("as_of"))
        part = part.join(labels, on=entity, how="left", maintain_order="left")
        parts.append(part.with_columns(pl.col("label").cast(pl.Float64).fill_null(0.0)))
    if not parts:
        return rows.select(
            entity, as_of=pl.lit(None, dtype=pl.Date), label=pl.lit(None, dtype=pl.Float64)
        ).clear()
    return pl.concat(parts)
