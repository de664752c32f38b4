"""Weighted rates: yesterday weighs most, and a short history is no low rate."""

import pytest


def test_values_worked_by_hand(sale, shop, bare, build, value):
    rows = [sale("a", "01-01", 8.0), sale("a", "01-03", 2.0), sale("b", "01-02", 1.0)]
    built = build(bare(half_lives=(1,)), shop(rows), "01-04")
    # Weights of yesterday and the two days before: 1, 1/2, 1/4.
    assert value(built, "a", "purchase_sum_ewma_1d") == pytest.approx((2 + 8 / 4) / 1.75)
    assert value(built, "a", "purchase_count_ewma_1d") == pytest.approx((1 + 1 / 4) / 1.75)
    assert value(built, "b", "purchase_sum_ewma_1d") == pytest.approx((1 / 2) / 1.75)


@pytest.mark.parametrize("last", [2, 9, 28])
def test_a_steady_entity_has_its_daily_amount_whatever_the_history(sale, shop, bare, build, last):
    rows = [sale("a", f"01-{n:02d}", 3.0) for n in range(1, last + 1)]
    built = build(bare(half_lives=(7, 30)), shop(rows), f"01-{last + 1:02d}")
    assert built["purchase_sum_ewma_7d"].to_list() == [pytest.approx(3.0)]
    assert built["purchase_distinct_days_ewma_30d"].to_list() == [pytest.approx(1.0)]


def test_an_entity_without_events_has_0(sale, shop, bare, build, value):
    built = build(
        bare(half_lives=(7,)), shop([sale("a", "01-01"), sale("b", "01-01", 0.0)]), "01-09"
    )
    assert value(built, "b", "purchase_sum_ewma_7d") == 0
