"""A snapshot on the disk, for who reads it an entity at a time: the same rows, in bounded memory.

Each table lies by entity, so that reading some entities opens only their files. How it is made:
``maru.tables.copying``.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from maru.tables.checks import CheckResult
from maru.tables.digest import digest_of_tables
from maru.tables.snapshot import Snapshot, TableInfo, said_of


@dataclass(frozen=True)
class EntityFile:
    """Rows of the entities from ``first`` to ``last``, sorted by entity; null entities are out."""

    path: Path
    first: Any
    last: Any


@dataclass(frozen=True)
class CopiedTable:
    """A table's kept rows; ``by_entity`` where it has the entity's column, else only ``files``."""

    files: tuple[Path, ...]
    by_entity: tuple[EntityFile, ...]
    height: int
    digest: str
    broken: pl.DataFrame
    report: tuple[CheckResult, ...]
    days: pl.DataFrame | None
    schema: pl.Schema


@dataclass(frozen=True)
class WorkingCopy:
    """The checked rows of every table, on the disk, by entity.

    Parameters
    ----------
    held
        The tables whose whole source was in memory while it was read: what a function of data.py
        returns as a frame can't be read in parts.
    """

    tables: Mapping[str, CopiedTable]
    infos: Mapping[str, TableInfo]
    entity: str
    time_zone: str
    held: tuple[str, ...]

    @cached_property
    def digest(self) -> str:
        """The digest of the snapshot that ``read_tables`` would return."""
        report = [result for table in self.tables.values() for result in table.report]
        return digest_of_tables(
            {name: table.digest for name, table in self.tables.items()},
            {name: table.broken for name, table in self.tables.items()},
            said_of(self.infos, report, self.time_zone),
        )

    def rows_by_day(self, table: str) -> pl.DataFrame:
        """See ``Snapshot``."""
        days = self.tables[table].days
        return (
            days if days is not None else pl.DataFrame(schema={"day": pl.Date, "rows": pl.UInt32})
        )

    def entities(self, tables: Sequence[str], as_of: date) -> pl.Series:
        """Return the entities with a row of these tables known before ``as_of``, sorted."""
        found = [
            self._known(file, as_of)[self.entity].unique()
            for name in tables
            for file in self.tables[name].by_entity
        ]
        return pl.concat(found).unique().sort() if found else pl.Series(self.entity, [])

    def earliest(self, table: str, as_of: date) -> Any:
        """Return an entity of the table's earliest day that is known before ``as_of``, if any."""
        best: tuple[int, Any] | None = None
        for file in self.tables[table].by_entity:
            rows = self._known(file, as_of)
            if rows.height:
                days = rows["day"].to_physical()
                at = days.arg_min() or 0
                if best is None or days[at] < best[0]:
                    best = (days[at], rows[self.entity][at])
        return None if best is None else best[1]

    def of_entities(self, entities: pl.Series, columns: Mapping[str, Collection[str]]) -> Snapshot:
        """Return the rows of some entities as a snapshot, each entity's in canonical order.

        A table without the entity's column (what a campaign offers) comes whole.

        Parameters
        ----------
        entities
            Sorted, without nulls.
        columns
            Table -> the columns wanted; ``day`` and ``known_day`` come with a dated one.
        """
        tables, infos = {}, {}
        for name, wanted in columns.items():
            copied, info = self.tables[name], self.infos[name]
            dated = [day for day in ("day", "known_day") if day in copied.schema]
            chosen = [c for c in copied.schema if c in {*wanted, *dated, self.entity}]
            if self.entity in copied.schema:
                mine = pl.col(self.entity).is_in(entities.implode())
                parts = [
                    pl.scan_parquet(file.path).filter(mine).select(chosen).collect()
                    for file in _touched(copied.by_entity, entities)
                ]
            else:
                parts = [pl.read_parquet(file, columns=chosen) for file in copied.files]
            empty = pl.DataFrame(schema={c: copied.schema[c] for c in chosen})
            tables[name] = pl.concat(parts) if parts else empty
            types = {c: kind for c, kind in info.types.items() if c in chosen}
            infos[name] = replace(info, types=types)
        return Snapshot(tables, {}, (), infos, self.time_zone)

    def _known(self, file: EntityFile, as_of: date) -> pl.DataFrame:
        """Return entity and days of a file's rows that are known before the day."""
        usable = (pl.col("day") < as_of) & (pl.col("known_day") < as_of)
        rows = pl.read_parquet(file.path, columns=[self.entity, "day", "known_day"])
        return rows.filter(usable & pl.col(self.entity).is_not_null())


def _touched(files: Sequence[EntityFile], entities: pl.Series) -> list[EntityFile]:
    """Return the files whose range holds one of the entities."""
    found = []
    for file in files:
        low = entities.search_sorted(file.first, side="left")
        high = entities.search_sorted(file.last, side="right")
        if low < high:
            found.append(file)
    return found
