"""Rules on whole tables: how many rows are left, and each day against its neighbours."""

from datetime import date, timedelta

import polars as pl
import pytest

from maru.tables import RowsVsNeighbours, Table
from maru.tables.checks import check_neighbours, check_rows

TABLE = Table("sales", lambda: None, (), "at")
FIRST = date(2017, 1, 1)


def days(*counts: int) -> pl.Series:
    listed = [FIRST + timedelta(i) for i, count in enumerate(counts) for _ in range(count)]
    return pl.Series("day", listed, dtype=pl.Date)


def judged(*counts: int, **rule: object):
    return check_neighbours(TABLE, RowsVsNeighbours(**rule), days(*counts))  # type: ignore[arg-type]


def test_steady_days_pass():
    assert judged(10, 11, 9, 10, 10, 12).level == "ok"


def test_a_doubled_load_is_counted_and_named():
    result = judged(10, 10, 10, 35, 10, 10, 10)
    assert (result.level, result.count) == ("warn", 1)
    assert "2017-01-04 has 35 (median 10)" in result.text


def test_a_rule_may_block():
    assert judged(10, 10, 1, 10, 10, action="block").level == "block"


@pytest.mark.parametrize(("edge_days", "level"), [(1, "ok"), (0, "warn")])
def test_cut_days_at_the_ends_are_judged_only_where_asked(edge_days, level):
    assert judged(1, 10, 10, 10, 1, edge_days=edge_days).level == level


def test_one_day_has_no_neighbours():
    assert judged(5, edge_days=0).level == "ok"


def test_the_share_of_broken_rows_decides():
    assert check_rows(TABLE, read=100, kept=99, results=[]).level == "ok"
    assert check_rows(TABLE, read=100, kept=98, results=[]).level == "block"
    assert check_rows(TABLE, read=0, kept=0, results=[]).level == "block"
