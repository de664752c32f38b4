"""Each metric worked by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maru.models.evaluation import (
    calibration_error,
    decile_lift,
    measure,
    spearman,
    top_decile_capture,
)

ACTUAL = np.array([0.0, 0.0, 10.0, 90.0])
PREDICTED = np.array([0.0, 10.0, 30.0, 50.0])


@pytest.fixture
def amounts():
    return measure(ACTUAL, PREDICTED, kind="amount", mape_offset=10.0)


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        ("mae", (0 + 10 + 20 + 40) / 4),
        ("rmse", math.sqrt((0 + 100 + 400 + 1600) / 4)),
        ("mape", (0 + 10 / 10 + 20 / 20 + 40 / 100) / 4),
        # Ranks 1.5 1.5 3 4 against 1 2 3 4.
        ("spearman", 4.5 / math.sqrt(4.5 * 5.0)),
        ("share_near_zero", 1 / 4),
        ("total_ratio", 90 / 100),
        ("mae_payers", 30.0),
        ("mae_non_payers", 5.0),
        # The tenth of four rows is 0.4 row, of which the last holds 0.4 * 90 of 100.
        ("top_decile_capture", 0.36),
        ("lift_top_decile", 3.6),
        ("auc", 1.0),
        ("pr_auc", 1.0),
    ],
)
def test_amount_metrics_worked_by_hand(amounts, metric, value):
    assert amounts[metric] == pytest.approx(value)


def test_probability_metrics_worked_by_hand():
    actual = np.array([0.0, 1.0, 0.0, 1.0])
    probability = np.array([0.1, 0.4, 0.6, 0.9])
    metrics = measure(actual, probability, kind="event", mape_offset=1.0)
    # Of the four pairs of a positive and a negative, three are in order.
    assert metrics["auc"] == pytest.approx(0.75)
    # Precision at the two positives, by falling probability: 1 / 1 and 2 / 3.
    assert metrics["pr_auc"] == pytest.approx((1 + 2 / 3) / 2)
    assert metrics["brier"] == pytest.approx((0.01 + 0.36 + 0.36 + 0.01) / 4)
    # Each row is a bin of its own.
    assert metrics["calibration_error"] == pytest.approx((0.1 + 0.6 + 0.6 + 0.1) / 4)
    assert math.isnan(metrics["mae"])


def test_calibration_error_of_a_constant_is_the_gap_of_the_means():
    actual = np.array([1.0, 0.0, 0.0, 0.0])
    assert calibration_error(actual, np.full(4, 0.25)) == 0.0
    assert calibration_error(actual, np.full(4, 0.5)) == pytest.approx(0.25)


def test_a_constant_answer_captures_a_tenth_whatever_the_order():
    actual = np.zeros(20)
    actual[0] = 100.0
    assert top_decile_capture(actual, np.ones(20)) == pytest.approx(0.1)


def test_always_zero_looks_good_on_mape_alone():
    generator = np.random.default_rng(1)
    actual = np.where(generator.random(2000) < 0.4, generator.gamma(2.0, 8000.0, 2000), 0.0)
    zero = measure(actual, np.zeros(2000), kind="amount", mape_offset=1000.0)
    mean = measure(actual, np.full(2000, actual.mean()), kind="amount", mape_offset=1000.0)
    assert zero["mape"] < mean["mape"] / 4
    assert zero["rmse"] > mean["rmse"]
    assert zero["total_ratio"] == 0.0


def test_metrics_that_do_not_apply_are_nan_not_errors():
    nothing = measure(np.zeros(3), np.zeros(3), kind="amount", mape_offset=1.0)
    assert math.isnan(nothing["auc"])
    assert math.isnan(nothing["total_ratio"])
    assert math.isnan(nothing["mae_payers"])
    assert math.isnan(spearman(np.ones(3), np.arange(3.0)))
    everybody = measure(np.ones(3), np.ones(3), kind="event", mape_offset=1.0)
    assert everybody["brier"] == 0.0


def test_decile_lift_worked_by_hand():
    actual = np.zeros(20)
    actual[:2] = 1.0  # predicted highest, both positive
    actual[19] = 1.0
    lift = decile_lift(actual, np.linspace(1, 0, 20))
    assert lift["decile"].to_list() == list(range(1, 11))
    assert lift["rows"].to_list() == [2] * 10
    assert lift["lift"][0] == pytest.approx(1.0 / (3 / 20))
    assert lift["captured"][0] == pytest.approx(2 / 3)
    assert lift["captured"][9] == pytest.approx(1.0)


@given(st.lists(st.tuples(st.floats(0, 1e4), st.floats(0, 1e4)), min_size=1, max_size=60))
def test_metrics_keep_their_bounds(rows):
    actual = np.array([a for a, _ in rows])
    predicted = np.array([p for _, p in rows])
    metrics = measure(actual, predicted, kind="amount", mape_offset=10.0)
    assert metrics["mae"] <= metrics["rmse"] + 1e-9
    for name in ("share_near_zero", "top_decile_capture", "auc", "pr_auc"):
        assert math.isnan(metrics[name]) or -1e-9 <= metrics[name] <= 1 + 1e-9
