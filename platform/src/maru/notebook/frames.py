"""The edge to pandas: money in currency units, entities as the index, numbers that read well."""

import fnmatch
from collections.abc import Sequence
from datetime import date, datetime
from html import escape
from typing import Any

import pandas as pd
import polars as pl

from maru.errors import DataError
from maru.project.problems import nearest
from maru.tables.parsing import CENTS_PER_UNIT

Columns = str | Sequence[str] | None
Day = date | str


def day(value: Day, name: str) -> date:
    """Return a day given as a date, a timestamp or text such as ``2017-12-01``.

    Raises
    ------
    DataError
        If it is none; ``name`` says which argument it was.
    """
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise DataError(f"{name} is a day such as '2017-12-01', got {value!r}.") from None


def matching(known: Sequence[str], wanted: Columns) -> list[str] | None:
    """Return the known names that names or patterns (``purchase_*``) mean; None where all are.

    Those of a pattern in the known order, those of a list in its order; each once.

    Raises
    ------
    DataError
        If a name or pattern means none.
    """
    if wanted is None:
        return None
    found: dict[str, None] = {}
    for pattern in [wanted] if isinstance(wanted, str) else wanted:
        names = [pattern] if pattern in known else fnmatch.filter(known, pattern)
        if not names:
            meant = nearest(pattern, known)
            hint = f"Did you mean {meant}?" if meant else "p.dictionary() lists them."
            raise DataError(f"none of the {len(known):,} columns is {pattern!r}. {hint}")
        found |= dict.fromkeys(names)
    return list(found)


def table_frame(rows: pl.DataFrame, money: Sequence[str] = ()) -> pd.DataFrame:
    """Return a table's rows as a pandas frame, money in currency units."""
    units = [pl.col(name) / CENTS_PER_UNIT for name in money if name in rows.columns]
    return rows.with_columns(units).to_pandas()


def entity_frame(rows: pl.DataFrame, entity: str) -> pd.DataFrame:
    """Return a frame with the entity as its index."""
    return rows.to_pandas().set_index(entity)


def html(frame: pd.DataFrame, *, rows: int = 60) -> str:
    """Return a frame as an HTML table, numbers to three digits."""
    shown = frame.head(rows)
    table: str = shown.to_html(float_format=number, na_rep="", max_cols=40, border=0)
    more = f"<p>... and {len(frame) - rows:,} more rows</p>" if len(frame) > rows else ""
    return table + more


def text(frame: pd.DataFrame, *, rows: int = 60) -> str:
    """Return a frame as text, numbers to three digits."""
    shown: str = frame.head(rows).to_string(float_format=number, na_rep="")
    return shown + (f"\n... and {len(frame) - rows:,} more rows" if len(frame) > rows else "")


def number(value: Any) -> str:
    """Write a number to three digits after the point, none for whole numbers."""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.3f}"


def html_lines(lines: Sequence[str]) -> str:
    """Return sentences as one HTML paragraph, the first of them bold."""
    first, *others = [escape(line) for line in lines]
    return "<p>" + "<br>".join([f"<b>{first}</b>", *others]) + "</p>"
