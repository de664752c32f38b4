"""Turning a source column into its declared type, naming the values that do not fit."""

from dataclasses import dataclass

import polars as pl

from maru.errors import DataError
from maru.tables.declarations import Column, Table

CENTS_PER_UNIT = 100
HALF_CENT_NOISE = 1e-4  # what a float's last bits make of whole cents, up to billions
_DTYPES: dict[str, pl.DataType] = {
    "string": pl.String(),
    "int": pl.Int64(),
    "float": pl.Float64(),
    "money": pl.Int64(),
    "date": pl.Date(),
    "bool": pl.Boolean(),
}


@dataclass(frozen=True)
class Rule:
    """A rule that a row may break: its name, a flag per row, and the words for a broken row.

    Where ``breaks`` is false the row stays, and only the count is told.
    """

    column: str
    name: str
    broken: pl.Expr
    words: str
    breaks: bool = True


def dtype_of(column: Column, time_zone: str) -> pl.DataType:
    """Return the type that the column has inside, after reading."""
    return pl.Datetime("us", time_zone) if column.type == "timestamp" else _DTYPES[column.type]


def parse(
    table: Table, column: Column, dtype: pl.DataType, *, time_zone: str
) -> tuple[pl.Expr, list[Rule]]:
    """Return the column's value in its declared type, and the rules for values that do not fit.

    Parameters
    ----------
    dtype
        The source's type of the column.
    time_zone
        The project's time zone; timestamps are converted to it.

    Returns
    -------
    tuple
        An expression over the source column (already named ``column.name``) that is null where a
        value does not fit, and the rules naming those rows and nulls that may not be.

    Raises
    ------
    DataError
        If no value of ``dtype`` can be read as the declared type.
    """
    raw = pl.col(column.name)
    if dtype.is_float():
        raw = raw.fill_nan(None)
    value, extra = _convert(table, column, raw, dtype, time_zone)
    unreadable = value.is_null() & raw.is_not_null()
    rules = [Rule(column.name, "type", unreadable, f"{column.name}: not a {column.type}"), *extra]
    if not column.nullable:
        rules.append(Rule(column.name, "not null", raw.is_null(), f"{column.name}: null"))
    return value.alias(column.name), rules


def _convert(
    table: Table, column: Column, raw: pl.Expr, dtype: pl.DataType, time_zone: str
) -> tuple[pl.Expr, list[Rule]]:
    match column.type:
        case "timestamp":
            return _timestamp(table, column, raw, dtype, time_zone), []
        case "date":
            return _date(table, column, raw, dtype)
        case "money":
            _refuse_unless(table, column, dtype, dtype.is_numeric() or dtype == pl.String)
            return _money(column, raw.cast(pl.Float64, strict=False))
        case "int":
            _refuse_unless(
                table, column, dtype, dtype.is_numeric() or dtype in (pl.String, pl.Boolean)
            )
            whole = raw.cast(pl.Int64, strict=False)
            return (pl.when(raw == raw.floor()).then(whole) if dtype.is_float() else whole), []
        case "float":
            _refuse_unless(
                table, column, dtype, dtype.is_numeric() or dtype in (pl.String, pl.Boolean)
            )
            number = raw.cast(pl.Float64, strict=False)
            return pl.when(number.is_finite()).then(number), []
        case "bool":
            _refuse_unless(
                table, column, dtype, dtype.is_integer() or dtype in (pl.String, pl.Boolean)
            )
            return _bool(raw, dtype), []
        case "string":
            _refuse_unless(table, column, dtype, not dtype.is_nested())
            # An integer column with nulls arrives from pandas as floats: 69.0 means "69".
            whole = raw.cast(pl.Int64, strict=False)
            text = raw.cast(pl.String)
            if dtype.is_float():
                text = pl.when(raw == raw.floor()).then(whole.cast(pl.String)).otherwise(text)
            return text, []


def _money(column: Column, units: pl.Expr) -> tuple[pl.Expr, list[Rule]]:
    cents = (units * CENTS_PER_UNIT).round()
    finer = (units * CENTS_PER_UNIT - cents).abs() > HALF_CENT_NOISE
    words = f"{column.name}: finer than a cent, rounded to one"
    rule = Rule(column.name, "whole cents", finer, words, breaks=False)
    return cents.cast(pl.Int64, strict=False), [rule]


def _bool(raw: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    if dtype == pl.Boolean:
        return raw
    text = raw.cast(pl.String).str.to_lowercase()
    is_true, is_false = text.is_in(["true", "1"]), text.is_in(["false", "0"])
    return pl.when(is_true).then(pl.lit(True)).when(is_false).then(pl.lit(False))


def _timestamp(
    table: Table, column: Column, raw: pl.Expr, dtype: pl.DataType, time_zone: str
) -> pl.Expr:
    _refuse_unless(table, column, dtype, isinstance(dtype, pl.Datetime) or dtype == pl.String)
    moment = (
        raw.str.to_datetime(time_unit="us", strict=False)
        if dtype == pl.String
        else raw.dt.cast_time_unit("us")
    )
    if not (isinstance(dtype, pl.Datetime) and dtype.time_zone):
        # Where summer time ends an hour comes twice (the earlier is taken); where it begins, never.
        moment = moment.dt.replace_time_zone(
            table.source_time_zone, ambiguous="earliest", non_existent="null"
        )
    return moment.dt.convert_time_zone(time_zone)


def _date(
    table: Table, column: Column, raw: pl.Expr, dtype: pl.DataType
) -> tuple[pl.Expr, list[Rule]]:
    _refuse_unless(
        table, column, dtype, isinstance(dtype, pl.Datetime) or dtype in (pl.String, pl.Date)
    )
    if dtype == pl.String:
        return raw.str.to_date("%Y-%m-%d", strict=False), []
    if dtype == pl.Date:
        return raw, []
    words = f"{column.name}: a date without a time of day; declare it timestamp"
    return raw.dt.date(), [
        Rule(column.name, "whole days", raw.dt.time() != pl.time(0, 0, 0), words)
    ]


def _refuse_unless(table: Table, column: Column, dtype: pl.DataType, fits: bool) -> None:
    if not fits:
        raise DataError(
            f"table {table.name}, column {column.name}: declared {column.type}, the source column "
            f"{column.source or column.name} is {dtype}. Change its type in data.py, or convert it "
            f"in the loading function."
        )
