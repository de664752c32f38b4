"""The one loop that looks at this server every two seconds and decides."""

import asyncio
import logging
import os
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from maru_server.activity import CpuUse, LastActivity, busy_processes
from maru_server.belongings import Belongings, Marks, belongings
from maru_server.home_disk import HomeDisk
from maru_server.idle_rule import Verdict, judge
from maru_server.kernels import Kernels
from maru_server.kill_order import choose_first
from maru_server.last_run import Run
from maru_server.memory_kills import MemoryKills, kill_message
from maru_server.memory_limit import find_memory_limit
from maru_server.notices import Notices
from maru_server.processes import Processes, read_processes
from maru_server.records import Records
from maru_server.settings import Settings
from maru_server.spark_jobs import spark_runs
from maru_server.terminals import Terminals
from maru_server.user_requests import meaning

_SELDOM_S = 10.0


class Watch:
    """Follows one server: ``end`` is called once, when it was idle for too long."""

    def __init__(
        self,
        settings: Settings,
        kernels: Kernels,
        terminals: Terminals,
        marks: Marks,
        notices: Notices,
        records: Records,
        run: Run,
        end: Callable[[], None],
        log: logging.Logger,
    ) -> None:
        self._settings = settings
        self._kernels, self._terminals, self._marks = kernels, terminals, marks
        self._notices, self._records, self._run = notices, records, run
        self._end, self._log = end, log
        self._last = LastActivity(time.monotonic())
        self._cpu = CpuUse(settings.cpu_window_s)
        self._memory = find_memory_limit()
        self._kills = MemoryKills()
        self._disk = HomeDisk(settings.home)
        self._seldom_at = -_SELDOM_S
        self._is_over = False
        self._woken = asyncio.Event()

    @property
    def last_activity(self) -> datetime:
        """When something last happened, for the hub."""
        return datetime.now(UTC) - timedelta(seconds=time.monotonic() - self._last.at)

    async def forever(self, tell: Callable[[datetime], None]) -> None:
        """Look, decide, sleep; ``tell`` hears the last activity after each look."""
        while not self._is_over:
            try:
                await self._look()
            except Exception:
                # What can't be seen may be work: the user's server is not ended on a guess.
                self._last.note("activity could not be read", time.monotonic())
                self._log.exception("maru can't tell whether this server is idle; it is kept")
            tell(self.last_activity)
            if self._verdict().is_over:
                self._finish()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), self._settings.tick_s)
            self._woken.clear()

    async def _look(self) -> None:
        await self._kernels.refresh()
        now, processes = time.monotonic(), read_processes()
        kernel_pids, terminal_pids = self._kernels.pids(), self._terminals.pids()
        owned = belongings(
            processes,
            server=os.getpid(),
            kernels=kernel_pids,
            terminals=terminal_pids,
            marks=self._marks,
        )
        choose_first(owned.all)
        self._tell_kills(now, processes, owned, kernel_pids)
        self._cpu.add(now, processes)
        for what, at in (*self._kernels.activity(), *self._terminals.activity()):
            self._last.note(what, at)
        for what in busy_processes(owned, processes, self._cpu, self._kernels.used()):
            self._last.note(what, now)
        if now - self._seldom_at >= min(_SELDOM_S, self._settings.cpu_window_s):
            self._seldom_at = now
            await self._look_seldom(processes, owned)

    async def _look_seldom(self, processes: Processes, owned: Belongings) -> None:
        """Look at what costs more: a question to each Spark driver, two questions to the disk."""
        self._run.is_alive(time.monotonic())
        if said := self._disk.look():
            level, text = said
            self._notices.add("home full", "error" if level == "error" else "warning", text)
        for kernel_id, pids in owned.kernels.items():
            if await spark_runs(processes, pids):
                name = self._kernels.name(kernel_id)
                self._last.note(f"{name} runs a Spark job", time.monotonic())

    def _tell_kills(
        self, now: float, processes: Processes, owned: Belongings, kernel_pids: dict[str, int]
    ) -> None:
        reading = self._memory.read() if self._memory else None
        if reading is None:
            return
        for victim in self._kills.look(now, reading, processes, owned, kernel_pids):
            kernel = self._kernels.name(victim.kernel_id) if victim and victim.kernel_id else ""
            text = kill_message(victim, kernel, reading, self._settings)
            self._notices.add("out of memory", "error", text)

    def _verdict(self) -> Verdict:
        return judge(time.monotonic() - self._last.at, self._settings)

    def _finish(self) -> None:
        self._is_over = True
        why = (
            f"nothing happened for {time.monotonic() - self._last.at:.0f} s; "
            f"the last thing was: {self._last.what}"
        )
        self._record("ended")
        self._run.ended("idle", why)
        self._end()

    def _record(self, decision: str, **facts: str) -> None:
        self._records.cull(
            {
                "decision": decision,
                "last_activity": self.last_activity.isoformat(timespec="seconds"),
                "what": self._last.what,
                "idle_s": round(time.monotonic() - self._last.at, 1),
                "timeout_s": self._settings.idle_timeout_s,
                **facts,
            }
        )

    def idle_state(self) -> dict[str, Any]:
        """Answer ``GET maru/idle``: seconds, what was last seen, and what a page has to show."""
        verdict = self._verdict()
        ends_in_s = None if verdict.ends_in_s is None else round(max(0.0, verdict.ends_in_s), 1)
        return {
            "idle_s": round(verdict.idle_s, 1),
            "ends_in_s": ends_in_s,
            "warning": verdict.is_warning,
            "why": self._last.what,
            "poll_s": self._settings.poll_s,
            "notices": self._notices.as_json(),
        }

    def keep(self, who: str) -> None:
        """Start the idle time anew because a user asked for it."""
        self._record("kept", who=who)
        self._last.note("Keep was pressed", time.monotonic())

    def request_seen(self, method: str, path: str, status: int) -> None:
        """Count a request if a person made it, and look at once at what it may have started."""
        if what := meaning(method, path, status):
            self._last.note(what, time.monotonic())
            self._woken.set()
