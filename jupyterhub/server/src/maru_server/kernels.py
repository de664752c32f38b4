"""The kernels of this server: which processes they are, and which of them work."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from maru_server.kernel_watch import KernelWatch


class Kernels:
    """What runs in ``kernel_manager``, each kernel followed from the moment it is seen."""

    def __init__(
        self, kernel_manager: Any, session_manager: Any, clock: Callable[[], float]
    ) -> None:
        self._kernels = kernel_manager
        self._sessions = session_manager
        self._clock = clock
        self._watches: dict[str, KernelWatch] = {}
        self._paths: dict[str, str] = {}

    async def refresh(self) -> None:
        """Follow new kernels, forget those that were shut down, learn their notebooks' names."""
        running = set(self._kernels.list_kernel_ids())
        for kernel_id in self._watches.keys() - running:
            self._watches.pop(kernel_id).close()
            self._paths.pop(kernel_id, None)
        for kernel_id in running:
            if watch := self._watches.get(kernel_id):
                watch.refresh()
            elif self.pid(kernel_id) is not None and self._kernels.get_kernel(kernel_id).ports:
                kernel = self._kernels.get_kernel(kernel_id)
                self._watches[kernel_id] = KernelWatch(kernel, self._clock)
        for session in await self._sessions.list_sessions():
            self._paths[session["kernel"]["id"]] = session["path"] or session["name"]

    def pid(self, kernel_id: str) -> int | None:
        """Return the pid of a kernel's process; None while there is none."""
        with suppress(KeyError):
            provisioner = self._kernels.get_kernel(kernel_id).provisioner
            return getattr(provisioner, "pid", None)
        return None

    def pids(self) -> dict[str, int]:
        """Return the pid of each kernel's process."""
        found = ((kernel_id, self.pid(kernel_id)) for kernel_id in self._watches)
        return {kernel_id: pid for kernel_id, pid in found if pid is not None}

    def name(self, kernel_id: str) -> str:
        """Say which kernel: by its notebook where it has one."""
        path = self._paths.get(kernel_id)
        return f"kernel of {path}" if path else f"kernel {kernel_id[:8]}"

    def used(self) -> dict[str, tuple[str, float]]:
        """Return each kernel's name and when it last worked on a person's request."""
        now = self._clock()
        return {
            kernel_id: (self.name(kernel_id), now if watch.is_executing else watch.last_message_at)
            for kernel_id, watch in self._watches.items()
        }

    def activity(self) -> Iterator[tuple[str, float]]:
        """Yield for each kernel what it did and when it last did it."""
        for kernel_id, (name, at) in self.used().items():
            executes = self._watches[kernel_id].is_executing
            yield f"{name} {'executes' if executes else 'was used'}", at
