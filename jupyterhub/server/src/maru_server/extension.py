"""Put the parts of maru_server together inside a running Jupyter server."""

import asyncio
import atexit
import os
import secrets
import time
from pathlib import Path
from typing import Any

from maru_server.belongings import MARK, Marks
from maru_server.kernels import Kernels
from maru_server.last_run import Run, what_ended
from maru_server.notices import Notices
from maru_server.projects import (
    CloneError,
    clone_projects,
    git_environment,
    set_git_identity,
)
from maru_server.records import Records, now_text
from maru_server.routes import add_routes, watch_requests
from maru_server.settings import Settings, read_settings
from maru_server.terminals import Terminals
from maru_server.watch import Watch


def load(serverapp: Any) -> None:
    """Watch over ``serverapp`` from the moment its loop runs."""
    settings, complaints = read_settings(os.environ, Path.home())
    for complaint in complaints:
        serverapp.log.error("%s", complaint)
    if serverapp.kernel_manager.cull_idle_timeout > 0:
        serverapp.log.warning(
            "MappingKernelManager.cull_idle_timeout ends idle kernels beside maru, which decides "
            "for the whole server: leave it at 0"
        )
    # Kernels and terminals inherit both; the server itself doesn't carry the mark.
    mark = f"{os.getpid()}-{secrets.token_hex(8)}"
    os.environ[MARK] = mark
    os.environ.update(git_environment(settings, os.environ))

    records = Records(settings.home / ".maru", serverapp.log)
    notices = Notices(records)
    if text := what_ended(records.last_run()):
        notices.add("last server", "info", text)
    run = Run(records, now_text())
    run.is_alive(time.monotonic())
    atexit.register(run.ended, "stopped", "its user or the hub stopped it")

    web_app = serverapp.web_app
    watch = Watch(
        settings,
        Kernels(serverapp.kernel_manager, serverapp.session_manager, time.monotonic),
        Terminals(web_app.settings.get("terminal_manager"), time.monotonic),
        Marks(mark),
        notices,
        records,
        run,
        serverapp.stop,
        serverapp.log,
    )
    add_routes(web_app, watch)
    watch_requests(web_app, watch.request_seen)

    async def start() -> None:
        await asyncio.gather(
            # Jupyter takes the latest of all settings of this form for the server's last activity,
            # which the hub asks for: a silent busy kernel has to show there too.
            watch.forever(lambda at: web_app.settings.update(maru_last_activity=at)),
            _set_up_git(settings, notices),
        )

    serverapp.io_loop.add_callback(start)


async def _set_up_git(settings: Settings, notices: Notices) -> None:
    await set_git_identity(os.environ)
    try:
        folder = await clone_projects(settings)
    except (CloneError, OSError) as error:
        notices.add("clone failed", "warning", str(error))
    else:
        if folder:
            notices.add("cloned", "success", f"the projects are in ~/{folder.name}")
