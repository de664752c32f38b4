"""The step that builds the mart: rows in, the wide table and its dictionary out."""

import hashlib
import json
import resource
import sys
import time
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from maru.mart import Mart
from maru.mart.builder import MartBuilder
from maru.mart.column_profile import profile
from maru.mart.fitting import fit_mart
from maru.mart.registry import mart_digest
from maru.mart.state import MartState
from maru.project import Project
from maru.release.digests import canonical_json
from maru.tables.snapshot import Snapshot
from maru.training_run.run import HandedOver, Plan, Run, Step, say
from maru.training_run.snapshots import freeze, kept
from maru.workspace import Workspace, discard, published, read_json, write_json

STATE, COLUMNS, PROFILE, TABLE, FACTS = (
    "state.json",
    "columns.json",
    "profile.parquet",
    "mart.parquet",
    "facts.json",
)


@dataclass(frozen=True)
class MartBuilt(HandedOver):
    """A built mart: digests (hex) and the folder, relative to the workspace's home.

    ``digest`` is that of declaration and learned state: what a release pins. ``content`` is that of
    the built table's values.
    """

    folder: str
    snapshot: str
    digest: str
    content: str
    rows: int
    columns: int
    build_seconds: float
    peak_memory_mib: int

    def facts(self) -> dict[str, Any]:
        """Return what KFP shows of the artifact."""
        return asdict(self)


def build(step: Step) -> MartBuilt:
    """Read the run's rows, fit and build the whole mart as of its day, and keep it by content.

    Raises
    ------
    DataError
        If the source tables changed since the run started, or break their contract.
    """
    project, plan = step.run.project(), step.plan
    snapshot = rows_of(step.run, project)
    mart = project.declared("features", "MART", Mart)
    key = mart_key(project, mart, plan)
    folder = step.workspace.marts / project.name / key
    if plan.fresh:
        discard(folder)
    if (folder / FACTS).is_file():
        built = MartBuilt(**read_json(folder / FACTS))
        say(f"{built.columns:,} columns of {built.rows:,} entities, built before")
    else:
        built = _build(project, mart, snapshot, plan.day, folder, home=step.workspace.home)
        say(
            f"{built.columns:,} columns of {built.rows:,} entities in {built.build_seconds:.1f} s, "
            f"peak memory {built.peak_memory_mib:,} MiB"
        )
    step.found.update(asdict(built))
    return built


def mart_key(project: Project, mart: Mart, plan: Plan) -> str:
    """Return the digest (hex) of all that a built mart and its learned state depend on.

    The horizon is among it: how long before the run's day the state is learned.
    """
    said = [str(project.spec.horizon_days), project.spec.engine]
    return _key(plan.snapshot, mart_digest(mart), plan.as_of, plan.software.digest(), *said)


def rows_of(run: Run, project: Project) -> Snapshot:
    """Return the run's snapshot: as kept, or read again where that gives the same digest."""
    if (run.workspace.snapshots / run.plan.snapshot).is_dir():
        return kept(run.workspace, run.plan.snapshot)
    snapshot = freeze(run.workspace, project)
    if snapshot.digest != run.plan.snapshot:
        return kept(run.workspace, run.plan.snapshot)
    return snapshot


def builder(
    workspace: Workspace, project: Project, snapshot: Snapshot, state: MartState
) -> MartBuilder:
    """Return the builder of a project's mart with the workspace's cache."""
    mart = project.declared("features", "MART", Mart)
    cache = workspace.marts / "cache"
    return MartBuilder(mart, snapshot, state, cache=cache, engine=project.spec.engine)


def learn(project: Project, snapshot: Snapshot, *, first_unseen: date) -> MartState:
    """Learn the mart's state from rows that every training label comes after.

    ``first_unseen`` is the day that predictions are for: the newest training day lies a horizon
    before it, and what is learned must not have seen that day's label.
    """
    mart = project.declared("features", "MART", Mart)
    newest_training_day = first_unseen - timedelta(project.spec.horizon_days)
    return fit_mart(mart, snapshot, as_of=newest_training_day)


def _build(
    project: Project, mart: Mart, snapshot: Snapshot, as_of: date, folder: Path, *, home: Path
) -> MartBuilt:
    begun = time.monotonic()
    state = learn(project, snapshot, first_unseen=as_of)
    # Without the cache: the table that is kept here is the whole of it.
    made = MartBuilder(mart, snapshot, state, engine=project.spec.engine)
    frame = made.build(as_of)
    seconds = time.monotonic() - begun
    with published(folder) as staged:
        (staged / STATE).write_text(state.to_json(), "utf-8")
        columns = [asdict(column) for column in made.dictionary]
        (staged / COLUMNS).write_bytes(canonical_json({"schema": 1, "columns": columns}))
        frame.write_parquet(staged / TABLE, compression="zstd", compression_level=1)
        profile(frame).write_parquet(staged / PROFILE)

        built = MartBuilt(
            folder=folder.relative_to(home).as_posix(),
            snapshot=snapshot.digest,
            digest=_key(mart_digest(mart), state.digest),
            content=content_digest(frame),
            rows=frame.height,
            columns=frame.width - 1,
            build_seconds=round(seconds, 2),
            peak_memory_mib=peak_memory_mib(),
        )
        write_json(staged / FACTS, asdict(built))
    return built


def content_digest(frame: pl.DataFrame) -> str:
    """Return the sha256 (hex) of a mart's values: entities, then each column's float64 bytes."""
    seen = hashlib.sha256(json.dumps([*frame.columns]).encode())
    entity, *columns = frame.get_columns()
    seen.update(json.dumps(entity.to_list()).encode())
    for column in columns:
        seen.update(column.fill_null(float("nan")).to_numpy().tobytes())
    return seen.hexdigest()


def peak_memory_mib() -> int:
    """Return the most memory that this process has held."""
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // unit


def _key(*parts: str) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
