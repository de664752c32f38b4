"""Which origins of a back test are looks."""

from dataclasses import replace
from datetime import date

from maru.models.task import Task
from maru.project import load_project
from maru.training_run.looks import kept_for_testing


def test_only_origins_from_the_tasks_first_test_day_are_looks(finished_shop):
    shop, _ = finished_shop
    task = load_project(shop.root, "shop").declared("pipeline", "TASK", Task)
    days = [date(2025, month, 1) for month in (6, 7, 8)]
    assert kept_for_testing(task, days) == days
    later = replace(task, back_test=replace(task.back_test, test_from=date(2025, 7, 1)))
    assert kept_for_testing(later, days) == days[1:]
