"""The steps that train the model and replay the past, each done once for the same content.

A model depends on the training code, the rows, the day and the computing software. Their digest
names the folder ``.maru/models/<project>/<key>``; a run that comes to a key which is there already
takes what lies there, so a change of a threshold or of service.py costs seconds.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from maru.models.task import Task
from maru.release.digests import files_digest, hash_file
from maru.training_run.looks import Seen, record_look
from maru.training_run.marts import MartBuilt
from maru.training_run.run import HandedOver, Plan, Step, say
from maru.workspace import discard, read_json

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
    folder = step.workspace.models(step.plan.project) / training_key(step.plan)
    if step.plan.fresh:
        discard(folder)
    if (trained := _trained_before(folder)) is not None:
        say(f"reused from run {trained.run}: same training code, rows, day and software")
    else:
        # LightGBM and scikit-learn take seconds to import, which a reuse need not wait for.
        from maru.training_run.fitting import fit_model

        trained = fit_model(step, mart, folder)
    step.found.update(asdict(trained))
    return trained


def _trained_before(folder: Path) -> Trained | None:
    """Return what was trained there; None, and the folder is gone, where its files differ."""
    if not (folder / FACTS).is_file():
        return None
    trained = Trained(**read_json(folder / FACTS))
    if folder_digest(folder / MODEL) == trained.digest:
        return trained
    discard(folder)
    return None


def replay(step: Step, mart: MartBuilt) -> Replayed:
    """Back-test the task at the origins that it names; see ``maru.models.backtest``.

    What the mart learns is learned before the first origin's training labels end. Each origin is
    kept as soon as it is done, so that a killed run goes on where it was. A look at origins kept
    for testing is written down before a number of it is shown.

    Raises
    ------
    ModelError
        If the task can't be back-tested on these rows.
    """
    place = step.workspace.backtests(step.plan.project) / training_key(step.plan)
    if step.plan.fresh:
        discard(place)
    if (place / "done" / FACTS).is_file():
        replayed = Replayed(**read_json(place / "done" / FACTS))
        say(f"reused from run {replayed.run}: same training code, rows, day and software")
    else:
        from maru.training_run.fitting import replay_origins

        replayed = replay_origins(step, place)
    look_recorded = _record(step, replayed)
    for sentence in replayed.said:
        say(sentence)
    step.found.update(asdict(replayed), look_recorded=look_recorded)
    return replayed


def _record(step: Step, replayed: Replayed) -> bool:
    task = step.run.project().declared("pipeline", "TASK", Task)
    board = pl.read_parquet(step.workspace.home / replayed.folder / BOARD)
    origins = [date.fromisoformat(origin) for origin in replayed.origins]
    seen = Seen(origins, board, replayed.said)
    return record_look(step.workspace, step.plan, task, seen, by=step.plan.by)


def folder_digest(folder: Path) -> str:
    """Return the sha256 (hex) of a folder's files, as a bundle's manifest has it."""
    return files_digest(
        {
            path.relative_to(folder).as_posix(): hash_file(path)[0]
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }
    )


def training_key(plan: Plan) -> str:
    """Return the digest (hex) of all that a model depends on."""
    parts = [plan.training, plan.snapshot, plan.as_of, plan.software.digest()]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
