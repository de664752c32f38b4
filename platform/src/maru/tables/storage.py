"""A snapshot as a folder of Parquet files, published whole or not at all, verified when read."""

import hashlib
import json
import os
import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import polars as pl

from maru.errors import DataError
from maru.tables.checks import CheckResult
from maru.tables.snapshot import Snapshot, TableInfo

DOCUMENT = "snapshot.json"
READ_AGAIN = "Delete the folder and read the tables again."


def write_snapshot(snapshot: Snapshot, folder: Path) -> Path:
    """Write a snapshot to a folder; a folder that holds this snapshot already is left as it is.

    Every file is written beside the folder, flushed to the disk, and the folder is renamed into
    place, so that a process killed at any point leaves either nothing or the whole snapshot.

    Raises
    ------
    DataError
        If the folder holds another snapshot, or anything else.
    """
    folder = Path(folder)
    if folder.exists():
        return _check_same(snapshot, folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    staged = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        _write_files(snapshot, staged)
        try:
            staged.rename(folder)
        except OSError:
            if not folder.exists():
                raise
            return _check_same(snapshot, folder)  # another process was faster
        _flush(folder.parent)
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    return folder


def read_snapshot(folder: Path) -> Snapshot:
    """Read a snapshot back; each file is compared with the sha256 in snapshot.json.

    Raises
    ------
    DataError
        If the folder is no snapshot, a file is missing or differs, or its schema is a newer one.
    """
    document = _read_document(Path(folder))
    tables, broken, infos = {}, {}, {}
    for name, entry in document["tables"].items():
        tables[name] = _read_verified(Path(folder), entry["rows"])
        broken[name] = _read_verified(Path(folder), entry["broken"])
        infos[name] = TableInfo(
            entry["types"], entry["time"], entry["has_known_at"], tuple(entry["key"])
        )
    report = tuple(CheckResult(**result) for result in document["report"])
    return Snapshot(
        tables, broken, report, infos, document["time_zone"], known_digest=document["digest"]
    )


def _write_files(snapshot: Snapshot, staged: Path) -> None:
    entries: dict[str, Any] = {}
    for number, (name, rows) in enumerate(sorted(snapshot.tables.items())):
        info = snapshot.infos[name]
        entries[name] = {
            "rows": _write_file(rows, staged / f"{number:02d}.parquet"),
            "broken": _write_file(snapshot.broken[name], staged / f"{number:02d}.broken.parquet"),
            "types": dict(info.types),
            "time": info.time,
            "has_known_at": info.has_known_at,
            "key": list(info.key),
        }
    document = {
        "schema": 1,
        "digest": snapshot.digest,
        "time_zone": snapshot.time_zone,
        "tables": entries,
        "report": [asdict(result) for result in snapshot.report],
    }
    _write_bytes(
        (json.dumps(document, sort_keys=True, indent=1) + "\n").encode(), staged / DOCUMENT
    )
    _flush(staged)


def _write_file(rows: pl.DataFrame, path: Path) -> dict[str, Any]:
    rows.write_parquet(path, compression="zstd", compression_level=1)
    _flush(path)
    return {"file": path.name, "height": rows.height, "sha256": _sha256(path)}


def _write_bytes(content: bytes, path: Path) -> None:
    path.write_bytes(content)
    _flush(path)


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_document(folder: Path) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads((folder / DOCUMENT).read_text())
    except (OSError, ValueError) as error:
        raise DataError(
            f"{folder} holds no snapshot: its {DOCUMENT} cannot be read ({error}). {READ_AGAIN}"
        ) from error
    if document.get("schema") != 1:
        raise DataError(
            f"{folder}: snapshot schema {document.get('schema')} is not one this maru reads (1). "
            f"Use a newer maru."
        )
    return document


def _read_verified(folder: Path, entry: dict[str, Any]) -> pl.DataFrame:
    path = folder / entry["file"]
    if not path.is_file():
        raise DataError(f"snapshot {folder} lacks {path.name}. {READ_AGAIN}")
    if _sha256(path) != entry["sha256"]:
        raise DataError(f"snapshot {folder}: {path.name} differs from its sha256. {READ_AGAIN}")
    return pl.read_parquet(path)


def _check_same(snapshot: Snapshot, folder: Path) -> Path:
    got = _read_document(folder)["digest"]
    if got != snapshot.digest:
        raise DataError(
            f"{folder} holds snapshot {got[:12]}, not {snapshot.digest[:12]}. "
            f"Write to a folder of its own."
        )
    return folder
