"""The memory limit of this container, its peak, and how many processes it has ended.

Both versions of cgroups tell; which one holds for memory stands in /proc/self/mountinfo.
"""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

# What version 1 reports without a limit is the largest multiple of a page, version 2 says "max".
_NO_LIMIT = 1 << 60


@dataclass(frozen=True)
class MemoryReading:
    """``limit_bytes`` is None without a limit; ``kills`` counts since the container began."""

    limit_bytes: int | None
    peak_bytes: int
    kills: int


@dataclass(frozen=True)
class MemoryLimit:
    """One cgroup's files: ``version`` 1 or 2, in ``folder``."""

    version: int
    folder: Path

    def read(self) -> MemoryReading | None:
        """Read the counters; None where the cgroup has none (a root, or a kernel too old)."""
        names = {
            1: ("memory.limit_in_bytes", "memory.max_usage_in_bytes", "memory.oom_control"),
            2: ("memory.max", "memory.peak", "memory.events"),
        }
        limit_name, peak_name, events_name = names[self.version]
        with suppress(OSError, KeyError, ValueError):
            limit = (self.folder / limit_name).read_text().strip()
            events = dict(map(str.split, (self.folder / events_name).read_text().splitlines()))
            limit_bytes = None if limit == "max" or int(limit) >= _NO_LIMIT else int(limit)
            return MemoryReading(limit_bytes, self._peak(peak_name), int(events["oom_kill"]))
        return None

    def _peak(self, name: str) -> int:
        """Version 2 has the peak since Linux 5.19; what is used now stands in for it before."""
        for file in (name, "memory.current"):
            with suppress(OSError):
                return int((self.folder / file).read_text())
        return 0


def find_memory_limit(proc: Path = Path("/proc/self")) -> MemoryLimit | None:
    """Find the cgroup that limits this process's memory; None where there is none to see."""
    try:
        mounts = [line.split() for line in (proc / "mountinfo").read_text().splitlines()]
        groups = [line.split(":", 2) for line in (proc / "cgroup").read_text().splitlines()]
    except OSError:
        return None
    for version, kind in ((1, "cgroup"), (2, "cgroup2")):
        for fields in mounts:
            system = fields.index("-") + 1
            if fields[system] != kind:
                continue
            if version == 1 and "memory" not in fields[system + 2].split(","):
                continue
            for _, controllers, path in groups:
                if controllers == "" if version == 2 else "memory" in controllers.split(","):
                    folder = _folder(root=fields[3], mounted=fields[4], group=path)
                    if (limit := MemoryLimit(version, folder)).read():
                        return limit
    return None


def _folder(*, root: str, mounted: str, group: str) -> Path:
    """Return where a cgroup lies, in a container that may see only its own part of the tree."""
    with suppress(ValueError):
        return Path(mounted) / PurePosixPath(group).relative_to(root)
    return Path(mounted)
