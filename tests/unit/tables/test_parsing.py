"""Source values become their declared types, and those that do not fit are named."""

from datetime import UTC, date, datetime

import polars as pl
import pytest

from maru.errors import DataError
from maru.tables import Column, Table
from maru.tables.parsing import parse

NEW_YORK = "America/New_York"


def parsed(
    values: pl.Series, kind: str, source_time_zone: str = "UTC"
) -> tuple[list[object], dict[str, list[bool]]]:
    """Return the parsed values, and which of them each rule calls broken."""
    column = Column("x", kind, nullable=True)  # type: ignore[arg-type]
    table = Table("t", lambda: None, (column,), None, source_time_zone)
    frame = values.alias("x").to_frame()
    value, rules = parse(table, column, values.dtype, time_zone=NEW_YORK)
    broken = {rule.name: frame.select(rule.broken).to_series().to_list() for rule in rules}
    return frame.select(value).to_series().to_list(), broken


def test_money_becomes_whole_cents():
    values, broken = parsed(pl.Series([0.1, 19.99, 1234.5, -0.29, None]), "money")
    assert values == [10, 1999, 123450, -29, None]
    assert not any(broken["type"])


def test_money_in_text_is_read_and_words_are_named():
    values, broken = parsed(pl.Series(["3.50", "free"]), "money")
    assert values == [350, None]
    assert broken["type"] == [False, True]


def test_money_finer_than_a_cent_is_rounded_and_told():
    values, broken = parsed(pl.Series([0.125, 1.7764e-15, 0.1 + 0.2]), "money")
    assert values == [12, 0, 30]
    assert broken["whole cents"] == [True, False, False]


def test_not_a_number_is_a_null_not_a_broken_value():
    values, broken = parsed(pl.Series([float("nan"), 2.0]), "float")
    assert values == [None, 2.0]
    assert broken == {"type": [False, False]}


def test_an_infinite_float_does_not_fit():
    assert parsed(pl.Series([float("inf")]), "float") == ([None], {"type": [True]})


def test_an_int_from_floats_must_be_whole():
    assert parsed(pl.Series([3.0, 3.5]), "int") == ([3, None], {"type": [False, True]})


def test_text_from_whole_floats_has_no_point():
    assert parsed(pl.Series([69.0, None]), "string")[0] == ["69", None]


@pytest.mark.parametrize("values", [["true", "0", "maybe"], ["True", "false", "no"]])
def test_a_bool_is_true_false_1_or_0(values):
    read, broken = parsed(pl.Series(values), "bool")
    assert read == [True, False, None]
    assert broken == {"type": [False, False, True]}


def test_naive_timestamps_are_of_the_source_zone_and_become_local():
    values, _ = parsed(pl.Series([datetime(2018, 1, 1, 4, 1)]), "timestamp")
    assert values[0] == datetime(2018, 1, 1, 4, 1, tzinfo=UTC)
    assert values[0].date() == date(2017, 12, 31)  # type: ignore[attr-defined]


def test_timestamps_with_a_zone_keep_their_moment():
    moments = pl.Series([datetime(2017, 7, 1, 12, tzinfo=UTC)]).dt.convert_time_zone("Asia/Seoul")
    values, _ = parsed(moments, "timestamp", source_time_zone="Europe/Berlin")
    assert values[0] == datetime(2017, 7, 1, 12, tzinfo=UTC)


def test_the_hour_that_summer_time_skips_does_not_fit():
    night = pl.Series([datetime(2017, 3, 12, 1, 59), datetime(2017, 3, 12, 2, 30)])
    values, broken = parsed(night, "timestamp", source_time_zone=NEW_YORK)
    assert values == [datetime(2017, 3, 12, 6, 59, tzinfo=UTC), None]
    assert broken == {"type": [False, True]}


def test_of_the_hour_that_comes_twice_the_earlier_is_taken():
    night = pl.Series([datetime(2017, 11, 5, 1, 30)])
    values, _ = parsed(night, "timestamp", source_time_zone=NEW_YORK)
    assert values[0].timestamp() == datetime(2017, 11, 5, 5, 30, tzinfo=UTC).timestamp()  # type: ignore[attr-defined]


def test_a_date_with_a_time_of_day_is_broken():
    days = pl.Series([datetime(2017, 3, 1), datetime(2017, 3, 1, 12)])
    values, broken = parsed(days, "date")
    assert values == [date(2017, 3, 1), date(2017, 3, 1)]
    assert broken["whole days"] == [False, True]


def test_a_date_in_text_is_iso():
    values, broken = parsed(pl.Series(["2017-03-01", "01.03.2017"]), "date")
    assert values == [date(2017, 3, 1), None]
    assert broken == {"type": [False, True]}


def test_a_type_that_cannot_be_read_says_what_to_do():
    with pytest.raises(DataError, match=r"column x: declared timestamp.*is Int64.*Change its type"):
        parsed(pl.Series([1]), "timestamp")
