"""Trailing windows count ``[as_of - window, as_of)``, by hand and against a plain count."""

import math
from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maru.mart import ActType

ALL = (
    *("sum", "count", "mean", "max", "max_day", "distinct_days", "trend"),
    *("sum_per_30d", "count_per_30d", "days_per_30d"),
)
ORIGIN = date(2017, 3, 1)


@pytest.fixture
def small(sale, shop):
    return shop(
        [
            sale("a", "02-28", 4.0),
            sale("a", "02-28", 0.5),
            sale("a", "02-22", 2.0),
            sale("a", "02-21", 100.0),  # the eighth day before 1 March
            sale("b", "02-10", 3.0),
            sale("c", "02-27", 0.0),  # breaks the rule amount > 0
            sale("z", "01-01", 0.0),  # the history begins here
        ]
    )


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ("purchase_sum_7d", 6.5),
        ("purchase_sum_8d", 106.5),
        ("purchase_count_7d", 3),
        ("purchase_mean_7d", 6.5 / 3),
        ("purchase_max_7d", 4.0),
        ("purchase_max_day_7d", 4.5),
        ("purchase_distinct_days_7d", 2),
        ("purchase_days_since", 1),
        # Of 7 days the newer half is 3 days (4.5), the older 3 days before (0): all is new.
        ("purchase_trend_7d", 1.0),
        # Of 8 days: 4 days 4.5, the 4 before 102.
        ("purchase_trend_8d", (4.5 - 102) / 106.5),
        ("purchase_sum_per_30d_7d", 6.5 * 30 / 7),
        ("purchase_count_per_30d_8d", 4 * 30 / 8),
        ("purchase_days_per_30d_8d", 3 * 30 / 8),
    ],
)
def test_values_worked_by_hand(small, bare, build, value, column, expected):
    built = build(bare(windows=(7, 8), aggregates=ALL), small, "03-01")
    assert value(built, "a", column) == pytest.approx(expected)


def test_without_rows_counts_and_sums_are_0_and_the_rest_is_null(small, bare, build):
    built = build(bare(windows=(7,), aggregates=ALL), small, "03-01")
    row = built.row(by_predicate=pl.col("customer") == "c", named=True)
    zero = {"sum", "count", "distinct_days", "sum_per_30d", "count_per_30d", "days_per_30d"}
    assert {name: row[f"purchase_{name}_7d"] for name in ALL} == {
        name: 0.0 if name in zero else None for name in ALL
    }
    assert row["purchase_days_since"] is None


def test_every_entity_with_a_row_before_the_day_has_one_row_sorted(small, bare, build):
    built = build(bare(windows=(7,)), small, "02-28")
    assert built["customer"].to_list() == ["a", "b", "c", "z"]
    assert build(bare(windows=(7,)), small, "02-21")["customer"].to_list() == ["b", "z"]


def test_a_window_longer_than_the_history_says_how_many_days_it_covers(small, bare, build, value):
    built = build(bare(windows=(30, 90), aggregates=("sum", "sum_per_30d")), small, "03-01")
    assert value(built, "a", "observed_days_30d") == 30
    assert value(built, "a", "observed_days_90d") == 59  # 1 January to 28 February
    assert value(built, "a", "purchase_sum_per_30d_90d") == pytest.approx(106.5 * 30 / 59)


def test_the_trend_of_a_window_longer_than_the_history_halves_the_history(sale, shop, bare, build):
    rows = [sale("a", "02-01", 1.0), sale("a", "02-02", 1.0), sale("a", "02-04", 6.0)]
    built = build(bare(windows=(365,), aggregates=("trend",)), shop(rows), "02-05")
    # Four days: the newer two have 6, the older two 2.
    assert built["purchase_trend_365d"].to_list() == [pytest.approx((6 - 2) / 8)]


def test_events_are_rows_or_baskets(sale, shop, bare, build, value):
    rows = [
        sale("a", "02-27", 1.0, basket="x"),
        sale("a", "02-27", 2.0, basket="x"),
        sale("a", "02-27", 10.0, basket="y"),
    ]
    trip = ActType("trip", "sales", "amount > 0", "amount", per="basket")
    built = build(
        bare(act_types=(trip,), windows=(7,), aggregates=("count", "max", "mean")),
        shop(rows),
        "03-01",
    )
    assert value(built, "a", "trip_count_7d") == 2
    assert value(built, "a", "trip_max_7d") == 10
    assert value(built, "a", "trip_mean_7d") == 6.5


def test_events_can_be_bound_by_their_amount(sale, shop, bare, build, value):
    rows = [sale("a", "02-27", amount) for amount in (5.0, 9.99, 10.0, 49.99, 50.0)]
    act = ActType("middle", "sales", "amount > 0", "amount", at_least=10, below=50)
    built = build(bare(act_types=(act,), windows=(7,)), shop(rows), "03-01")
    assert value(built, "a", "middle_count_7d") == 2
    assert value(built, "a", "middle_sum_7d") == 59.99


