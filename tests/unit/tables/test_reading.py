"""Tables are read by name, checked row by row, and broken rows are kept aside with a reason."""

from datetime import UTC, date, datetime

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from maru.errors import DataError
from maru.tables import Column, RowsVsNeighbours, Table
from maru.tables.reading import read_tables

NEW_YORK = "America/New_York"
COLUMNS = (
    Column("customer", "string", source="cust_id"),
    Column("at", "timestamp"),
    Column("amount", "money", minimum=0, maximum=100),
    Column("shelf", "string", nullable=True, categories=("food", "toys")),
)
GOOD = {
    "cust_id": ["a", "b"],
    "at": [datetime(2017, 1, 2, 3), datetime(2017, 1, 2, 12)],
    "amount": [1.5, 2.0],
    "shelf": ["food", None],
    "other": [1, 2],
}


def table(rows: object = None, **changes: object) -> Table:
    settings = {"load": lambda: pl.DataFrame(GOOD) if rows is None else rows}
    settings |= {"name": "sales", "columns": COLUMNS, "time": "at", "broken_share_at_most": 1.0}
    return Table(**(settings | changes))  # type: ignore[arg-type]


def read(*tables: Table, **settings: object):
    return read_tables(tables, time_zone=NEW_YORK, **settings)  # type: ignore[arg-type]


def test_columns_are_mapped_by_name_and_days_are_local():
    rows = read(table()).table("sales")
    assert rows.columns == ["customer", "at", "amount", "shelf", "day", "known_day"]
    assert rows.sort("customer")["amount"].to_list() == [150, 200]
    # 03:00 UTC is still the evening before in New York.
    assert rows.sort("customer")["day"].to_list() == [date(2017, 1, 1), date(2017, 1, 2)]


def test_a_day_begins_at_local_midnight():
    moments = [datetime(2017, 1, 2, 4, 59, 59), datetime(2017, 1, 2, 5)]
    rows = read(table(pl.DataFrame(GOOD | {"at": moments}))).table("sales").sort("customer")
    assert rows["day"].to_list() == [date(2017, 1, 1), date(2017, 1, 2)]


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        # Summer time begins on 12 March: that day's midnights are 05:00 and 04:00 UTC.
        (datetime(2017, 3, 12, 4, 59), date(2017, 3, 11)),
        (datetime(2017, 3, 12, 5), date(2017, 3, 12)),
        (datetime(2017, 3, 13, 3, 59), date(2017, 3, 12)),
        (datetime(2017, 3, 13, 4), date(2017, 3, 13)),
        # It ends on 5 November, a day of 25 hours.
        (datetime(2017, 11, 5, 3, 59), date(2017, 11, 4)),
        (datetime(2017, 11, 5, 4), date(2017, 11, 5)),
        (datetime(2017, 11, 6, 4, 59), date(2017, 11, 5)),
        (datetime(2017, 11, 6, 5), date(2017, 11, 6)),
    ],
)
def test_days_of_23_and_25_hours_keep_their_midnights(moment, day):
    rows = read(table(pl.DataFrame(GOOD | {"at": [moment, moment]}))).table("sales")
    assert rows["day"].to_list() == [day, day]


def test_broken_rows_are_kept_aside_with_every_reason():
    rows = pl.DataFrame(
        {
            "cust_id": ["a", None, "c", "d", "e"],
            "at": [datetime(2017, 1, 2, 12)] * 5,
            "amount": [1.0, 1.0, -1.0, 101.0, 1.0],
            "shelf": ["food", "food", "food", "garden", "food"],
        }
    )
    snapshot = read(table(rows))
    assert sorted(snapshot.table("sales")["customer"]) == ["a", "e"]
    broken = snapshot.broken["sales"]
    assert broken.select("row", "reason").rows() == [
        (1, "customer: null"),
        (2, "amount: below 0"),
        (3, "amount: above 100; shelf: not one of its categories"),
    ]
    assert broken["amount"].to_list() == [1.0, -1.0, 101.0]  # as the source has it


