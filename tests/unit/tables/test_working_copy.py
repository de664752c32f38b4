"""The working copy holds the rows, the broken rows, the verdicts and the digest of a snapshot."""

from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maru.errors import DataError
from maru.tables import Column, RowsVsNeighbours, Table
from maru.tables.copying import copy_tables
from maru.tables.reading import read_tables

COLUMNS = (
    Column("basket", "int", minimum=0),
    Column("who", "string", nullable=True),
    Column("on", "date"),
    Column("paid", "money", maximum=50),
    Column("weight", "float", nullable=True),
)


def table(rows: pl.DataFrame | str, *, key=(), **more) -> Table:
    load = rows if isinstance(rows, str) else lambda: rows
    more = {"broken_share_at_most": 1.0, **more}
    return Table("sales", load, COLUMNS, time="on", key=key, **more)


def copied(made: Table, folder, at_once: int):
    return copy_tables([made], time_zone="UTC", entity="who", folder=folder, at_once=at_once)


def rows_of(copy) -> pl.DataFrame:
    return pl.concat([pl.read_parquet(file) for file in copy.tables["sales"].files])


LINES = st.lists(
    st.tuples(
        st.none() | st.integers(-1, 4),
        st.none() | st.sampled_from(["ana", "bo", "cy", "ä"]),
        st.none() | st.sampled_from(["2025-01-01", "2025-01-02", "2025-01-09", "soon"]),
        st.none() | st.sampled_from([0.1, 1.005, 20.0, 99.0]),
        st.none() | st.sampled_from([0.5, -0.0, 0.0, float("nan")]),
    ),
    max_size=40,
)
TYPES = {
    "basket": pl.Int64,
    "who": pl.String,
    "on": pl.String,
    "paid": pl.Float64,
    "weight": pl.Float64,
}


@settings(deadline=None, max_examples=80)
@given(LINES, st.sampled_from([(), ("basket",), ("who", "basket")]), st.sampled_from([1, 5, 100]))
def test_it_is_the_snapshot_whatever_is_held_at_once(tmp_path_factory, lines, key, at_once):
    good = (9, "ana", "2025-01-05", 1.0, 1.0)
    made = table(pl.DataFrame([*lines, good], TYPES, orient="row"), key=key)
    whole = read_tables([made], time_zone="UTC")
    copy = copied(made, tmp_path_factory.mktemp("copy"), at_once)
    assert copy.digest == whole.digest
    assert copy.tables["sales"].report == whole.report
    assert copy.tables["sales"].broken.equals(whole.broken["sales"])
    sort = ["basket", "who", "on", "paid", "weight"]
    assert rows_of(copy).sort(sort).equals(whole.table("sales").sort(sort))
    assert copy.rows_by_day("sales").equals(whole.rows_by_day("sales"))
    for name in ("ana", "ä"):
        mine = copy.of_entities(pl.Series("who", [name]), {"sales": COLUMN_NAMES}).table("sales")
        assert mine.equals(whole.table("sales").filter(pl.col("who") == name))


COLUMN_NAMES = [column.name for column in COLUMNS]


def sales(rows: int) -> pl.DataFrame:
    numbers = pl.int_range(rows, eager=True)
    return pl.DataFrame({
        "basket": numbers,
        "who": (numbers % 7).cast(pl.String),
        "on": pl.Series(["2025-01-01"]).new_from_index(0, rows),
        "paid": (numbers % 100) / 10,
        "weight": numbers.cast(pl.Float64),
        "unread": numbers,
    })  # fmt: skip


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_a_file_is_read_in_parts_and_a_frame_of_a_function_is_told(tmp_path, suffix):
    file = tmp_path / f"sales.{suffix}"
    getattr(sales(500), f"write_{suffix}")(file)
    made = table(str(file), key=("basket",))
    copy = copied(made, tmp_path, 90)
    assert copy.digest == read_tables([made], time_zone="UTC").digest
    assert copy.held == ()
    assert copied(table(sales(500)), tmp_path, 90).held == ("sales",)
    lazy = Table("sales", lambda: pl.scan_parquet(file), COLUMNS, time="on")
    if suffix == "parquet":
        assert copied(lazy, tmp_path, 90).held == ()


def test_only_the_columns_asked_for_are_read(tmp_path):
    copy = copied(table(sales(50)), tmp_path, 20)
    some = copy.of_entities(pl.Series("who", ["3"]), {"sales": ["paid"]})
    assert some.table("sales").columns == ["who", "paid", "day", "known_day"]
    assert some.infos["sales"].money == ("paid",)


def test_entities_and_the_earliest_are_of_rows_known_before_the_day(tmp_path):
    rows = sales(4).with_columns(
        on=pl.Series(["2025-01-03", "2025-01-01", "2025-01-02", "2025-01-09"])
    )
    copy = copied(table(rows), tmp_path, 2)
    assert copy.entities(["sales"], date(2025, 1, 3)).to_list() == ["1", "2"]
    assert copy.earliest("sales", date(2025, 1, 3)) == "1"
    assert copy.earliest("sales", date(2025, 1, 1)) is None


@pytest.mark.parametrize("rows", [0, 30])
def test_what_the_contract_refuses_is_refused_in_the_same_words(tmp_path, rows):
    made = table(
        sales(rows).with_columns(paid=99.0),
        rows_vs_neighbours=RowsVsNeighbours(),
        broken_share_at_most=0.01,
    )
    with pytest.raises(DataError) as whole:
        read_tables([made], time_zone="UTC")
    with pytest.raises(DataError) as parts:
        copied(made, tmp_path, 7)
    assert str(parts.value) == str(whole.value)


def test_a_row_of_a_year_that_python_lacks_is_copied_as_it_is_read(tmp_path):
    # A loader's null that became the least moment there is.
    days = [-(10**14), *range(0, 30 * 86_400_000, 86_400_000), 9 * 10**14]
    rows = pl.DataFrame({
        "who": ["old", *["ana", "bo"] * 15, "far"],
        "at": pl.Series(days).cast(pl.Datetime("ms")),
    })  # fmt: skip
    columns = (Column("who", "string"), Column("at", "timestamp"))
    made = Table("sales", lambda: rows, columns, time="at", key=("at", "who"))
    for at_once in (3, 100):
        copy = copied(made, tmp_path, at_once)
        assert copy.digest == read_tables([made], time_zone="UTC").digest
        assert copy.earliest("sales", date(2025, 1, 1)) == "old"


@pytest.mark.parametrize("at_once", [10, 1000])
def test_a_table_without_any_rule_is_copied(tmp_path, at_once):
    rows = pl.DataFrame({"who": ["ana", None, "bo"] * 20, "_code": ["x", "y", None] * 20})
    columns = (Column("who", "string", nullable=True), Column("_code", "string", nullable=True))
    made = Table("sales", lambda: rows, columns, time=None)
    assert copied(made, tmp_path, at_once).digest == read_tables([made], time_zone="UTC").digest
