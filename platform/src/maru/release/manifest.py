"""The manifest of a bundle: what it holds by sha256, and where it comes from.

The digest of the manifest's bytes names the bundle, so the manifest is written in one canonical
spelling. Each schema has its reader and keeps it for ever: a rollback may need the oldest bundle.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import date
from pathlib import PurePosixPath
from typing import Any

from maru.errors import BundleError
from maru.release.digests import canonical_json

SCHEMA = 1
NAME = "manifest.json"
_HEX = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class FileEntry:
    """One file of a bundle: sha256 as 64 hex digits, size in bytes."""

    sha256: str
    size: int


@dataclass(frozen=True)
class Source:
    """The commit and tree of the project folder at training: information, never an input.

    ``commit`` and ``tree`` are None outside git; ``dirty`` says that the files weren't committed.
    """

    commit: str | None
    tree: str | None
    dirty: bool


@dataclass(frozen=True)
class Manifest:
    """A manifest, parsed. Digests are hex (snapshot, mart, model, training, code)."""

    project: str
    files: Mapping[str, FileEntry]
    kind: str
    as_of: date
    snapshot: str
    mart: str
    model: str
    training: str
    code: str
    source: Source
    runtime: Mapping[str, Any]
    verdict: Mapping[str, Any]

    def to_bytes(self) -> bytes:
        """Return the canonical bytes; their sha256 is the bundle's digest."""
        document = {
            "schema": SCHEMA,
            "project": self.project,
            "files": {p: {"sha256": f.sha256, "size": f.size} for p, f in self.files.items()},
            "kind": self.kind,
            "as_of": self.as_of.isoformat(),
            "snapshot": self.snapshot,
            "mart": self.mart,
            "model": self.model,
            "training": self.training,
            "code": self.code,
            "source": asdict(self.source),
            "runtime": dict(self.runtime),
            "verdict": dict(self.verdict),
        }
        return canonical_json(document)

    def code_hashes(self) -> dict[str, str]:
        """Return the project's code as path in the folder -> sha256 (hex)."""
        return {
            path.removeprefix("code/"): entry.sha256
            for path, entry in self.files.items()
            if path.startswith("code/")
        }


def read_manifest(content: bytes) -> Manifest:
    """Parse a manifest of this or any earlier schema.

    Raises
    ------
    BundleError
        If the bytes aren't a manifest, a path leaves the bundle, or the schema is a later one.
    """
    try:
        raw = json.loads(content)
        schema = raw["schema"]
    except (ValueError, TypeError, KeyError) as error:
        raise BundleError(f"{NAME} is not a bundle's manifest: {error!r}") from None
    reader = _READERS.get(schema) if isinstance(schema, int) else None
    if reader is None:
        raise BundleError(_later(schema, raw))
    try:
        return reader(raw)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise BundleError(f"{NAME} breaks schema {schema}: {error!r}") from None


def safe_path(path: str) -> str:
    """Return ``path`` if it names a file inside the bundle in its one spelling.

    Raises
    ------
    BundleError
        If it is absolute, empty, goes up, or is spelt in another way than the shortest.
    """
    pure = PurePosixPath(path)
    bad = pure.is_absolute() or ".." in pure.parts or "\\" in path or "\0" in path
    if bad or not pure.parts or str(pure) != path or path == NAME:
        raise BundleError(f"{NAME} lists {path!r}: a file must lie inside the bundle")
    return path


def _read_schema_1(raw: Mapping[str, Any]) -> Manifest:
    known = {"schema", *(field.name for field in fields(Manifest))}
    if set(raw) != known:
        raise ValueError(f"missing or unknown keys {sorted(known ^ set(raw))}")
    return Manifest(
        project=str(raw["project"]),
        files={safe_path(path): _read_entry(entry) for path, entry in raw["files"].items()},
        kind=str(raw["kind"]),
        as_of=date.fromisoformat(raw["as_of"]),
        snapshot=str(raw["snapshot"]),
        mart=str(raw["mart"]),
        model=str(raw["model"]),
        training=str(raw["training"]),
        code=str(raw["code"]),
        source=Source(raw["source"]["commit"], raw["source"]["tree"], bool(raw["source"]["dirty"])),
        runtime=dict(raw["runtime"]),
        verdict=dict(raw["verdict"]),
    )


def _read_entry(entry: Mapping[str, Any]) -> FileEntry:
    sha256, size = entry["sha256"], entry["size"]
    if not isinstance(size, int) or size < 0 or not _HEX.fullmatch(sha256):
        raise ValueError(f"a file needs sha256 and size, got {dict(entry)}")
    return FileEntry(sha256, size)


def _later(schema: object, raw: Mapping[str, Any]) -> str:
    runtime = raw.get("runtime")
    writer = runtime.get("maru") if isinstance(runtime, dict) else None
    needed = f"maru {writer} or later" if writer else "a later maru"
    return f"the bundle has schema {schema}, this maru reads 1 to {SCHEMA}: install {needed}"


_READERS: dict[object, Callable[[Mapping[str, Any]], Manifest]] = {1: _read_schema_1}
