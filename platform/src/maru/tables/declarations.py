"""What an analyst declares of a source table: its columns, its clock, its rules.

A declaration is the contract: reading checks every row against it (``maru.tables.reading``).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

ColumnType = Literal["string", "int", "float", "money", "timestamp", "date", "bool"]
COLUMN_TYPES: tuple[str, ...] = ("string", "int", "float", "money", "timestamp", "date", "bool")


@dataclass(frozen=True)
class Column:
    """A column and the rules that each of its values keeps.

    Parameters
    ----------
    name
        The name used by act types, features and labels.
    type
        ``money`` is in currency units in the source (12.34) and in whole cents (int64) inside;
        ``timestamp`` becomes a moment with a time zone, ``date`` is a local day, not converted.
    source
        The column's name in the source; ``name`` where it is None.
    nullable
        Whether a null is allowed. A NaN counts as null.
    minimum, maximum
        Closed bounds; of a money column in currency units.
    categories
        The allowed values; None allows any.
    """

    name: str
    type: ColumnType
    source: str | None = None
    nullable: bool = False
    minimum: float | None = None
    maximum: float | None = None
    categories: tuple[str, ...] | None = None
    description: str = ""


@dataclass(frozen=True)
class RowsVsNeighbours:
    """Each day's row count against the median of the days around it.

    Parameters
    ----------
    days
        How many days on each side are neighbours.
    low, high
        A day below ``low`` times or above ``high`` times its neighbours' median breaks the rule.
    action
        ``warn`` reports it; ``block`` refuses the snapshot.
    edge_days
        How many days at either end of the table are not judged: they are often cut in the middle.
    """

    days: int = 7
    low: float = 0.3
    high: float = 3.0
    action: Literal["warn", "block"] = "warn"
    edge_days: int = 1


@dataclass(frozen=True)
class Table:
    """A source table: where its rows are, what they mean, when they happened and became known.

    Parameters
    ----------
    name
        The name used by act types and labels.
    load
        A function without arguments that returns a polars, pandas or Arrow table, or the path or
        URI of a Parquet or CSV file.
    columns
        What is read; other columns of the source are left there.
    time
        The column (timestamp or date) that says when a row happened; None for a table without time
        (a list of products). Reading adds ``day``, the local day of it.
    source_time_zone
        The time zone of timestamps that name none.
    known_at
        The column that says when a row became known, where that is later than ``time``. Reading
        adds ``known_day``, its local day. A null there (in a nullable column) means: not yet known.
    key
        Columns that together name a row; a second row of the same key is broken.
    rows_vs_neighbours
        The rule for row counts by day; None checks none.
    broken_share_at_most
        The share of broken rows above which the snapshot is refused.
    """

    name: str
    load: Callable[[], Any] | str | Path
    columns: tuple[Column, ...]
    time: str | None
    source_time_zone: str = "UTC"
    known_at: str | None = None
    key: tuple[str, ...] = ()
    rows_vs_neighbours: RowsVsNeighbours | None = None
    broken_share_at_most: float = 0.01
    description: str = ""

    def column(self, name: str) -> Column | None:
        """Return the declared column of that name, or None."""
        return next((column for column in self.columns if column.name == name), None)


def contract(tables: Sequence[Table]) -> dict[str, Any]:
    """Return the tables' contract as a JSON-able document, without the loading functions."""
    return {"schema": 1, "tables": [_table_document(table) for table in tables]}


def _table_document(table: Table) -> dict[str, Any]:
    rule = table.rows_vs_neighbours
    return {
        "name": table.name,
        "time": table.time,
        "source_time_zone": table.source_time_zone,
        "known_at": table.known_at,
        "key": list(table.key),
        "rows_vs_neighbours": None if rule is None else dict(vars(rule)),
        "broken_share_at_most": table.broken_share_at_most,
        "description": table.description,
        "columns": [
            {
                **vars(column),
                "categories": None if column.categories is None else list(column.categories),
            }
            for column in table.columns
        ],
    }
