"""Start the node's first process: number 1 of its own processes, mounts, network and cgroups.

When that process ends, however it ends, the kernel ends all others and takes mounts and
interfaces away with them.
"""

import contextlib
import ctypes
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from node import cgroups
from node.errors import NodeError

NEW_MOUNTS, NEW_CGROUP, NEW_UTS, NEW_IPC = 0x00020000, 0x02000000, 0x04000000, 0x08000000
NEW_PIDS, NEW_NETWORK = 0x20000000, 0x40000000
ALL = NEW_MOUNTS | NEW_CGROUP | NEW_UTS | NEW_IPC | NEW_PIDS | NEW_NETWORK
END_S = 20.0


@dataclass(frozen=True)
class Process:
    """A process that is not taken for another one: its number and when it started."""

    pid: int
    started: int
    """Clock ticks since the machine started."""

    @property
    def is_alive(self) -> bool:
        return started_at(self.pid) == self.started

    def end(self) -> None:
        """End it and wait until it is gone.

        Raises
        ------
        NodeError
            If it is still there 20 s after it was told to and 20 s after it was made to.
        """
        for wish in (signal.SIGTERM, signal.SIGKILL):
            if not self.is_alive:
                return
            deadline = time.monotonic() + END_S
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, wish)
            while self.is_alive and time.monotonic() < deadline:
                time.sleep(0.02)
        if not self.is_alive:
            return
        raise NodeError(f"process {self.pid} of the node does not end; see: ps -p {self.pid}")


@dataclass(frozen=True)
class Waiting:
    """The first process of a node, which does nothing until it is let go."""

    process: Process
    gate: int

    def let_go(self) -> None:
        os.write(self.gate, b"go")
        os.close(self.gate)


def start(command: list[str], folders: list[Path], log: Path) -> Waiting:
    """Fork the first process in its own namespaces and cgroups.

    It waits before it runs the command. If this process dies meanwhile, it ends by itself.

    Raises
    ------
    NodeError
        If the kernel refuses the namespaces.
    """
    told, tell = os.pipe()
    gate_out, gate_in = os.pipe()
    starter = os.fork()
    if starter == 0:
        try:
            os.close(told)
            os.close(gate_in)
            _fork_inside(command, folders, log, tell, gate_out)
        except OSError as error:
            os.write(tell, f"!{error}".encode())
        finally:
            os._exit(1)
    os.close(tell)
    os.close(gate_out)
    answer = os.read(told, 1000).decode()
    os.close(told)
    os.waitpid(starter, 0)
    if not answer.isdigit():
        raise NodeError(
            f"the kernel does not give the node namespaces of its own: {answer.lstrip('!')}. "
            "It takes root with CAP_SYS_ADMIN and unshare(2)"
        )
    pid = int(answer)
    return Waiting(Process(pid, started_at(pid) or 0), gate_in)


def started_at(pid: int) -> int | None:
    """Return when a process started, in clock ticks; None where it is gone or a zombie."""
    try:
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if words[0] in "ZX" else int(words[19])


def _fork_inside(command: list[str], folders: list[Path], log: Path, tell: int, gate: int) -> None:
    os.setsid()
    cgroups.join(folders)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(ALL) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    first = os.fork()
    if first:
        os.write(tell, str(first).encode())
        os._exit(0)
    os.close(tell)
    if os.read(gate, 2) != b"go":
        os._exit(0)
    words = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (words, 1), (words, 2)):
        os.dup2(source, target)
    os.chdir("/")
    os.execv(command[0], command)
