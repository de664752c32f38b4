"""The rows of the source tables that a run reads, by digest."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from functools import cached_property
from typing import Any, Self

import polars as pl

from maru.errors import DataError
from maru.tables.checks import CheckResult
from maru.tables.declarations import Table
from maru.tables.digest import snapshot_digest
from maru.tables.rules import rule_mask


@dataclass(frozen=True)
class TableInfo:
    """What a snapshot remembers of a table's declaration."""

    types: Mapping[str, str]
    time: str | None
    has_known_at: bool
    key: tuple[str, ...] = ()

    @classmethod
    def of(cls, table: Table) -> Self:
        types = {column.name: column.type for column in table.columns}
        return cls(types, table.time, table.known_at is not None, table.key)

    @property
    def money(self) -> tuple[str, ...]:
        return tuple(name for name, kind in self.types.items() if kind == "money")


@dataclass(frozen=True)
class Snapshot:
    """The checked rows of every table, the broken ones aside, and what each rule found.

    ``tables`` are in canonical row order (by key, or by every column). A table with a time has
    ``day`` and ``known_day`` (Date, local in ``time_zone``); money is in whole cents (int64).
    """

    tables: Mapping[str, pl.DataFrame]
    broken: Mapping[str, pl.DataFrame]
    report: tuple[CheckResult, ...]
    infos: Mapping[str, TableInfo]
    time_zone: str
    known_digest: str | None = field(default=None, compare=False)

    @cached_property
    def digest(self) -> str:
        """The sha256 (hex) over all that is kept, whatever the source's row order.

        That is the rows of every table, the broken ones, what the tables were declared as, the time
        zone, and what rules found wrong. A rule that finds nothing may come and go.
        """
        if self.known_digest:
            return self.known_digest
        said = said_of(self.infos, self.report, self.time_zone)
        return snapshot_digest(self.tables, self.broken, said)

    def table(self, name: str) -> pl.DataFrame:
        """Return a table's rows; DataError names the tables there are where it is unknown."""
        if name not in self.tables:
            raise DataError(
                f"there is no table {name}; the snapshot has {', '.join(sorted(self.tables))}."
            )
        return self.tables[name]

    def rows_by_day(self, table: str) -> pl.DataFrame:
        """Return ``day`` and ``rows`` of a dated table's days that have any, rising."""
        return self.table(table).group_by("day").agg(rows=pl.len()).sort("day")

    def first_day(self, table: str) -> date | None:
        """Return the local day of a table's earliest row; None if empty or without time."""
        rows = self.table(table)
        return rows["day"].min() if "day" in rows.columns else None  # type: ignore[return-value]

    def until(self, as_of: date) -> "Snapshot":
        """Return the snapshot as it was at local midnight of ``as_of``.

        Only rows with ``day < as_of`` and ``known_day < as_of`` are left; tables without time stay
        whole.
        """
        usable = (pl.col("day") < as_of) & (pl.col("known_day") < as_of)
        tables = {
            name: rows.filter(usable) if "day" in rows.columns else rows
            for name, rows in self.tables.items()
        }
        return Snapshot(tables, self.broken, self.report, self.infos, self.time_zone)

    def matching(self, table: str, where: str) -> pl.DataFrame:
        """Return a table's rows for which an SQL rule holds; a null answer does not hold.

        Parameters
        ----------
        where
            A condition over the table's columns, such as ``sales_value > 0 AND brand = 'Private'``.
            In a rule money is in currency units, as in the source; in the rows it stays in cents.

        Raises
        ------
        DataError
            If the table is unknown, or the rule cannot be evaluated or is no condition.
        """
        rows = self.table(table)
        if not where.strip():
            return rows
        about = f"rule {where!r} on table {table}"
        return rows.filter(rule_mask(rows, where, money=self.infos[table].money, about=about))


def said_of(
    infos: Mapping[str, TableInfo], report: Sequence[CheckResult], time_zone: str
) -> dict[str, Any]:
    """Return what a snapshot's digest says beside its rows; a rule that found nothing is silent."""
    found = [[r.table, r.column, r.rule, r.level, r.count] for r in report if r.level != "ok"]
    said = {name: asdict(info) for name, info in infos.items()}
    return {"infos": said, "report": sorted(found), "time_zone": time_zone}
