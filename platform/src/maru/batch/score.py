"""Score every entity of a project as of a day, with the release's own code, once.

Builds only the columns that can change an answer, a chunk of entities at a time, from a working
copy of the tables that lies on the disk while the day is scored. Only where a unit's own columns
don't say ``own_rows``, the tables are held whole. A row that the service would refuse (a null where
none is allowed, an answer that is no finite number) is counted and listed, not scored.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from maru.batch.day_folder import MANIFEST, DayFolder, manifest_bytes
from maru.batch.features_in_chunks import ChunkedFeatures
from maru.batch.scratch import scratch_folder
from maru.batch.units import is_of_units, needs_all, unit_chunks, unit_rows
from maru.errors import ReleaseError, RunError
from maru.mart import Mart
from maru.mart.builder import MartBuilder
from maru.mart.state import MartState
from maru.models.task import Task
from maru.project import Project, load_folder
from maru.release.bundle import peek_bundle
from maru.release.digests import hash_file, short
from maru.release.history import standing
from maru.release.refusals import require_releasable
from maru.serving.loaded import LoadedRelease, load_release
from maru.tables.copying import AT_ONCE, copy_tables
from maru.tables.reading import read_tables
from maru.tables.snapshot import Snapshot
from maru.tables.working_copy import WorkingCopy
from maru.training_run.snapshots import newest_as_of
from maru.workspace import Workspace

SCHEMA = 1
CHUNK = 100_000
FAILED = "failed.csv"


@dataclass(frozen=True)
class Scored:
    """What is published for a day; ``before`` says that it was there already."""

    folder: Path
    manifest: dict[str, Any]
    before: bool


@dataclass
class _Counts:
    rows: int = 0
    scored: int = 0
    failed: int = 0
    files: dict[str, dict[str, Any]] = field(default_factory=dict)


def live_bundle(workspace: Workspace, project: str) -> str:
    """Return the bundle that release.yaml pins at the commit that is checked out.

    Raises
    ------
    ReleaseError
        If nothing is live, or it may not be: another project's bundle, or one the gate refused.
    """
    live = standing(workspace.history().values(project)).live
    if live is None:
        raise ReleaseError(
            f"{project} has nothing live to score with. Run maru release {project} first, "
            "or name a bundle with --bundle."
        )
    require_releasable(peek_bundle(workspace.store(), live.bundle), project)
    return live.bundle


def score(
    workspace: Workspace,
    project: str,
    *,
    as_of: date | None,
    bundle: str,
    replace: bool = False,
    chunk: int = CHUNK,
    at_once: int = AT_ONCE,
    show: Callable[[str], None],
) -> Scored:
    """Publish the scores of a day, or find them published.

    Parameters
    ----------
    as_of
        The day that features are for; None takes the day after the newest complete one.
    replace
        Write a day again that another release has scored, or whose files are damaged.
    chunk
        How many entities' features are in memory at once.
    at_once
        How many rows of a table are in memory at once while it is read.

    Raises
    ------
    ReleaseError
        If another release has scored the day, or its files are damaged, and ``replace`` is false.
    RunError
        If the tables do not reach the day.
    """
    if as_of is not None:
        found = _published(DayFolder(workspace.scores(project, as_of)), bundle, replace)
        if found is not None:
            return found
    release = load_release(workspace.store(), bundle, project)
    code = load_folder(release.bundle.code_folder)
    show(f"release {short(bundle)}: golden rows equal {release.golden}")
    with scratch_folder(workspace.scores(project, date.min).parent) as scratch:
        rows = _read(code, scratch, at_once, show)
        day = _day(code, rows, as_of)
        folder = DayFolder(workspace.scores(project, day))
        with folder.alone():
            found = _published(folder, bundle, replace)
            if found is not None:
                return found
            with folder.publishing(bundle, replace=replace) as staged:
                manifest = _write(release, code, rows, day, staged, chunk, show)
                (staged / MANIFEST).write_bytes(manifest_bytes(manifest))
    return Scored(folder.link, manifest, before=False)


def _read(
    code: Project, scratch: Path, at_once: int, show: Callable[[str], None]
) -> Snapshot | WorkingCopy:
    """Read the tables: to the disk, or whole where unit features need all rows."""
    tables, zone = code.declared("data", "TABLES", tuple), code.spec.time_zone
    if needs_all(code.declared("pipeline", "TASK", Task)):
        show(
            "the unit features don't say own_rows, so the tables are held in memory whole; where "
            "each unit needs its entity's rows only, write own_rows=True in UnitFeatures"
        )
        return read_tables(tables, time_zone=zone)
    copy = copy_tables(
        tables, time_zone=zone, entity=code.spec.entity, folder=scratch, at_once=at_once
    )
    rows = sum(table.height for table in copy.tables.values())
    show(f"{rows:,} rows keep the contract")
    if copy.held:
        show(
            f"{', '.join(copy.held)}: loaded by a function that returns a whole frame, so it was "
            "in memory while it was read; a path or a lazy frame is read in parts"
        )
    return copy


def _published(folder: DayFolder, bundle: str, replace: bool) -> Scored | None:
    manifest = folder.manifest
    if manifest is None:
        return None
    damage = folder.damage()
    if damage and not replace:
        raise ReleaseError(f"{folder.link}: {'; '.join(damage)}. Score it again with --replace.")
    if manifest["bundle"] == bundle and not damage:
        return Scored(folder.link, manifest, before=True)
    if not replace:
        raise ReleaseError(
            f"{folder.link} was scored by release {short(manifest['bundle'])}, now asked for "
            f"{short(bundle)}. What was scored may have been used: write over it with --replace."
        )
    return None


def _day(code: Project, snapshot: Snapshot | WorkingCopy, as_of: date | None) -> date:
    newest, reason = newest_as_of(snapshot, code.declared("features", "MART", Mart))
    if as_of is not None and as_of > newest:
        raise RunError(
            f"there is no data to score as of {as_of}: {reason}, so the newest day is {newest}."
        )
    return as_of or newest


def _write(
    release: LoadedRelease,
    code: Project,
    snapshot: Snapshot | WorkingCopy,
    day: date,
    staged: Path,
    chunk: int,
    show: Callable[[str], None],
) -> dict[str, Any]:
    counts = _Counts()
    reasons = []
    for number, rows in enumerate(_rows(release, code, snapshot, day, chunk)):
        scores, failures = answer(release, rows)
        counts.rows += rows.height
        counts.scored += scores.height
        counts.failed += failures.height
        reasons.append(failures)
        name = f"part-{number:05d}.parquet"
        scores.write_parquet(staged / name, compression="zstd")
        counts.files[name] = _entry(staged / name, scores.height)
        show(f"{counts.scored:,} scored")
    if counts.failed:
        pl.concat(reasons).write_csv(staged / FAILED)
        counts.files[FAILED] = _entry(staged / FAILED, counts.failed)
    if counts.rows != counts.scored + counts.failed:
        raise RuntimeError(
            f"{counts.rows} rows came in, {counts.scored} + {counts.failed} went out"
        )
    manifest = release.bundle.manifest
    return {
        "schema": SCHEMA,
        "project": manifest.project,
        "as_of": day.isoformat(),
        "bundle": release.digest,
        "commit": release.commit,
        "trained_as_of": manifest.as_of.isoformat(),
        "snapshot": snapshot.digest,
        "outputs": list(release.outputs),
        "columns_read": len(release.model.required),
        "rows": counts.rows,
        "scored": counts.scored,
        "failed": counts.failed,
        "files": counts.files,
    }


def _rows(
    release: LoadedRelease, code: Project, tables: Snapshot | WorkingCopy, day: date, chunk: int
) -> Iterator[pl.DataFrame]:
    """Yield ``entity`` (String), unit columns where there are any, and the required columns."""
    mart = code.declared("features", "MART", Mart)
    state = MartState.from_json((release.bundle.mart_folder / "state.json").read_text("utf-8"))
    required = list(release.model.required)
    task = code.declared("pipeline", "TASK", Task)
    if isinstance(tables, Snapshot):
        features = MartBuilder(mart, tables, state, engine=code.spec.engine)
        yield unit_rows(task, features, tables, day, required)
        return
    chunked = ChunkedFeatures(mart, tables, state, day, code.spec.engine)
    if is_of_units(task):
        yield from unit_chunks(task, chunked, required, chunk)
        return
    for rows in chunked.chunks(required, chunk):
        yield rows.with_columns(pl.col(mart.entity).cast(pl.String)).rename({mart.entity: "entity"})


def answer(release: LoadedRelease, rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Answer rows as the service does.

    Returns
    -------
    tuple
        The scores (``entity``, unit columns, one column an output) and the failures (``entity``,
        ``reason``).
    """
    keys = rows.drop(release.model.required)
    matrix = np.full((rows.height, len(release.model.columns)), np.nan)
    place = {name: i for i, name in enumerate(release.model.columns)}
    for name in release.model.required:
        matrix[:, place[name]] = rows[name].to_numpy()
    outputs = release.compute(matrix, threads=2)
    reason = _reasons(release, matrix, outputs)
    frame = keys.with_columns(
        *(pl.Series(name, values) for name, values in outputs.items()), pl.Series("reason", reason)
    )
    good = frame.filter(pl.col("reason") == "").drop("reason")
    return good, frame.filter(pl.col("reason") != "").select("entity", "reason")


def _reasons(
    release: LoadedRelease, matrix: np.ndarray[Any, Any], outputs: dict[str, np.ndarray[Any, Any]]
) -> list[str]:
    """Return for each row why it can't be scored; empty where it can."""
    found = np.full(len(matrix), "", dtype=object)
    for name, values in outputs.items():
        found[~np.isfinite(values)] = f"{name} is not a finite number"
    schema = release.schema
    for name, position, may in zip(schema.required, schema.places, schema.nullable, strict=True):
        if not may:
            found[np.isnan(matrix[:, position])] = f"column {name} is null"
    return list(found)


def _entry(file: Path, rows: int) -> dict[str, Any]:
    sha256, size = hash_file(file)
    return {"sha256": sha256, "size": size, "rows": rows}
