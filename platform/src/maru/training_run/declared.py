"""The task of a project, held against its project.yaml."""

from collections.abc import Iterator

from maru.models.task import Task
from maru.project import FolderError, Problem, Project
from maru.project.folder import assigned_line

SAID_TWICE = ("entity", "horizon_days")
"""What both say: the mart is built for the one and labelled by the other."""


def declared_task(project: Project) -> Task:
    """Return the task of pipeline.py.

    Raises
    ------
    ProjectError
        If there is none, or its entity or horizon is not that of project.yaml.
    """
    task = project.declared("pipeline", "TASK", Task)
    if problems := list(disagreements(project, task)):
        raise FolderError(problems)
    return task


def disagreements(project: Project, task: Task) -> Iterator[Problem]:
    """Yield what the task and project.yaml say differently."""
    file = project.folder / "pipeline.py"
    for key in SAID_TWICE:
        ours, theirs = getattr(task, key), getattr(project.spec, key)
        if ours != theirs:
            said = f"`TASK` has {key} {ours}, project.yaml says {theirs}; make them equal"
            yield Problem(file, assigned_line(file, "TASK"), said)
