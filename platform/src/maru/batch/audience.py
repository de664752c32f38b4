"""An audience: the best-scored entities of a day, for whoever sends the messages.

The contract of the file: ``entity``, ``score``, ``rank`` (1 is the highest score), ``release`` (the
bundle that scored), ``as_of``, ``expires`` (the first day on which it may no longer be used) and
``control`` (true: in the audience, but kept from the message, so that its effect can be measured).
Who is control is a hash of entity, project and day: the same whoever asks, and new each day.
"""

import csv
import hashlib
import io
import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from maru.batch.day_folder import DayFolder, manifest_bytes
from maru.errors import DataError, ReleaseError, RunError
from maru.release.digests import canonical_json, hash_file
from maru.workspace import Workspace, published, read_json

SCHEMA = 1
FILE = "audience.csv"
MANIFEST = "manifest.json"
COLUMNS = ("entity", "score", "rank", "release", "as_of", "expires", "control")
_HASH_RANGE = 2**64


@dataclass(frozen=True)
class Wish:
    """What is asked for: the ``top`` entities or a ``share`` of those who may be written to.

    ``hold_out`` is the share of the audience that becomes control, ``head`` the output that ranks;
    None takes the model's first.
    """

    top: int | None = None
    share: float | None = None
    hold_out: float = 0.0
    expires_days: int = 7
    head: str | None = None

    def __post_init__(self) -> None:
        if (self.top is None) == (self.share is None):
            raise RunError("an audience is --top N or --share S, one of the two.")
        if self.top is not None and self.top < 1:
            raise RunError(f"--top must be 1 or more, got {self.top}.")
        if self.share is not None and not 0 < self.share <= 1:
            raise RunError(f"--share must be above 0 and at most 1, got {self.share}.")
        if not 0 <= self.hold_out < 1:
            raise RunError(f"--hold-out must be 0 or more and below 1, got {self.hold_out}.")
        if self.expires_days < 1:
            raise RunError(f"--expires-days must be 1 or more, got {self.expires_days}.")


@dataclass(frozen=True)
class Audience:
    """What is published: the folder and its manifest; ``before`` says that it was there already."""

    folder: Path
    manifest: dict[str, Any]
    before: bool


def export(
    workspace: Workspace, project: str, *, as_of: date, wish: Wish, opt_out: Iterable[str] = ()
) -> Audience:
    """Write the audience of a day's scores; the same wish gives the same file, written once.

    Parameters
    ----------
    opt_out
        Entities that must not be written to.

    Raises
    ------
    RunError
        If the day has no scores.
    ReleaseError
        If the scores differ from their manifest.
    DataError
        If the scores have no such output.
    """
    scores = _scores(workspace, project, as_of)
    head = _head(scores, wish.head)
    refused = sorted({name.strip() for name in opt_out} - {""})
    folder = workspace.audiences(project, as_of) / _name(scores, wish, head, refused)
    if (folder / MANIFEST).is_file():
        manifest = read_json(folder / MANIFEST)
        if hash_file(folder / FILE)[0] == manifest["sha256"]:
            return Audience(folder, manifest, before=True)
        raise ReleaseError(
            f"{folder / FILE} differs from its sha256. Delete {folder}, export again."
        )
    frame = pl.read_parquet(workspace.scores(project, as_of) / "part-*.parquet")
    chosen, counts = choose(
        frame, project=project, as_of=as_of, head=head, wish=wish, opt_out=refused
    )
    manifest = {
        "schema": SCHEMA,
        "project": project,
        "as_of": as_of.isoformat(),
        "expires": (as_of + timedelta(wish.expires_days)).isoformat(),
        "release": scores["bundle"],
        "head": head,
        "asked": {key: value for key, value in vars(wish).items() if value is not None},
        **counts,
    }
    with published(folder) as staged:
        content = _csv(chosen, manifest)
        (staged / FILE).write_bytes(content)
        manifest["sha256"] = hashlib.sha256(content).hexdigest()
        (staged / MANIFEST).write_bytes(manifest_bytes(manifest))
    return Audience(folder, manifest, before=False)


def _scores(workspace: Workspace, project: str, as_of: date) -> dict[str, Any]:
    """Return the manifest of a day's scores, verified."""
    day = DayFolder(workspace.scores(project, as_of))
    manifest = day.manifest
    if manifest is None:
        raise RunError(
            f"{project} has no scores as of {as_of}. "
            f"Run maru score {project} --as-of {as_of} first."
        )
    if damage := day.damage():
        raise ReleaseError(
            f"{day.link}: {'; '.join(damage)}. "
            f"Run maru score {project} --as-of {as_of} --replace first."
        )
    return manifest


def _name(scores: dict[str, Any], wish: Wish, head: str, refused: list[str]) -> str:
    """Return a name that equal wishes for equal scores share."""
    asked = {
        **vars(wish),
        "head": head,
        "opt_out": hashlib.sha256("\n".join(refused).encode()).hexdigest(),
        "scores": scores["files"],
        "bundle": scores["bundle"],
    }
    return hashlib.sha256(canonical_json(asked)).hexdigest()[:16]


def choose(
    scores: pl.DataFrame,
    *,
    project: str,
    as_of: date,
    head: str,
    wish: Wish,
    opt_out: Iterable[str],
) -> tuple[pl.DataFrame, dict[str, int]]:
    """Rank, leave out who opted out, cut, and say who is control.

    Parameters
    ----------
    scores
        ``entity`` (String) and ``head``; of an entity with several rows the highest counts.

    Returns
    -------
    tuple
        ``entity``, ``score``, ``rank``, ``control``, by rank; equal scores rank by entity. And the
        counts: ``scored`` entities, ``opted_out`` of them, ``eligible``, ``audience``, ``control``.
    """
    best = scores.group_by("entity").agg(pl.col(head).cast(pl.Float64).max().alias("score"))
    eligible = best.filter(~pl.col("entity").is_in(list(opt_out)))
    size = wish.top if wish.top is not None else math.ceil((wish.share or 0) * eligible.height)
    chosen = eligible.sort(["score", "entity"], descending=[True, False]).head(size)
    control = [is_control(entity, project, as_of, wish.hold_out) for entity in chosen["entity"]]
    chosen = chosen.with_columns(
        pl.Series("rank", range(1, chosen.height + 1), dtype=pl.Int64),
        pl.Series("control", control, dtype=pl.Boolean),
    )
    counts = {
        "scored": best.height,
        "opted_out": best.height - eligible.height,
        "eligible": eligible.height,
        "audience": chosen.height,
        "control": sum(control),
    }
    return chosen, counts


def is_control(entity: str, project: str, as_of: date, share: float) -> bool:
    """Say whether an entity is kept from the message; about ``share`` of all entities are."""
    seed = f"{project}\0{as_of.isoformat()}\0{entity}".encode()
    drawn = int.from_bytes(hashlib.sha256(seed).digest()[:8])
    return drawn < share * _HASH_RANGE


def _head(scores: dict[str, Any], asked: str | None) -> str:
    outputs = scores["outputs"]
    if asked is not None and asked not in outputs:
        raise DataError(f"the scores have no {asked}; they have {', '.join(outputs)}.")
    return str(asked or outputs[0])


def _csv(chosen: pl.DataFrame, manifest: dict[str, Any]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    fixed = (manifest["release"], manifest["as_of"], manifest["expires"])
    for row in chosen.iter_rows(named=True):
        control = "true" if row["control"] else "false"
        writer.writerow((row["entity"], repr(row["score"]), row["rank"], *fixed, control))
    return out.getvalue().encode()
