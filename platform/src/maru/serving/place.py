"""One project in ``maru up``: what answers for it now, and how it gets to what the branch wants.

Level-triggered: ``want`` notes the newest wish and wakes one task, which loads it beside what is in
force, lets it answer its golden rows, and then switches by one assignment. What can't be loaded
changes nothing but the reason that is shown; it is tried again, for a bundle may still arrive.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Protocol

from maru.errors import MaruError
from maru.release.bundle import Bundle
from maru.serving.asgi import Receive, Scope, Send, refused, send_answer
from maru.serving.loaded import LoadedRelease, has_own_service, load_bundle
from maru.serving.refusal import Refusal
from maru.serving.scoring_app import ScoringApp
from maru.serving.wanted import ProjectStatus, Release, Wanted

_log = logging.getLogger(__name__)

RETRY_S = (0.5, 1.0, 2.0, 3.0, 5.0, 5.0, 5.0, 10.0, 30.0, 60.0)


class Service(Protocol):
    """A running process that answers for one bundle with its own service.py."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request to it; 503 with words while it is being started again."""

    async def stop(self) -> None:
        """Let it finish what it is answering, then end it."""


@dataclass(frozen=True)
class Sources:
    """Where a place gets what it serves.

    Attributes
    ----------
    open_bundle
        (digest, project) -> the verified bundle; raises MaruError.
    launch
        Start a bundle's own service; returns when it is ready, raises MaruError if it never is.
    executor
        Where loading happens, so that requests go on.
    changed
        Called whenever what answers, or why not, may have changed.
    say
        Given words for people when it has.
    """

    open_bundle: Callable[[str, str], Bundle]
    launch: Callable[[Bundle], Awaitable[Service]]
    executor: Executor
    changed: Callable[[], None]
    say: Callable[[str], None]


@dataclass(frozen=True)
class _InForce:
    digest: str
    code_commit: str
    by: Release | None
    service: Service | None = None


class Place:
    """Serves one project; ``app`` answers in this process, a ``Service`` in one of its own."""

    def __init__(self, project: str, app: ScoringApp, sources: Sources) -> None:
        self.project = project
        self.app = app
        self._sources = sources
        self._wanted = Wanted(project, None)
        self._removed: str | None = None
        self._in_force: _InForce | None = None
        self._problem: str | None = "starting"
        self._state = "starting"
        self._said = ""
        self._woken = asyncio.Event()
        self._leaving: set[asyncio.Task[None]] = set()
        self._task = asyncio.create_task(self._converge())

    @property
    def status(self) -> ProjectStatus:
        """What answers now, what is wanted, and why they differ."""
        live = self._in_force
        return ProjectStatus(
            project=self.project,
            state=self._state,
            bundle=live.digest if live else None,
            code_commit=live.code_commit if live else None,
            released=live.by if live else None,
            wanted=self._wanted.bundle,
            problem=self._problem,
        )

    def want(self, wanted: Wanted) -> None:
        """Note what the branch says; the place goes there by itself."""
        if wanted != self._wanted or self._removed or self._state == "starting":
            self._wanted, self._removed = wanted, None
            self._woken.set()

    def remove(self, why: str) -> None:
        """Note that the branch has the project no more."""
        if self._removed != why:
            self._wanted, self._removed = Wanted(self.project, None), why
            self._woken.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request with what is in force."""
        live = self._in_force
        if live is None and self._state in ("removed", "not released"):
            refusal = Refusal(self._problem or self._state, status=HTTPStatus.NOT_FOUND)
            await send_answer(send, refused(refusal))
        elif live is not None and live.service is not None:
            await live.service(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def stop(self) -> None:
        """End the task and the project's own process, after what it is answering."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        if self._in_force is not None and self._in_force.service is not None:
            await self._in_force.service.stop()
        await asyncio.gather(*self._leaving, return_exceptions=True)

    async def _converge(self) -> None:
        failures = 0
        while True:
            delay = RETRY_S[min(failures, len(RETRY_S)) - 1] if failures else None
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), delay)
                failures = 0
            self._woken.clear()
            try:
                if await self._go_unless_woken():
                    failures = 0
            except MaruError as error:
                failures += 1
                self._now("broken", str(error))
            except Exception as error:
                _log.exception("%s: the wanted release could not be loaded", self.project)
                failures += 1
                self._now("broken", f"{type(error).__name__}: {error}; the log has more")

    async def _go_unless_woken(self) -> bool:
        """Go to what is wanted; give up, and return False, when something else is wanted."""
        work = asyncio.create_task(self._go())
        woken = asyncio.create_task(self._woken.wait())
        try:
            await asyncio.wait({work, woken}, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                await work
                return True
            return False
        finally:
            woken.cancel()
            work.cancel()
            await asyncio.gather(work, woken, return_exceptions=True)

    async def _go(self) -> None:
        """Make what is wanted the one in force; return without an error only if it is."""
        wanted = self._wanted
        if self._removed:
            self._switch(None, None)
            self._now("removed", self._removed)
            return
        if wanted.bundle is None and wanted.problem is None:
            self._switch(None, None)
            words = f"{self.project} has no release: run maru release {self.project}"
            self._now("not released", words)
            return
        live = self._in_force
        if wanted.bundle is not None and (live is None or wanted.bundle != live.digest):
            await self._load(wanted.bundle, wanted.by)
        elif wanted.bundle is not None and live is not None:
            self._in_force = replace(live, by=wanted.by)
        self._now("broken" if wanted.problem else "live", wanted.problem)

    async def _load(self, digest: str, by: Release | None) -> None:
        loop = asyncio.get_running_loop()
        sources = self._sources
        bundle = await loop.run_in_executor(
            sources.executor, sources.open_bundle, digest, self.project
        )
        commit = bundle.manifest.source.commit or ""
        if has_own_service(bundle):
            service = await sources.launch(bundle)
            self._switch(_InForce(digest, commit, by, service), None)
            return
        release = await loop.run_in_executor(sources.executor, load_bundle, bundle)
        self._switch(_InForce(digest, release.commit, by), release)

    def _switch(self, to: _InForce | None, release: LoadedRelease | None) -> None:
        """Answer with ``to`` from the next request on; what was in force finishes and ends."""
        before, self._in_force = self._in_force, to
        if release is not None:
            self.app.put_in_force(release)
        else:
            self.app.withdraw("its own service answers" if to else "it has no release")
        if before is not None and before.service is not None:
            leaving = asyncio.create_task(before.service.stop())
            self._leaving.add(leaving)
            leaving.add_done_callback(self._leaving.discard)

    def _now(self, state: str, problem: str | None) -> None:
        self._state, self._problem = state, problem
        if self._in_force is None and problem:
            self.app.words = problem
        words = self.status.words()
        if words != self._said:
            self._said = words
            self._sources.say(words)
        self._sources.changed()
