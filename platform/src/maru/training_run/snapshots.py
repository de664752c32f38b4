"""The rows that a run reads: read once, kept by digest, and the day that they reach."""

from datetime import date, timedelta
from typing import Protocol

import polars as pl

from maru.errors import DataError
from maru.mart import Mart
from maru.project import Project
from maru.tables.reading import read_tables
from maru.tables.snapshot import Snapshot
from maru.tables.storage import read_snapshot, write_snapshot
from maru.workspace import Workspace

_NEIGHBOURS = 28
_COMPLETE = 0.5


class DatedRows(Protocol):
    """Who can say how many rows a table has of each day."""

    def rows_by_day(self, table: str) -> pl.DataFrame:
        """See ``Snapshot``."""


def freeze(workspace: Workspace, project: Project) -> Snapshot:
    """Read the project's tables as they are now and keep them by digest.

    Raises
    ------
    ProjectError
        If data.py declares no tables.
    DataError
        If the tables break their contract.
    """
    tables = project.declared("data", "TABLES", tuple)
    snapshot = read_tables(tables, time_zone=project.spec.time_zone)
    write_snapshot(snapshot, workspace.snapshots / snapshot.digest)
    return snapshot


def kept(workspace: Workspace, digest: str) -> Snapshot:
    """Read a snapshot back by its digest; DataError where it is not kept here."""
    folder = workspace.snapshots / digest
    if not folder.is_dir():
        raise DataError(
            f"snapshot {digest[:12]} is not kept in {workspace.snapshots}. "
            "A new maru run reads the tables again; an old one needs the rows of its day."
        )
    return read_snapshot(folder)


def newest_as_of(snapshot: DatedRows, mart: Mart) -> tuple[date, str]:
    """Return the day after the newest complete day of the mart's history, and why, in words.

    A day is complete where it has at least half the rows of the median day of the four weeks
    before it: an extract that was made at noon has a newest day, but half of it is still to come.

    Raises
    ------
    DataError
        If the history has no rows.
    """
    table = mart.act_types[0].table
    days = snapshot.rows_by_day(table)
    if days.is_empty():
        raise DataError(f"table {table} has no rows, so there is no day to train for. See data.py.")
    newest: date = days["day"][-1]
    before = days.filter(
        (pl.col("day") < newest) & (pl.col("day") >= newest - timedelta(_NEIGHBOURS))
    )
    usual = before["rows"].median()
    rows = days["rows"][-1]
    if isinstance(usual, float) and rows < _COMPLETE * usual:
        said = (
            f"the newest day of {table}, {newest}, has {rows:,} rows where {usual:,.0f} are usual, "
            f"so it is taken as incomplete"
        )
        return newest, said
    return newest + timedelta(1), f"the newest complete day of {table} is {newest}"
