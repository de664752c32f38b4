"""A lock that dies with the process that holds it, however it dies."""

import fcntl
import os
import time
from pathlib import Path

_POLL_S = 0.05


class FileLock:
    """An exclusive lock on a file; the file itself stays and means nothing."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def take(self) -> bool:
        """Take the lock if nobody has it; say whether we have it now."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def wait(self, seconds: float) -> bool:
        """Take the lock, waiting for whoever has it; say whether we have it now."""
        until = time.monotonic() + seconds
        while not (taken := self.take()) and time.monotonic() < until:
            time.sleep(_POLL_S)
        return taken

    def release(self) -> None:
        """Give the lock back; nothing happens without it."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def is_locked(path: Path) -> bool:
    """Say whether a process holds the lock now."""
    if not path.exists():
        return False
    lock = FileLock(path)
    taken = lock.take()
    lock.release()
    return not taken
