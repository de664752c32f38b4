"""Backups on a volume: dumps of databases, and objects kept once however many backups hold them.

``<time>/manifest.json`` and ``<time>/databases/*.dump`` are one backup; ``objects.jsonl`` beside
them names its objects by sha256, and the bytes lie in ``objects/<2 hex>/<sha256>`` for all backups.
So a daily backup costs what is new. A folder gets its final name only when it is whole. Whoever
writes or restores holds the volume's lock: of two at once, one would prune what the other writes.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from maru.errors import RunError

SCHEMA = 1
_INCOMING = "incoming-"
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

    def holds(self, item: StoredObject) -> bool:
        """Say whether the bytes of an object are there, by their number."""
        path = self.content(item.sha256)
        return path.is_file() and path.stat().st_size == item.bytes

    def keep_content(self, body: BinaryIO) -> str:
        """Write the bytes under their digest and return it; what is there is not written again."""
        objects = self._root / "objects"
        objects.mkdir(exist_ok=True)
        digest = hashlib.sha256()
        with tempfile.NamedTemporaryFile(dir=objects, prefix=_INCOMING, delete=False) as file:
            while chunk := body.read(_CHUNK_BYTES):
                digest.update(chunk)
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        target = self.content(digest.hexdigest())
        target.parent.mkdir(exist_ok=True)
        Path(file.name).replace(target)
        return digest.hexdigest()

    def finish(self, name: str, partial: Path, objects: Iterable[StoredObject]) -> None:
        """Write the list of objects beside the dumps in ``partial`` and give that folder its name.

        Raises
        ------
        RunError
            If there is no dump in it, or a backup of that name.
        """
        dumps = sorted((partial / "databases").glob("*.dump"))
        if not dumps:
            raise RunError(
                f"{partial} holds no dump of a database: none was written, or a backup that was "
                "started since took its place. Start this one again"
            )
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

    def prune(self, keep: int) -> list[str]:
        """Delete all but the newest ``keep`` backups, with what only they held; return names."""
        old = self.names()[:-keep]
        for name in old:
            # Without its manifest it is no backup: a prune that is killed leaves no broken one.
            (self._root / name / "manifest.json").unlink()
        for folder in self._root.glob("*/objects.jsonl"):
            if folder.parent.name not in self.names():
                shutil.rmtree(folder.parent)
        held = {item.sha256 for name in self.names() for item in self.objects(name)}
        for path in (self._root / "objects").glob("??/*"):
            if path.name not in held:
                path.unlink()
        for path in (self._root / "objects").glob(f"{_INCOMING}*"):
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
