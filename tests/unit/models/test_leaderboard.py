"""The leaderboard, the best naive row, and the interval of a gain."""

import datetime as dt
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from maru.models.leaderboard import (
    best_naive,
    gain_interval,
    label_column,
    leaderboard,
    naive_column,
)

D = dt.date
ORIGINS = [D(2026, 5, 1), D(2026, 6, 1)]


def predictions(actual, **columns):
    """Return the predictions of ``len(actual) / 2`` customers at two origins."""
    half = len(actual) // 2
    return pl.DataFrame(
        {
            "origin": [ORIGINS[0]] * half + [ORIGINS[1]] * half,
            "customer": [f"c{i}" for i in range(half)] * 2,
            "label": actual,
            "label_payer": [float(a > 0) for a in actual],
            **columns,
        }
    )


@pytest.fixture
def two(task):
    """Return a task of one amount head and two naive rows, with its predictions."""
    amount = replace(task.targets[0], naive=task.targets[0].naive[:2])
    small = replace(task, targets=(amount,), heads=task.heads[1:], origin_positives=1)
    frame = predictions(
        [10.0, 0.0, 20.0, 0.0],
        typical=[8.0, 0.0, 20.0, 4.0],
        expected=[9.0, 1.0, 19.0, 1.0],
        **{"amount:zero": [0.0] * 4, "amount:mean": [5.0] * 4},
    )
    return small, frame


def test_rows_of_each_origin_and_their_mean_worked_by_hand(two):
    board = leaderboard(*two, variants=["expected"])
    typical = board.filter(pl.col("row") == "typical")
    assert typical["mae"].to_list() == [1.0, 2.0, 1.5]
    assert typical["origin"].to_list() == [*ORIGINS, None]
    assert typical["role"].to_list() == ["head"] * 3
    assert typical["total_ratio"].to_list() == pytest.approx([0.8, 1.2, 1.0])
    assert set(board.filter(pl.col("row") == "expected")["role"]) == {"variant"}
    assert set(board.filter(pl.col("role") == "naive")["row"]) == {"zero", "mean"}


def test_an_origin_of_few_positives_is_shown_but_does_not_enter_the_mean(two):
    task, frame = two
    frame = frame.with_columns(
        label=pl.Series([10.0, 5.0, 0.0, 0.0]), typical=pl.Series([8.0, 5.0, 9.0, 9.0])
    )
    board = leaderboard(replace(task, origin_positives=2), frame)
    typical = board.filter(pl.col("row") == "typical")
    assert typical["mae"].to_list() == [1.0, 9.0, 1.0]


def test_where_every_origin_has_few_positives_all_enter_the_mean(two):
    task, frame = two
    board = leaderboard(replace(task, origin_positives=99), frame)
    assert board.filter(pl.col("row") == "typical")["mae"].to_list() == [1.0, 2.0, 1.5]


def test_metrics_that_do_not_apply_are_null(two):
    board = leaderboard(*two)
    zero = board.filter(pl.col("row") == "zero")
    assert zero["spearman"].to_list() == [None, None, None]
    assert zero["brier"].null_count() == 3


def test_the_best_naive_row_by_metric(two):
    board = leaderboard(*two)
    # Zero errs by 5 and 10, the mean by 5 and 10 too, but by its squares less.
    assert best_naive(board, "amount", "rmse", lower_is_better=True) == "mean"
    assert best_naive(board, "amount", "total_ratio", lower_is_better=False) == "mean"


def test_heads_that_the_predictions_lack_are_left_out(two):
    task, frame = two
    assert "expected" not in leaderboard(task, frame.drop("expected"))["row"].to_list()


def test_columns_are_named_after_targets(task):
    assert label_column(task, "amount") == "label"
    assert label_column(task, "payer") == "label_payer"
    assert naive_column("payer", "recency") == "payer:recency"


def gain(task, actual, head, naive, metric="mae"):
    frame = predictions(actual, typical=head, **{"amount:mean": naive})
    return gain_interval(task, frame, head="typical", versus="mean", metric=metric)


def test_a_gain_worked_by_hand(task):
    found = gain(task, [10.0, 10.0, 10.0, 10.0], [9.0, 9.0, 8.0, 8.0], [6.0, 6.0, 6.0, 6.0])
    # Mean errors over the origins: 1.5 against 4, whoever is drawn.
    assert found == pytest.approx((0.625, 0.625, 0.625))


@pytest.mark.parametrize("metric", ["mae", "rmse"])
def test_the_interval_of_no_difference_holds_zero(task, metric):
    generator = np.random.default_rng(1)
    actual = generator.gamma(2.0, 10.0, 2000)
    head, naive = (actual + generator.normal(0, 5, 2000) for _ in range(2))
    _, low, high = gain(task, actual.tolist(), head, naive, metric)
    assert low < 0 < high


def test_the_interval_of_a_clear_gain_does_not_hold_zero(task):
    generator = np.random.default_rng(1)
    actual = generator.gamma(2.0, 10.0, 2000)
    head, naive = (actual + generator.normal(0, scale, 2000) for scale in (4, 5))
    found, low, high = gain(task, actual.tolist(), head, naive)
    assert 0 < low < found < high
    assert found == pytest.approx(0.2, abs=0.05)


def test_the_same_seed_draws_the_same_interval(task):
    actual = np.random.default_rng(1).gamma(2.0, 10.0, 100).tolist()
    assert gain(task, actual, [5.0] * 100, [9.0] * 100) == gain(
        task, actual, [5.0] * 100, [9.0] * 100
    )
