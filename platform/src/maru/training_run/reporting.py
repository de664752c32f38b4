"""The step that ends a run: the page that people read, and the run's record in MLflow."""

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import polars as pl

from maru.adapters.model_registry import RunRecord, Score
from maru.models.task import Task
from maru.project import Project
from maru.release.gate import Verdict
from maru.report.page import Page, draw
from maru.report.story import Story, TableFacts
from maru.tables.snapshot import Snapshot
from maru.training_run.marts import COLUMNS, rows_of
from maru.training_run.run import Run, Step, say
from maru.training_run.training import (
    BOARD,
    IMPORTANCE,
    MODEL,
    PREDICTIONS,
    Replayed,
    Trained,
)
from maru.workspace import read_json


def publish_report(step: Step, trained: Trained, replayed: Replayed, bundle: str) -> str:
    """Write the run's page, record the run and its model version in MLflow; return the page."""
    run = step.run
    project = run.project()
    story = tell(run, project, trained, replayed, bundle)
    page = draw(story)
    staged = run.folder / ".report.html"
    staged.write_text(page.html, "utf-8")
    staged.replace(run.report)
    say(f"report: {_near(run.report)}")
    version = _record(run, project, trained, story, page, bundle)
    say(f"MLflow: version {version} of model {project.name}")
    step.found.update(report=str(run.report), model_version=version)
    return page.html


def tell(run: Run, project: Project, trained: Trained, replayed: Replayed, bundle: str) -> Story:
    """Gather what the page says from what the steps found."""
    home, plan = run.workspace.home, run.plan
    task = project.declared("pipeline", "TASK", Task)
    snapshot = rows_of(run, project)
    verdict = Verdict.from_json(run.found("register_candidate")["gate"])
    dictionary = read_json(home / trained.mart_folder / COLUMNS)["columns"]
    return Story(
        project=project.name,
        owner=project.spec.owner,
        run=run.id,
        as_of=plan.day,
        as_of_reason=plan.as_of_reason,
        passed=verdict.passed,
        reasons=verdict.reasons,
        task=task,
        predictions=pl.read_parquet(home / replayed.folder / PREDICTIONS),
        board=pl.read_parquet(home / replayed.folder / BOARD),
        importance=_importance(home / trained.folder / IMPORTANCE),
        tables=table_facts(project, snapshot),
        provenance=_provenance(run, trained, replayed, bundle),
        next_command=next_command(run, passed=verdict.passed),
        descriptions={column["name"]: column["description"] for column in dictionary},
        warnings=[result.text for result in snapshot.report if result.level != "ok"],
        told=[*trained.told, *verdict.notes],
        about=about(project),
    )


def _importance(file: Path) -> dict[str, float]:
    """Read each column's share of the gain, the highest first; equal ones by name."""
    return dict(sorted(read_json(file).items(), key=lambda item: (-item[1], item[0])))


def next_command(run: Run, *, passed: bool) -> str:
    """Return what to do after the run, as a command where there is one."""
    project = run.plan.project
    if not passed:
        return f"change projects/{project} and run maru run {project} again"
    if run.plan.source.dirty:
        return f"git commit projects/{project}, then maru run {project} and maru release {project}"
    return f"maru release {project}"


def table_facts(project: Project, snapshot: Snapshot) -> list[TableFacts]:
    """Return what was read of each table, in the order of data.py."""
    facts = []
    for table in project.declared("data", "TABLES", tuple):
        rows = snapshot.table(table.name)
        days = rows["day"] if "day" in rows.columns else None
        facts.append(
            TableFacts(
                name=table.name,
                description=table.description,
                rows=rows.height,
                broken=snapshot.broken[table.name].height,
                first=None if days is None else days.min(),  # type: ignore[arg-type]
                last=None if days is None else days.max(),  # type: ignore[arg-type]
            )
        )
    return facts


