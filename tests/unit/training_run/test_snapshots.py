"""Freezing the tables, and the newest day that they reach."""

from datetime import date, timedelta

import polars as pl
import pytest

from maru.errors import DataError
from maru.mart import ActType, Mart
from maru.project import load_project
from maru.tables import Column, Table
from maru.tables.reading import read_tables
from maru.training_run.snapshots import freeze, kept, newest_as_of
from maru.workspace import Workspace

MART = Mart(entity="customer", act_types=(ActType("purchase", "lines"),))
LAST = date(2025, 3, 31)


def snapshot(rows_by_day: dict[date, int]):
    days = [day for day, count in rows_by_day.items() for _ in range(count)]
    frame = pl.DataFrame({"customer": ["a"] * len(days), "on": days}).cast({"on": pl.Date})
    columns = (Column("customer", "string"), Column("on", "date"))
    table = Table("lines", lambda: frame, columns, time="on", broken_share_at_most=1.0)
    return read_tables([table], time_zone="UTC", enforce=False)


def evenly(days: int = 40, rows: int = 10) -> dict[date, int]:
    return {LAST - timedelta(back): rows for back in range(days)}


def test_the_day_after_a_usual_newest_day():
    assert newest_as_of(snapshot(evenly()), MART) == (
        date(2025, 4, 1),
        "the newest complete day of lines is 2025-03-31",
    )


def test_a_newest_day_with_few_rows_is_still_to_be_completed():
    day, reason = newest_as_of(snapshot({**evenly(), LAST: 4}), MART)
    assert day == LAST
    assert reason == (
        "the newest day of lines, 2025-03-31, has 4 rows where 10 are usual, "
        "so it is taken as incomplete"
    )


def test_half_of_the_usual_rows_are_enough():
    assert newest_as_of(snapshot({**evenly(), LAST: 5}), MART)[0] == date(2025, 4, 1)


def test_a_single_day_is_taken_as_it_is():
    assert newest_as_of(snapshot({LAST: 1}), MART)[0] == date(2025, 4, 1)


def test_a_history_without_rows_has_no_day():
    with pytest.raises(DataError, match="table lines has no rows"):
        newest_as_of(snapshot({}), MART)


def test_a_frozen_snapshot_reads_back_by_its_digest(shop):
    workspace = Workspace(shop.root)
    frozen = freeze(workspace, load_project(shop.root, shop.name))
    assert kept(workspace, frozen.digest).digest == frozen.digest
    assert kept(workspace, frozen.digest).table("purchases").equals(frozen.table("purchases"))


def test_a_snapshot_that_is_not_kept_is_said_so(tmp_path):
    with pytest.raises(DataError, match="snapshot 000000000000 is not kept"):
        kept(Workspace(tmp_path), "0" * 64)
