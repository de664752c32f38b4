"""The naive rows."""

import numpy as np
import pytest

from maru.models.naive import ByColumn, Mean, Past, Zero, recency

LABEL = np.array([0.0, 4.0, 8.0])
NOTHING = {"": LABEL}


def test_zero_and_mean_worked_by_hand():
    assert Zero().answer(NOTHING, LABEL, NOTHING).tolist() == [0.0, 0.0, 0.0]
    assert Mean().answer(NOTHING, LABEL, NOTHING).tolist() == [4.0, 4.0, 4.0]


def test_a_past_window_is_brought_to_the_horizon():
    rule = Past("last_90_days", "sum_90d", 90)
    test = {"": LABEL, "sum_90d": np.array([90.0, np.nan, 45.0])}
    assert rule.answer(NOTHING, LABEL, test).tolist() == [30.0, 0.0, 15.0]


def test_a_past_window_longer_than_the_history_is_divided_by_the_days_observed():
    rule = Past("last_90_days", "sum_90d", 90, observed="observed_90d")
    test = {"": LABEL, "sum_90d": np.array([90.0] * 3), "observed_90d": np.array([90.0, 45.0, 0.0])}
    assert rule.answer(NOTHING, LABEL, test).tolist() == [30.0, 60.0, 2700.0]
    assert rule.columns == ("sum_90d", "observed_90d")


def test_recency_learns_that_the_more_recent_buy_more():
    training = {"": LABEL, "days_since": np.array([1.0, 2.0, 30.0, np.nan])}
    label = np.array([10.0, 6.0, 2.0, 0.0])
    test = {"": LABEL, "days_since": np.array([1.0, 30.0, np.nan])}
    answered = recency("days_since").answer(training, label, test)
    assert answered == pytest.approx([10.0, 2.0, 0.0], abs=1e-6)


def test_rows_that_the_regression_puts_level_keep_the_order_of_the_column():
    training = {"": LABEL, "days_since": np.array([1.0, 2.0, 3.0])}
    label = np.array([5.0, 5.0, 5.0])
    answered = recency("days_since").answer(training, label, training)
    assert answered == pytest.approx([5.0, 5.0, 5.0], abs=1e-6)
    assert (np.diff(answered) < 0).all()


def test_a_rising_rule_counts_null_as_nothing():
    rule = ByColumn("last_campaign", "redeemed", rising=True)
    training = {"": LABEL, "redeemed": np.array([0.0, 1.0, 0.0, 1.0])}
    answered = rule.answer(
        training, np.array([0.0, 1.0, 0.0, 0.0]), {"": LABEL, "redeemed": np.array([np.nan, 1.0])}
    )
    assert answered == pytest.approx([0.0, 0.5], abs=1e-6)
