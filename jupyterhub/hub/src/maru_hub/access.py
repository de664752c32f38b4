"""Accounts and permissions for a user whose server starts.

What must be there before the pod is made in milliseconds: the service account and the Secret.
The rest is done beside the pod's start, and a spawn waits for it only a few seconds: a notebook
without the S3 store is still a notebook. Where it failed the user is told, and the hub keeps
trying while the server runs. The passwords are in the pod already, so they begin to work by
themselves.
"""

import asyncio
import itertools
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from maru_hub.errors import OutsideError
from maru_hub.reach import Reach, reach_of

log = logging.getLogger("maru_hub.access")
RETRY_S = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""The pauses between attempts; the last one repeats."""


class Accounts(Protocol):
    """A server at which users have accounts."""

    name: str

    async def grant(self, slug: str, secret: str, reach: Reach) -> None:
        """Make the user's account as needed and let it reach this and no more."""


@dataclass(frozen=True)
class Person:
    """Whose server starts."""

    slug: str
    names: frozenset[str]
    """The user's name and groups, which a project's owner may be."""


@dataclass(frozen=True)
class Server:
    """One of the servers next door, and which of a user's credentials is its secret."""

    accounts: Accounts
    secret_key: str


class Access:
    """Lets users reach what is theirs."""

    def __init__(
        self,
        servers: tuple[Server, ...],
        owners: Callable[[], Awaitable[Mapping[str, str]]],
        wait_s: float,
    ) -> None:
        self._servers = servers
        self._owners = owners
        self._wait_s = wait_s
        self._trying: dict[str, asyncio.Task[None]] = {}

    async def grant(
        self,
        person: Person,
        credentials: Mapping[str, str],
        raw_log: bool,
        tell: Callable[[str], None],
    ) -> None:
        """Set up everything for a server that starts.

        Returns after ``wait_s`` at the latest. The user is told a sentence for each server that
        isn't set up at the first attempt. Those that still aren't at the end are tried again until
        they are, or until ``forget`` is called.
        """
        self.forget(person.slug)
        pending = set(self._servers)
        trying = asyncio.create_task(self._try(person, credentials, raw_log, pending, tell))
        self._trying[person.slug] = trying
        trying.add_done_callback(lambda done: self._drop(person.slug, done))
        await asyncio.wait({trying}, timeout=self._wait_s)

    def forget(self, slug: str) -> None:
        """Stop trying for a user whose server stopped or starts anew."""
        if trying := self._trying.pop(slug, None):
            trying.cancel()

    def _drop(self, slug: str, done: asyncio.Task[None]) -> None:
        if self._trying.get(slug) is done:
            del self._trying[slug]
        if not done.cancelled() and (fault := done.exception()):
            log.error("%s: accounts are not set up", slug, exc_info=fault)

    async def _try(
        self,
        person: Person,
        credentials: Mapping[str, str],
        raw_log: bool,
        pending: set[Server],
        tell: Callable[[str], None],
    ) -> None:
        """Set up what is pending, and again after a pause what failed."""
        for pause_s in itertools.chain(RETRY_S, itertools.repeat(RETRY_S[-1])):
            reach, closed = await self._reach(person, raw_log)
            if closed:
                tell(f"Your projects' data are closed for now: {closed}.")
            tried = sorted(pending, key=lambda server: server.accounts.name)
            failures = await asyncio.gather(
                *(_set_up(server, person.slug, credentials, reach) for server in tried)
            )
            for server, failure in zip(tried, failures, strict=True):
                if failure:
                    log.warning("%s: %s", person.slug, failure)
                    tell(
                        f"{server.accounts.name} doesn't know your account yet: {failure}. The "
                        "server starts without it and the hub keeps trying; nothing to do."
                    )
                elif not closed:
                    pending.remove(server)
            if not pending:
                return
            tell = _say_no_more
            await asyncio.sleep(pause_s)

    async def _reach(self, person: Person, raw_log: bool) -> tuple[Reach, str]:
        """Return what the person may reach, and why no project is among it where that failed."""
        try:
            return reach_of(person.names, await self._owners(), raw_log), ""
        except OutsideError as error:
            log.warning("%s: no project is opened: %s", person.slug, error)
            return Reach(raw_log=raw_log), str(error)


async def _set_up(server: Server, slug: str, credentials: Mapping[str, str], reach: Reach) -> str:
    """Set up one server; return why that failed, or nothing."""
    try:
        await server.accounts.grant(slug, credentials[server.secret_key], reach)
    except OutsideError as error:
        return str(error)
    return ""


def _say_no_more(text: str) -> None:
    """Take what was told already."""
