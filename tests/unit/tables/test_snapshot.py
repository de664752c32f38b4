"""A snapshot answers what was known before a day, and which rows a rule names."""

from datetime import date, datetime

import polars as pl
import pytest

from maru.errors import DataError
from maru.tables import Column, Table
from maru.tables.reading import read_tables

ROWS = pl.DataFrame(
    {
        "customer": ["a", "b", "c", "d"],
        "at": [datetime(2017, 1, day, 12) for day in (1, 2, 3, 2)],
        "loaded": [date(2017, 1, 1), date(2017, 1, 5), date(2017, 1, 3), None],
        "amount": [1.0, 2.0, 0.1, 4.0],
    }
)
SALES = Table(
    "sales",
    lambda: ROWS,
    (
        Column("customer", "string"),
        Column("at", "timestamp"),
        Column("loaded", "date", nullable=True),
        Column("amount", "money"),
    ),
    time="at",
    known_at="loaded",
)
SHELVES = Table("shelves", lambda: ROWS, (Column("customer", "string"),), time=None)


@pytest.fixture
def snapshot():
    return read_tables([SALES, SHELVES], time_zone="UTC")


def customers(snapshot) -> list[str]:
    return sorted(snapshot.table("sales")["customer"])


@pytest.mark.parametrize(
    ("as_of", "known"),
    [(1, ""), (2, "a"), (3, "a"), (4, "ac"), (5, "ac"), (6, "abc"), (28, "abc")],
)
def test_until_keeps_rows_that_had_happened_and_were_known(snapshot, as_of, known):
    before = snapshot.until(date(2017, 1, as_of))
    assert customers(before) == list(known)
    assert before.table("shelves").height == 4


def test_until_has_a_digest_of_its_own(snapshot):
    assert snapshot.until(date(2017, 1, 2)).digest != snapshot.digest


@pytest.mark.parametrize(
    "change",
    [
        {"rows": ROWS.vstack(ROWS[:1].with_columns(at=None))},
        {"rows": ROWS.with_columns(amount=9.0)},
        {"zone": "Europe/Berlin"},
        {"key": ("customer",)},
        {"known_at": None},
    ],
    ids=["a broken row", "a value", "the time zone", "the key", "when it is known"],
)
def test_the_digest_covers_all_that_is_kept(change):
    def digest(rows=ROWS, zone="UTC", **declared):
        declared = {"known_at": "loaded", **declared}
        table = Table(
            "sales", lambda: rows, SALES.columns, time="at", broken_share_at_most=1.0, **declared
        )
        return read_tables([table], time_zone=zone).digest

    assert digest() == digest(ROWS.reverse())
    assert digest() != digest(**change)


def test_a_rule_that_finds_nothing_leaves_the_digest():
    columns = (*SALES.columns[:3], Column("amount", "money", minimum=0))
    ruled = Table("sales", lambda: ROWS, columns, time="at", known_at="loaded")
    assert read_tables([ruled], time_zone="UTC").digest == (
        read_tables([SALES], time_zone="UTC").digest
    )


def test_rows_are_found_by_rule_with_money_in_currency_units(snapshot):
    assert snapshot.matching("sales", "amount = 0.1")["customer"].to_list() == ["c"]
    assert snapshot.matching("sales", "amount = 0.1")["amount"].to_list() == [10]
    assert snapshot.matching("sales", "").height == 4


def test_the_first_day_is_of_the_earliest_row(snapshot):
    assert snapshot.first_day("sales") == date(2017, 1, 1)
    assert snapshot.first_day("shelves") is None


def test_an_unknown_table_is_an_error(snapshot):
    with pytest.raises(DataError, match=r"there is no table gone; the snapshot has sales, shelves"):
        snapshot.table("gone")
