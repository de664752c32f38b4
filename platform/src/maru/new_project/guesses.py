"""What the columns of a table probably are: entity, time and amount, guessed from name and type."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from maru.errors import ProjectError
from maru.project.problems import nearest

ENTITY = re.compile(
    r"(customer|client|user|household|account|member|person|card|subscriber|entity)(_?(id|no|key))?"
)
TIME = re.compile(r"(^|_)(at|time|timestamp|date|datetime|day|when|created|ordered|purchased)($|_)")
AMOUNT = re.compile(
    r"(^|_)(amount|sales|value|revenue|price|total|paid|spend|spent|cost|turnover|sum)"
)
IDENTIFIER = re.compile(r"(^|_)(id|key|no|number|code|upc|sku|zip)$")

TYPES: tuple[tuple[Callable[[pl.DataType], bool], str], ...] = (
    (lambda kind: kind == pl.Boolean, "bool"),
    (lambda kind: kind == pl.Date, "date"),
    (lambda kind: isinstance(kind, pl.Datetime), "timestamp"),
    (lambda kind: kind.is_integer(), "int"),
    (lambda kind: kind.is_float() or kind.is_decimal(), "float"),
    (lambda kind: kind in (pl.String, pl.Categorical) or isinstance(kind, pl.Enum), "string"),
)


# Reading adds columns of these names.
TAKEN = {"day": "on_day", "known_day": "known_on"}


@dataclass(frozen=True)
class SourceColumn:
    """A column of the source, the name that rules and features use, and its declared type."""

    source: str
    name: str
    type: str
    nullable: bool


@dataclass(frozen=True)
class Guess:
    """The table as the template needs it, and in ``said`` why each role was given."""

    columns: tuple[SourceColumn, ...]
    entity: str
    time: str
    amount: str
    first_day: date
    last_day: date
    typical_amount: float
    said: tuple[str, ...] = field(default=())


def guess(
    source: Path, *, entity: str | None = None, time: str | None = None, amount: str | None = None
) -> Guess:
    """Look at a Parquet or CSV file with one event a row.

    Parameters
    ----------
    entity, time, amount
        The columns, where the caller knows them.

    Raises
    ------
    ProjectError
        If the file can't be read, or a role has no column that fits it.
    """
    rows = _read(source)
    columns = [column for series in rows for column in _column(series)]
    by_type = {column.source: column.type for column in columns}
    said: list[str] = []

    def role(option: str, given: str | None, fits: Sequence[str], likely: re.Pattern[str]) -> str:
        chosen, why = _choose(option, given, by_type, fits, likely)
        said.append(f"{option}: {chosen} ({why})")
        return chosen

    when = role("time", time, _typed(by_type, "timestamp", "date"), TIME)
    who = role("entity", entity, _typed(by_type, "int", "string"), ENTITY)
    numbers = [name for name in _typed(by_type, "float", "int") if name != who]
    measured = [name for name in numbers if not IDENTIFIER.search(_plain(name))]
    how_much = role("amount", amount, numbers if amount else measured, AMOUNT)
    declared = _named([_in_role(column, (who, when), how_much) for column in columns])
    names = {column.source: column.name for column in declared}
    days = rows[when].drop_nulls().cast(pl.Date)
    first, last = days.min(), days.max()
    if not isinstance(first, date) or not isinstance(last, date):
        raise ProjectError(f"{source} has no row with a {when}")
    usual = _usual_amount(rows, who, how_much, (last - first) / timedelta(days=30))
    return Guess(
        *(declared, names[who], names[when], names[how_much]),
        first_day=first,
        last_day=last,
        typical_amount=usual,
        said=tuple(said),
    )


def _read(source: Path) -> pl.DataFrame:
    suffix = source.suffix.lower()
    if suffix not in (".parquet", ".csv"):
        raise ProjectError(f"--from must be a .parquet or .csv file, got {source}")
    try:
        if suffix == ".parquet":
            return pl.read_parquet(source)
        return pl.read_csv(source, try_parse_dates=True, infer_schema_length=10_000)
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = str(error).splitlines()[0]
        raise ProjectError(f"{source} cannot be read: {reason}. Check the path.") from None


def _column(series: pl.Series) -> list[SourceColumn]:
    """Return the declaration of a column; none for a type that no declaration reads."""
    for fits, kind in TYPES:
        if fits(series.dtype):
            return [SourceColumn(series.name, series.name, kind, series.null_count() > 0)]
    return []


def _plain(name: str) -> str:
    return re.sub(r"\W+", "_", name.lower(), flags=re.ASCII).strip("_")


def _named(columns: Sequence[SourceColumn]) -> tuple[SourceColumn, ...]:
    """Give each column a name that a rule in SQL and a feature can bear, each another."""
    names: list[str] = []
    for column in columns:
        plain = _plain(column.source) or "column"
        plain = TAKEN.get(plain, f"n_{plain}" if plain[0].isdigit() else plain)
        same = sum(name == plain or name.startswith(f"{plain}_") for name in names)
        names.append(f"{plain}_{same + 1}" if plain in names else plain)
    return tuple(replace(c, name=name) for c, name in zip(columns, names, strict=True))


def _typed(by_type: dict[str, str], *kinds: str) -> list[str]:
    return [name for name, kind in by_type.items() if kind in kinds]


def _choose(
    option: str,
    given: str | None,
    by_type: dict[str, str],
    fits: Sequence[str],
    likely: re.Pattern[str],
) -> tuple[str, str]:
    if given is not None:
        if given not in by_type:
            meant = nearest(given, by_type)
            hint = f"did you mean `{meant}`?" if meant else f"there are {', '.join(by_type)}"
            raise ProjectError(f"--{option} {given}: the file has no such column; {hint}")
        if given not in fits:
            raise ProjectError(
                f"--{option} {given}: a {by_type[given]} can't be the {option}; "
                f"these can: {', '.join(fits) or 'none'}"
            )
        return given, "as you said"
    named = [name for name in fits if likely.search(_plain(name))]
    if named:
        return named[0], f"by its name; --{option} COLUMN says otherwise"
    if len(fits) == 1:
        return fits[0], "the only one of a fitting type"
    raise ProjectError(
        f"which column is the {option}? Say --{option} COLUMN; "
        f"of a fitting type: {', '.join(fits) or 'none'}"
    )


def _in_role(column: SourceColumn, needed: tuple[str, ...], amount: str) -> SourceColumn:
    """Declare the amount as money, and who and when as never null: rows without are broken."""
    if column.source == amount and column.type == "float":
        return replace(column, type="money")
    return replace(column, nullable=False) if column.source in needed else column


def _usual_amount(rows: pl.DataFrame, entity: str, amount: str, months: float) -> float:
    """Return the median over entities of the amount a month."""
    by_entity = rows.group_by(entity).agg(pl.col(amount).cast(pl.Float64).sum())
    median = by_entity[amount].median()
    return float(median) / max(months, 1.0) if isinstance(median, int | float) else 0.0
