"""What is compared of a run that lies in the workspace."""

import json
from datetime import date
from pathlib import Path

import polars as pl

from maru.errors import RunError
from maru.mart import Mart
from maru.mart.registry import mart_digest
from maru.models.model_folder import read_document
from maru.models.task import Task
from maru.notebook.declared import declared
from maru.notebook.results import Compared
from maru.notebook.runs import commit_words
from maru.project import Project, load_folder
from maru.release.bundle import read_bundle
from maru.report.headline import span
from maru.training_run.marts import COLUMNS
from maru.training_run.run import Run
from maru.training_run.training import BOARD, IMPORTANCE, MODEL, PREDICTIONS
from maru.workspace import read_json


def compared_run(run: Run) -> Compared:
    """Return what is compared of a run.

    Raises
    ------
    RunError
        If its model or back test is not there (any more).
    BundleError
        If its code lay in a bundle alone, and that is gone or broken.
    """
    trained, replayed = run.found("train_model"), run.found("back_test")
    if not trained or not replayed:
        raise RunError(
            f"run {run.id} is {run.outcome()['status']}: it has no model and back test to compare."
        )
    home, project = run.workspace.home, _project(run)
    model, answers = home / trained["folder"], home / replayed["folder"]
    task = project.declared("pipeline", "TASK", Task)
    mart = project.declared("features", "MART", Mart)
    try:
        return Compared(
            name=f"run {run.id}",
            task=task,
            digests={
                "as_of": run.plan.as_of,
                "origins": span([date.fromisoformat(day) for day in replayed["origins"]]),
                "sample": "all",
                "code": run.plan.code[:12],
                "commit": commit_words(run.plan.source),
                "mart": mart_digest(mart)[:12],
                "snapshot": run.plan.snapshot[:12],
                "mart with what it learned": trained["mart"][:12],
                "model": trained["digest"][:12],
                "bundle": str(run.found("register_candidate").get("bundle", "none"))[:19],
            },
            declared=declared(mart, task),
            mart_columns=_mart_columns(home / trained["mart_folder"]),
            columns=read_document(model / MODEL, "model.json")["required"],
            importance=json.loads((model / IMPORTANCE).read_text("utf-8")),
            predictions=pl.read_parquet(answers / PREDICTIONS),
            board=pl.read_parquet(answers / BOARD),
        )
    except FileNotFoundError as error:
        raise RunError(
            f"{error.filename} of run {run.id} is gone. Run maru run {run.plan.project} "
            f"--as-of {run.plan.as_of} again."
        ) from None


def _project(run: Run) -> Project:
    """Return the project as the run read it: its copy, or the bundle's for a run without one."""
    bundle = run.found("register_candidate").get("bundle")
    if run.plan.copied or bundle is None:
        return run.project()
    return load_folder(read_bundle(run.workspace.store(), bundle).code_folder)


def _mart_columns(folder: Path) -> list[str]:
    """Return the names of a built mart's columns; none where the cache was cleaned."""
    file = folder / COLUMNS
    return [column["name"] for column in read_json(file)["columns"]] if file.is_file() else []
