"""What data.py declares: tables whose rules can be kept, whatever rows they will have."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from zoneinfo import available_timezones

import polars as pl

from maru.folder_check.source_lines import line_of
from maru.project import Problem, Project
from maru.project.problems import nearest
from maru.tables import Column, Table
from maru.tables.declarations import COLUMN_TYPES
from maru.tables.parsing import dtype_of
from maru.tables.reading import read_table
from maru.tables.snapshot import Snapshot, TableInfo

DAYS = ("timestamp", "date")
ADDED = ("day", "known_day")


def table_problems(project: Project, tables: tuple[Table, ...]) -> Iterator[Problem]:
    """Yield what is wrong with the declared tables, without reading a row."""
    file = project.folder / "data.py"
    if not tables:
        yield Problem(file, None, "`TABLES` is empty; declare a Table(...) and name it there")
    names = [table.name for table in tables if isinstance(table, Table)]
    for table in tables:
        if not isinstance(table, Table):
            got = type(table).__name__
            yield Problem(file, None, f"`TABLES` must hold tables only, got a {got}")
            continue
        place = line_of(file, "Table", table.name)
        if names.count(table.name) > 1:
            yield Problem(file, place, f"two tables are named `{table.name}`; rename one")
        for said in _of_table(table):
            yield Problem(file, place, f"table {table.name}: {said}")
        for column, said in _of_columns(table):
            place = line_of(file, "Column", column.name) or place
            yield Problem(file, place, f"column {table.name}.{column.name} {said}")


def declared_snapshot(tables: Sequence[Table], time_zone: str) -> Snapshot:
    """Return the snapshot that these tables have when none has a row: rules can be tried on it."""
    rows = {}
    for table in tables:
        schema = {column.name: dtype_of(column, time_zone) for column in table.columns}
        if table.time is not None:
            schema |= dict.fromkeys(ADDED, pl.Date())
        rows[table.name] = pl.DataFrame(schema=schema)
    infos = {table.name: TableInfo.of(table) for table in tables}
    nothing = {name: frame.clear() for name, frame in rows.items()}
    return Snapshot(rows, nothing, (), infos, time_zone)


def contract_problems(project: Project, tables: Sequence[Table]) -> Iterator[Problem]:
    """Read every table and yield each rule of its contract that the rows break."""
    file = project.folder / "data.py"
    for table in tables:
        place = line_of(file, "Table", table.name)
        try:
            _, _, results = read_table(table, time_zone=project.spec.time_zone)
        except Exception as error:  # whatever the analyst's own function raises
            said = " ".join(str(error).split())
            yield Problem(
                file, place, f"reading {table.name} failed, {type(error).__name__}: {said}"
            )
            continue
        yield from (Problem(file, place, r.text) for r in results if r.level == "block")


def _of_table(table: Table) -> Iterator[str]:
    columns = [column.name for column in table.columns]
    if twice := sorted({name for name in columns if columns.count(name) > 1}):
        yield f"declares {', '.join(twice)} twice; keep one"
    if taken := [name for name in ADDED if name in columns]:
        yield f"may not declare {', '.join(taken)}: reading adds them; choose another name"
    for key, wanted in (("time", table.time), ("known_at", table.known_at)):
        if wanted is not None:
            found = table.column(wanted)
            if found is None:
                yield _no_column(key, wanted, columns)
            elif found.type not in DAYS:
                yield f"`{key}` must name a timestamp or date; {wanted} is a {found.type}"
    if table.known_at is not None and table.time is None:
        yield "`known_at` needs `time`; name the column that says when a row happened"
    for wanted in table.key:
        if wanted not in columns:
            yield _no_column("key", wanted, columns)
    if table.source_time_zone not in available_timezones():
        meant = nearest(table.source_time_zone, available_timezones()) or "UTC"
        got = table.source_time_zone
        yield f"`source_time_zone` must be an IANA zone; got {got!r}; did you mean `{meant}`?"
    if not callable(table.load) and not isinstance(table.load, str | Path):
        got = type(table.load).__name__
        yield f"`load` must be a function or the path of a Parquet or CSV file; got a {got}"


def _of_columns(table: Table) -> Iterator[tuple[Column, str]]:
    for column in table.columns:
        if column.type not in COLUMN_TYPES:
            meant = nearest(str(column.type), COLUMN_TYPES)
            hint = f"did you mean `{meant}`?" if meant else f"one of {', '.join(COLUMN_TYPES)}"
            yield column, f"has the type {column.type!r}, which there is not; {hint}"
        low, high = column.minimum, column.maximum
        if low is not None and high is not None and low > high:
            yield column, f"has minimum {low} above maximum {high}; swap them"
        if column.categories is not None and column.type != "string":
            yield column, f"has categories, which only a string may; it is a {column.type}"


def _no_column(key: str, wanted: str, columns: Sequence[str]) -> str:
    meant = nearest(wanted, columns)
    hint = f"did you mean `{meant}`?" if meant else f"it has {', '.join(columns)}"
    return f"`{key}` names {wanted}, which is no declared column; {hint}"
