"""A snapshot on the disk, for who reads it an entity at a time: the same rows, in bounded memory.

Each table's source is read once, a part at a time; every row is checked against the contract as
``maru.tables.reading`` does it, and written to Parquet files. Two rules look at other rows: a key's
second row, so rows are brought in order of their key first, and the rows of each day, which are
counted. The same order gives the snapshot's digest. Then each table lies by entity, so that reading
some entities opens only their files. Broken rows are held: the contract bounds their share.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import polars as pl

from maru.tables.checks import CheckResult, check_day_counts, check_rows
from maru.tables.declarations import Table
from maru.tables.digest import canonical, digest_of_parts, digest_of_tables, table_digest
from maru.tables.order_on_disk import parts_in_order
from maru.tables.parsing import Rule
from maru.tables.reading import (
    REASON,
    ROW,
    check_declared,
    is_parquet,
    key_rules,
    open_source,
    parsing_rules,
    reading_errors,
    reason_of,
    refuse_blocked,
    results_of,
    select_declared,
    value_rules,
    with_days,
)
from maru.tables.snapshot import Snapshot, TableInfo, said_of

AT_ONCE = 2_000_000
BATCH = 100_000
SLICE = 200_000
RAW = "source of "


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
        best: tuple[date, Any] | None = None
        for file in self.tables[table].by_entity:
            rows = self._known(file, as_of)
            if rows.height:
                row = rows.row(rows["day"].arg_min() or 0, named=True)
                if best is None or row["day"] < best[0]:
                    best = (row["day"], row[self.entity])
        return None if best is None else best[1]

    def of_entities(self, entities: pl.Series, columns: Mapping[str, Collection[str]]) -> Snapshot:
        """Return the rows of some entities as a snapshot, each entity's in canonical order.

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
            mine = pl.col(self.entity).is_in(entities.implode())
            parts = [
                pl.scan_parquet(file.path).filter(mine).select(chosen).collect()
                for file in _touched(copied.by_entity, entities)
            ]
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


def copy_tables(
    tables: Sequence[Table],
    *,
    time_zone: str,
    entity: str,
    folder: Path,
    at_once: int = AT_ONCE,
) -> WorkingCopy:
    """Read every table and write the rows that keep the contract to ``folder``.

    Parameters
    ----------
    entity
        By whom rows are read later; a table without that column is kept in its own order.
    at_once
        How many rows are in memory at once, in a few copies.

    Raises
    ------
    DataError
        As ``read_tables`` does.
    """
    check_declared(tables, time_zone)
    copied, held = {}, []
    for table in tables:
        place = Path(mkdtemp(prefix="table-", dir=folder))
        source = open_source(table)
        if isinstance(source, pl.DataFrame):
            held.append(table.name)
        batches = _batches(table, source, at_once)
        del source
        copied[table.name] = _Copying(table, time_zone, entity, place, at_once).copy(batches)
    refuse_blocked([result for table in copied.values() for result in table.report])
    infos = {table.name: TableInfo.of(table) for table in tables}
    return WorkingCopy(copied, infos, entity, time_zone, tuple(held))


def _batches(
    table: Table, source: pl.DataFrame | pl.LazyFrame, at_once: int
) -> Iterator[pl.DataFrame]:
    """Yield a source's rows in parts, at least an empty one, so that its columns are known."""
    size = min(BATCH, at_once)
    if isinstance(source, pl.DataFrame):
        yield from source.iter_slices(size) if source.height else iter([source])
        return
    with reading_errors(table):
        schema = source.collect_schema()
    none = True
    read = _slices if is_parquet(table) else _streamed
    batches = read(source, size)
    while True:
        with reading_errors(table):
            batch = next(batches, None)
        if batch is None:
            break
        none = False
        yield from batch.iter_slices(size)
    if none:
        yield pl.DataFrame(schema=schema)


def _slices(source: pl.LazyFrame, size: int) -> Iterator[pl.DataFrame]:
    """Yield the rows of a Parquet file, which opens anywhere.

    A stream of it would fetch up to 128 row groups ahead.
    """
    length, start = max(size, SLICE), 0
    while (rows := source.slice(start, length).collect(engine="streaming")).height:
        yield rows
        start += rows.height


def _streamed(source: pl.LazyFrame, size: int) -> Iterator[pl.DataFrame]:
    yield from source.collect_batches(chunk_size=size, maintain_order=True, engine="streaming")


