"""Whose process is whose: the kernels', the terminals' jobs, and what outlived both.

The server's own children (git for the panel, language servers) share its session and are nobody's
work. A process whose parents ended is found by a mark in its environment, wherever it hangs now.
"""

import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from maru_server.processes import Process, Processes, argv, descendants, has_variable

MARK = "MARU_SERVER_MARK"
_SHELLS = {"bash", "dash", "fish", "ksh", "sh", "tcsh", "zsh"}
# Clients that only show what runs elsewhere.
_VIEWERS = {"tmux: client", "screen"}
# Between fork and exec a child still shows its parent's environment.
_SETTLED_S = 5.0


@dataclass(frozen=True)
class Belongings:
    """The pids of each kernel's tree, of each terminal's jobs, and of what is left behind.

    ``jobs``: what a terminal runs, without its shell, nested shells that wait, and stopped jobs.
    ``shells``: the terminals' shells. ``left_behind``: processes of kernels and terminals that
    ended or let go of them.
    """

    kernels: Mapping[str, set[int]]
    jobs: Mapping[str, set[int]]
    shells: set[int]
    left_behind: set[int]

    @property
    def all(self) -> set[int]:
        """Every process that works for the user."""
        return self.shells.union(self.left_behind, *self.kernels.values(), *self.jobs.values())


@dataclass
class Marks:
    """Which processes carry this server's mark, remembered while they live."""

    value: str
    _seen: dict[tuple[int, int], bool] = field(default_factory=dict)

    def carried_by(self, process: Process, age_s: float) -> bool:
        """Whether ``process``, ``age_s`` old, was started below a kernel or terminal of ours."""
        key = process.pid, process.started
        if key not in self._seen:
            marked = has_variable(process.pid, MARK, self.value)
            if not marked and age_s < _SETTLED_S:
                return False
            self._seen[key] = marked
        return self._seen[key]

    def forget_ended(self, processes: Processes) -> None:
        """Drop what is remembered of processes that are gone."""
        alive = {(p.pid, p.started) for p in processes.values()}
        self._seen = {key: marked for key, marked in self._seen.items() if key in alive}


def belongings(
    processes: Processes,
    *,
    server: int,
    kernels: Mapping[str, int],
    terminals: Mapping[str, int],
    marks: Marks,
) -> Belongings:
    """Sort the processes; ``kernels`` and ``terminals`` give the pid of each kernel and shell.

    A session with a terminal of its own below something left behind (tmux, screen) is a terminal
    too, named by its device number.
    """
    trees = {
        name: {pid} | descendants(processes, [pid])
        for name, pid in kernels.items()
        if pid in processes
    }
    below = {name: descendants(processes, [pid]) for name, pid in terminals.items()}
    placed = {server}.union(*trees.values(), *below.values(), terminals.values())
    marks.forget_ended(processes)
    own_session = os.getsid(server) if server in processes else server
    left = {
        p.pid
        for p in processes.values()
        if p.pid not in placed and p.session != own_session and marks.carried_by(p, _age_s(p))
    }
    panes = {
        f"tty {processes[pid].tty}": pid
        for pid in left
        if processes[pid].tty and processes[pid].session == pid
    }
    below |= {name: descendants(processes, [pid]) for name, pid in panes.items()}
    left -= set(panes.values()).union(*(below[name] for name in panes))
    jobs = {name: {pid for pid in pids if _is_job(processes[pid])} for name, pids in below.items()}
    return Belongings(trees, jobs, {*terminals.values(), *panes.values()} & set(processes), left)


def _is_job(process: Process) -> bool:
    """Whether a process below a shell is something that the user waits for."""
    if not process.is_running or process.name in _VIEWERS:
        return False
    if process.name not in _SHELLS:
        return True
    # A shell with nothing but options waits for its user; with a script or -c it works.
    words = argv(process.pid)[1:]
    return any(not word.startswith("-") or re.fullmatch("-[a-z]*c", word) for word in words)


def _age_s(process: Process) -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME) - process.started / os.sysconf("SC_CLK_TCK")