def test_a_value_that_cannot_be_read_has_one_reason_and_a_null_another():
    rows = pl.concat([pl.DataFrame(GOOD)] * 2)[:3].with_columns(
        amount=pl.Series(["free", None, "1"])
    )
    snapshot = read(table(rows))
    assert snapshot.broken["sales"]["reason"].to_list() == ["amount: not a money", "amount: null"]


def test_rows_with_fractions_of_a_cent_stay_and_are_counted():
    snapshot = read(table(pl.DataFrame(GOOD | {"amount": [0.125, 1.0]})))
    assert snapshot.table("sales").height == 2
    warned = [r for r in snapshot.report if r.level == "warn"]
    assert [r.text for r in warned] == [
        "table sales, amount: whole cents (amount: finer than a cent, rounded to one): 1 rows"
    ]


def test_each_rule_is_counted():
    rows = pl.DataFrame(GOOD | {"amount": [-1.0, 2.0]})
    report = read(table(rows)).report
    found = {(r.column, r.rule): (r.level, r.count) for r in report}
    assert found["amount", "minimum"] == ("warn", 1)
    assert found["amount", "maximum"] == ("ok", 0)
    assert found["", "rows"] == ("ok", 1)


def test_a_second_row_of_a_key_is_broken_not_the_first():
    rows = pl.DataFrame(GOOD | {"cust_id": ["a", "a"]})
    snapshot = read(table(rows, key=("customer",)))
    assert snapshot.table("sales")["amount"].to_list() == [150]
    assert snapshot.broken["sales"]["reason"].to_list() == [
        "(customer): a second row of the same key"
    ]


def test_which_row_of_a_key_is_kept_does_not_hang_on_the_sources_order():
    rows = pl.DataFrame(GOOD | {"cust_id": ["a", "a"], "amount": [5.0, 7.0]})
    one = read(table(rows, key=("customer",)))
    other = read(table(rows.reverse(), key=("customer",)))
    assert one.table("sales")["amount"].to_list() == [500]
    assert other.table("sales").equals(one.table("sales"))
    assert other.digest == one.digest
    assert [s.broken["sales"]["row"].to_list() for s in (one, other)] == [[1], [0]]


def test_rows_that_differ_only_as_the_source_wrote_them_are_chosen_by_that():
    rows = pl.DataFrame(GOOD | {"cust_id": ["a", "a"], "at": [datetime(2017, 1, 2)] * 2})
    rows = rows.with_columns(pl.Series("amount", ["1.5", "1.50"]), shelf=pl.lit("food"))
    one = read(table(rows, key=("customer",)))
    assert one.broken["sales"]["amount"].to_list() == ["1.50"]
    assert read(table(rows.reverse(), key=("customer",))).digest == one.digest


def test_rows_known_late_keep_the_day_on_which_they_were_known():
    columns = (*COLUMNS, Column("loaded", "timestamp", nullable=True))
    rows = pl.DataFrame(GOOD | {"loaded": [datetime(2017, 1, 9, 12), None]})
    read_rows = read(table(rows, columns=columns, known_at="loaded")).table("sales")
    assert read_rows.sort("customer")["known_day"].to_list() == [date(2017, 1, 9), None]


def test_a_table_without_time_has_no_day():
    columns = (Column("customer", "string", source="cust_id"),)
    assert read(table(columns=columns, time=None)).table("sales").columns == ["customer"]


def test_row_order_of_the_source_does_not_matter():
    forward, backward = pl.DataFrame(GOOD), pl.DataFrame(GOOD).reverse()
    one, two = read(table(forward)), read(table(backward))
    assert one.table("sales").equals(two.table("sales"))
    assert one.digest == two.digest


@pytest.mark.parametrize(
    "rows",
    [pd.DataFrame(GOOD), pa.table(GOOD), pl.DataFrame(GOOD).lazy()],
    ids=["pandas", "arrow", "lazy"],
)
def test_the_library_of_the_loading_function_does_not_matter(rows):
    assert read(table(rows)).digest == read(table()).digest


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_files_are_read_by_path(tmp_path, suffix):
    path = tmp_path / f"rows.{suffix}"
    frame = pl.DataFrame(GOOD)
    if suffix == "parquet":
        frame.write_parquet(path)
    else:
        frame.write_csv(path, datetime_format="%Y-%m-%dT%H:%M:%S")
    assert read(table(load=path)).digest == read(table()).digest


