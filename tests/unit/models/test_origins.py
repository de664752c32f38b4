"""Training and test days."""

import datetime as dt
from dataclasses import replace

import pytest

from maru.errors import ModelError
from maru.models.origins import back_test_origins, next_month, test_days, training_days
from maru.models.task import BackTestOrigins, TrainingOrigins

test_days.__test__ = False  # a function of maru, whose name pytest would collect

D = dt.date
FIRST = D(2026, 2, 1)


def with_origins(task, **arguments):
    return replace(task, training=TrainingOrigins(FIRST, **arguments))


def test_days_from_the_first_on_end_where_labels_have_matured(task, planted):
    days = training_days(with_origins(task, step_days=10), planted, D(2026, 4, 2))
    assert days == [D(2026, 2, 1), D(2026, 2, 11), D(2026, 2, 21), D(2026, 3, 3)]
    before = training_days(with_origins(task, step_days=10), planted, D(2026, 4, 1))
    assert before == days[:-1]


def test_days_back_from_the_newest_always_use_the_newest(task, planted):
    origins = with_origins(task, step_days=10, anchor="newest")
    days = training_days(origins, planted, D(2026, 4, 1))
    assert days == [D(2026, 2, 10), D(2026, 2, 20), D(2026, 3, 2)]


def test_no_label_of_a_training_day_reaches_as_of(task, planted):
    for step in (1, 7, 13):
        for anchor in ("first", "newest"):
            origins = with_origins(task, step_days=step, anchor=anchor)
            days = training_days(origins, planted, D(2026, 5, 5))
            assert max(days) + dt.timedelta(30) <= D(2026, 5, 5)
            assert min(days) >= FIRST


def test_too_early_a_day_is_refused_with_the_first_possible_one(task, planted):
    with pytest.raises(ModelError, match="as_of must be 2026-03-03 or later, got 2026-03-02"):
        training_days(with_origins(task), planted, D(2026, 3, 2))


def test_back_test_origins_are_the_newest_matured_firsts_of_a_month(task):
    assert back_test_origins(task, D(2026, 7, 31)) == [D(2026, 6, 1), D(2026, 7, 1)]
    assert back_test_origins(task, D(2026, 7, 30)) == [D(2026, 5, 1), D(2026, 6, 1)]
    many = replace(with_origins(task), back_test=BackTestOrigins(12))
    # Before 3 March not even the first training day has matured.
    assert back_test_origins(many, D(2026, 7, 31))[0] == D(2026, 4, 1)


def test_a_panel_is_tested_on_the_origin_itself(task, planted):
    days = test_days(task, planted, D(2026, 6, 1), until=D(2026, 7, 1), as_of=D(2026, 8, 1))
    assert days == [D(2026, 6, 1)]


def test_next_month_of_december_is_january():
    assert next_month(D(2026, 12, 1)) == D(2027, 1, 1)
    assert next_month(D(2026, 1, 31)) == D(2026, 2, 1)


def test_at_most_keeps_the_newest_days(task, planted):
    days = training_days(with_origins(task, step_days=10, at_most=2), planted, D(2026, 4, 2))
    assert days == [D(2026, 2, 21), D(2026, 3, 3)]
