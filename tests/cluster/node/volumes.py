"""Volumes of a true size: one file with a file system of its own for each.

What fills its volume fills nothing else. The file is sparse: it takes as much of the disk as was
written and not deleted again.
"""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from node.layout import RUNTIME, VOLUMES

MOUNTS = RUNTIME / "volumes"
SMALLEST = 16 << 20
UNITS = {
    "": 1,
    "k": 10**3,
    "M": 10**6,
    "G": 10**9,
    "T": 10**12,
    "Ki": 1 << 10,
    "Mi": 1 << 20,
    "Gi": 1 << 30,
    "Ti": 1 << 40,
}


@dataclass(frozen=True)
class Volume:
    """A volume by its name, which is the PersistentVolume's."""

    name: str

    @property
    def file(self) -> Path:
        return VOLUMES / f"{self.name}.ext4"

    @property
    def mount_point(self) -> Path:
        return MOUNTS / self.name

    @property
    def folder(self) -> Path:
        """What a pod gets: a folder inside, which isn't there while nothing is mounted."""
        return self.mount_point / "volume"

    def make(self, size_bytes: int) -> None:
        """Make the file, unless a whole one is there."""
        if self.file.exists():
            return
        unfinished = self.file.with_suffix(".unfinished")
        with unfinished.open("wb") as file:
            file.truncate(max(size_bytes, SMALLEST))
        options = "lazy_itable_init=1,lazy_journal_init=1,discard"
        _run("mkfs.ext4", "-q", "-F", "-m", "0", "-E", options, str(unfinished))
        unfinished.rename(self.file)

    def mount(self) -> None:
        """Mount it where pods find it, if it isn't."""
        self.mount_point.mkdir(parents=True, exist_ok=True)
        if not self.mount_point.is_mount():
            _run("mount", "-o", "loop,discard,noatime", str(self.file), str(self.mount_point))
        if not self.folder.exists():
            # A new volume: any user may write, unless the pod names the group that does.
            self.folder.mkdir()
            self.folder.chmod(0o777)

    def remove(self) -> None:
        """Unmount it and delete its data."""
        if self.mount_point.is_mount():
            _run("umount", str(self.mount_point))
        if self.mount_point.exists():
            self.mount_point.rmdir()
        self.file.unlink(missing_ok=True)


def mount_all() -> None:
    """Mount every volume that is there, and forget those that were never finished."""
    VOLUMES.mkdir(exist_ok=True)
    MOUNTS.mkdir(exist_ok=True)
    for unfinished in VOLUMES.glob("*.unfinished"):
        unfinished.unlink()
    for file in sorted(VOLUMES.glob("*.ext4")):
        Volume(file.stem).mount()


def size_bytes(quantity: str) -> int:
    """Return how many bytes a claim asks for, as ``10Gi``.

    Raises
    ------
    ValueError
        If it is no Kubernetes quantity of bytes.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(|k|M|G|T|Ki|Mi|Gi|Ti)", quantity)
    if match is None:
        raise ValueError(f"a size is a number with k, M, G, T, Ki, Mi, Gi or Ti, got {quantity!r}")
    return int(float(match[1]) * UNITS[match[2]])


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)
