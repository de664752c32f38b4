"""The loop when it can't see: nobody is ended on a guess."""

import asyncio
import logging
import time
from contextlib import suppress

from maru_server.belongings import Marks
from maru_server.kernels import Kernels
from maru_server.last_run import Run
from maru_server.notices import Notices
from maru_server.records import Records
from maru_server.settings import Settings
from maru_server.terminals import Terminals
from maru_server.watch import Watch


class Silent:
    """Jupyter's managers, without a kernel or a session."""

    def list_kernel_ids(self):
        return []

    async def list_sessions(self):
        return []


class Broken(Silent):
    """Jupyter's manager on a bad day."""

    def list_kernel_ids(self):
        raise OSError("no answer")


def ends(tmp_path, kernel_manager, seconds):
    """Watch for a while with an idle time of 1 s; return how often the server was ended."""
    log, ended = logging.getLogger("test"), []
    records = Records(tmp_path / ".maru", log)
    settings = Settings(tmp_path, idle_timeout_s=1.0, idle_warning_s=0.2)

    async def watch():
        watched = Watch(
            settings,
            Kernels(kernel_manager, Silent(), time.monotonic),
            Terminals(None, time.monotonic),
            Marks("a mark"),
            Notices(records),
            records,
            Run(records, "2026-01-01T00:00:00+00:00"),
            lambda: ended.append(1),
            log,
        )
        with suppress(TimeoutError):
            await asyncio.wait_for(watched.forever(lambda _: None), seconds)

    asyncio.run(watch())
    return len(ended)


def test_an_idle_server_is_ended_once(tmp_path):
    assert ends(tmp_path, Silent(), 20) == 1


def test_a_server_that_can_not_be_seen_is_kept_and_said(tmp_path, caplog):
    assert ends(tmp_path, Broken(), 4) == 0
    assert "can't tell whether this server is idle" in caplog.text