class _Copying:
    """One table on its way to the disk."""

    def __init__(
        self, table: Table, time_zone: str, entity: str, folder: Path, at_once: int
    ) -> None:
        self._table = table
        self._time_zone = time_zone
        self._entity = entity
        self._folder = folder
        self._at_once = at_once
        self._rules: list[Rule] = []
        self._counts: list[int] = []
        self._read = 0
        self._twice = 0
        self._twice_rule: list[Rule] = []
        self._broken: list[pl.DataFrame] = []

    def copy(self, batches: Iterator[pl.DataFrame]) -> CopiedTable:
        """Check and write the rows; the source is not held once they are in order."""
        table = self._table
        order = list(table.key) or [column.name for column in table.columns]
        checked = (self._checked(batch) for batch in batches)
        files: list[Path] = []
        days: list[pl.DataFrame] = []
        height, schema = 0, pl.Schema()
        only: pl.DataFrame | None = None
        parts = parts_in_order(checked, order, at_once=self._at_once, folder=self._folder / "order")
        for part in parts:
            kept = self._kept(part)
            schema = kept.schema
            if kept.is_empty():
                continue
            files.append(self._write(kept, f"{len(files):06d}"))
            only = None if height else kept
            height += kept.height
            if "day" in kept.columns:
                days.append(kept.group_by("day").agg(rows=pl.len()))
        by_day = None
        if days:
            by_day = pl.concat(days).group_by("day").agg(pl.col("rows").sum()).sort("day")
        report = self._report(height, by_day)

        def column(name: str) -> Iterator[pl.Series]:
            for file in files:
                yield pl.read_parquet(file, columns=[name])[name]

        digest = (
            table_digest(only)
            if only is not None
            else digest_of_parts(schema.names(), height, column)
            if height
            else ""  # refused
        )
        only = None
        by_entity = self._by_entity(files, schema)
        return CopiedTable(
            tuple(files), by_entity, height, digest, self._aside(), report, by_day, schema
        )

    def _checked(self, batch: pl.DataFrame) -> pl.DataFrame:
        """Return a batch's parsed rows, their source where a key may need it, and what they break.

        Rows of a table without a key that break a rule are put aside here.
        """
        table = self._table
        source = select_declared(table, batch).with_row_index(ROW, self._read)
        self._read += batch.height
        values, rules = parsing_rules(table, source.schema, self._time_zone)
        more = [rule for column in table.columns for rule in value_rules(column)]
        parsed = source.select(ROW, *values)
        flags = source.select(_flag(r, i) for i, r in enumerate(rules)).hstack(
            parsed.select(_flag(r, i) for i, r in enumerate(more, start=len(rules)))
        )
        self._rules = [*rules, *more]
        counts = [int(count) for count in flags.sum().row(0)]
        before = self._counts or [0] * len(counts)
        self._counts = [a + b for a, b in zip(before, counts, strict=True)]
        reasons = flags.select(reason_of(self._rules)).to_series()
        if table.key:
            raw = source.drop(ROW).select(pl.all().name.prefix(RAW))
            return parsed.hstack(raw).with_columns(reasons)
        good = reasons == ""
        if not good.all() or not self._broken:  # the columns count too
            self._broken.append(source.filter(~good).insert_column(1, reasons.filter(~good)))
        return parsed.filter(good).drop(ROW)

    def _kept(self, part: pl.DataFrame) -> pl.DataFrame:
        """Return a part's rows that break no rule, in canonical order; the others go aside."""
        table = self._table
        if table.key:
            names = [column.name for column in table.columns]
            source = part.select(ROW, *(pl.col(f"{RAW}{n}").alias(n) for n in names))
            parsed = part.select(ROW, *names)
            self._twice_rule = key_rules(table, source, parsed)
            twice = parsed.select(_flag(self._twice_rule[0], 0)).to_series()
            self._twice += int(twice.sum())
            words = pl.when(twice).then(pl.lit(self._twice_rule[0].words))
            first = pl.when(pl.col(REASON) != "").then(pl.col(REASON))
            said = pl.concat_str(first, words, separator="; ", ignore_nulls=True)
            reasons = part.select(said.alias(REASON)).to_series()
            good = reasons == ""
            if not good.all() or not self._broken:  # the columns count too
                self._broken.append(source.filter(~good).insert_column(1, reasons.filter(~good)))
            part = parsed.filter(good).drop(ROW)
        return canonical(with_days(table, part), table.key)

    def _report(self, height: int, days: pl.DataFrame | None) -> tuple[CheckResult, ...]:
        table = self._table
        results = results_of(
            table,
            [*self._rules, *self._twice_rule],
            [*self._counts, *([self._twice] if self._twice_rule else [])],
        )
        results.append(check_rows(table, read=self._read, kept=height, results=results))
        if table.rows_vs_neighbours and days is not None:
            results.append(check_day_counts(table, table.rows_vs_neighbours, days))
        return tuple(results)

    def _aside(self) -> pl.DataFrame:
        return pl.concat(self._broken).sort(ROW) if self._broken else pl.DataFrame()

    def _by_entity(self, files: list[Path], schema: pl.Schema) -> tuple[EntityFile, ...]:
        """Write the rows again by entity, where their order is another."""
        if self._entity not in schema:
            return ()
        first = next(iter(self._table.key), schema.names()[0])
        if first == self._entity:
            return tuple(self._ranges(files))
        entity = self._entity

        def rows() -> Iterator[pl.DataFrame]:
            for file in files:
                yield pl.read_parquet(file)
                file.unlink()

        parts = parts_in_order(
            rows(), [entity], at_once=self._at_once, folder=self._folder / "order"
        )
        again = [
            self._write(part.sort(entity, maintain_order=True), f"by-entity-{number:06d}")
            for number, part in enumerate(parts)
        ]
        files[:] = again
        return tuple(self._ranges(again))

    def _ranges(self, files: Sequence[Path]) -> Iterator[EntityFile]:
        for file in files:
            found = pl.read_parquet(file, columns=[self._entity])[self._entity].drop_nulls()
            if len(found):
                yield EntityFile(file, found.min(), found.max())

    def _write(self, rows: pl.DataFrame, name: str) -> Path:
        path = self._folder / f"{name}.parquet"
        rows.write_parquet(path, compression="lz4")
        return path


def _flag(rule: Rule, number: int) -> pl.Expr:
    return rule.broken.fill_null(False).alias(str(number))
