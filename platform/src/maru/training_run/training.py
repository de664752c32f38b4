"""The steps that train the model and replay the past, each done once for the same content.

A model depends on the training code, the rows, the day and the computing software. Their digest
names the folder ``.maru/models/<project>/<key>``; a run that comes to a key which is there already
takes what lies there, so a change of a threshold or of service.py costs seconds.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from maru.errors import ModelError
from maru.mart.state import MartState
from maru.models.backtest import back_test
from maru.models.examples import gather
from maru.models.features import Features
from maru.models.origins import back_test_origins, next_month, test_days
from maru.models.task import Task
from maru.models.training import train as train_model
from maru.release.digests import canonical_json, files_digest, hash_file
from maru.report.headline import headlines
from maru.tables.snapshot import Snapshot
from maru.training_run.kept import KeptOrigins
from maru.training_run.marts import STATE, MartBuilt, builder, learn, rows_of
from maru.training_run.run import HandedOver, Step, say
from maru.workspace import discard, published, read_json, write_json

MODEL, IMPORTANCE, TEST_ROWS, FACTS = (
    "model",
    "importance.json",
    "test_rows.parquet",
    "facts.json",
)
PREDICTIONS, BOARD = "predictions.parquet", "board.parquet"


@dataclass(frozen=True)
class Trained(HandedOver):
    """A trained model: the folder, relative to the workspace's home, and the digests (hex).

    ``run`` trained it: another one where the model was reused.
    """

    folder: str
    mart: str
    mart_folder: str
    snapshot: str
    digest: str
    columns: int
    required: int
    outputs: list[str]
    told: list[str]
    run: str

    def facts(self) -> dict[str, Any]:
        """Return what KFP shows of the artifact."""
        return asdict(self)


@dataclass(frozen=True)
class Replayed(HandedOver):
    """A back test: the folder, relative to the workspace's home, and its main numbers."""

    folder: str
    origins: list[str]
    rows: int
    said: list[str]
    metrics: dict[str, float]
    run: str

    def facts(self) -> Mapping[str, float]:
        """Return what KFP shows of the metrics."""
        return self.metrics


def train(step: Step, mart: MartBuilt) -> Trained:
    """Train the task of pipeline.py as of the run's day; see ``maru.models.training.train``.

    Raises
    ------
    ModelError
        If the task can't be trained on these rows.
    """
    folder = step.workspace.models(step.plan.project) / training_key(step, mart)
    if step.plan.fresh:
        discard(folder)
    if (folder / FACTS).is_file():
        trained = Trained(**read_json(folder / FACTS))
        say(f"reused from run {trained.run}: same training code, rows, day and software")
    else:
        trained = _train(step, mart, folder)
    step.found.update(asdict(trained))
    return trained


def _train(step: Step, mart: MartBuilt, folder: Path) -> Trained:
    project, home = step.run.project(), step.workspace.home
    task = project.declared("pipeline", "TASK", Task)
    snapshot = rows_of(step.run, project)
    state = MartState.from_json((home / mart.folder / STATE).read_text("utf-8"))
    features = builder(step.workspace, project, snapshot, state)
    model = train_model(task, features, snapshot, as_of=step.plan.day, say=say)
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


def replay(step: Step, mart: MartBuilt) -> Replayed:
    """Back-test the task at the origins that it names; see ``maru.models.backtest``.

    What the mart learns is learned before the first origin's training labels end. Each origin is
    kept as soon as it is done, so that a killed run goes on where it was.

    Raises
    ------
    ModelError
        If the task can't be back-tested on these rows.
    """
    place = step.workspace.backtests(step.plan.project) / training_key(step, mart)
    if step.plan.fresh:
        discard(place)
    if (place / "done" / FACTS).is_file():
        replayed = Replayed(**read_json(place / "done" / FACTS))
        say(f"reused from run {replayed.run}: same training code, rows, day and software")
    else:
        replayed = _replay(step, place)
    for sentence in replayed.said:
        say(sentence)
    step.found.update(asdict(replayed))
    return replayed


def _replay(step: Step, place: Path) -> Replayed:
    project, plan = step.run.project(), step.plan
    task = project.declared("pipeline", "TASK", Task)
    snapshot = rows_of(step.run, project)
    origins = back_test_origins(task, plan.day)
    first = origins[0] if origins else plan.day
    features = builder(
        step.workspace, project, snapshot, learn(project, snapshot, first_unseen=first)
    )
    kept = KeptOrigins(place / "origins")
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


def training_key(step: Step, mart: MartBuilt) -> str:
    """Return the digest (hex) of all that a model depends on."""
    plan = step.plan
    parts = [plan.training, mart.snapshot, plan.as_of, plan.software.digest()]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def folder_digest(folder: Path) -> str:
    """Return the sha256 (hex) of a folder's files, as a bundle's manifest has it."""
    return files_digest(
        {
            path.relative_to(folder).as_posix(): hash_file(path)[0]
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }
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


def boards_digest(board: pl.DataFrame) -> str:
    """Return the sha256 (hex) of a leaderboard, its numbers rounded to nine digits."""
    rows = [
        [f"{value:.9g}" if isinstance(value, float) else str(value) for value in row]
        for row in board.iter_rows()
    ]
    return hashlib.sha256(canonical_json(rows)).hexdigest()
