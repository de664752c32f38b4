"""Thresholds for a target recall."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maru.errors import ModelError
from maru.models.thresholds import Threshold, resolve, threshold_for_recall, threshold_table

ACTUAL = np.array([1.0, 0.0, 1.0, 0.0, 1.0])
PROBABILITY = np.array([0.9, 0.8, 0.7, 0.2, 0.1])
CURVES = {"schema": 1, "heads": {"probability": threshold_table(ACTUAL, PROBABILITY)}}


def test_table_worked_by_hand():
    rows = {row["threshold"]: row for row in threshold_table(ACTUAL, PROBABILITY)}
    # At 0.7 three rows are flagged, two of them of the three positives.
    at = rows[0.7]
    assert at["recall"] == pytest.approx(2 / 3)
    assert at["precision"] == pytest.approx(2 / 3)
    assert at["flagged_share"] == pytest.approx(3 / 5)


def test_the_first_row_misses_no_positive():
    assert threshold_table(ACTUAL, PROBABILITY)[0]["recall"] == 1.0


@pytest.mark.parametrize(("recall", "at_least"), [(1.0, 0.1), (0.6, 0.7), (0.3, 0.9)])
def test_a_target_recall_takes_the_highest_threshold_that_reaches_it(recall, at_least):
    resolved = resolve([Threshold("is_payer", "probability", target_recall=recall)], CURVES)
    assert resolved == [{"name": "is_payer", "head": "probability", "at_least": at_least}]


def test_a_fixed_threshold_is_taken_as_it_is():
    resolved = resolve([Threshold("likely", "probability", at=0.35)], CURVES)
    assert resolved[0]["at_least"] == 0.35


@given(
    st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=2, max_size=400),
    st.floats(0.01, 1.0),
)
def test_the_resolved_threshold_reaches_its_recall(rows, target):
    actual = np.array([float(positive) for positive, _ in rows])
    actual[0] = 1.0
    probability = np.array([p for _, p in rows])
    at_least = threshold_for_recall(threshold_table(actual, probability), target)
    assert (probability[actual > 0] >= at_least).mean() >= target - 1e-12


def test_a_long_curve_is_tabulated_in_few_rows():
    generator = np.random.default_rng(1)
    actual = (generator.random(5000) < 0.3).astype(float)
    assert len(threshold_table(actual, generator.random(5000))) <= 201


def test_unknown_heads_and_repeated_names_are_refused():
    with pytest.raises(ModelError, match="reads head other, which is no probability head"):
        resolve([Threshold("is_payer", "other", at=0.5)], CURVES)
    twice = [Threshold("is_payer", "probability", at=0.5)] * 2
    with pytest.raises(ModelError, match="\\['is_payer'\\] stand twice"):
        resolve(twice, CURVES)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({}, "one of target_recall and at"),
        ({"at": 0.5, "target_recall": 0.5}, "one of target_recall and at"),
        ({"at": 1.5}, "at must be in \\[0, 1\\], got 1.5"),
        ({"target_recall": 0.0}, "target_recall must be in \\(0, 1\\], got 0.0"),
    ],
)
def test_a_threshold_that_says_nothing_sensible_is_refused(arguments, text):
    with pytest.raises(ModelError, match=text):
        Threshold("is_payer", "probability", **arguments)