def test_a_missing_column_is_an_error_that_lists_what_there_is():
    with pytest.raises(
        DataError, match=r"sales lacks the declared columns cust_id; its source has x"
    ):
        read(table(pl.DataFrame({"x": [1], "at": [1], "amount": [1], "shelf": [1]})))


def test_a_missing_file_is_an_error():
    with pytest.raises(DataError, match=r"no/such\.parquet cannot be read"):
        read(table(load="no/such.parquet"))


def test_an_unknown_file_type_is_an_error():
    with pytest.raises(DataError, match=r"reads \.parquet and \.csv files, got rows\.xlsx"):
        read(table(load="rows.xlsx"))


def test_a_loading_function_must_return_rows():
    with pytest.raises(DataError, match=r"polars, pandas or Arrow table, got int"):
        read(table(5))


def test_too_many_broken_rows_refuse_the_snapshot():
    rows = pl.DataFrame(GOOD | {"amount": [-1.0, 2.0]})
    with pytest.raises(DataError, match=r"50\.00% of its rows are broken, at most 10\.00% may be"):
        read(table(rows, broken_share_at_most=0.1))


def test_what_blocks_is_only_reported_where_it_is_not_enforced():
    rows = pl.DataFrame(GOOD | {"amount": [-1.0, 2.0]})
    snapshot = read(table(rows, broken_share_at_most=0.1), enforce=False)
    assert [r.rule for r in snapshot.report if r.level == "block"] == ["rows"]


def test_an_empty_table_is_refused():
    with pytest.raises(DataError, match=r"sales has no usable row: 0 rows read"):
        read(table(pl.DataFrame(GOOD).clear()))


def test_two_tables_of_one_name_are_refused():
    with pytest.raises(DataError, match="declared twice: sales"):
        read(table(), table())


@pytest.mark.parametrize("name", ["row", "reason"])
def test_a_column_of_a_name_that_broken_rows_are_kept_with_is_refused(name):
    made = Table("sales", lambda: pl.DataFrame({name: [1]}), (Column(name, "int"),), time=None)
    with pytest.raises(DataError, match=f"{name} can't be the name of a column.* source='{name}'"):
        read_tables([made], time_zone=NEW_YORK)


def test_a_file_that_is_empty_is_an_error_in_words(tmp_path):
    (tmp_path / "sales.csv").touch()
    with pytest.raises(DataError, match=r"sales\.csv cannot be read: empty CSV"):
        read(table(load=str(tmp_path / "sales.csv")))


@pytest.mark.parametrize("where", ["project", "table"])
def test_an_unknown_time_zone_is_refused(where):
    tables = [table(source_time_zone="Mars/Base")] if where == "table" else [table()]
    zone = "Mars/Base" if where == "project" else NEW_YORK
    with pytest.raises(DataError, match=r"is an IANA name.*got 'Mars/Base'"):
        read_tables(tables, time_zone=zone)


def test_time_must_be_a_declared_moment():
    with pytest.raises(DataError, match=r"sales: when is used as time.*Add a Column"):
        read(table(time="when"))
    with pytest.raises(DataError, match=r"customer says when a row happened.*got string"):
        read(table(time="customer"))


def test_a_missing_day_is_seen_against_its_neighbours():
    days = [d for d in pd.date_range("2017-01-01", "2017-01-31") if d.day != 15]
    rows = pl.DataFrame(
        {
            "cust_id": [f"c{i}" for i in range(len(days))],
            "at": [datetime(d.year, d.month, d.day, 17, tzinfo=UTC) for d in days],
            "amount": [1.0] * len(days),
            "shelf": ["food"] * len(days),
        }
    )
    rule = RowsVsNeighbours(action="block")
    with pytest.raises(DataError, match=r"1 days do not: 2017-01-15 has 0 \(median 1\)"):
        read(table(rows, rows_vs_neighbours=rule))
