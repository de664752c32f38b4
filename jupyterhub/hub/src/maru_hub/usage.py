"""The administrators' page ``/hub/usage``: who runs what, how large, and idle for how long.

Memory and disk of a server are promised to it whole, so the limits are what the cluster has given
away; what a server really uses is in its own status bar and in the cluster's monitoring.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from jupyterhub import orm
from jupyterhub.handlers.base import BaseHandler
from jupyterhub.scopes import needs_scope
from tornado import web

from maru_hub.profiles import ProfileCatalogue

PATH = "/usage"
GIB = 2**30


@dataclass(frozen=True)
class RunningServer:
    """What the hub's database says of a server. Times are UTC."""

    user: str
    options: Mapping[str, Any]
    started: datetime
    last_activity: datetime


@dataclass(frozen=True)
class Usage:
    """A line of the page."""

    user: str
    profile: str
    memory_gib: float
    cpu: float
    gpu: int
    started: datetime
    idle: timedelta


def usages(
    servers: Iterable[RunningServer], catalogue: ProfileCatalogue, now: datetime
) -> list[Usage]:
    """Return a line for each server, the longest idle first.

    A profile that is offered no more is named with zeros: its server still runs.
    """
    found = []
    for server in servers:
        image = str(server.options.get("profile") or catalogue.default_image())
        entry = catalogue.images.get(image)
        size = str(server.options.get("size") or (entry.sizes[0] if entry else ""))
        limits = catalogue.sizes.get(size)
        found.append(
            Usage(
                server.user,
                f"{entry.title if entry else image} {size}".strip(),
                limits.memory / GIB if limits else 0.0,
                limits.cpu if limits else 0.0,
                limits.gpu if limits else 0,
                server.started,
                max(now - server.last_activity, timedelta(0)),
            )
        )
    return sorted(found, key=lambda usage: usage.idle, reverse=True)


def running_servers(db: Any) -> list[RunningServer]:
    """Read the running servers from the hub's database (an SQLAlchemy session)."""
    spawners = db.query(orm.Spawner).filter(orm.Spawner.server_id.isnot(None))
    return [
        RunningServer(
            spawner.user.name,
            spawner.user_options or {},
            spawner.started.replace(tzinfo=UTC),
            (spawner.last_activity or spawner.started).replace(tzinfo=UTC),
        )
        for spawner in spawners
        if spawner.started
    ]


class UsagePage(BaseHandler):  # type: ignore[misc]  # it ships no types
    """Shows administrators the running servers."""

    def initialize(self, catalogue: ProfileCatalogue) -> None:
        """Take what the route of the page carries."""
        self.catalogue = catalogue

    @web.authenticated
    @needs_scope("admin-ui")  # type: ignore[untyped-decorator]  # it ships no types
    async def get(self) -> None:
        """Answer with the page."""
        lines = usages(running_servers(self.db), self.catalogue, datetime.now(UTC))
        self.finish(await self.render_template("usage.html", usages=lines))
