"""When this server last did something for its user, and what.

What counts, and what doesn't:

| | counts |
|---|---|
| a kernel executes, however silently, browser or not; it also completes or explains code | yes |
| an idle kernel, an open page, an open websocket, JupyterLab's and git's own polling | no |
| a kernel's processes (a thread, a subprocess, a Spark driver) use 5% of a core or more | yes |
| a Spark job runs, even one that only waits for storage | yes |
| a terminal's shell has a running child, foreground or not, `sleep 10000` too | yes |
| a job stopped by Ctrl-Z | no |
| a shell at its prompt, also one inside another or in tmux | no |
| somebody types into a terminal; a file is saved, made, renamed, deleted | yes |
| a job that left its terminal (nohup and exit) uses 5% of a core or more | yes |
| Keep is pressed in the warning | yes |

The latest moment never moves back, whatever is closed.
"""

import math
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from maru_server.belongings import Belongings
from maru_server.processes import Processes, cpu_between

# Of one core. An idle Spark driver, the busiest of idlers, stays under 2%.
BUSY_SHARE = 0.05


@dataclass
class LastActivity:
    """The latest thing that happened, ``at`` seconds of a clock that never jumps."""

    at: float
    what: str = "the server started"

    def note(self, what: str, at: float) -> None:
        """Remember ``what`` if it is later than all that is known."""
        if at > self.at:
            self.at, self.what = at, what


@dataclass
class CpuUse:
    """How much CPU groups of processes used over the last ``window_s`` seconds."""

    window_s: float
    _readings: deque[tuple[float, Processes]] = field(default_factory=deque)

    def add(self, now: float, processes: Processes) -> None:
        """Take in a reading; forget those that the window no longer needs."""
        self._readings.append((now, processes))
        while len(self._readings) > 2 and self._readings[1][0] <= now - self.window_s:
            self._readings.popleft()

    def share(self, pids: Iterable[int], since: float = -math.inf) -> float:
        """Return the share of one core that ``pids`` used over a whole window after ``since``.

        It is 0 while no such window was seen.
        """
        (start, before), (end, after) = self._readings[0], self._readings[-1]
        if start < since or end - start < self.window_s:
            return 0.0
        return cpu_between(before, after, pids) / (end - start)


def busy_processes(
    owned: Belongings,
    processes: Processes,
    cpu: CpuUse,
    kernels: Mapping[str, tuple[str, float]],
) -> Iterable[str]:
    """Yield what the processes are at right now, besides executing cells.

    ``kernels`` gives each kernel's name and when it last executed: what its processes used until
    then was used by its cells.
    """
    for terminal, pids in owned.jobs.items():
        for pid in sorted(pids)[:1]:
            yield f"terminal {terminal} runs {processes[pid].name}"
    for kernel_id, pids in owned.kernels.items():
        name, executed_at = kernels[kernel_id]
        if (share := cpu.share(pids, since=executed_at)) >= BUSY_SHARE:
            yield f"{name} uses {share:.0%} of a core in the background"
    if (share := cpu.share(owned.left_behind)) >= BUSY_SHARE:
        pid = max(owned.left_behind, key=lambda pid: cpu.share([pid]))
        yield f"{processes[pid].name}, left in the background, uses {share:.0%} of a core"
