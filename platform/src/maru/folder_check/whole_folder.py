"""All checks of one project folder, each as far as the ones before allow."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from kfp.dsl.graph_component import GraphComponent

from maru.folder_check.data_file import contract_problems, declared_snapshot, table_problems
from maru.folder_check.features_file import mart_problems
from maru.folder_check.loose_files import (
    golden_problems,
    release_problems,
    requirements_problems,
    service_problems,
)
from maru.folder_check.pipeline_file import (
    column_problems,
    pipeline_problems,
    steps,
    task_problems,
    threshold_problems,
)
from maru.mart import ActType, Mart
from maru.models.task import Task
from maru.project import FolderError, Problem, Project, load_project
from maru.tables import Table
from maru.tables.snapshot import Snapshot

T = TypeVar("T")


@dataclass
class Findings:
    """What the checks of one folder found: problems, and facts for the summary."""

    project: str
    problems: list[Problem] = field(default_factory=list)
    facts: dict[str, str] = field(default_factory=dict)

    def add(self, problems: Iterable[Problem]) -> bool:
        """Keep the problems; say whether there were none."""
        found = list(problems)
        self.problems += found
        return not found

    def declared(self, project: Project, module: str, name: str, kind: type[T]) -> T | None:
        """Return what the folder declares, or None after keeping why it does not."""
        try:
            return project.declared(module, name, kind)
        except FolderError as error:
            # One file that does not import is said once, not by each file that needs it.
            self.add(problem for problem in error.problems if problem not in self.problems)
            return None


def check_folder(root: Path, name: str, *, with_data: bool = False) -> Findings:
    """Check ``projects/<name>``, and with ``with_data`` also the rows of its tables.

    Returns
    -------
    Findings
        Every problem that could be looked for; a file that does not import hides what needs it.
    """
    findings = Findings(name)
    try:
        project = load_project(root, name)
        project.code_files()
    except FolderError as error:
        findings.add(error.problems)
        return findings
    findings.add(requirements_problems(project))
    findings.add(release_problems(project))
    snapshot = _tables(findings, project, with_data)
    acts: tuple[ActType, ...] = ()
    mart_is_sound = False
    mart = findings.declared(project, "features", "MART", Mart)
    if mart is not None and snapshot is not None:
        mart_is_sound = findings.add(mart_problems(project, mart, snapshot))
        acts = mart.act_types if isinstance(mart.act_types, tuple) else ()
        findings.facts["mart"] = f"{len(acts)} act type{'s' if len(acts) > 1 else ''}"
    task = findings.declared(project, "pipeline", "TASK", Task)
    if task is not None and snapshot is not None:
        findings.add(task_problems(project, task, acts, snapshot))
        findings.facts["answers"] = ", ".join(head.name for head in task.heads)
        if mart is not None and mart_is_sound:
            findings.add(column_problems(project, task, mart))
    findings.add(golden_problems(project, mart if mart_is_sound else None))
    findings.add(service_problems(project))
    _pipeline(findings, project, task)
    return findings


def _tables(findings: Findings, project: Project, with_data: bool) -> Snapshot | None:
    tables = findings.declared(project, "data", "TABLES", tuple)
    if tables is None or not findings.add(table_problems(project, tables)):
        return None
    findings.facts["tables"] = ", ".join(_words(table) for table in tables)
    if with_data:
        whole = findings.add(contract_problems(project, tables))
        findings.facts["data"] = "keeps its contract" if whole else "breaks its contract"
    return declared_snapshot(tables, project.spec.time_zone)


def _pipeline(findings: Findings, project: Project, task: Task | None) -> None:
    pipeline = findings.declared(project, "pipeline", "pipeline", GraphComponent)
    if pipeline is not None and findings.add(pipeline_problems(project, pipeline)):
        findings.facts["steps"] = " -> ".join(steps(pipeline))
    if task is not None and (project.folder / "thresholds.py").is_file():
        thresholds = findings.declared(project, "thresholds", "THRESHOLDS", tuple)
        if thresholds is not None:
            findings.add(threshold_problems(project, thresholds, task))


def _words(table: Table) -> str:
    return f"{table.name} ({len(table.columns)} columns)"
