"""What pipeline.py and thresholds.py declare: a task that fits the tables, a pipeline of steps."""

import inspect
from collections.abc import Collection, Iterator
from graphlib import TopologicalSorter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from kfp.dsl.graph_component import GraphComponent

from maru.adapters.pipeline_runner import compile_pipeline
from maru.folder_check.features_file import act_problems, planned_columns, unknown_columns
from maru.folder_check.source_lines import line_of
from maru.mart import Mart
from maru.models.task import ControlGuard, Task
from maru.models.thresholds import Threshold
from maru.project import Problem, Project
from maru.project.problems import nearest
from maru.tables.snapshot import Snapshot
from maru.training_run.declared import disagreements

PARAMETERS = ("project", "run")
LABEL_ACTS = ("act", "first", "second")


def task_problems(
    project: Project, task: Task, judged: Collection[Any], snapshot: Snapshot
) -> Iterator[Problem]:
    """Yield what is wrong with a training task over the tables of ``snapshot``.

    ``judged`` are the act types of the mart: a label may use them, and they are judged there.
    """
    file = project.folder / "pipeline.py"
    yield from disagreements(project, task)
    for target in task.targets:
        where = line_of(file, "Target", target.name)
        for key in LABEL_ACTS:
            act = getattr(target.label, key, None)
            if act is None or act in judged:
                continue
            for said in act_problems(act, task.entity, snapshot):
                yield Problem(file, where, f"target {target.name}: {said}")
    yield from _of_guard(file, task.guard, snapshot)


def column_problems(project: Project, task: Task, mart: Mart) -> Iterator[Problem]:
    """Yield each column that a task names and the mart does not make."""
    file = project.folder / "pipeline.py"
    for name in unknown_columns(mart, _read_columns(task)):
        meant = nearest(name, [column.name for column in planned_columns(mart)])
        hint = f"; did you mean `{meant}`?" if meant else ""
        said = f"the mart has no column `{name}`{hint}"
        yield Problem(file, line_of(file, "Screening", name), said)


def _read_columns(task: Task) -> Iterator[str]:
    """Yield the mart columns that a task names."""
    of_units = task.unit_features.columns if task.unit_features else ()
    named = [*(task.screening.always if task.screening else ()), *task.monotone]
    for head in task.heads:
        for member in head.members:
            named += member.columns or ()
            named += [member.transform.column] if member.transform.column else []
    for target in task.targets:
        for rule in target.naive:
            named += rule.columns
    yield from (name for name in named if name not in of_units)


def _of_guard(file: Path, guard: ControlGuard | None, snapshot: Snapshot) -> Iterator[Problem]:
    if guard is not None:
        where = line_of(file, "ControlGuard", guard.table)
        if guard.table not in snapshot.tables:
            yield Problem(file, where, f"the guard names table {guard.table}, which data.py lacks")
        else:
            types = snapshot.infos[guard.table].types
            for column in (guard.start, guard.end):
                if types.get(column) != "date":
                    said = f"the guard needs a date column {column} in table {guard.table}"
                    yield Problem(file, where, f"{said}; it has {', '.join(types)}")


def pipeline_problems(project: Project, pipeline: GraphComponent) -> Iterator[Problem]:
    """Yield why a pipeline can't be compiled by KFP or started by ``maru run``."""
    file = project.folder / "pipeline.py"
    place = _pipeline_line(pipeline)
    inputs = pipeline.component_spec.inputs or {}
    for name in PARAMETERS:
        if name not in inputs:
            write = "write `def pipeline(project: str, run: str)`"
            said = f"`pipeline` lacks the parameter {name}; {write}"
            yield Problem(file, place, said)
    for name, found in inputs.items():
        if name not in PARAMETERS and found.default is None and not found.optional:
            said = (
                f"`pipeline` has a parameter {name} that maru run does not know; give it a default"
            )
            yield Problem(file, place, said)
    try:
        with TemporaryDirectory() as folder:
            compile_pipeline(pipeline, Path(folder) / "pipeline.yaml")
    except Exception as error:  # KFP has no class of its own for a bad pipeline
        said = " ".join(str(error).split())
        yield Problem(file, place, f"KFP can't compile `pipeline`, {type(error).__name__}: {said}")


def steps(pipeline: GraphComponent) -> list[str]:
    """Return the names of a pipeline's steps, each after those that it waits for."""
    tasks = pipeline.pipeline_spec.root.dag.tasks
    waits = {name: sorted(tasks[name].dependent_tasks) for name in sorted(tasks)}
    return list(TopologicalSorter(waits).static_order())


def threshold_problems(project: Project, found: Any, task: Task) -> Iterator[Problem]:
    """Yield what is wrong with the thresholds of thresholds.py."""
    file = project.folder / "thresholds.py"
    events = {t.name for t in task.targets if t.kind == "event"}
    heads = {head.name: head.target in events for head in task.heads}
    taken: set[str] = set(heads)
    for threshold in found:
        if not isinstance(threshold, Threshold):
            got = type(threshold).__name__
            yield Problem(file, None, f"`THRESHOLDS` must hold thresholds only, got a {got}")
            continue
        place = line_of(file, "Threshold", threshold.name)
        about = f"threshold {threshold.name}"
        if threshold.head not in heads:
            meant = nearest(threshold.head, heads)
            hint = f"did you mean `{meant}`?" if meant else f"there are {', '.join(heads)}"
            yield Problem(file, place, f"{about}: there is no head `{threshold.head}`; {hint}")
        elif not heads[threshold.head]:
            said = f"{about}: head {threshold.head} is an amount; only an event has a threshold"
            yield Problem(file, place, said)
        if threshold.name in taken:
            said = f"{about}: the name is taken by a head or another threshold; choose another"
            yield Problem(file, place, said)
        taken.add(threshold.name)


def _pipeline_line(pipeline: GraphComponent) -> int | None:
    try:
        return inspect.getsourcelines(pipeline.pipeline_func)[1]
    except (OSError, TypeError):
        return None
