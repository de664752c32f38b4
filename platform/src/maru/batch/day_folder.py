"""The scores of one day: written whole, published once, replaced only where that is asked for.

``as_of=YYYY-MM-DD`` is a link to ``.days/<day>-<release>-<number>/``. A process that is killed
leaves a folder without a link, which the next one removes. A replacement moves the link, in one
step; what was replaced stays beside it, for it may have been sent to somebody.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maru.errors import ReleaseError
from maru.release.digests import hash_file, short
from maru.workspace import read_json

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class DayFolder:
    """Where the scores of a project's day are; ``link`` is the path that readers use."""

    link: Path

    @property
    def manifest(self) -> dict[str, Any] | None:
        """The manifest of what is published; None where nothing is."""
        file = self.link / MANIFEST
        return read_json(file) if file.is_file() else None

    def damage(self) -> list[str]:
        """Return the published files that differ from the manifest, in words."""
        manifest = self.manifest or {"files": {}}
        found = []
        for name, entry in manifest["files"].items():
            file = self.link / name
            if not file.is_file():
                found.append(f"{name} is missing")
            elif hash_file(file)[0] != entry["sha256"]:
                found.append(f"{name} differs from its sha256")
        return found

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Wait until no other process scores this day."""
        self._days.mkdir(parents=True, exist_ok=True)
        with (self._days / f"{self._day}.lock").open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            yield

    @contextmanager
    def publishing(self, release: str, *, replace: bool) -> Iterator[Path]:
        """Yield an empty folder to write into; it is published when the block ends well.

        Call it inside ``alone``.

        Raises
        ------
        ReleaseError
            If something is published that may not be replaced.
        """
        if self.link.exists() and not replace:
            raise ReleaseError(f"{self.link} is published already; --replace writes it again")
        self._remove_leftovers()
        number = 1 + sum(1 for _ in self._days.glob(f"{self._day}-*"))
        folder = self._days / f"{self._day}-{short(release)}-{number}"
        while folder.exists():
            number += 1
            folder = self._days / f"{self._day}-{short(release)}-{number}"
        staged = folder.with_name(f"{folder.name}.part")
        staged.mkdir()
        try:
            yield staged
            for file in staged.iterdir():
                _sync(file)
            _sync(staged)
            staged.rename(folder)
            self._point_to(folder)
        finally:
            shutil.rmtree(staged, ignore_errors=True)

    @property
    def _days(self) -> Path:
        return self.link.parent / ".days"

    @property
    def _day(self) -> str:
        return self.link.name.removeprefix("as_of=")

    def _point_to(self, folder: Path) -> None:
        staged = self._days / f"{self._day}.link"
        staged.unlink(missing_ok=True)
        staged.symlink_to(os.path.relpath(folder, self.link.parent))
        staged.replace(self.link)
        _sync(self.link.parent)

    def _remove_leftovers(self) -> None:
        """Remove what killed processes left: unfinished folders, and finished ones never linked."""
        for leftover in self._days.glob(f"{self._day}-*.part"):
            shutil.rmtree(leftover)
        published = self.link.resolve() if self.link.exists() else None
        for folder in self._days.glob(f"{self._day}-*"):
            if published is None and folder.is_dir():
                shutil.rmtree(folder)


def manifest_bytes(document: dict[str, Any]) -> bytes:
    """Return a manifest's text."""
    return (json.dumps(document, indent=1, sort_keys=True) + "\n").encode()


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
