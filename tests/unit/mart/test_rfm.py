"""Recency, frequency, monetary value, and the gaps between active days."""

import pytest

from maru.mart import Rfm


@pytest.fixture
def built(sale, shop, bare, build):
    rows = [
        sale("a", "01-01", 1.0),
        sale("a", "01-11", 2.0),
        sale("a", "01-11", 3.0),
        sale("a", "01-15", 4.0),
        sale("b", "01-20", 5.0),
        sale("c", "01-20", 0.0),  # seen, never bought
    ]
    return build(bare(rfm=Rfm("purchase", window_days=30)), shop(rows), "01-21")


@pytest.mark.parametrize(
    ("column", "a", "b", "c"),
    [
        ("rfm_recency_days", 6, 1, None),
        ("rfm_second_recency_days", 10, None, None),
        ("rfm_frequency", 4, 1, 0),
        ("rfm_active_days", 3, 1, 0),
        ("rfm_monetary", 10, 5, 0),
        ("rfm_tenure_days", 20, 1, None),
        ("rfm_mean_gap_days", 7, None, None),
        ("rfm_longest_gap_days", 10, 1, None),
        ("rfm_recency_to_gap", 6 / 7, None, None),
    ],
)
def test_values_worked_by_hand(built, value, column, a, b, c):
    assert [value(built, who, column) for who in "abc"] == [a, b, c]


def test_the_present_silence_can_be_the_longest_gap(sale, shop, bare, build):
    snapshot = shop([sale("a", "01-01"), sale("a", "01-03")])
    built = build(bare(rfm=Rfm("purchase")), snapshot, "01-20")
    assert built["rfm_longest_gap_days"].to_list() == [17]


def test_scores_are_fifths_of_the_entities_seen(sale, shop, bare, build):
    rows = [sale(f"c{n}", "01-10", float(n)) for n in range(1, 11)]
    built = build(bare(rfm=Rfm("purchase")), shop(rows), "01-21")
    scores = dict(built.select("customer", "rfm_monetary_score").rows())
    assert [scores[f"c{n}"] for n in range(1, 11)] == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    # All were there on one day: nobody is more recent than anybody.
    assert set(built["rfm_recency_score"]) == {1.0}


def test_the_more_recent_have_the_higher_recency_score(sale, shop, bare, build):
    rows = [sale(f"c{n}", f"01-{n:02d}") for n in range(1, 6)]
    built = build(bare(rfm=Rfm("purchase")), shop(rows), "01-21")
    assert built["rfm_recency_score"].to_list() == [1, 2, 3, 4, 5]


def test_the_pace_says_how_many_active_days_the_silence_would_have_held(
    sale, shop, bare, build, value
):
    rows = [sale("a", f"01-{day:02d}") for day in (1, 3, 5, 7, 9)] + [sale("b", "01-19")]
    built = build(bare(rfm=Rfm("purchase", pace_days=10)), shop(rows), "01-19")
    # Of the ten days from 9 January one was active; silent for ten.
    assert value(built, "a", "rfm_recency_to_pace") == pytest.approx(10 * 1 / 10)
    late = build(bare(rfm=Rfm("purchase", pace_days=90)), shop(rows), "01-19")
    assert value(late, "a", "rfm_recency_to_pace") == pytest.approx(10 * 5 / 18)  # 18 days observed


def test_days_before_the_window_do_not_count(sale, shop, bare, build):
    snapshot = shop([sale("a", "01-01", 9.0), sale("a", "01-20", 1.0)])
    built = build(bare(rfm=Rfm("purchase", window_days=7)), snapshot, "01-21")
    assert built.select("rfm_monetary", "rfm_tenure_days").rows() == [(1.0, 1.0)]
