"""The largest days, and what is left without them."""

import numpy as np
import pytest

from maru.mart import TopDays
from maru.mart.day_rows import DayRows
from maru.mart.top_days import day_ranks

SPEC = TopDays(("purchase",), windows=(30,), counts=(1, 2, 9))


@pytest.fixture
def built(sale, shop, bare, build):
    rows = [
        sale("a", "01-01", 100.0),  # before the window
        sale("a", "02-10", 5.0),
        sale("a", "02-10", 4.0),  # a day of 9
        sale("a", "02-11", 7.0),
        sale("a", "02-12", 1.0),
        sale("b", "02-01", 0.0),
    ]
    return build(bare(top_days=SPEC), shop(rows), "03-01")


@pytest.mark.parametrize(
    ("count", "top", "rest"), [(1, 9, 8), (2, 16, 1), (9, 17, 0)], ids=["one", "two", "all"]
)
def test_values_worked_by_hand(built, value, count, top, rest):
    assert value(built, "a", f"purchase_sum_top_{count}_30d") == top
    assert value(built, "a", f"purchase_sum_but_top_{count}_30d") == rest
    assert value(built, "b", f"purchase_sum_top_{count}_30d") == 0


def test_ranks_begin_anew_with_each_entity_and_ties_go_to_the_earlier_day():
    entity, day = np.array([0, 1, 0, 1, 0]), np.array([1, 1, 2, 2, 3])
    total = np.array([5, 9, 5, 10, 7])
    rows = DayRows(entity, day, np.ones(5, np.int64), total, total)
    assert day_ranks(rows).tolist() == [1, 1, 2, 0, 0]
