"""Backups on a volume: dumps of databases, and objects kept once however many backups hold them.

``<time>/manifest.json`` and ``<time>/databases/*.dump`` are one backup; ``objects.jsonl`` beside
them names its objects by sha256, and the bytes lie in ``objects/<2 hex>/<sha256>`` for all backups.
So a daily backup costs what is new. A folder gets its final name only when it is whole.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from maru.errors import RunError

SCHEMA = 1
PARTIAL = "partial"
CHOSEN = "chosen"
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class StoredObject:
    """An object of a bucket: what is compared to know whether it changed, and its content."""

    bucket: str
    key: str
    bytes: int
    etag: str
    content_type: str
    metadata: dict[str, str]
    sha256: str


class BackupFolder:
    """The backups under one folder."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def names(self) -> list[str]:
        """Return the names of the whole backups, oldest first."""
        return sorted(path.parent.name for path in self._root.glob("*/manifest.json"))

    def databases(self, name: str) -> list[str]:
        """Return the databases that a backup holds, sorted."""
        return sorted(path.stem for path in (self._root / name / "databases").glob("*.dump"))

    def objects(self, name: str) -> Iterator[StoredObject]:
        """Yield the objects that a backup holds, in the order in which they were written."""
        with (self._root / name / "objects.jsonl").open(encoding="utf-8") as lines:
            for line in lines:
                yield StoredObject(**json.loads(line))

    def content(self, sha256: str) -> Path:
        """Return where the bytes with that digest lie."""
        return self._root / "objects" / sha256[:2] / sha256

    def keep_content(self, body: BinaryIO) -> str:
        """Write the bytes under their digest and return it; what is there is not written again."""
        incoming = self._root / "objects" / "incoming"
        incoming.parent.mkdir(exist_ok=True)
        digest = hashlib.sha256()
        with incoming.open("wb") as file:
            while chunk := body.read(_CHUNK_BYTES):
                digest.update(chunk)
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        target = self.content(digest.hexdigest())
        target.parent.mkdir(exist_ok=True)
        incoming.replace(target)
        return digest.hexdigest()

    def finish(self, name: str, objects: Iterable[StoredObject]) -> None:
        """Write the list of objects beside the dumps in ``partial`` and give it its name.

        Raises
        ------
        RunError
            If there is no dump in it, or a backup of that name.
        """
        partial = self._root / PARTIAL
        dumps = sorted((partial / "databases").glob("*.dump"))
        if not dumps:
            raise RunError(f"{partial} holds no dump of a database; the step before wrote none")
        if (self._root / name).exists():
            raise RunError(f"there is a backup {name} already; start the next one a second later")
        with (partial / "objects.jsonl").open("w", encoding="utf-8") as lines:
            for item in objects:
                lines.write(json.dumps(asdict(item), sort_keys=True) + "\n")
        files = [*dumps, partial / "objects.jsonl"]
        manifest = {
            "schema": SCHEMA,
            "name": name,
            "files": {file.relative_to(partial).as_posix(): _sha256(file) for file in files},
        }
        (partial / "manifest.json").write_text(json.dumps(manifest, indent=1), encoding="utf-8")
        for file in [*files, partial / "manifest.json"]:
            _sync(file)
        partial.rename(self._root / name)
        _sync(self._root)

    def check(self, name: str) -> None:
        """Compare every byte of a backup with its digest.

        Raises
        ------
        RunError
            If there is no such backup, or a file of it is missing or differs.
        """
        folder = self._root / name
        if name not in self.names():
            known = ", ".join(self.names()) or "none"
            raise RunError(f"there is no backup {name!r}; there is: {known}")
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        if manifest["schema"] != SCHEMA:
            raise RunError(
                f"backup {name} has schema {manifest['schema']}; this maru reads {SCHEMA}"
            )
        for file, digest in manifest["files"].items():
            self._check_file(name, folder / file, digest)
        for digest in {item.sha256 for item in self.objects(name)}:
            self._check_file(name, self.content(digest), digest)

    def choose(self, name: str) -> None:
        """Leave the name of a backup for the step that loads its dumps."""
        (self._root / CHOSEN).write_text(name, encoding="utf-8")

    def chosen(self) -> str:
        """Return the name that ``choose`` left."""
        return (self._root / CHOSEN).read_text(encoding="utf-8").strip()

    def prune(self, keep: int) -> list[str]:
        """Delete all but the newest ``keep`` backups, with what only they held; return names."""
        old = self.names()[:-keep]
        for name in old:
            # Without its manifest it is no backup: a prune that is killed leaves no broken one.
            (self._root / name / "manifest.json").unlink()
        for folder in self._root.glob("*/objects.jsonl"):
            if folder.parent.name not in {PARTIAL, *self.names()}:
                shutil.rmtree(folder.parent)
        held = {item.sha256 for name in self.names() for item in self.objects(name)}
        for path in (self._root / "objects").glob("??/*"):
            if path.name not in held:
                path.unlink()
        return old

    def _check_file(self, name: str, path: Path, digest: str) -> None:
        if not path.is_file():
            raise RunError(
                f"backup {name} lacks {path.relative_to(self._root)}; restore another one"
            )
        if _sha256(path) != digest:
            raise RunError(
                f"backup {name} is damaged: {path.relative_to(self._root)} differs from its "
                "digest; restore another one"
            )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
