"""Making a working copy: every table checked, digested and written to the disk in bounded memory.

Each table's source is read once, a part at a time; every row is checked against the contract as
``maru.tables.reading`` does it, and written to Parquet files. Two rules look at other rows: a key's
second row, so rows are brought in order of their key first, and the rows of each day, which are
counted. The same order gives the snapshot's digest. Then each table is written by entity. Broken
rows are held: the contract bounds their share. A table that fits into memory is checked whole.
"""

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from tempfile import mkdtemp

import polars as pl

from maru.tables.checks import CheckResult, check_day_counts, check_rows
from maru.tables.declarations import Table
from maru.tables.digest import canonical, digest_of_parts, table_digest
from maru.tables.order_on_disk import parts_in_order
from maru.tables.parsing import Rule
from maru.tables.reading import (
    REASON,
    ROW,
    check_declared,
    check_source,
    key_rules,
    open_source,
    parsing_rules,
    reason_of,
    refuse_blocked,
    results_of,
    select_declared,
    value_rules,
    with_days,
)
from maru.tables.snapshot import TableInfo
from maru.tables.source_parts import source_parts
from maru.tables.working_copy import CopiedTable, EntityFile, WorkingCopy

AT_ONCE = 2_000_000
RAW = "source of "


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
        batches = source_parts(table, source, at_once)
        del source
        copied[table.name] = _Copying(table, time_zone, entity, place, at_once).copy(batches)
    refuse_blocked([result for table in copied.values() for result in table.report])
    infos = {table.name: TableInfo.of(table) for table in tables}
    return WorkingCopy(copied, infos, entity, time_zone, tuple(held))


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
        first: list[pl.DataFrame] = []
        rows = 0
        for batch in batches:
            first.append(batch)
            rows += batch.height
            if rows > self._at_once:
                return self._in_parts(chain(_taken(first), batches))
        return self._whole(first)

    def _whole(self, batches: list[pl.DataFrame]) -> CopiedTable:
        """Copy rows that fit into memory: in half the time that parts take."""
        table = self._table
        kept, broken, report = check_source(
            table,
            pl.concat((select_declared(table, batch) for batch in _taken(batches)), rechunk=False),
            time_zone=self._time_zone,
        )
        digest = table_digest(kept) if kept.height else ""  # refused
        days = None
        if kept.height and "day" in kept.columns:
            days = kept.group_by("day").agg(rows=pl.len()).sort("day")
        height, schema = kept.height, kept.schema
        has_entity = self._entity in schema
        if has_entity and not self._in_order_of_entities(schema):
            kept = kept.sort(self._entity, maintain_order=True)
        files = [self._write(kept, "000000")] if height else []
        by_entity = tuple(self._ranges(files)) if has_entity else ()
        return CopiedTable(
            tuple(files), by_entity, height, digest, broken, tuple(report), days, schema
        )

    def _in_parts(self, batches: Iterator[pl.DataFrame]) -> CopiedTable:
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
        if self._in_order_of_entities(schema):
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

    def _in_order_of_entities(self, schema: pl.Schema) -> bool:
        return next(iter(self._table.key), schema.names()[0]) == self._entity

    def _ranges(self, files: Sequence[Path]) -> Iterator[EntityFile]:
        for file in files:
            found = pl.read_parquet(file, columns=[self._entity])[self._entity].drop_nulls()
            if len(found):
                yield EntityFile(file, found.min(), found.max())

    def _write(self, rows: pl.DataFrame, name: str) -> Path:
        path = self._folder / f"{name}.parquet"
        # Statistics take as long as the rest, and nothing looks for values but the entity's.
        rows.write_parquet(path, compression="lz4", statistics=False)
        return path


def _taken(frames: list[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """Yield the frames, first to last, and let each go."""
    frames.reverse()
    while frames:
        yield frames.pop()


def _flag(rule: Rule, number: int) -> pl.Expr:
    return rule.broken.fill_null(False).alias(str(number))
