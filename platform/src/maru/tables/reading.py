"""Reading source tables into a snapshot: mapped by name, checked row by row, broken rows aside."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import polars as pl

from maru.errors import DataError
from maru.tables.checks import CheckResult, Level, check_neighbours, check_rows
from maru.tables.declarations import Column, Table
from maru.tables.digest import canonical
from maru.tables.parsing import CENTS_PER_UNIT, Rule, parse
from maru.tables.snapshot import Snapshot, TableInfo

ROW, REASON = "row", "reason"


def read_tables(tables: Sequence[Table], *, time_zone: str, enforce: bool = True) -> Snapshot:
    """Read every table, check it against its declaration and keep the broken rows aside.

    Parameters
    ----------
    tables
        The project's tables, each of another name.
    time_zone
        The project's time zone (IANA name): timestamps are converted to it, ``day`` is local in it.
    enforce
        Whether a rule that blocks raises; False leaves the verdicts in ``Snapshot.report``.

    Returns
    -------
    Snapshot
        Each table in canonical row order with its declared columns, and ``day`` and ``known_day``
        (Date, local) where it has a time. Money is in whole cents (int64).

    Raises
    ------
    DataError
        If a column is missing or of a type that cannot be read, or a rule blocks.
    """
    check_declared(tables, time_zone)
    rows: dict[str, pl.DataFrame] = {}
    broken: dict[str, pl.DataFrame] = {}
    report: list[CheckResult] = []
    for table in tables:
        rows[table.name], broken[table.name], results = read_table(table, time_zone=time_zone)
        report.extend(results)
    if enforce:
        refuse_blocked(report)
    infos = {table.name: TableInfo.of(table) for table in tables}
    return Snapshot(
        tables=rows, broken=broken, report=tuple(report), infos=infos, time_zone=time_zone
    )


def read_table(
    table: Table, *, time_zone: str
) -> tuple[pl.DataFrame, pl.DataFrame, list[CheckResult]]:
    """Read one table: its good rows, its broken rows with reason, and what each rule found."""
    return check_source(table, select_declared(table, _load(table)), time_zone=time_zone)


def check_source(
    table: Table, source: pl.DataFrame, *, time_zone: str
) -> tuple[pl.DataFrame, pl.DataFrame, list[CheckResult]]:
    """Check the rows of ``select_declared``; return what ``read_table`` does."""
    source = source.with_row_index(ROW)
    values, rules = parsing_rules(table, source.schema, time_zone)
    parsed = source.select(ROW, *values)
    more = [rule for column in table.columns for rule in value_rules(column)]
    more += key_rules(table, source, parsed)
    flags = source.select(_flags(rules)).hstack(parsed.select(_flags(more, start=len(rules))))
    rules += more
    breaking = [pl.col(str(i)) for i, rule in enumerate(rules) if rule.breaks]
    is_broken = flags.select(pl.any_horizontal(pl.lit(False), *breaking)).to_series()
    counts = flags.sum().row(0) if rules else ()
    results = results_of(table, rules, counts)
    kept = canonical(with_days(table, parsed.filter(~is_broken).drop(ROW)), table.key)
    results.append(check_rows(table, read=source.height, kept=kept.height, results=results))
    if table.rows_vs_neighbours and table.time and kept.height:
        results.append(check_neighbours(table, table.rows_vs_neighbours, kept["day"]))
    reasons = flags.filter(is_broken).select(reason_of(rules)).to_series()
    return kept, source.filter(is_broken).insert_column(1, reasons), results


def check_declared(tables: Sequence[Table], time_zone: str) -> None:
    """Raise DataError where the tables can't be read as they are declared.

    That is where two share a name, a column has a name that is ours, or the time zone is none.
    """
    _check_time_zone(time_zone, "the project's time_zone")
    names = [table.name for table in tables]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise DataError(
            f"each table has a name of its own; declared twice: {', '.join(twice)}. "
            f"Rename one in data.py."
        )
    for table in tables:
        if ours := [name for name in (ROW, REASON) if table.column(name) is not None]:
            raise DataError(
                f"table {table.name}: {ours[0]} can't be the name of a column, for it is what "
                f"broken rows are kept with. Give it another one, and say source={ours[0]!r}."
            )


def refuse_blocked(report: Sequence[CheckResult]) -> None:
    """Raise DataError where a rule blocks, with the words of each."""
    if blocking := [result.text for result in report if result.level == "block"]:
        raise DataError("\n".join(blocking))


def parsing_rules(
    table: Table, schema: pl.Schema, time_zone: str
) -> tuple[list[pl.Expr], list[Rule]]:
    """Return each declared column's parsed value, and the rules on what the source holds."""
    _check_time_zone(table.source_time_zone, f"table {table.name}: source_time_zone")
    values: list[pl.Expr] = []
    rules: list[Rule] = []
    for column in table.columns:
        value, unreadable = parse(table, column, schema[column.name], time_zone=time_zone)
        values.append(value)
        rules.extend(unreadable)
    return values, rules