def about(project: Project) -> str:
    """Return what the project says of itself and its data: data.py's docstring and README.md."""
    said = (project.module("data").__doc__ or "").strip()
    readme = project.folder / "README.md"
    if readme.is_file():
        said = f"{said}\n\n{readme.read_text('utf-8').strip()}".strip()
    return said


def _provenance(
    run: Run, trained: Trained, replayed: Replayed, bundle: str
) -> list[tuple[str, str]]:
    plan = run.plan
    commit = plan.source.commit or "none: not in git"
    reused = "" if trained.run == run.id else f", trained by run {trained.run}"
    tested = "" if replayed.run == run.id else f" (of run {replayed.run})"
    return [
        (
            "commit of the project",
            commit + (", with uncommitted edits" if plan.source.dirty else ""),
        ),
        ("bundle", bundle),
        ("code", plan.code),
        ("training code", plan.training),
        ("snapshot of the tables", trained.snapshot),
        ("mart", trained.mart),
        ("model", f"{trained.digest}{reused}"),
        ("back test", f"{len(replayed.origins)} origins, {replayed.rows:,} rows{tested}"),
        ("platform", plan.software.platform),
        ("packages", ", ".join(f"{k} {v}" for k, v in plan.software.packages.items())),
    ]


def _record(
    run: Run, project: Project, trained: Trained, story: Story, page: Page, bundle: str
) -> str:
    """Write the run into MLflow and return the number of the model version."""
    plan = run.plan
    training = json.loads(
        (run.workspace.home / trained.folder / MODEL / "training.json").read_text("utf-8")
    )
    tags = {
        "bundle": bundle,
        "commit": plan.source.commit or "",
        "dirty": str(plan.source.dirty).lower(),
        "snapshot": trained.snapshot,
        "mart": trained.mart,
        "model": trained.digest,
        "code": plan.code,
        "training": plan.training,
        "as_of": plan.as_of,
        "gate": "passed" if story.passed else "refused",
    }
    registry = run.workspace.registry()
    with tempfile.TemporaryDirectory() as scratch:
        charts = []
        for name, content in page.pictures.items():
            charts.append(Path(scratch) / name)
            charts[-1].write_bytes(content)
        record = RunRecord(
            run=run.id,
            parameters=flat({"training": training, "horizon_days": project.spec.horizon_days}),
            scores=scores(story.board),
            tags=tags,
            files={"charts": charts, "report": [run.report]},
        )
        run_id = registry.record(project.name, record)
    manifest = run.workspace.store().get(bundle) / "manifest.json"
    asked = {"run_id": run_id, "bundle": bundle, "manifest": manifest}
    return registry.register(project.name, **asked, tags=tags)  # type: ignore[arg-type]


def scores(board: pl.DataFrame) -> list[Score]:
    """Return the leaderboard as MLflow metrics: ``target.row.metric``, a step an origin.

    The steps are days as YYYYMMDD; the mean over the origins is ``target.row.metric.mean``.
    """
    found = []
    for row in board.to_dicts():
        name, origin = f"{row.pop('target')}.{row.pop('row')}", row.pop("origin")
        for metric, value in row.items():
            if isinstance(value, float) and origin is not None:
                found.append(Score(f"{name}.{metric}", value, int(f"{origin:%Y%m%d}")))
            elif isinstance(value, float):
                found.append(Score(f"{name}.{metric}.mean", value))
    return found


def flat(value: Any, name: str = "") -> dict[str, str]:
    """Return a nested document as ``a.b.c`` -> text; a list is one value."""
    if not isinstance(value, dict):
        return {name: value if isinstance(value, str) else json.dumps(value)}
    found = {}
    for key, inner in value.items():
        found.update(flat(inner, f"{name}.{key}" if name else str(key)))
    return found


def _near(path: Path) -> str:
    """Return a path as seen from the working directory, where that is shorter."""
    try:
        return os.path.relpath(path)
    except ValueError:
        return str(path)