def test_a_day_can_count_up_to_a_cap(sale, shop, bare, build, value):
    rows = [sale("a", "02-27", 80.0), sale("a", "02-27", 70.0), sale("a", "02-26", 30.0)]
    act = ActType("capped", "sales", "amount > 0", "amount", day_cap=100)
    built = build(bare(act_types=(act,), windows=(7,)), shop(rows), "03-01")
    assert value(built, "a", "capped_sum_7d") == 130


def test_an_act_type_without_amount_only_counts(sale, shop, bare, build):
    act = ActType("visit", "sales")
    built = build(
        bare(act_types=(act,), windows=(7,), aggregates=ALL), shop([sale("a", "02-27")]), "03-01"
    )
    assert set(built.columns) == {
        *("customer", "observed_days_7d", "visit_count_7d", "visit_distinct_days_7d"),
        *("visit_trend_7d", "visit_count_per_30d_7d", "visit_days_per_30d_7d", "visit_days_since"),
    }


@pytest.mark.parametrize(
    ("column", "values", "total"),
    [("points", (3, 4), 7.0), ("weight", (0.1, 0.2), 0.3), ("amount", (0.1, 0.2), 0.3)],
)
def test_amounts_of_every_number_type_are_in_their_own_units(
    sale, shop, bare, build, column, values, total
):
    rows = [sale("a", "02-27", **{column: number}) for number in values]
    act = ActType("act", "sales", amount=column)
    built = build(bare(act_types=(act,), windows=(7,)), shop(rows), "03-01")
    assert built["act_sum_7d"].to_list() == [total]  # exactly: whole numbers were added
    assert built["act_max_7d"].to_list() == [values[1]]


def test_a_null_amount_is_an_event_without_amount(sale, shop, bare, build):
    act = ActType("act", "sales", amount="amount")
    rows = [sale("a", "02-27", None), sale("a", "02-27", 5.0)]
    built = build(bare(act_types=(act,), windows=(7,)), shop(rows), "03-01")
    assert built.select("act_sum_7d", "act_count_7d").rows() == [(5.0, 2.0)]


def test_open_events_are_those_that_had_begun_and_not_ended(sale, mail, shop, bare, build):
    mails = [
        mail("a", "02-20", 1, "02-28"),  # ended
        mail("a", "02-21", 2, "03-01"),  # its last day is the day itself
        mail("a", "02-22", 3, "04-01"),
        mail("a", "03-01", 4, "04-01"),  # not begun before the day
    ]
    act = ActType("mail", "mails", until="end")
    snapshot = shop([sale("a", "01-01")], mails=mails)
    built = build(bare(act_types=(act,), windows=(7,)), snapshot, "03-01")
    assert built["mail_open"].to_list() == [2]


ROWS = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(-40, 10), st.integers(-500, 5000)), max_size=30
)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=ROWS, window=st.integers(1, 45))
def test_windows_equal_a_plain_count(sale, shop, bare, build, rows, window):
    listed = [sale("first", ORIGIN - timedelta(41), 1.0)]
    listed += [sale(who, ORIGIN + timedelta(ago), cents / 100) for who, ago, cents in rows]
    built = build(bare(windows=(window,), aggregates=ALL), shop(listed), ORIGIN)
    for who in built["customer"].to_list():
        start = ORIGIN - timedelta(window)
        mine = [
            (row["date"], round(row["amount"] * 100))
            for row in listed
            if row["customer"] == who and start <= row["date"] < ORIGIN and row["amount"] > 0
        ]
        found = built.row(by_predicate=pl.col("customer") == who, named=True)
        days: dict[date, int] = {}
        for on, cents in mine:
            days[on] = days.get(on, 0) + cents
        total = sum(cents for _, cents in mine)
        assert found[f"purchase_sum_{window}d"] == total / 100
        assert found[f"purchase_count_{window}d"] == len(mine)
        assert found[f"purchase_distinct_days_{window}d"] == len(days)
        assert found[f"purchase_max_{window}d"] == (
            max(cents for _, cents in mine) / 100 if mine else None
        )
        assert found[f"purchase_max_day_{window}d"] == (max(days.values()) / 100 if days else None)
        if mine:
            assert math.isclose(found[f"purchase_mean_{window}d"], total / 100 / len(mine))


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=ROWS, seed=st.randoms())
def test_the_order_of_rows_does_not_matter(sale, shop, bare, build, rows, seed):
    listed = [sale(who, ORIGIN + timedelta(ago), cents / 100) for who, ago, cents in rows]
    listed.append(sale("a", ORIGIN - timedelta(3), 2.0))
    shuffled = list(listed)
    seed.shuffle(shuffled)
    mart = bare(windows=(7, 30), aggregates=ALL, half_lives=(7,))
    assert build(mart, shop(listed), ORIGIN).equals(build(mart, shop(shuffled), ORIGIN))
