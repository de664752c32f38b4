import datetime as dt

import pandas as pd
import polars as pl
import pytest

from maru.errors import DataError
from maru.notebook.frames import day, html, html_lines, matching, number, table_frame, text

KNOWN = ["trip_sum_30d", "purchase_sum_7d", "purchase_sum_30d", "purchase_count_7d"]


def test_patterns_take_columns_in_the_marts_order_and_lists_in_their_own():
    assert matching(KNOWN, "purchase_sum_*") == ["purchase_sum_7d", "purchase_sum_30d"]
    assert matching(KNOWN, ["*_30d", "purchase_count_7d", "trip_*"]) == [
        "trip_sum_30d",
        "purchase_sum_30d",
        "purchase_count_7d",
    ]
    assert matching(KNOWN, None) is None


def test_an_unknown_column_names_the_nearest():
    with pytest.raises(DataError, match=r"is 'purchase_sum_3d'. Did you mean purchase_sum_30d\?"):
        matching(KNOWN, "purchase_sum_3d")
    with pytest.raises(
        DataError, match=r"none of the 4 columns is 'zzz\*'. p.dictionary\(\) lists"
    ):
        matching(KNOWN, ["trip_*", "zzz*"])


def test_days_are_read_from_text_dates_and_timestamps():
    expected = dt.date(2017, 12, 1)
    for given in ("2017-12-01", expected, dt.datetime(2017, 12, 1, 5), pd.Timestamp("2017-12-01")):
        assert day(given, "as_of") == expected
    for wrong in ("December", 20171201, None):
        with pytest.raises(DataError, match="as_of is a day such as '2017-12-01', got"):
            day(wrong, "as_of")


def test_money_is_in_currency_units():
    rows = pl.DataFrame({"amount": [1234, None], "quantity": [2, 3]})
    frame = table_frame(rows, money=("amount",))
    assert frame["amount"][0] == 12.34
    assert pd.isna(frame["amount"][1])
    assert frame["quantity"].tolist() == [2, 3]


def test_numbers_read_well():
    assert [number(value) for value in (1234.0, 0.12345, 1234.5678)] == [
        "1,234",
        "0.123",
        "1,234.568",
    ]


def test_long_frames_say_what_they_leave_out():
    frame = pd.DataFrame({"value": range(100)})
    assert "... and 90 more rows" in text(frame, rows=10)
    assert "... and 90 more rows" in html(frame, rows=10)
    assert "more rows" not in html(frame, rows=100)


def test_what_people_wrote_is_no_html():
    assert html_lines(["a < b", "<script>"]) == "<p><b>a &lt; b</b><br>&lt;script&gt;</p>"
    assert "<script>" not in html(pd.DataFrame({"text": ["<script>"]}))
