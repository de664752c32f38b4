"""New and active entities aggregated apart."""

import pytest

from maru.mart import Segments

SPEC = Segments(("purchase_sum_7d", "purchase_days_since"), new_days=10)


@pytest.fixture
def mart(bare):
    return bare(windows=(7,), aggregates=("sum",), segments=SPEC)


@pytest.fixture
def small(sale, shop):
    return shop(
        [
            sale("old", "01-01", 4.0),
            sale("old", "01-24", 4.0),
            sale("older", "01-01", 8.0),
            sale("new", "01-24", 10.0),
            sale("newer", "01-25", 20.0),
        ]
    )


def test_values_worked_by_hand(mart, small, build, value):
    built = build(mart, small, "01-26")
    assert [value(built, who, "segment_is_new") for who in ("old", "older", "new", "newer")] == [
        *(0, 0, 1, 1)
    ]
    assert value(built, "old", "segment_mean_purchase_sum_7d") == 2  # 4 and 0
    assert value(built, "old", "segment_ratio_purchase_sum_7d") == 2
    assert value(built, "newer", "segment_mean_purchase_sum_7d") == 15
    assert value(built, "newer", "segment_ratio_purchase_sum_7d") == pytest.approx(20 / 15)


def test_nulls_do_not_count_in_a_mean(sale, shop, mart, build, value):
    rows = [sale("a", "01-01"), sale("a", "01-20"), sale("b", "01-01", 0.0)]
    built = build(mart, shop(rows), "01-26")
    assert value(built, "b", "segment_mean_purchase_days_since") == 6
    assert value(built, "b", "segment_ratio_purchase_days_since") is None


def test_nobody_is_new_before_the_history_is_twice_as_long(mart, small, build):
    assert build(mart, small, "01-20")["segment_is_new"].null_count() == 2
    assert build(mart, small, "01-21")["segment_is_new"].to_list() == [0, 0]


def test_means_are_over_all_entities_whoever_is_asked_for(mart, small, build):
    whole = build(mart, small, "01-26")
    one = build(mart, small, "01-26", entities=["old"])
    assert one.equals(whole.filter(whole["customer"] == "old"))
