"""The scoring application of one project: what answers requests, as an ASGI callable.

It stands in front of the project's BentoML application and answers the routes that must be fast or
must be true to the bundle; every other path is passed on. The release is read once a request, so a
switch is one assignment, and requests under way finish on the release that they began with.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from typing import Any

import orjson
from numpy.typing import NDArray

from maru.serving import arrow_body
from maru.serving.asgi import (
    HTML,
    TEXT,
    Answer,
    App,
    Disconnected,
    Message,
    Receive,
    Scope,
    Send,
    header,
    json_answer,
    media_type,
    path_below,
    prefix_of,
    read_body,
    refused,
    send_answer,
    url_of,
)
from maru.serving.batch_scores import BatchScores
from maru.serving.loaded import LoadedRelease
from maru.serving.metrics import CONTENT_TYPE, Metrics
from maru.serving.openapi import openapi
from maru.serving.prediction_log import Answered, PredictionLog
from maru.serving.refusal import Refusal
from maru.serving.request import Rows
from maru.serving.scoring import (
    IN_FORCE,
    JSON,
    Finish,
    read,
    row_documents,
    score,
    score_asked,
    score_rows,
)
from maru.serving.status_page import project_page
from maru.serving.together import Together
from maru.serving.wanted import ProjectStatus

_log = logging.getLogger(__name__)

LIMITS_BYTES = {JSON: 32 * 2**20, arrow_body.MEDIA_TYPE: 128 * 2**20}
# A larger body is read and answered in a thread, so that single rows don't wait behind it.
INLINE_BYTES = 128 * 2**10

Work = Callable[[Scope, Receive], Awaitable[Answer]]


class ScoringApp:
    """Answers one project.

    Attributes
    ----------
    words
        Why there is no release, for people.
    """

    def __init__(
        self,
        project: str,
        metrics: Metrics,
        *,
        log: PredictionLog | None = None,
        batch_scores: BatchScores | None = None,
        beyond: App | None = None,
        beyond_routes: Collection[str] = (),
        status: Callable[[], ProjectStatus] | None = None,
    ) -> None:
        self.project = project
        self._together: Together | None = None
        self.words = "no release is loaded yet"
        self._finish: Finish | None = None
        self._metrics = metrics
        self._log = log
        self._batch_scores = batch_scores
        self._beyond = beyond
        self._status = status or self._own_status
        self._routes: dict[str, tuple[str, Work]] = {
            "/": ("GET", self._page),
            "/score": ("POST", self._score),
            "/openapi.json": ("GET", self._openapi),
        }
        for route in beyond_routes:
            self._routes.pop(route, None)
        self._routes |= {
            "/healthz": ("GET", self._health),
            "/livez": ("GET", self._alive),
            "/readyz": ("GET", self._ready),
            "/metrics": ("GET", self._read_metrics),
        }

    @property
    def release(self) -> LoadedRelease | None:
        """What answers; None where there is none."""
        return self._together.release if self._together else None

    def put_in_force(self, release: LoadedRelease, finish: Finish | None = None) -> None:
        """Answer with ``release`` from the next request on."""
        self._together, self._finish = Together(release, self._record), finish
        self._metrics.in_force(self.project, release.digest, release.commit)

    def withdraw(self, words: str) -> None:
        """Answer no more, and say why."""
        self._together, self._finish, self.words = None, None, words
        self._metrics.in_force(self.project, None)

    def score_rows(
        self, release: LoadedRelease | None, rows: list[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        """Check, score and log the rows of a batch that didn't come by our own route.

        Parameters
        ----------
        release
            What was in force when the request began.

        Raises
        ------
        Refusal
            503 where there is no release; else as ``scoring.score``.
        """
        if release is None:
            raise self._unavailable()
        asked, answers = score_rows(release, rows)
        self._record(release, asked, answers)
        return row_documents(asked.entities, answers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request, or pass it on."""
        if scope["type"] != "http":
            raise RuntimeError(f"{self.project} speaks HTTP only, got {scope['type']}")
        start = time.perf_counter()
        path = path_below(scope)
        route, method, work = self._find(path)
        try:
            if "pickle" in media_type(scope):
                raise Refusal(
                    "a pickle is never read; send JSON or an Arrow stream",
                    status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                )
            if work is None and self._beyond is not None:
                release = self.release
                IN_FORCE.set(partial(self.score_rows, release))
                await self._beyond(scope, receive, _with_headers(send, release))
                return
            answer = await self._work(scope, receive, path, method, work)
        except Disconnected:
            return
        except Refusal as refusal:
            answer = refused(refusal)
        except Exception:
            _log.exception("%s: a request failed", self.project)
            failure = Refusal("the service failed on this request; its log says why")
            answer = json_answer(failure.document(), HTTPStatus.INTERNAL_SERVER_ERROR)
        await send_answer(send, answer, head_only=scope["method"] == "HEAD")
        self._metrics.answered(self.project, route, answer.status, time.perf_counter() - start)

    def _find(self, path: str) -> tuple[str, str, Work | None]:
        found = self._routes.get(path)
        if found is not None:
            return path, *found
        if path.startswith("/score/") and len(path) > len("/score/"):
            return "/score/{entity}", "GET", self._read_batch_score
        return "other", "GET", None

    async def _work(
        self, scope: Scope, receive: Receive, path: str, method: str, work: Work | None
    ) -> Answer:
        if work is None:
            raise Refusal(f"there is no {path[:200]} here", status=HTTPStatus.NOT_FOUND)
        asked = scope["method"]
        if asked != method and not (asked == "HEAD" and method == "GET"):
            raise Refusal(f"{path[:200]} takes {method}", status=HTTPStatus.METHOD_NOT_ALLOWED)
        return await work(scope, receive)

    async def _score(self, scope: Scope, receive: Receive) -> Answer:
        content_type = media_type(scope) or JSON
        if content_type not in LIMITS_BYTES or header(scope, b"content-encoding"):
            raise Refusal(
                f"send {' or '.join(LIMITS_BYTES)} without content encoding, got {content_type}"
                + (f" in {encoding}" if (encoding := header(scope, b"content-encoding")) else ""),
                status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            )
        # Before the body: a switch while it is still coming is for the next request.
        together, finish = self._together, self._finish
        body = await read_body(scope, receive, LIMITS_BYTES[content_type])
        if together is None:
            raise self._unavailable()
        release = together.release
        if len(body) > INLINE_BYTES or finish is not None:
            scored = await asyncio.to_thread(score, release, content_type, body, finish)
        else:
            rows = read(release, content_type, body)
            if not rows.batch:
                document = await together.answer(rows)
                return Answer(
                    HTTPStatus.OK, orjson.dumps(document), headers=release_headers(release)
                )
            scored = score_asked(release, content_type, rows)
        self._record(release, scored.rows, scored.answers)
        return Answer(
            HTTPStatus.OK, scored.body, scored.content_type.encode(), release_headers(release)
        )

    def _record(
        self, release: LoadedRelease, rows: Rows, answers: Mapping[str, NDArray[Any]]
    ) -> None:
        self._metrics.scored(self.project, len(rows.entities))
        if self._log is not None:
            self._log.add(
                Answered(
                    at=datetime.now(UTC),
                    bundle=release.digest,
                    commit=release.commit,
                    entities=rows.entities,
                    columns=release.schema.required,
                    features=rows.matrix[:, release.schema.places],
                    answers=answers,
                )
            )

    async def _read_batch_score(self, scope: Scope, receive: Receive) -> Answer:
        entity = path_below(scope).removeprefix("/score/")  # decoded by the server
        if self._batch_scores is None:
            raise Refusal("batch scores are not served here", status=HTTPStatus.NOT_FOUND)
        found = await asyncio.to_thread(self._batch_scores.find, entity)
        headers = {b"maru-bundle": found.bundle.encode(), b"maru-commit": found.commit.encode()}
        return Answer(HTTPStatus.OK, json_answer(found.document).body, headers=headers)

    async def _page(self, scope: Scope, receive: Receive) -> Answer:
        status = self._status()
        if "text/html" in header(scope, b"accept"):
            return Answer(HTTPStatus.OK, project_page(status, self.release, url_of(scope)), HTML)
        return json_answer(status.document())

    async def _health(self, scope: Scope, receive: Receive) -> Answer:
        """Say what is in force, what is wanted and why they differ; 503 where nothing answers."""
        golden = self.release.golden if self.release else None
        healthy = HTTPStatus.OK if self.release else HTTPStatus.SERVICE_UNAVAILABLE
        return json_answer({**self._status().document(), "golden": golden}, healthy)

    async def _alive(self, scope: Scope, receive: Receive) -> Answer:
        return Answer(HTTPStatus.OK, b"alive\n", TEXT)

    async def _ready(self, scope: Scope, receive: Receive) -> Answer:
        """Ready means: the named bundle is verified and has answered its golden rows."""
        if self.release is None:
            raise self._unavailable()
        return Answer(HTTPStatus.OK, b"ready\n", TEXT, release_headers(self.release))

    async def _read_metrics(self, scope: Scope, receive: Receive) -> Answer:
        return Answer(HTTPStatus.OK, self._metrics.text(), CONTENT_TYPE.encode())

    async def _openapi(self, scope: Scope, receive: Receive) -> Answer:
        if self.release is None:
            raise self._unavailable()
        return json_answer(openapi(self.release, prefix_of(scope)))

    def _unavailable(self) -> Refusal:
        words = f"{self.project} answers nothing now: {self.words}"
        return Refusal(words, status=HTTPStatus.SERVICE_UNAVAILABLE)

    def _own_status(self) -> ProjectStatus:
        release = self.release
        if release is None:
            return ProjectStatus(self.project, "broken", problem=self.words)
        return ProjectStatus(self.project, "live", release.digest, release.commit)


def release_headers(release: LoadedRelease) -> dict[bytes, bytes]:
    """Return the headers that say which release answered."""
    return {b"maru-bundle": release.digest.encode(), b"maru-commit": release.commit.encode()}


def _with_headers(send: Send, release: LoadedRelease | None) -> Send:
    """Return ``send`` with the release's headers on what those behind answer."""
    if release is None:
        return send
    added = list(release_headers(release).items())

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), *added]
        await send(message)

    return send_with_headers
