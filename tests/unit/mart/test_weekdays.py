"""Weekdays of the past, and what they promise for the days ahead."""

from datetime import date

import numpy as np
import pytest

from maru.mart import Weekdays
from maru.mart.history import day_number
from maru.mart.weekdays import weekday


@pytest.mark.parametrize(
    "day", [date(1970, 1, 1), date(1969, 12, 31), date(2017, 3, 12), date(2024, 2, 29)]
)
def test_weekdays_are_the_calendars(day):
    assert weekday(np.array([day_number(day)]))[0] == day.weekday()


@pytest.fixture
def built(sale, shop, bare, build):
    rows = [
        sale("a", "01-02", 3.0),  # Monday
        sale("a", "01-09", 5.0),  # Monday
        sale("a", "01-14", 7.0),  # Saturday
        sale("b", "01-02", 0.0),
    ]
    # 14 days of history, 2 to 15 January: each weekday twice.
    mart = bare(weekdays=Weekdays(("purchase",), window_days=28, horizon_days=8))
    return build(mart, shop(rows), "01-16")


def test_shares_are_of_active_days(built, value):
    assert value(built, "a", "purchase_weekday_share_mon") == pytest.approx(2 / 3)
    assert value(built, "a", "purchase_weekday_share_sat") == pytest.approx(1 / 3)
    assert value(built, "a", "purchase_weekday_share_sun") == 0
    assert value(built, "b", "purchase_weekday_share_mon") is None


def test_the_weekends_share_is_of_the_amount(built, value):
    assert value(built, "a", "purchase_weekday_weekend") == pytest.approx(7 / 15)
    assert value(built, "b", "purchase_weekday_weekend") is None


def test_the_days_ahead_are_counted_by_weekday(built, value):
    # 8 days from Monday 16 January: two Mondays, one of each other day.
    assert value(built, "a", "purchase_weekday_expected") == pytest.approx(2 * 8 / 2 + 7 / 2)
    assert value(built, "b", "purchase_weekday_expected") == 0


def test_before_a_week_of_history_nothing_is_expected(sale, shop, bare, build):
    mart = bare(weekdays=Weekdays(("purchase",)))
    built = build(mart, shop([sale("a", "01-02")]), "01-08")
    assert built["purchase_weekday_expected"].to_list() == [None]