def _flags(rules: Sequence[Rule], start: int = 0) -> list[pl.Expr]:
    return [rule.broken.fill_null(False).alias(str(i)) for i, rule in enumerate(rules, start=start)]


def value_rules(column: Column) -> list[Rule]:
    """Return the rules of range and category that each parsed value of a column keeps."""
    value = pl.col(column.name)
    scale = CENTS_PER_UNIT if column.type == "money" else 1
    rules = []
    if column.minimum is not None:
        low = value < column.minimum * scale
        rules.append(Rule(column.name, "minimum", low, f"{column.name}: below {column.minimum}"))
    if column.maximum is not None:
        high = value > column.maximum * scale
        rules.append(Rule(column.name, "maximum", high, f"{column.name}: above {column.maximum}"))
    if column.categories is not None:
        unknown = ~value.is_in(list(column.categories))
        rules.append(
            Rule(column.name, "categories", unknown, f"{column.name}: not one of its categories")
        )
    return rules


def key_rules(table: Table, source: pl.DataFrame, parsed: pl.DataFrame) -> list[Rule]:
    """Return the rule that breaks all rows of a key but the least by value.

    Not all but the first: the source's row order says nothing, and may be another tomorrow.
    """
    if not table.key:
        return []
    names = ", ".join(table.key)
    key = pl.struct(table.key)
    shared = key.is_duplicated()
    raw = source.drop(ROW).select(pl.all().name.prefix("source of "))
    rows = parsed.hstack(raw).filter(parsed.select(shared).to_series())
    by_value = rows.sort(pl.exclude(ROW), nulls_last=False, maintain_order=True)
    later = by_value.filter(~key.is_first_distinct())[ROW]
    repeated = pl.col(ROW).is_in(later.implode())
    return [Rule("", "unique key", repeated, f"({names}): a second row of the same key")]


def _load(table: Table) -> pl.DataFrame:
    loaded = open_source(table)
    if isinstance(loaded, pl.DataFrame):
        return loaded
    with reading_errors(table):
        return pl.DataFrame(loaded.collect())


def open_source(table: Table) -> pl.DataFrame | pl.LazyFrame:
    """Return a table's source: a plan of reading for a file or a lazy frame, else all its rows.

    Of a file the plan reads declared columns only.
    """
    if callable(table.load):
        return _as_polars(table, table.load())
    place = str(table.load)
    wanted = [column.source or column.name for column in table.columns]
    suffix = Path(place).suffix.lower()
    if suffix not in {".parquet", ".csv"}:
        raise DataError(
            f"table {table.name}: reads .parquet and .csv files, got {place}. "
            f"Use a loading function for others."
        )
    with reading_errors(table):
        scan = (
            pl.scan_parquet(place)
            if suffix == ".parquet"
            else pl.scan_csv(place, try_parse_dates=False)
        )
        present = scan.collect_schema().names()
        return scan.select([name for name in dict.fromkeys(wanted) if name in present])


