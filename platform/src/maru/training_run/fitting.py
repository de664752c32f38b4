"""Train a model and replay the past, and publish what comes out under a digest."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path

import polars as pl

from maru.errors import ModelError
from maru.mart.state import MartState
from maru.models.backtest import back_test
from maru.models.examples import gather
from maru.models.features import Features
from maru.models.origins import back_test_origins, next_month, test_days
from maru.models.task import Task
from maru.models.training import train as train_task
from maru.project import Project
from maru.report.headline import headlines
from maru.tables.snapshot import Snapshot
from maru.training_run.declared import declared_task
from maru.training_run.kept import DECLARED, KeptOrigins
from maru.training_run.marts import STATE, MartBuilt, builder, learn, rows_of
from maru.training_run.run import Step, say
from maru.training_run.training import (
    BOARD,
    FACTS,
    IMPORTANCE,
    MODEL,
    PREDICTIONS,
    TEST_ROWS,
    Replayed,
    Trained,
    folder_digest,
)
from maru.workspace import Workspace, published, write_json


def fit_model(step: Step, mart: MartBuilt, folder: Path) -> Trained:
    """Train the task as of the run's day and publish the model's folder."""
    project, home = step.run.project(), step.workspace.home
    task = declared_task(project)
    snapshot = rows_of(step.run, project)
    state = MartState.from_json((home / mart.folder / STATE).read_text("utf-8"))
    features = builder(step.workspace, project, snapshot, state)
    model = train_task(task, features, snapshot, as_of=step.plan.day, say=say)
    with published(folder) as staged:
        model.save(staged / MODEL)
        rows = _test_rows(task, features, snapshot, model.columns, step.plan.day)
        rows.write_parquet(staged / TEST_ROWS, compression="zstd")
        write_json(staged / IMPORTANCE, model.importance())
        trained = Trained(
            folder=folder.relative_to(home).as_posix(),
            mart=mart.digest,
            mart_folder=mart.folder,
            snapshot=mart.snapshot,
            digest=folder_digest(staged / MODEL),
            columns=len(model.columns),
            required=len(model.required),
            outputs=list(model.recipe.outputs),
            told=list(model.told),
            run=step.run.id,
        )
        write_json(staged / FACTS, asdict(trained))
    return trained


def replay_origins(step: Step, place: Path) -> Replayed:
    """Back-test the task and publish the predictions and the leaderboard in ``place/done``."""
    project, plan = step.run.project(), step.plan
    task = declared_task(project)
    snapshot = rows_of(step.run, project)
    origins = back_test_origins(task, plan.day)
    features = features_before(step.workspace, project, snapshot, origins, plan.day)
    kept = KeptOrigins.of(place, DECLARED, origins)
    found = back_test(task, features, snapshot, as_of=plan.day, origins=origins, kept=kept, say=say)
    with published(place / "done") as staged:
        found.predictions.write_parquet(staged / PREDICTIONS, compression="zstd")
        found.board.write_parquet(staged / BOARD, compression="zstd")
        replayed = Replayed(
            folder=(place / "done").relative_to(step.workspace.home).as_posix(),
            origins=[day.isoformat() for day in found.origins],
            rows=found.predictions.height,
            said=[headline.text for headline in headlines(task, found.board)],
            metrics=mean_metrics(found.board),
            run=step.run.id,
        )
        write_json(staged / FACTS, asdict(replayed))
    return replayed


def features_before(
    workspace: Workspace,
    project: Project,
    snapshot: Snapshot,
    origins: Sequence[date],
    as_of: date,
) -> Features:
    """Return features whose learned state has seen nothing of the first origin's training labels.

    Without an origin (the back test will refuse) the day of the run stands for it.
    """
    first = origins[0] if origins else as_of
    return builder(workspace, project, snapshot, learn(project, snapshot, first_unseen=first))


def _test_rows(
    task: Task, features: Features, snapshot: Snapshot, columns: Sequence[str], as_of: date
) -> pl.DataFrame:
    """Return the newest test examples, for golden rows: ``entity`` (String) and the columns."""
    for origin in reversed(back_test_origins(task, as_of)):
        days = test_days(task, snapshot, origin, until=next_month(origin), as_of=as_of)
        if days:
            found = gather(task, features, snapshot, days, columns=columns, as_of=as_of)
            entity = found.keys[task.entity].cast(pl.String).alias("entity")
            matrix = pl.DataFrame(found.matrix, schema=list(columns), orient="row")
            return matrix.insert_column(0, entity)
    raise ModelError(
        f"no test origin has matured at {as_of}: a candidate needs a back test. "
        "Choose a later --as-of, or more origins in pipeline.py."
    )


def mean_metrics(board: pl.DataFrame) -> dict[str, float]:
    """Return the mean over the origins of every row's metrics: ``target.row.metric`` -> value."""
    found = {}
    for row in board.filter(pl.col("origin").is_null()).to_dicts():
        name = f"{row.pop('target')}.{row.pop('row')}"
        for metric, value in row.items():
            if isinstance(value, float):
                found[f"{name}.{metric}"] = value
    return found
