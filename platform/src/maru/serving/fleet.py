"""All projects of a branch behind one ASGI application: ``maru up``.

``/`` lists what is live and why something isn't; ``/<project>/...`` is the project's own service.
The branch is asked every ``POLL_S`` whether it moved; each project then goes to what its
release.yaml says by itself (``Place``), so that a slow one holds up no other.
"""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any

from maru.errors import MaruError
from maru.serving.asgi import (
    HTML,
    TEXT,
    Answer,
    Receive,
    Scope,
    Send,
    header,
    json_answer,
    path_below,
    refused,
    send_answer,
    url_of,
)
from maru.serving.metrics import CONTENT_TYPE, Metrics
from maru.serving.place import Place
from maru.serving.refusal import Refusal
from maru.serving.status_page import fleet_page
from maru.serving.wanted import Branch, BranchState

_log = logging.getLogger(__name__)

POLL_S = 0.2


class Fleet:
    """Follows a branch and answers for its projects.

    Parameters
    ----------
    new_place
        Makes the place of a project; called in the event loop.
    publish
        Is given the whole state as JSON whenever it changes, in a thread of its own: a slow disk
        must not hold up a request.
    say
        Is given words for people when the branch can't be followed.
    """

    def __init__(
        self,
        branch: Branch,
        metrics: Metrics,
        new_place: Callable[[str, Callable[[], None]], Place],
        publish: Callable[[dict[str, Any]], None],
        say: Callable[[str], None],
    ) -> None:
        self._branch = branch
        self._metrics = metrics
        self._new_place = new_place
        self._publish = publish
        self._say = say
        self._publisher = ThreadPoolExecutor(max_workers=1, thread_name_prefix="publish")
        self._places: dict[str, Place] = {}
        self._at = BranchState("", None, {})
        self._problem: str | None = None
        self._task: asyncio.Task[None] | None = None

    def document(self) -> dict[str, Any]:
        """Return the state as JSON: the branch, its commit, and every project."""
        return {
            "schema": 1,
            "branch": self._at.branch,
            "commit": self._at.commit,
            "problem": self._problem,
            "projects": [place.status.document() for _, place in sorted(self._places.items())],
        }

    async def start(self) -> None:
        """Read the branch once, and follow it from then on."""
        await self._read()
        self._task = asyncio.create_task(self._follow())

    async def stop(self) -> None:
        """Follow no more, and end the processes of projects with their own service."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await asyncio.gather(*(place.stop() for place in self._places.values()))
        await asyncio.to_thread(self._publisher.shutdown)

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(POLL_S)
            try:
                if await asyncio.to_thread(self._branch.moved):
                    await self._read()
            except Exception:
                _log.exception("following the branch failed; trying again")

    async def _read(self) -> None:
        try:
            state = await asyncio.to_thread(self._branch.state)
        except MaruError as error:
            # What was served goes on: a repository that can't be read says nothing new.
            self._follow_in_vain(str(error))
            return
        if state.commit is None and self._at.commit is not None:
            self._follow_in_vain(f"branch {state.branch} is gone; what it last said is served")
            return
        self._at, self._problem = state, None
        for project, wanted in state.projects.items():
            if project not in self._places:
                self._places[project] = self._new_place(project, self.changed)
            self._places[project].want(wanted)
        for project in self._places.keys() - state.projects.keys():
            where = f"projects/{project} is not on branch {state.branch}"
            self._places[project].remove(f"{where} since commit {(state.commit or '')[:12]}")
        self.changed()

    def _follow_in_vain(self, why: str) -> None:
        if why != self._problem:
            self._say(why)
        self._problem = why
        self.changed()

    def changed(self) -> None:
        """Publish the state, soon."""
        self._publisher.submit(self._write, self.document())

    def _write(self, document: dict[str, Any]) -> None:
        try:
            self._publish(document)
        except OSError:  # what can't be written is not worth a service
            _log.exception("the state could not be written")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a page of our own, or pass the request to its project."""
        if scope["type"] != "http":
            raise RuntimeError(f"maru up speaks HTTP only, got {scope['type']}")
        path = path_below(scope)
        name = path[1:].partition("/")[0]
        place = self._places.get(name)
        if place is None:
            answer = self._own(scope, path)
        elif path == f"/{name}":
            # Without the slash, relative links of the project's page would lead one level up.
            answer = Answer(
                HTTPStatus.PERMANENT_REDIRECT, b"", TEXT, {b"location": f"/{name}/".encode()}
            )
        else:
            root = str(scope.get("root_path", ""))
            await place({**scope, "root_path": f"{root}/{name}"}, receive, send)
            return
        await send_answer(send, answer, head_only=scope["method"] == "HEAD")

    def _own(self, scope: Scope, path: str) -> Answer:
        if scope["method"] not in ("GET", "HEAD"):
            return refused(self._unknown(path))
        if path == "/":
            return self._index(scope)
        if path in ("/healthz", "/livez"):
            return json_answer(self.document())
        if path == "/readyz":
            late = [p.project for p in self._places.values() if p.status.state == "starting"]
            if late:
                words = f"still starting: {', '.join(sorted(late))}"
                return refused(Refusal(words, status=HTTPStatus.SERVICE_UNAVAILABLE))
            return Answer(HTTPStatus.OK, b"ready\n", TEXT)
        if path == "/metrics":
            return Answer(HTTPStatus.OK, self._metrics.text(), CONTENT_TYPE.encode())
        return refused(self._unknown(path))

    def _index(self, scope: Scope) -> Answer:
        if "text/html" not in header(scope, b"accept"):
            return json_answer(self.document())
        facts = {"branch": self._at.branch, "commit": (self._at.commit or "none")[:12]}
        if self._problem:
            facts["problem"] = self._problem
        places = [place for _, place in sorted(self._places.items())]
        releases = {place.project: place.app.release for place in places}
        page = fleet_page([p.status for p in places], releases, facts, url_of(scope))
        return Answer(HTTPStatus.OK, page, HTML)

    def _unknown(self, path: str) -> Refusal:
        known = ", ".join(f"/{name}/" for name in sorted(self._places)) or "none yet"
        return Refusal(
            f"there is no {path[:200]} here; the projects are: {known}",
            status=HTTPStatus.NOT_FOUND,
        )
