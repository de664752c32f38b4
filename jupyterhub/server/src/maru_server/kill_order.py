"""Let the memory limit take the user's processes before the server that reports it."""

from collections.abc import Iterable
from contextlib import suppress

from maru_server.processes import PROC

# The highest there is: chosen before anything else in the container. Raising needs no privilege,
# and what a process starts later inherits it.
_FIRST = 1000


def choose_first(pids: Iterable[int]) -> None:
    """Make the kernel choose one of ``pids`` when memory runs out; those that are gone are none."""
    for pid in pids:
        file = PROC / str(pid) / "oom_score_adj"
        with suppress(OSError):
            if int(file.read_text()) < _FIRST:
                file.write_text(str(_FIRST))
