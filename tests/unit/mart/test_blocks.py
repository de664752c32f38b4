"""Statistics over whole blocks of days before the day."""

import numpy as np
import pytest

from maru.mart import Blocks
from maru.mart.blocks import STATISTICS, block_bounds, statistic

VALUES = np.array([[4.0, 0.0, 1.0, 9.0], [2.0, 2.0, 2.0, 2.0]])  # the latest block first


@pytest.mark.parametrize(
    ("name", "first", "second"),
    [
        ("median", 2.5, 2),
        ("quarter", 0.75, 2),
        ("three_quarters", 5.25, 2),
        ("mean", 3.5, 2),
        ("min", 0, 2),
        ("max", 9, 2),
        ("std", np.std([4, 0, 1, 9], ddof=1), 0),
        ("zero_share", 0.25, 0),
        ("trimmed_mean", 2.5, 2),
        ("root_mean", ((2 + 0 + 1 + 3) / 4) ** 2, 2),
        # From old to new 9, 1, 0, 4: slope of least squares.
        ("slope", np.polyfit([0, 1, 2, 3], [9, 1, 0, 4], 1)[0], 0),
    ],
)
def test_statistics_worked_by_hand(name, first, second):
    assert statistic(VALUES, name) == pytest.approx([first, second])


@pytest.mark.parametrize("name", STATISTICS)
def test_without_blocks_every_statistic_is_null(name):
    assert np.isnan(statistic(np.empty((2, 0)), name)).all()


def test_blocks_lie_in_reach_and_in_the_history():
    weeks = Blocks("week", length=7, within_days=28)
    assert block_bounds(weeks, 365) == [(0, 7), (7, 14), (14, 21), (21, 28)]
    assert block_bounds(weeks, 20) == [(0, 7), (7, 14)]
    assert block_bounds(weeks, 6) == []


def test_blocks_may_overlap():
    rolling = Blocks("rolling", length=30, step=5, within_days=40)
    assert block_bounds(rolling, 365) == [(0, 30), (5, 35), (10, 40)]


def test_blocks_of_a_shop(sale, shop, bare, build, value):
    rows = [sale("a", "01-14", 10.0), sale("a", "01-07", 4.0), sale("b", "01-01", 1.0)]
    weeks = Blocks("week", 7, 21, statistics=("median", "zero_share", "slope"))
    built = build(bare(blocks=(weeks,)), shop(rows), "01-15")
    # Two whole weeks: 8 to 14 January, 1 to 7 January.
    assert value(built, "a", "purchase_week_median") == 7
    assert value(built, "a", "purchase_week_slope") == 6
    assert value(built, "b", "purchase_week_zero_share") == 0.5
