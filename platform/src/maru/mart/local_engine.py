"""The engine on one machine: polars reads rules and groups rows to days, numpy sums windows.

Rows are grouped once per slice to (entity, day) and kept. Where rows of a table were still to
become known at ``as_of``, its slices are grouped anew from the rows known by then.
"""

from collections.abc import Callable
from datetime import date
from typing import TypeVar

import numpy as np
import polars as pl

from maru.errors import DataError
from maru.mart.day_rows import DayRows, Floats
from maru.mart.declarations import ActType, Mart
from maru.mart.grouping import (
    CENTS,
    DAY,
    ENTITY,
    KNOWN,
    DayValues,
    Grid,
    by_day,
    by_part,
    by_value,
    needed,
)
from maru.mart.history import History, day_number
from maru.mart.state import MartState
from maru.tables.rules import rule_mask
from maru.tables.snapshot import Snapshot

NEVER = np.iinfo(np.int64).max  # the day of what has not happened

Grouped = TypeVar("Grouped")


class LocalEngine:
    """Rows of one snapshot for one mart and state; a ``Source`` of histories.

    Nothing is read before it is asked for; grouped rows are kept for the next ``as_of``.
    """

    def __init__(self, mart: Mart, snapshot: Snapshot, state: MartState) -> None:
        self._mart = mart
        self._state = state
        self._snapshot = snapshot
        self._tables: dict[str, pl.DataFrame] = {}
        self._masks: dict[str, pl.Series] = {}
        self._kept: dict[tuple[str, ...], object] = {}
        self._late: dict[str, tuple[int, int]] = {}
        self._grids: dict[str, Grid] = {}
        self.entity_list = self._entities()
        self._first_seen = self._first_known_days()

    def history(self, as_of: date) -> History:
        """Return what was known before ``as_of``."""
        count = len(self.entity_list) + 1
        return History(self._mart, self._state, self, day_number(as_of), count)

    def act(self, name: str, as_of: int) -> DayRows:
        act = self._mart.act_type(name)
        money, grid = self._snapshot.infos[act.table].money, self._grid(act.table)
        rows = self._grouped(
            act, ("act", name), as_of, [], lambda rows: by_day(rows, act, money, grid)
        )
        return rows.before(as_of)

    def parts(self, breakdown: str, as_of: int) -> dict[str, DayRows]:
        spec = self._mart.breakdown(breakdown)
        return self._split(
            spec.act_type, spec.by, self._state.slugs(breakdown), as_of, other=spec.other
        )

    def items(self, as_of: int) -> list[DayRows]:
        spec, fitted = self._mart.item_groups, self._state.items
        if spec is None or fitted is None:
            raise ValueError("the mart has no fitted item groups")
        same = {item: item for item in fitted.items}
        return list(self._split(spec.act_type, spec.column, same, as_of).values())

    def values(self, act: str, column: str, as_of: int) -> DayValues:
        spec = self._mart.act_type(act)
        key = ("values", act, column)
        return self._grouped(spec, key, as_of, [column], lambda rows: by_value(rows, column))

    def rows(self, act: str, columns: tuple[str, ...], as_of: int) -> pl.DataFrame:
        return _known(self._matching(self._mart.act_type(act), [*columns]), as_of).collect()

    def table(self, name: str, columns: tuple[str, ...], as_of: int) -> pl.DataFrame:
        rows = self._indexed(name)
        if DAY not in rows.columns:
            return rows.select(ENTITY, *columns)
        return _known(rows.lazy().select(ENTITY, DAY, KNOWN, *columns), as_of).collect()

    def scale(self, table: str, column: str) -> int:
        return CENTS if column in self._snapshot.infos[table].money else 1

    def first_day(self, table: str, as_of: int) -> int | None:
        first, last_late = self._lateness(table)
        if last_late < as_of:
            return first if first < as_of else None
        rows = self._indexed(table).lazy().select(DAY, KNOWN)
        days = _known(rows, as_of).collect()[DAY].to_numpy()
        return int(days.min()) if len(days) else None

    def first_seen(self) -> Floats:
        return self._first_seen

    def _grid(self, table: str) -> Grid:
        if table not in self._grids:
            days = self._indexed(table)[DAY].to_numpy()
            first = int(days.min()) if len(days) else 0
            n_days = int(days.max()) - first + 1 if len(days) else 1
            self._grids[table] = Grid(len(self.entity_list), first, n_days)
        return self._grids[table]

    def _split(
        self, act_type: str, by: str, slugs: dict[str, str], as_of: int, *, other: bool = False
    ) -> dict[str, DayRows]:
        act = self._mart.act_type(act_type)
        key = ("parts", act_type, by, str(other), *slugs, *slugs.values())
        money, grid = self._snapshot.infos[act.table].money, self._grid(act.table)

        def group(rows: pl.LazyFrame) -> dict[str, DayRows]:
            return by_part(rows, act, by, slugs, money, grid, other=other)

        parts = self._grouped(act, key, as_of, [by], group)
        return {slug: rows.before(as_of) for slug, rows in parts.items()}

    def _grouped(
        self,
        act: ActType,
        key: tuple[str, ...],
        as_of: int,
        columns: list[str],
        group: Callable[[pl.LazyFrame], Grouped],
    ) -> Grouped:
        """Group an act type's rows: those known by ``as_of`` where some were not, else all."""
        wanted = list(dict.fromkeys([*needed(act), *columns]))
        if self._has_pending(act.table, as_of):
            return group(_known(self._matching(act, wanted), as_of))
        if key not in self._kept:
            self._kept[key] = group(self._matching(act, wanted))
        return self._kept[key]  # type: ignore[return-value]

    def _matching(self, act: ActType, columns: list[str]) -> pl.LazyFrame:
        """Return columns of an act type's rows of all days."""
        rows = self._indexed(act.table)
        if missing := [name for name in columns if name not in rows.columns]:
            raise DataError(
                f"act type {act.name}: table {act.table} lacks {', '.join(missing)}. "
                f"Declare it in data.py."
            )
        if act.name not in self._masks:
            money = self._snapshot.infos[act.table].money
            about = f"act type {act.name}: rule {act.where!r} on table {act.table}"
            self._masks[act.name] = rule_mask(rows, act.where, money=money, about=about)
        wanted = dict.fromkeys([ENTITY, DAY, KNOWN, *columns])
        return rows.lazy().select(list(wanted)).filter(self._masks[act.name])

    def _indexed(self, name: str) -> pl.DataFrame:
        """Return a table with each row's entity as a position and its days as numbers."""
        if name not in self._tables:
            rows = self._snapshot.table(name)
            entity = self._mart.entity
            if entity not in rows.columns:
                raise DataError(
                    f"table {name} lacks the mart's entity column {entity}; it has "
                    f"{', '.join(rows.columns)}. Declare it in data.py."
                )
            # Columns are added beside the table's own, which are shared, not copied.
            positions = pl.Series(np.arange(len(self.entity_list), dtype=np.int64))
            index = pl.DataFrame({entity: self.entity_list, ENTITY: positions})
            found = rows.select(entity).join(index, on=entity, how="left", maintain_order="left")
            rows = rows.with_columns(found[ENTITY])
            if found[ENTITY].null_count():  # an entity of a table without act types, or a null
                rows = rows.filter(pl.col(ENTITY).is_not_null())
            self._tables[name] = rows.with_columns(_days()) if "day" in rows.columns else rows
        return self._tables[name]

    def _lateness(self, table: str) -> tuple[int, int]:
        """Return a table's first day, and the last day on which a late row became known."""
        if table not in self._late:
            rows = self._indexed(table)
            day, known = rows[DAY].to_numpy(), rows[KNOWN].to_numpy()
            late = known[known > day]
            first = int(day.min()) if len(day) else NEVER
            self._late[table] = (first, int(late.max()) if len(late) else -NEVER)
        return self._late[table]

    def _has_pending(self, table: str, as_of: int) -> bool:
        """Whether a row of a day before ``as_of`` was not known yet."""
        if self._lateness(table)[1] < as_of:
            return False
        pending = (pl.col(DAY) < as_of) & (pl.col(KNOWN) >= as_of)
        return bool(self._indexed(table).select(pending.any()).item())

    def _dated_tables(self) -> list[str]:
        return list(dict.fromkeys(act.table for act in self._mart.act_types))

    def _entities(self) -> pl.Series:
        found = []
        for name in self._dated_tables():
            rows = self._snapshot.table(name)
            if "day" not in rows.columns:
                raise DataError(
                    f"table {name} has an act type and no time. Set time= of the table in data.py."
                )
            if self._mart.entity in rows.columns:
                found.append(rows[self._mart.entity].drop_nulls().unique())
        if not found:
            raise DataError(
                f"no table of the mart's act types has the entity column {self._mart.entity}. "
                f"Declare it in data.py."
            )
        return pl.concat(found).unique().sort().alias(self._mart.entity)

    def _first_known_days(self) -> Floats:
        first = np.full(len(self.entity_list) + 1, np.inf)
        for name in self._dated_tables():
            known = self._indexed(name).group_by(ENTITY).agg(pl.col(KNOWN).min())
            at = known[ENTITY].to_numpy()
            first[at] = np.minimum(first[at], known[KNOWN].to_numpy())
        return np.where(first < NEVER, first, np.nan)


def _days() -> list[pl.Expr]:
    """A row's day, and the day from which it counts: a late row's is that on which it was known."""
    day, known = pl.col("day").cast(pl.Int64), pl.col("known_day").cast(pl.Int64)
    counts_from = pl.when(known.is_null()).then(NEVER).otherwise(pl.max_horizontal(day, known))
    return [day.alias(DAY), counts_from.alias(KNOWN)]


def _known(rows: pl.LazyFrame, as_of: int) -> pl.LazyFrame:
    return rows.filter((pl.col(DAY) < as_of) & (pl.col(KNOWN) < as_of))
