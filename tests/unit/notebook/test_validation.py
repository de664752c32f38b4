import datetime as dt
from dataclasses import replace

import pytest

from maru.errors import ModelError
from maru.models.task import BackTestOrigins, Task, TrainingOrigins
from maru.notebook.validation import first_test_day, validation_origins

NEWEST = dt.date(2025, 9, 28)
D = dt.date


@pytest.fixture
def task(p) -> Task:
    # Labels of 14 days, three test origins, training from 15 February on.
    return p._followed.project().declared("pipeline", "TASK", Task)


def test_the_months_before_the_test_origins_are_taken(task: Task):
    assert first_test_day(task, NEWEST) == D(2025, 7, 1)
    assert validation_origins(task, "shop", newest=NEWEST, asked=None, months=2) == [
        D(2025, 5, 1),
        D(2025, 6, 1),
    ]


def test_as_many_months_as_there_are_training_rows_for(task: Task):
    found = validation_origins(task, "shop", newest=NEWEST, asked=None, months=12)
    assert found == [D(2025, month, 1) for month in (3, 4, 5, 6)]


def test_days_asked_for_are_sorted(task: Task):
    asked = [D(2025, 6, 17), D(2025, 5, 3), D(2025, 5, 3)]
    found = validation_origins(task, "shop", newest=NEWEST, asked=asked, months=3)
    assert found == [D(2025, 5, 3), D(2025, 6, 17)]


@pytest.mark.parametrize("origin", [D(2025, 7, 1), D(2025, 7, 15), D(2025, 9, 1)])
def test_a_test_origin_is_refused_with_the_command_that_looks(task: Task, origin: dt.date):
    words = f"{origin} is a test origin.*up to 2025-06-17.*docs/evaluations.md: maru backtest shop"
    with pytest.raises(ModelError, match=words):
        validation_origins(task, "shop", newest=NEWEST, asked=[origin], months=3)


def test_a_day_whose_label_reaches_into_the_test_is_refused(task: Task):
    with pytest.raises(ModelError, match="2025-06-18 is too late: its label ends after 2025-07-01"):
        validation_origins(task, "shop", newest=NEWEST, asked=[D(2025, 6, 18)], months=3)


def test_a_task_may_say_from_when_on_it_tests(task: Task):
    kept = replace(task, back_test=BackTestOrigins(3, test_from=D(2025, 6, 1)))
    assert first_test_day(kept, NEWEST) == D(2025, 6, 1)
    assert first_test_day(kept, D(2025, 5, 20)) == D(2025, 5, 20)
    found = validation_origins(kept, "shop", newest=NEWEST, asked=None, months=1)
    assert found == [D(2025, 5, 1)]
    with pytest.raises(ModelError, match="2025-05-20 is too late: its label ends after 2025-06-01"):
        validation_origins(kept, "shop", newest=NEWEST, asked=[D(2025, 5, 20)], months=1)


def test_without_test_origins_only_unknown_labels_are_refused(task: Task):
    without = replace(task, back_test=BackTestOrigins(0))
    found = validation_origins(without, "shop", newest=NEWEST, asked=None, months=2)
    assert found == [D(2025, 8, 1), D(2025, 9, 1)]


def test_no_month_left_is_said(task: Task):
    late = replace(task, training=TrainingOrigins(D(2025, 6, 10)))
    with pytest.raises(ModelError, match="shop has no month to evaluate on: training starts on"):
        validation_origins(late, "shop", newest=NEWEST, asked=None, months=3)
