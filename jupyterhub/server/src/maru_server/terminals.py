"""The terminals of this server: their shells, and when somebody last typed into one."""

import time
from collections.abc import Callable, Iterator
from typing import Any

from maru_server.processes import PROC

# Linux moves a terminal's access time in steps of 8 s.
_TTY_STEP_S = 8.0


class Terminals:
    """What runs in ``terminal_manager``; None where terminals are switched off."""

    def __init__(self, terminal_manager: Any, clock: Callable[[], float]) -> None:
        self._terminals = terminal_manager
        self._clock = clock

    def pids(self) -> dict[str, int]:
        """Return the pid of each terminal's shell."""
        if self._terminals is None:
            return {}
        return {name: term.ptyproc.pid for name, term in self._terminals.terminals.items()}

    def activity(self) -> Iterator[tuple[str, float]]:
        """Yield for each terminal when something was last typed into it, at the latest.

        Not the time that Jupyter keeps: it moves when a page is opened or its window is resized.
        """
        for name, pid in self.pids().items():
            try:
                read_at = (PROC / str(pid) / "fd" / "0").stat().st_atime
            except OSError:  # the shell has just ended
                continue
            age_s = max(0.0, time.time() - read_at - _TTY_STEP_S)
            yield f"terminal {name} was typed into", self._clock() - age_s
