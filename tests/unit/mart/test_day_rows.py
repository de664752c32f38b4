"""Day rows: the small table, and sums over it that lose nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maru.mart.day_rows import DayRows, WindowSums, block_sums, divide, last_day


def rows_of(*rows: tuple[int, int, int], scale: int = 1) -> DayRows:
    """Return rows of (entity, day, total) in days' order, one event each."""
    listed = sorted(rows, key=lambda row: (row[1], row[0]))
    entity, day, total = (np.array([row[i] for row in listed], np.int64) for i in range(3))
    return DayRows(entity, day, np.ones_like(day), total, total, scale)


def test_windows_are_half_open():
    sums = WindowSums(rows_of((0, 10, 1), (0, 9, 2), (0, 3, 4), (0, 2, 8)), 10, (1, 7, 8), 2)
    assert sums.amount[0].tolist() == [2, 6, 14]  # day 10 itself does not count
    assert sums.amount[1].tolist() == [0, 0, 0]


def test_the_largest_carries_over_to_longer_windows():
    sums = WindowSums(rows_of((0, 9, 5), (0, 5, 3)), 10, (1, 5, 7), 2)
    assert sums.top[0].tolist() == [5, 5, 5]
    assert np.isnan(sums.top[1]).all()


def test_blocks_are_differences_of_windows():
    rows = rows_of((0, 9, 1), (0, 8, 2), (0, 7, 4), (0, 1, 8))
    events, amounts = block_sums(rows, 10, [(0, 2), (1, 3), (5, 9)], 1)
    assert amounts.tolist() == [[3, 6, 8]]
    assert events.tolist() == [[2, 2, 1]]


def test_the_last_day_is_before_the_day():
    rows = rows_of((0, 3, 1), (0, 7, 1), (0, 10, 1), (1, 10, 1))
    found = last_day(rows, 10, 3)
    assert found[0] == 7
    assert np.isnan(found[1:]).all()


def test_dividing_by_zero_gives_null():
    assert divide(np.array([1.0, 0.0]), np.array([2.0, 0.0])).tolist()[0] == 0.5
    assert np.isnan(divide(np.array([1.0]), 0.0)).all()


@given(
    rows=st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 30), st.integers(0, 10**12)),
        unique_by=lambda row: row[:2],
        max_size=20,
    ),
    windows=st.sets(st.integers(1, 31), min_size=1, max_size=4),
)
def test_sums_of_whole_numbers_are_exact(rows, windows):
    edges = tuple(sorted(windows))
    sums = WindowSums(rows_of(*rows, scale=1), 31, edges, 3)
    for place, window in enumerate(edges):
        for entity in range(3):
            mine = [n for who, day, n in rows if who == entity and 31 - window <= day < 31]
            assert sums.totals[entity, place] == sum(mine)
            assert sums.days[entity, place] == len(mine)
            top = sums.top[entity, place]
            assert top == max(mine) if mine else np.isnan(top)


@pytest.mark.parametrize("scale", [1, 100, 1_000_000])
def test_amounts_are_totals_over_the_scale(scale):
    sums = WindowSums(rows_of((0, 9, 30), scale=scale), 10, (7,), 1)
    assert sums.amount.tolist() == [[30 / scale]]
    assert sums.top.tolist() == [[30 / scale]]