def is_parquet(table: Table) -> bool:
    """Say whether a table's source is a Parquet file, by its name."""
    return not callable(table.load) and Path(str(table.load)).suffix.lower() == ".parquet"


@contextmanager
def reading_errors(table: Table) -> Iterator[None]:
    """Say in words what keeps a source from being read."""
    try:
        yield
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(
            f"table {table.name}: {_place(table)} cannot be read: {error}. "
            f"Check the path in data.py."
        ) from error


def _place(table: Table) -> str:
    return "what its function returns" if callable(table.load) else str(table.load)


def _as_polars(table: Table, loaded: Any) -> pl.DataFrame | pl.LazyFrame:
    if isinstance(loaded, pl.DataFrame | pl.LazyFrame):
        return loaded
    if type(loaded).__module__.startswith("pandas"):
        return pl.DataFrame(pl.from_pandas(loaded))
    if type(loaded).__module__.startswith("pyarrow"):
        return pl.DataFrame(pl.from_arrow(loaded))
    raise DataError(
        f"table {table.name}: its loading function returns a polars, pandas or Arrow table, "
        f"got {type(loaded).__name__}. Change the function in data.py."
    )


def select_declared(table: Table, source: pl.DataFrame) -> pl.DataFrame:
    wanted = {column.source or column.name for column in table.columns}
    if missing := sorted(wanted - set(source.columns)):
        raise DataError(
            f"table {table.name} lacks the declared columns {', '.join(missing)}; its source has "
            f"{', '.join(source.columns)}. Set source= of the column in data.py to one of these."
        )
    for name in (table.time, table.known_at, *table.key):
        if name is not None and table.column(name) is None:
            raise DataError(
                f"table {table.name}: {name} is used as time, known_at or key and is not declared; "
                f"its columns are {', '.join(c.name for c in table.columns)}. Add a Column."
            )
    return source.select(
        pl.col(column.source or column.name).alias(column.name) for column in table.columns
    )


def with_days(table: Table, rows: pl.DataFrame) -> pl.DataFrame:
    if table.time is None:
        return rows
    day = _local_day(table, table.time)
    known = _local_day(table, table.known_at) if table.known_at else day
    return rows.with_columns(day.alias("day"), known.alias("known_day"))


def _local_day(table: Table, name: str) -> pl.Expr:
    column = table.column(name)
    if column is None or column.type not in {"timestamp", "date"}:
        got = column.type if column else "no column"
        raise DataError(
            f"table {table.name}: {name} says when a row happened or became known, so it is a "
            f"timestamp or a date; got {got}. Change its type in data.py."
        )
    return pl.col(name).dt.date() if column.type == "timestamp" else pl.col(name)


def results_of(table: Table, rules: Sequence[Rule], counts: Sequence[int]) -> list[CheckResult]:
    """Return what each rule found, given how many rows break it."""
    results = []
    for rule, count in zip(rules, counts, strict=True):
        subject = f"table {table.name}, {rule.column or 'rows'}: {rule.name}"
        text = f"{subject} ({rule.words}): {count:,} rows" if count else subject
        level: Level = "warn" if count else "ok"
        results.append(CheckResult(table.name, rule.column, rule.name, level, count, text))
    return results


def reason_of(rules: Sequence[Rule]) -> pl.Expr:
    """Return the words of each rule that a row breaks, of flags named by the rules' places."""
    words = [
        pl.when(pl.col(str(i))).then(pl.lit(rule.words))
        for i, rule in enumerate(rules)
        if rule.breaks
    ]
    said = pl.concat_str(words, separator="; ", ignore_nulls=True) if words else pl.lit("")
    return said.alias(REASON)


def _check_time_zone(name: str, where: str) -> None:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise DataError(
            f"{where} is an IANA name such as America/New_York, got {name!r}."
        ) from error
