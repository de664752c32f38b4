"""The processes of this pod, read from /proc: a process of the user's is work or it isn't."""

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Process:
    """One process at one moment.

    ``started``: clock ticks since boot, which tells a reused pid from the one before.
    ``cpu_s``: user and system seconds, with those of the children it has waited for.
    ``tty``: device number of the controlling terminal, 0 without one.
    ``state``: the kernel's letter, e.g. ``R``, ``S``, ``T`` (stopped), ``Z`` (ended, not reaped).
    """

    pid: int
    parent: int
    session: int
    tty: int
    name: str
    state: str
    started: int
    cpu_s: float
    memory_bytes: int

    @property
    def is_alive(self) -> bool:
        """Whether it can still do anything."""
        return self.state not in "ZXx"

    @property
    def is_running(self) -> bool:
        """Whether it goes on by itself: alive, and not stopped by Ctrl-Z."""
        return self.is_alive and self.state not in "Tt"


Processes = Mapping[int, Process]


def read_processes() -> dict[int, Process]:
    """Read every process that can be seen; those that end meanwhile are left out."""
    found = {}
    for entry in os.scandir(PROC):
        if entry.name.isdigit() and (process := read_process(int(entry.name))):
            found[process.pid] = process
    return found


def read_process(pid: int) -> Process | None:
    """Read one process; None if there is none."""
    try:
        text = (PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return None
    # The name stands in parentheses and may hold spaces and parentheses itself.
    name, _, rest = text.partition("(")[2].rpartition(")")
    field = rest.split()
    return Process(
        pid=pid,
        parent=int(field[1]),
        session=int(field[3]),
        tty=int(field[4]),
        name=name,
        state=field[0],
        started=int(field[19]),
        cpu_s=sum(map(int, field[11:15])) / _TICKS_PER_S,
        memory_bytes=int(field[21]) * _PAGE_BYTES,
    )


def descendants(processes: Processes, roots: Iterable[int]) -> set[int]:
    """Return the pids below ``roots``, without the roots themselves."""
    children: dict[int, list[int]] = {}
    for process in processes.values():
        children.setdefault(process.parent, []).append(process.pid)
    found: set[int] = set()
    waiting = list(roots)
    while waiting:
        below = [pid for pid in children.get(waiting.pop(), ()) if pid not in found]
        found.update(below)
        waiting += below
    return found - set(roots)


def cpu_between(before: Processes, after: Processes, pids: Iterable[int]) -> float:
    """Return the CPU seconds that ``pids`` used between two readings.

    A process that was not there before counts for nothing yet; one that ended counts through the
    parent that waited for it.
    """
    used = 0.0
    for pid in pids:
        old, new = before.get(pid), after.get(pid)
        if old and new and old.started == new.started:
            used += max(0.0, new.cpu_s - old.cpu_s)
    return used


def argv(pid: int) -> list[str]:
    """Return a process's command line; empty when it has gone."""
    with suppress(OSError):
        words = (PROC / str(pid) / "cmdline").read_bytes().split(b"\0")
        return [word.decode(errors="replace") for word in words[:-1]]
    return []


def has_variable(pid: int, name: str, value: str) -> bool:
    """Whether a process was started with this environment variable; False if it can't be read."""
    with suppress(OSError):
        return f"{name}={value}".encode() in (PROC / str(pid) / "environ").read_bytes().split(b"\0")
    return False
