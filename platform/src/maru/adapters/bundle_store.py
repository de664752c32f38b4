"""Bundles in a local folder: staged, synced, verified, then renamed into place.

``<root>/sha256/<hex>/`` is a published bundle and is never written to again. A put copies into
``<root>/.staging/`` on the same file system and becomes visible by one rename, so a process that
is killed at any point leaves the published bundles whole; the next put removes what it left.
"""

import fcntl
import logging
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from maru.errors import BundleError
from maru.release.bundle import verify_bundle
from maru.release.digests import digest_of, hex_of, short
from maru.release.manifest import NAME as MANIFEST

_log = logging.getLogger(__name__)
_READ_ONLY = 0o444


class LocalBundleStore:
    """A ``BundleStore`` in a folder; safe for many processes of one machine at once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._published = root / "sha256"
        self._staging = root / ".staging"
        self._broken = root / ".broken"

    def put(self, folder: Path) -> str:
        """Publish a copy of an assembled bundle and return its digest.

        A bundle that is there and verifies is left alone. One that is there and doesn't verify is
        moved to ``.broken/`` and replaced, and a warning says so.

        Raises
        ------
        BundleError
            If ``folder`` isn't a whole bundle.
        """
        manifest = folder / MANIFEST
        if not manifest.is_file():
            raise BundleError(f"{folder} has no {MANIFEST}: assemble the bundle first")
        digest = digest_of(manifest.read_bytes())
        files = (MANIFEST, *verify_bundle(folder, digest).files)
        target = self._published / hex_of(digest)
        if target.exists() and _verifies(target, digest):
            _sync_folder(self._published)  # a put that was killed may not have come so far
            return digest
        with self._stage() as stage:
            for path in files:
                _copy_synced(folder / path, stage / path)
            _sync_folders(stage)
            verify_bundle(stage, digest)
            self._publish(stage, target, digest)
        return digest

    def get(self, digest: str) -> Path:
        """Return the folder of a published bundle; ``BundleError`` if there is none."""
        path = self._published / hex_of(digest)
        if not path.is_dir():
            raise BundleError(
                f"bundle {digest} is not in {self.root}: copy it there from the machine that made "
                "it, or run maru run and release what it makes"
            )
        return path

    def has(self, digest: str) -> bool:
        """Say whether a bundle of this digest was published."""
        return (self._published / hex_of(digest)).is_dir()

    def list(self) -> tuple[str, ...]:
        """Return the digests of all published bundles, sorted."""
        if not self._published.is_dir():
            return ()
        return tuple(sorted(f"sha256:{entry.name}" for entry in self._published.iterdir()))

    @contextmanager
    def _stage(self) -> Iterator[Path]:
        """Yield a new folder in ``.staging/``; remove it, and what killed puts left, in the end."""
        for folder in (self.root, self._published, self._staging):
            folder.mkdir(parents=True, exist_ok=True)
        with (self.root / ".lock").open("w") as lock:
            try:  # alone: whatever lies in .staging/ belongs to a process that is dead
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                for leftover in self._staging.iterdir():
                    shutil.rmtree(leftover)
            except BlockingIOError:
                pass
            fcntl.flock(lock, fcntl.LOCK_SH)
            stage = self._staging / uuid.uuid4().hex
            stage.mkdir()
            try:
                yield stage
            finally:
                shutil.rmtree(stage, ignore_errors=True)

    def _publish(self, stage: Path, target: Path, digest: str) -> None:
        while True:
            try:
                stage.rename(target)
                break
            except OSError:  # the target is there: published by another put, or broken
                if not target.exists():
                    raise
                if _verifies(target, digest):
                    return
                self._set_aside(target, digest)
        _sync_folder(self._published)
        _sync_folder(self.root)

    def _set_aside(self, target: Path, digest: str) -> None:
        self._broken.mkdir(exist_ok=True)
        aside = self._broken / f"{target.name}-{uuid.uuid4().hex[:8]}"
        try:
            target.rename(aside)
        except FileNotFoundError:  # another put was faster
            return
        _log.warning("bundle %s did not verify: moved to %s and replaced", short(digest), aside)


def _verifies(path: Path, digest: str) -> bool:
    try:
        verify_bundle(path, digest)
    except BundleError:
        return False
    return True


def _copy_synced(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with source.open("rb") as reader, target.open("wb") as writer:
        shutil.copyfileobj(reader, writer)
        writer.flush()
        os.fchmod(writer.fileno(), _READ_ONLY)
        os.fsync(writer.fileno())


def _sync_folders(root: Path) -> None:
    for folder, _, _ in os.walk(root, topdown=False):
        _sync_folder(Path(folder))


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
