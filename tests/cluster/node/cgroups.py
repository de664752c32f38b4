"""The node's own root in each cgroup hierarchy, below the one that starts it.

Version 1 and version 2 of cgroups. Where they are below the starter's, its limits hold for the
node too. In version 2 a cgroup that holds processes can't share out controllers, so there the root
is below the machine's.
"""

import contextlib
import os
import time
from pathlib import Path

MOUNTS = Path("/proc/self/mountinfo")
OWN = Path("/proc/self/cgroup")
# A dying process holds its cgroup for a moment.
PATIENCE_S = 10.0


def is_unified(root: Path = Path("/sys/fs/cgroup")) -> bool:
    """Return whether the machine has cgroup version 2 only."""
    return (root / "cgroup.controllers").exists()


def folders(name: str) -> list[Path]:
    """Return the folders that are the node's root, one in each hierarchy, made or not."""
    return [parent / name for parent in parents(MOUNTS.read_text(), OWN.read_text())]


def make(roots: list[Path]) -> None:
    """Make the folders."""
    for folder in roots:
        folder.mkdir(exist_ok=True)
        # A new cpuset is empty, and nothing may run in an empty one.
        for file in ("cpuset.cpus", "cpuset.mems"):
            if (folder / file).exists() and not is_unified():
                (folder / file).write_text((folder.parent / file).read_text())


def parents(mountinfo: str, own: str) -> list[Path]:
    """Return the folder of the starter in each version 1 hierarchy, or the unified root.

    Parameters
    ----------
    mountinfo, own
        The text of /proc/self/mountinfo and /proc/self/cgroup.
    """
    mine = dict(line.split(":", 2)[1:] for line in own.splitlines())
    found: list[Path] = []
    unified: list[Path] = []
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        root, mountpoint = before.split()[3:5]
        kind, _, options = after.split(maxsplit=2)
        if kind == "cgroup2":
            unified.append(Path(mountpoint))
        if kind != "cgroup":
            continue
        path = next(
            (p for c, p in mine.items() if c and set(c.split(",")) <= set(options.split(","))), None
        )
        if path is None:
            continue
        inside = os.path.relpath(path, root)
        folder = Path(mountpoint) / ("" if inside.startswith("..") else inside)
        if folder not in found:
            found.append(folder)
    return found or unified[:1]


def join(folders: list[Path]) -> None:
    """Move this process into the cgroups."""
    for folder in folders:
        (folder / "cgroup.procs").write_text("0")


def remove(folders: list[Path]) -> list[Path]:
    """Remove the cgroups with all below them; return those that still hold a process."""
    deadline = time.monotonic() + PATIENCE_S
    left = [folder for folder in folders if folder.exists()]
    while left and time.monotonic() < deadline:
        for folder in left:
            for path in sorted((p for p in folder.rglob("*") if p.is_dir()), reverse=True):
                with contextlib.suppress(OSError):
                    path.rmdir()
            with contextlib.suppress(OSError):
                folder.rmdir()
        left = [folder for folder in left if folder.exists()]
        if left:
            time.sleep(0.1)
    return left
