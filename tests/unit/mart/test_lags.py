"""Single days, weeks and months are counted back from the day; a short block is null."""

import pytest


@pytest.fixture
def built(sale, shop, bare, build):
    rows = [
        sale("a", "02-28", 1.0),
        sale("a", "02-27", 2.0),
        sale("a", "02-22", 4.0),  # the last day of week 1
        sale("a", "02-21", 8.0),  # the first of week 2
        sale("a", "01-30", 16.0),  # the 30th day before: the last of month 1
        sale("a", "01-29", 32.0),  # month 2
        sale("z", "01-10", 1.0),  # the history has 50 days: no whole month 2
    ]
    return build(bare(days=3, weeks=2, months=2), shop(rows), "03-01")


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ("purchase_sum_day_1", 1),
        ("purchase_sum_day_2", 2),
        ("purchase_sum_day_3", 0),
        ("purchase_count_day_1", 1),
        ("purchase_sum_week_1", 7),
        ("purchase_sum_week_2", 8),
        ("purchase_count_week_1", 3),
        ("purchase_sum_month_1", 31),
        ("purchase_sum_month_2", None),
        ("purchase_count_month_2", None),
    ],
)
def test_values_worked_by_hand(built, value, column, expected):
    assert value(built, "a", column) == expected


def test_a_block_is_whole_from_the_day_on_that_the_history_reaches_it(sale, shop, bare, build):
    snapshot = shop([sale("a", "01-01", 1.0), sale("a", "01-08", 2.0)])
    mart = bare(weeks=2)
    assert build(mart, snapshot, "01-14")["purchase_sum_week_2"].to_list() == [None]
    assert build(mart, snapshot, "01-15")["purchase_sum_week_2"].to_list() == [1.0]


def test_only_the_lagged_act_types_have_lags(sale, shop, bare, build):
    from maru.mart import ActType

    acts = (ActType("one", "sales"), ActType("two", "sales"))
    built = build(
        bare(act_types=acts, days=1, lagged=("two",)), shop([sale("a", "01-01")]), "01-03"
    )
    assert [name for name in built.columns if "_day_" in name] == ["two_count_day_1"]
