"""The engine on one machine: polars reads rules and groups rows to days, numpy sums windows.

Rows are grouped once per slice to (entity, day). A table in which a row became known after its day
is grouped anew for each ``as_of`` that has such a row pending, from the rows known by then.
"""

from collections.abc import Callable, Sequence
from datetime import date

import numpy as np
import polars as pl

from maru.errors import DataError
from maru.mart.day_rows import DayRows, Floats
from maru.mart.declarations import ActType, Breakdown, Mart
from maru.mart.history import NO_ROWS, History, day_number
from maru.mart.state import MartState
from maru.tables.rules import rule_mask
from maru.tables.snapshot import Snapshot

OTHER = "other"
NEVER = np.iinfo(np.int64).max  # the day of what has not happened


class LocalEngine:
    """Rows of one snapshot for one mart and state; a ``Source`` of histories.

    Nothing is read before it is asked for; day rows are kept for the next ``as_of``.
    """

    def __init__(self, mart: Mart, snapshot: Snapshot, state: MartState) -> None:
        self.mart = mart
        self.state = state
        self._snapshot = snapshot
        self._tables: dict[str, pl.DataFrame] = {}
        self._masks: dict[str, pl.Series] = {}
        self._kept: dict[tuple[str, str], dict[str, DayRows]] = {}
        self._late: dict[str, tuple[int, int]] = {}
        self.entity_list = self._entities()
        self._first_seen = self._first_known_days()

    def history(self, as_of: date) -> History:
        """Return what was known before ``as_of``."""
        return History(self.mart, self.state, self, day_number(as_of), len(self.entity_list) + 1)

    # Source

    def act(self, name: str, as_of: int) -> DayRows:
        act = self.mart.act_type(name)
        return self._day_rows(act, ("act", name), as_of, lambda rows: {"": _by_day(rows, act)})[""]

    def parts(self, breakdown: str, as_of: int) -> dict[str, DayRows]:
        spec = self.mart.breakdown(breakdown)
        act = self.mart.act_type(spec.act_type)
        group = self._grouping(act, spec.by, self.state.slugs(breakdown), other=spec.other)
        return self._day_rows(act, ("breakdown", breakdown), as_of, group)

    def items(self, as_of: int) -> list[DayRows]:
        spec, fitted = self.mart.item_groups, self.state.items
        if spec is None or fitted is None:
            raise ValueError("the mart has no fitted item groups")
        act = self.mart.act_type(spec.act_type)
        group = self._grouping(act, spec.column, {item: item for item in fitted.items})
        return list(self._day_rows(act, ("items", ""), as_of, group).values())

    def rows(self, act: str, as_of: int) -> pl.DataFrame:
        spec = self.mart.act_type(act)
        return _known(self._matching(spec), as_of)

    def table(self, name: str, as_of: int) -> pl.DataFrame:
        rows = self._indexed(name)
        return _known(rows, as_of) if "_day" in rows.columns else rows

    def first_day(self, table: str, as_of: int) -> int | None:
        rows = self._indexed(table)
        low, late = self._lateness(table)
        if late < as_of:
            return low if low < as_of else None
        days = _known(rows.select("_day", "_known"), as_of)["_day"].to_numpy()
        return int(days.min()) if len(days) else None

    def first_seen(self) -> Floats:
        return self._first_seen

    # Rows

    def _day_rows(
        self,
        act: ActType,
        key: tuple[str, str],
        as_of: int,
        group: Callable[[pl.DataFrame], dict[str, DayRows]],
    ) -> dict[str, DayRows]:
        if self._has_pending(act.table, as_of):
            return group(_known(self._matching(act), as_of))
        if key not in self._kept:
            self._kept[key] = group(self._matching(act))
        kept = self._kept[key]
        return {slug: rows.between(_first(rows), as_of) for slug, rows in kept.items()}

    def _grouping(
        self, act: ActType, by: str, slug_of: dict[str, str], *, other: bool = False
    ) -> Callable[[pl.DataFrame], dict[str, DayRows]]:
        return lambda rows: _by_part(rows, act, by, slug_of, other=other)

    def _matching(self, act: ActType) -> pl.DataFrame:
        rows = self._indexed(act.table)
        if act.name not in self._masks:
            info = self._snapshot.infos[act.table]
            about = f"act type {act.name}: rule {act.where!r} on table {act.table}"
            self._masks[act.name] = rule_mask(rows, act.where, money=info.money, about=about)
        return rows.filter(self._masks[act.name])

    def _indexed(self, name: str) -> pl.DataFrame:
        """Return a table with the entity's position and whole days; rows of others left out."""
        if name not in self._tables:
            rows = self._snapshot.table(name)
            if self.mart.entity not in rows.columns:
                raise DataError(
                    f"table {name} lacks the mart's entity column {self.mart.entity}; it has "
                    f"{', '.join(rows.columns)}. Declare it in data.py."
                )
            index = pl.DataFrame({self.mart.entity: self.entity_list}).with_row_index("_entity")
            rows = rows.join(index, on=self.mart.entity, how="inner", maintain_order="left")
            rows = rows.with_columns(pl.col("_entity").cast(pl.Int64))
            if "day" in rows.columns:
                # A row that became known late counts only from the day after it was known.
                day, known = pl.col("day").cast(pl.Int64), pl.col("known_day").cast(pl.Int64)
                never = pl.lit(NEVER)
                usable = (
                    pl.when(known.is_null()).then(never).otherwise(pl.max_horizontal(day, known))
                )
                rows = rows.with_columns(day.alias("_day"), usable.alias("_known"))
            self._tables[name] = rows
        return self._tables[name]

    def _lateness(self, table: str) -> tuple[int, int]:
        """Return the first day of a table, and the last day on which a late row became known."""
        if table not in self._late:
            rows = self._indexed(table)
            day, known = rows["_day"].to_numpy(), rows["_known"].to_numpy()
            late = known[known > day]
            first = int(day.min()) if len(day) else NEVER
            self._late[table] = (first, int(late.max()) if len(late) else -1)
        return self._late[table]

    def _has_pending(self, table: str, as_of: int) -> bool:
        """Whether a row of a day before ``as_of`` was not known yet."""
        if self._lateness(table)[1] < as_of:
            return False
        rows = self._indexed(table)
        pending = (pl.col("_day") < as_of) & (pl.col("_known") >= as_of)
        return rows.select(pending.any()).item() is True

    def _dated_tables(self) -> list[str]:
        names = dict.fromkeys(act.table for act in self.mart.act_types)
        return [name for name in names if "day" in self._snapshot.table(name).columns]

    def _entities(self) -> pl.Series:
        tables = [self._snapshot.table(name) for name in self._dated_tables()]
        found = [rows[self.mart.entity] for rows in tables if self.mart.entity in rows.columns]
        if not found:
            raise DataError(
                f"no table of the mart's act types has the entity column {self.mart.entity}. "
                f"Declare it in data.py."
            )
        return pl.concat([series.drop_nulls().unique() for series in found]).unique().sort()

    def _first_known_days(self) -> Floats:
        first = np.full(len(self.entity_list) + 1, np.inf)
        for name in self._dated_tables():
            known = self._indexed(name).group_by("_entity").agg(pl.col("_known").min())
            positions = known["_entity"].to_numpy()
            first[positions] = np.minimum(first[positions], known["_known"].to_numpy())
        return np.where(np.isfinite(first), first, np.nan)


