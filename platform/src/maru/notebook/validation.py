"""The months that choices are made on, and the refusal of those that are kept for the verdict.

Whoever looks at a test origin can come to a choice that fits just those months, so a notebook
evaluates on the months before them. The look itself is one command, which writes it down.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

from maru.errors import ModelError
from maru.models.origins import back_test_origins
from maru.models.task import BackTestOrigins, Task


def first_test_day(task: Task, newest: date) -> date:
    """Return the first day that is kept for testing; ``newest`` where none comes before it.

    It is the task's ``test_from``, or without one the first origin of a back test as of ``newest``.
    """
    if task.back_test.test_from is not None:
        return min(task.back_test.test_from, newest)
    return min(back_test_origins(task, newest), default=newest)


def validation_origins(
    task: Task, project: str, *, newest: date, asked: Sequence[date] | None, months: int
) -> list[date]:
    """Return the days to evaluate on, rising: their labels end before the first test origin.

    Parameters
    ----------
    newest
        The newest day that features can be for.
    asked
        Any such days; None takes the newest firsts of a month, up to ``months`` of them.

    Raises
    ------
    ModelError
        If a day asked for is a test origin or its label reaches beyond the first one, or there is
        no month to evaluate on.
    """
    test = first_test_day(task, newest)
    last = test - timedelta(task.horizon_days)
    if late := sorted(day for day in asked or () if day > last):
        what = "a test origin" if late[0] >= test else f"too late: its label ends after {test}"
        raise ModelError(
            f"{late[0]} is {what}. Test origins begin on {test}, so choose on days up to {last}. "
            f"The look at a test origin is a command, which writes it down in docs/evaluations.md: "
            f"maru backtest {project}"
        )
    if asked:
        return sorted(set(asked))
    found = back_test_origins(replace(task, back_test=BackTestOrigins(months)), test)
    if not found:
        raise ModelError(
            f"{project} has no month to evaluate on: training starts on {task.training.first}, "
            f"labels take {task.horizon_days} days, and test origins begin on {test}. "
            f"Start training earlier in pipeline.py, or wait for more days."
        )
    return found
