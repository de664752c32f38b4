"""What of a back test is a look at origins that the task keeps for testing, written down at once.

A number that a person has seen is a look, whatever becomes of the run afterwards. So the look
stands in docs/evaluations.md before the number is shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from maru.models.task import Task
from maru.training_run.evaluations import Look, append, board_digest
from maru.training_run.run import Plan
from maru.workspace import Workspace


@dataclass(frozen=True)
class Seen:
    """A result at test origins: the leaderboard and its main numbers in words."""

    origins: Sequence[date]
    board: pl.DataFrame
    said: Sequence[str]


def record_look(workspace: Workspace, plan: Plan, task: Task, seen: Seen, *, by: str) -> bool:
    """Write a look into docs/evaluations.md; say whether it was a new one.

    ``by`` names the command. Origins that are not kept for testing are no look.
    """
    looked_at = kept_for_testing(task, seen.origins)
    if not looked_at:
        return False
    look = Look(
        on=plan.started_on,
        project=plan.project,
        by=by,
        commit=plan.source.commit,
        dirty=plan.source.dirty,
        code=plan.training,
        origins=looked_at,
        said=seen.said,
        result_digest=board_digest(seen.board),
    )
    return append(workspace.evaluations, look, workspace.home / "evaluations.lock")


def kept_for_testing(task: Task, origins: Sequence[date]) -> list[date]:
    """Return the origins that the task keeps for testing; all of them where it doesn't say."""
    first = task.back_test.test_from
    return [day for day in origins if first is None or day >= first]
