"""Who was ended by the memory limit, and what to tell the user.

The kernel's counter rises first and the process vanishes a moment later: a rise is kept until the
process that it belongs to is seen to be gone.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from maru_server.belongings import Belongings
from maru_server.memory_limit import MemoryReading
from maru_server.processes import Process, Processes
from maru_server.settings import Settings

_PATIENCE_S = 6.0
_NOTHING = Belongings({}, {}, set(), set())


@dataclass(frozen=True)
class Victim:
    """A process that the memory limit ended; ``kernel_id`` is None for a terminal's job."""

    process: Process
    kernel_id: str | None
    is_kernel: bool


@dataclass
class MemoryKills:
    """Compares one look at the counter and the processes with the next."""

    _kills: int | None = None
    _since: float | None = None
    _before: Processes | None = None
    _owned: Belongings = _NOTHING
    _kernel_pids: Mapping[str, int] | None = None

    def look(
        self,
        now: float,
        reading: MemoryReading,
        processes: Processes,
        owned: Belongings,
        kernel_pids: Mapping[str, int],
    ) -> list[Victim | None]:
        """Return whom the limit has ended since the last look; None for one that nobody knew."""
        if self._kills is None or reading.kills <= self._kills:
            self._remember(reading.kills, processes, owned, kernel_pids)
            return []
        self._since = now if self._since is None else self._since
        victims = self._vanished(processes)
        if not victims and now - self._since < _PATIENCE_S:
            return []
        found: list[Victim | None] = [*victims[: reading.kills - self._kills]]
        self._remember(reading.kills, processes, owned, kernel_pids)
        return found or [None]

    def _remember(
        self, kills: int, processes: Processes, owned: Belongings, kernel_pids: Mapping[str, int]
    ) -> None:
        self._kills, self._since = kills, None
        self._before, self._owned, self._kernel_pids = processes, owned, kernel_pids

    def _vanished(self, processes: Processes) -> list[Victim]:
        """List the user's processes that are gone: kernels first, then the largest."""
        victims = []
        kernel_pids = set((self._kernel_pids or {}).values())
        for pid in self._owned.all:
            old, new = (self._before or {}).get(pid), processes.get(pid)
            if old is None or not old.is_alive:
                continue
            if new is None or new.started != old.started or not new.is_alive:
                kernel_id = next(
                    (k for k, pids in self._owned.kernels.items() if pid in pids), None
                )
                victims.append(Victim(old, kernel_id, is_kernel=pid in kernel_pids))
        return sorted(victims, key=lambda v: (not v.is_kernel, -v.process.memory_bytes))


def kill_message(
    victim: Victim | None, kernel_name: str, reading: MemoryReading, settings: Settings
) -> str:
    """Say what ended, at which limit and peak, and what to do; ``kernel_name`` of its kernel."""
    if victim is None:
        who = "a process of this server"
    elif victim.is_kernel:
        who = kernel_name
    elif victim.kernel_id is not None:
        who = f"{victim.process.name}, started by the {kernel_name},"
    else:
        who = f"{victim.process.name}, run in a terminal,"
    limit = size(reading.limit_bytes) if reading.limit_bytes else "its node"
    text = f"{who} was ended by the memory limit of {limit} (peak {size(reading.peak_bytes)})"
    if victim is not None and victim.is_kernel:
        text += "; Jupyter starts it again, empty"
    less = "read less: p.features(as_of, columns=..., sample=...)"
    if settings.next_profile:
        return f"{text}. Choose the profile '{settings.next_profile}' or {less}"
    return f"{text}. No larger profile is offered; {less}"


def size(size_bytes: int) -> str:
    """Write a size as one reads it in a profile: 2 GiB, 1.5 GiB, 512 MiB."""
    for unit, unit_bytes in (("GiB", 1 << 30), ("MiB", 1 << 20)):
        if round(size_bytes / unit_bytes, 1) >= 1:
            return f"{size_bytes / unit_bytes:.1f}".removesuffix(".0") + f" {unit}"
    return f"{size_bytes / 1024:.0f} KiB"