def _first(rows: DayRows) -> int:
    return int(rows.day[0]) if len(rows.day) else 0


def _known(rows: pl.DataFrame, as_of: int) -> pl.DataFrame:
    return rows.filter((pl.col("_day") < as_of) & (pl.col("_known") < as_of))


def _cents(rows: pl.DataFrame, act: ActType) -> pl.Expr:
    """The amount as whole cents; null and acts without amount as 0."""
    if act.amount is None:
        return pl.lit(0, dtype=pl.Int64)
    return pl.col(act.amount).fill_null(0).cast(pl.Int64)


def _daily(rows: pl.DataFrame, act: ActType, keys: Sequence[str]) -> pl.DataFrame:
    """Group rows to (keys, _day): events, cents, top; sorted by keys' first, day, entity."""
    amount = _cents(rows, act).alias("_cents")
    events = rows.lazy().select(*keys, "_day", *([act.per] if act.per else []), amount)
    if act.per:
        events = events.group_by(*keys, "_day", act.per).agg(pl.col("_cents").sum())
    if act.at_least is not None:
        events = events.filter(pl.col("_cents") >= round(act.at_least * 100))
    if act.below is not None:
        events = events.filter(pl.col("_cents") < round(act.below * 100))
    cents = pl.col("_cents").sum()
    if act.day_cap is not None:
        cents = pl.min_horizontal(cents, pl.lit(round(act.day_cap * 100)))
    days = events.group_by(*keys, "_day").agg(
        pl.len().cast(pl.Int64).alias("_events"), cents.alias("_sum"), pl.col("_cents").max()
    )
    return days.sort(*(key for key in keys if key != "_entity"), "_day", "_entity").collect()


def _by_day(rows: pl.DataFrame, act: ActType) -> DayRows:
    return _arrays(_daily(rows, act, ["_entity"]))


def _by_part(
    rows: pl.DataFrame, act: ActType, by: str, slug_of: dict[str, str], *, other: bool
) -> dict[str, DayRows]:
    """Split rows by a column's values; each slice's day rows, by slug."""
    names = list(slug_of)
    codes = pl.DataFrame({"_value": names, "_part": range(len(names))}).cast(
        {"_value": pl.String, "_part": pl.Int64}
    )
    coded = rows.with_columns(pl.col(by).cast(pl.String).alias("_value")).join(
        codes, on="_value", how="left", maintain_order="left"
    )
    rest = len(names)
    coded = (
        coded.with_columns(pl.col("_part").fill_null(rest))
        if other
        else coded.filter(pl.col("_part").is_not_null())
    )
    days = _daily(coded, act, ["_part", "_entity"])
    part = days["_part"].to_numpy()
    slugs = [*slug_of.values(), OTHER] if other else list(slug_of.values())
    bounds = np.searchsorted(part, np.arange(len(slugs) + 1))
    return {
        name: _arrays(days.slice(bounds[i], bounds[i + 1] - bounds[i]))
        for i, name in enumerate(slugs)
    }


def _arrays(days: pl.DataFrame) -> DayRows:
    if days.is_empty():
        return NO_ROWS
    names = ("_entity", "_day", "_events", "_sum", "_cents")
    return DayRows(*(np.ascontiguousarray(days[name].to_numpy(), dtype=np.int64) for name in names))


__all__ = ["Breakdown", "LocalEngine"]
