"""How full the user's home is; a full one must be said, because saving fails without a reason."""

import os
from dataclasses import dataclass
from pathlib import Path

from maru_server.memory_kills import size

_FULL_BYTES = 16 << 20
_NEARLY = 0.90
# Below this the next warning may come: a home that swings around the threshold says it once.
_RELIEVED = 0.85


@dataclass
class HomeDisk:
    """Watches the disk that holds ``home`` and says once when it gets full."""

    home: Path
    _said: str = ""

    def look(self) -> tuple[str, str] | None:
        """Return a level (``warning``, ``error``) and what to tell the user; None for nothing new.

        Free is what this user may still write: not what is kept for root.
        """
        disk = os.statvfs(self.home)
        free_bytes = disk.f_bavail * disk.f_frsize
        used_bytes = (disk.f_blocks - disk.f_bfree) * disk.f_frsize
        used = used_bytes / max(1, used_bytes + free_bytes)
        level = "error" if free_bytes < _FULL_BYTES else "warning" if used > _NEARLY else ""
        if not level:
            self._said = self._said if used > _RELIEVED else ""
            return None
        if self._said in (level, "error"):
            return None
        self._said = level
        what = "nothing more can be saved" if level == "error" else "saving fails when it is full"
        return level, (
            f"your home is {used:.0%} full, {size(free_bytes)} are free: {what}. "
            "Delete what you don't need; du -xh ~ | sort -h | tail shows the largest folders"
        )
